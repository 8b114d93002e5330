/** Entry `nestkan/data`: tables, fitting them, model files; comparisons, and the bases compared. Runs in browsers too. */
export { checkTrainable, type Dataset, dataset, takeRows } from './data/dataset.ts';
export { FittedModel, type Units } from './data/fitted-model.ts';
export { type Metrics, metricsOf } from './data/metrics.ts';
export { decodeModel, encodeModel } from './data/model-file.ts';
export { decodeSafetensors, encodeSafetensors } from './data/safetensors.ts';
export {
  fitInputScaling,
  fitTargetScaling,
  type InputScaling,
  scaleInputs,
  scaleTargets,
  type TargetScaling,
  unscaleInputs,
  unscaleTargets,
} from './data/scaling.ts';
export { type SelectionOptions, selectColumns } from './data/selection.ts';
export { splitRows } from './data/split.ts';
export { createTable, type Table, tableFromColumns } from './data/table.ts';
export { changeOfBasisMatrix, prolongationMatrix } from './matrices.ts';
export { kanToMultichannelMlp, MultichannelMlp, multichannelMlpToKan } from './models/multichannel-mlp.ts';
export {
  type ComparisonOptions,
  compareMethods,
  comparisonWorkload,
  METHODS,
  type MethodName,
  type MethodResult,
  type Samples,
  type TrainedMethod,
} from './multilevel/compare.ts';
export { type Basis, type Coordinates, inCoordinates } from './multilevel/coordinates.ts';
export { fastestBackend, type Measure, secondsPerEvaluation, type Workload } from './multilevel/fastest.ts';
export {
  type Candidate,
  type FitOptions,
  type FitProgress,
  type FitResult,
  fit,
  fitDefaults,
  fitWorkload,
} from './multilevel/fit.ts';
export { type RestartOptions, type RestartResult, trainRestarts } from './multilevel/restarts.ts';
export {
  type Sweep,
  type SweepMember,
  type SweepOptions,
  type SweepProgress,
  type SweepResult,
  sweep,
} from './multilevel/sweep.ts';
export { type RegressionTarget, regressionTargets, type SampledTarget, sampleTarget } from './multilevel/targets.ts';
export { bsplineBasis } from './splines/basis.ts';
export { powerReluLayer } from './tape/ops/power-relu-layer.ts';
