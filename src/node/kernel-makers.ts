/** How a worker makes kernels that are generated, by {@link Recipe.maker}. */
import type { Kernel, Recipe } from '../kernels/kernel.ts';
import { type LossHead, networkGradient } from '../kernels/network-gradient.ts';
import type { NetworkLayer, NetworkPoints } from '../kernels/network-plan.ts';
import { squaredErrorHead } from '../kernels/squared-error-head.ts';
import { residualHeadOf } from '../physics/residual-head.ts';
import { residualBackward, residualForward } from '../physics/residual-kernel.ts';

const headMakers: Readonly<Record<string, (options: never) => LossHead>> = { squaredErrorHead, residualHeadOf };

interface NetworkRecipe {
  readonly layers: readonly NetworkLayer[];
  readonly points: NetworkPoints;
  readonly head: Recipe;
}

export const kernelMakers: Readonly<Record<string, (options: never) => Kernel>> = {
  residualForward,
  residualBackward,
  networkGradient: ({ layers, points, head }: NetworkRecipe) =>
    networkGradient(layers, points, headMakers[head.maker](head.options as never)).kernel,
};
