/** The public API; nothing here or below it imports Node. */
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
export { CpuBackend } from './backend/cpu/cpu-backend.ts';
export { dispatch } from './backend/dispatch.ts';
export { type Choice, type OpenedBackend, type OpenOptions, openBackend } from './backend/open.ts';
export { WebGpuBackend } from './backend/webgpu/webgpu-backend.ts';
export { FittedModel, type Units } from './data/fitted-model.ts';
export { type Metrics, metricsOf } from './data/metrics.ts';
export { decodeModel, encodeModel } from './data/model-file.ts';
export { decodeSafetensors, encodeSafetensors } from './data/safetensors.ts';
export * from './data/scaling.ts';
export { checkTrainable, type Dataset, selectColumns, takeRows } from './data/selection.ts';
export { splitRows } from './data/split.ts';
export { createTable, type Table, tableFromColumns } from './data/table.ts';
export { type ErrorCode, type ErrorDetails, NestkanError } from './errors.ts';
export type { Activation } from './kernels/activations.ts';
export { type Binding, defineKernel, type Grid, type HostArray, type Kernel } from './kernels/kernel.ts';
export { kernels } from './kernels/registry.ts';
export { changeOfBasisMatrix, prolongationMatrix } from './matrices.ts';
export { Kan, type KanOptions, type Squashing } from './models/kan.ts';
export type { ActivationLayer, AffineLayer, GridLayer, Layer } from './models/layer.ts';
export { Mlp, type MlpOptions } from './models/mlp.ts';
export { kanToMultichannelMlp, MultichannelMlp, multichannelMlpToKan } from './models/multichannel-mlp.ts';
export { Network, type NetworkKind } from './models/network.ts';
export {
  type ComparisonOptions,
  compareMethods,
  type MethodName,
  type MethodResult,
  type Samples,
} from './multilevel/compare.ts';
export type { Basis, Coordinates } from './multilevel/coordinates.ts';
export { type Candidate, type FitOptions, type FitProgress, type FitResult, fit } from './multilevel/fit.ts';
export type * from './multilevel/history.ts';
export type { Progress, TrainOptions } from './multilevel/options.ts';
export type { Monitor, Problem } from './multilevel/problem.ts';
export { type RegressionOptions, regression } from './multilevel/regression.ts';
export { type Refinable, type TrainResult, trainMultilevel } from './multilevel/train.ts';
export { type AdamOptions, adam } from './optimizers/adam.ts';
export { type LbfgsOptions, lbfgs } from './optimizers/lbfgs.ts';
export type { MiniBatches, Objective, Variables } from './optimizers/objective.ts';
export type { Advance, Optimizer, OptimizerRun } from './optimizers/optimizer.ts';
export type { Schedule } from './optimizers/schedule.ts';
export { type AdamThenLbfgsOptions, adamThenLbfgs } from './optimizers/sequence.ts';
export { createRandom, type Random } from './random.ts';
export { bsplineBasis } from './splines/basis.ts';
export type { SplineGrid } from './splines/grid.ts';
export type { BackwardContext, ForwardContext, Op, Recorder } from './tape/op.ts';
export { activation } from './tape/ops/activation.ts';
export { add } from './tape/ops/add.ts';
export { affine } from './tape/ops/affine.ts';
export { differencePenalty } from './tape/ops/difference-penalty.ts';
export { meanSquaredError } from './tape/ops/mean-squared-error.ts';
export { powerReluLayer } from './tape/ops/power-relu-layer.ts';
export { splineLayer } from './tape/ops/spline-layer.ts';
export { type Parameter, Parameters } from './tape/parameters.ts';
export { Tape } from './tape/tape.ts';
export type { Shape, Tensor } from './tape/tensor.ts';
