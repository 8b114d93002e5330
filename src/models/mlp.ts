import type { Backend } from '../backend/backend.ts';
import { NestkanError } from '../errors.ts';
import { type Activation, activationForward } from '../kernels/activations.ts';
import { createRandom, type Random } from '../random.ts';
import type { Parameters } from '../tape/parameters.ts';
import { type AffineLayer, biasName, type Layer, weightsName } from './layer.ts';
import { checkWidths, Network } from './network.ts';

export interface MlpOptions {
  /** Number of inputs, of each hidden layer, of outputs. */
  readonly widths: readonly number[];
  /** Between hidden layers. Default 'tanh'. */
  readonly activation?: Activation;
  /** Initial values of trainable numbers beside the layers, for inverse problems. Default none. */
  readonly scalars?: readonly number[];
  /** Default 0. */
  readonly seed?: number;
}

/** A dense multilayer perceptron: the baseline. */
export class Mlp extends Network {
  readonly kind = 'mlp';

  /**
   * Weights and biases uniform in ±1/√inputs.
   *
   * @throws NestkanError INVALID_ARGUMENT
   */
  static create(backend: Backend, { widths, activation = 'tanh', scalars = [], seed = 0 }: MlpOptions): Mlp {
    checkWidths(widths);
    if (!Object.hasOwn(activationForward, activation)) {
      throw new NestkanError('INVALID_ARGUMENT', `there is no activation ${activation}`, {
        fix: `Use one of: ${Object.keys(activationForward).join(', ')}.`,
      });
    }
    const layers: Layer[] = [];
    for (let index = 0; index + 1 < widths.length; index++) {
      if (index > 0) layers.push({ type: 'activation', activation });
      layers.push({ type: 'affine', inputs: widths[index], outputs: widths[index + 1], bias: true });
    }
    const random = createRandom(seed);
    const mlp = new Mlp(backend, layers, scalars.length);
    if (scalars.length > 0) mlp.parameters.write({ scalars });
    layers.forEach((layer, index) => {
      if (layer.type === 'affine') initialiseAffine(mlp.parameters, layer, index, random);
    });
    return mlp;
  }

  override async clone(): Promise<Mlp> {
    const copy = new Mlp(this.backend, this.layers, this.scalars);
    copy.parameters.write(await this.parameters.read());
    return copy;
  }
}

/** Writes uniform random weights and biases in ±1/√inputs. */
export function initialiseAffine(
  parameters: Parameters,
  { inputs, outputs, bias }: AffineLayer,
  index: number,
  random: Random,
): void {
  const bound = 1 / Math.sqrt(inputs);
  const draw = (length: number) => Float64Array.from({ length }, () => bound * (2 * random.uniform() - 1));
  parameters.write({ [weightsName(index)]: draw(inputs * outputs) });
  if (bias) parameters.write({ [biasName(index)]: draw(outputs) });
}
