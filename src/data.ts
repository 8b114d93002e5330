/** Entry `nestkan/data`: tables, fitting them, model files, comparisons. Runs in browsers too. */
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
export {
  type ComparisonOptions,
  compareMethods,
  METHODS,
  type MethodName,
  type MethodResult,
  type Samples,
  type TrainedMethod,
} from './multilevel/compare.ts';
export {
  type Candidate,
  type FitOptions,
  type FitProgress,
  type FitResult,
  fit,
  fitDefaults,
} from './multilevel/fit.ts';
export { type RegressionTarget, regressionTargets, type SampledTarget, sampleTarget } from './multilevel/targets.ts';
