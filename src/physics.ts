/** Entry `nestkan/physics`: differential equations, and networks that solve them. Runs in browsers too. */
export { compareSolvers, type SolverComparisonOptions, type SolverResult } from './physics/compare.ts';
export { constant, Expression, type Operand, symbol } from './physics/expression.ts';
export {
  definePde,
  type HardConstraint,
  type Pde,
  type PdeDefinition,
  type Point,
  type ResidualContext,
  type Term,
  type Unknown,
} from './physics/pde.ts';
export { PdeProblem, type PdeProblemOptions } from './physics/pde-problem.ts';
export type { BuiltInProblem } from './physics/problems/built-in.ts';
export { builtInProblems } from './physics/problems.ts';
export {
  type Box,
  face,
  faces,
  grid,
  interior,
  points,
  type Sampler,
  type SamplingContext,
} from './physics/sampling.ts';
export {
  evaluateSolution,
  exactValues,
  type Solution,
  type SolutionErrors,
  type SolveOptions,
  solve,
  solveDefaults,
  solveWorkload,
} from './physics/solve.ts';
