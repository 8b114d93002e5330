/** How a worker makes kernels that are generated, by {@link Recipe.maker}. */
import type { Kernel } from '../kernels/kernel.ts';
import { residualBackward, residualForward } from '../physics/residual-kernel.ts';

type Maker = (options: never) => Kernel;

export const kernelMakers: Readonly<Record<string, Maker>> = { residualForward, residualBackward };
