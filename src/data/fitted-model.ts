import { type Matrix, type NdArray, type Rows, toMatrix, toNdArray } from '../arrays.ts';
import { NestkanError } from '../errors.ts';
import type { Network } from '../models/network.ts';
import { type InputScaling, scaleInputs, type TargetScaling, unscaleTargets } from './scaling.ts';

/** What turns a table's own units into a network's coordinates and back. */
export interface Units {
  /** Names of the input columns, in the network's order. */
  readonly inputs: readonly string[];
  readonly targets: readonly string[];
  readonly inputScaling: InputScaling;
  readonly targetScaling: TargetScaling;
}

/** A network together with the units of the data it was fitted to; predicts in those units. */
export class FittedModel {
  readonly network: Network;
  readonly units: Units;

  constructor(network: Network, units: Units) {
    this.network = network;
    this.units = units;
  }

  /**
   * @param x rows of inputs in the data's own units, columns in the order of `units.inputs`
   * @returns ndarray [rows, targets] in the targets' units
   * @throws NestkanError KAN_INPUT_WIDTH, DATA_EMPTY, SHAPE_MISMATCH or NON_FINITE_INPUT
   */
  async predict(x: Rows): Promise<NdArray> {
    return toNdArray(await this.evaluate(toMatrix(x, 'inputs')));
  }

  /** {@link predict} on a matrix. */
  async evaluate(x: Matrix): Promise<Matrix> {
    const { inputs, inputScaling, targetScaling } = this.units;
    if (x.columns !== inputs.length) {
      throw new NestkanError(
        'KAN_INPUT_WIDTH',
        `data has ${x.columns} input columns, the model takes ${inputs.length}`,
        {
          fix: `Pass columns for: ${inputs.join(', ')}.`,
        },
      );
    }
    const scaled = await this.network.evaluate({ ...x, data: scaleInputs(inputScaling, x.data) });
    return { ...scaled, data: unscaleTargets(targetScaling, scaled.data) };
  }

  dispose(): void {
    this.network.dispose();
  }
}
