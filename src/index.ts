/** Entry `nestkan`: models, training, ops, devices. Nothing here or below it imports Node. */
export type { Matrix, NdArray, Rows } from './arrays.ts';
export type {
  Backend,
  Counters,
  DeviceBuffer,
  Dispatch,
  ElementType,
  KernelTiming,
  Recording,
} from './backend/backend.ts';
export { CpuBackend, type Threads } from './backend/cpu/cpu-backend.ts';
export { dispatch } from './backend/dispatch.ts';
export { type Choice, type OpenedBackend, type OpenOptions, openBackend } from './backend/open.ts';
export { WebGpuBackend } from './backend/webgpu/webgpu-backend.ts';
export { type ErrorCode, type ErrorDetails, isNestkanError, NestkanError } from './errors.ts';
export type { Activation } from './kernels/activations.ts';
export { type Binding, defineKernel, type Grid, type HostArray, type Kernel, type Recipe } from './kernels/kernel.ts';
export { Kan, type KanOptions, type Squashing } from './models/kan.ts';
export type { ActivationLayer, AffineLayer, GridLayer, Layer } from './models/layer.ts';
export { Mlp, type MlpOptions } from './models/mlp.ts';
export { Network, type NetworkKind } from './models/network.ts';
export type * from './multilevel/history.ts';
export type { Progress, TrainOptions } from './multilevel/options.ts';
export type { Monitor, Problem } from './multilevel/problem.ts';
export { type RegressionOptions, regression } from './multilevel/regression.ts';
export { type Refinable, type TrainResult, trainMultilevel } from './multilevel/train.ts';
export { adam } from './optimizers/adam.ts';
export type { AdamOptions } from './optimizers/adam-run.ts';
export { type AutomaticOptions, automatic } from './optimizers/automatic.ts';
export { lbfgs } from './optimizers/lbfgs.ts';
export type { LbfgsOptions } from './optimizers/lbfgs-run.ts';
export { type LevenbergMarquardtOptions, levenbergMarquardt } from './optimizers/levenberg-marquardt.ts';
export type { ConjugateGradientOptions } from './optimizers/matrix-free.ts';
export type {
  BlockTarget,
  LeastSquares,
  MiniBatches,
  Objective,
  ResidualBlock,
  Variables,
} from './optimizers/objective.ts';
export type { Advance, Optimizer, OptimizerRun } from './optimizers/optimizer.ts';
export type { Schedule } from './optimizers/schedule.ts';
export { type AdamThenLbfgsOptions, adamThenLbfgs } from './optimizers/sequence.ts';
export { createRandom, type Random } from './random.ts';
export type { SplineGrid } from './splines/grid.ts';
export type {
  BackwardContext,
  EdgeLayout,
  ForwardContext,
  JacobianContext,
  Op,
  ParameterRows,
  Recorder,
  RowTarget,
} from './tape/op.ts';
export { activation } from './tape/ops/activation.ts';
export { add } from './tape/ops/add.ts';
export { affine } from './tape/ops/affine.ts';
export { differencePenalty } from './tape/ops/difference-penalty.ts';
export { meanSquaredError } from './tape/ops/mean-squared-error.ts';
export { splineLayer } from './tape/ops/spline-layer.ts';
export { type Parameter, Parameters } from './tape/parameters.ts';
export { type Jacobian, type PlacedEdges, type PlacedTensor, Tape } from './tape/tape.ts';
export type { Shape, Tensor } from './tape/tensor.ts';
