/** What is compared in bench/beyond.ts, and with which one-pass cascade. */
import { adam, adamThenLbfgs, lbfgs, levenbergMarquardt, type Optimizer } from '../src/node.ts';
import { bySubspace, type CycleOptions, cycles, inStages, levelByLevel } from './beyond-cycles.ts';
import { generatingSystem, inVariables, type LevelScaling } from './beyond-maps.ts';
import { type Damping, marquardt } from './beyond-marquardt.ts';
import { DenseInverse, type DenseUpdate, LimitedMemory, quasiNewton } from './beyond-optimizers.ts';
import { quick } from './shared.ts';

export const LEVELS = quick ? 2 : 4;
/** Intervals of the coarsest level. */
export const COARSEST = 4;
/** Evaluations on every level, or the same work on the finest one. */
const FIRST_ORDER = quick ? 12 : 150;
const SECOND_ORDER = quick ? 8 : 60;

export interface Variant {
  readonly name: string;
  /** The variant that it is measured by, if it is not one of those itself. */
  readonly baseline?: string;
  readonly intervals: number;
  readonly stepsPerLevel: readonly number[];
  /** Charged less than it costs, or given more: no answer to the question of equal work. */
  readonly unequal?: boolean;
  /** For networks of that degree; for one run. */
  optimizer(degree: number): Optimizer;
}

export type TaskName = 'exp-sine' | 'sine-rings' | 'poisson' | 'wide';

export interface Experiment {
  readonly title: string;
  readonly about: string;
  readonly tasks: readonly TaskName[];
  readonly variants: readonly Variant[];
  /** Of problems that have more than the others. */
  readonly seeds?: Partial<Readonly<Record<TaskName, number>>>;
}

const SMALL: readonly TaskName[] = ['exp-sine', 'sine-rings', 'poisson'];

const lm = () => levenbergMarquardt({ gainTolerance: 0 });

function onePass(name: string, optimizer: Variant['optimizer'], evaluations = FIRST_ORDER): Variant {
  return { name, optimizer, intervals: COARSEST, stepsPerLevel: new Array<number>(LEVELS).fill(evaluations) };
}

function onFinest(name: string, optimizer: Variant['optimizer']): Variant {
  const finest = 2 ** (LEVELS - 1);
  const evaluations = Math.round((FIRST_ORDER * (2 ** LEVELS - 1)) / finest);
  return { name, optimizer, intervals: COARSEST * finest, stepsPerLevel: [evaluations] };
}

/** Variants measured by the first, which stands in front of them. */
function measuredBy(baseline: Variant, variants: readonly Variant[]): Variant[] {
  return [baseline, ...variants.map((variant) => ({ ...variant, baseline: baseline.name }))];
}

function cycling(name: string, evaluations: number, options: Omit<CycleOptions, 'degree' | 'coarsest'>): Variant[] {
  return (['fine', 'coarse'] as const).map((charge) => {
    const label = charge === 'fine' ? name : `${name}, if coarse evaluations were cheap`;
    const optimizer = (degree: number) => cycles({ ...options, charge, degree, coarsest: COARSEST });
    return { ...onePass(label, optimizer, evaluations), unequal: charge === 'coarse' };
  });
}

function cyclesOf(name: string, optimizer: CycleOptions['optimizer'], evaluations: number): Variant[] {
  const options = { optimizer, charge: 'fine' } as const;
  return [
    ...cycling(`${name}, two-grid cycles`, evaluations, { ...options, rounds: 2, depth: 1 }),
    ...cycling(`${name}, a V-cycle`, evaluations, { ...options, rounds: 1, depth: LEVELS - 1 }),
  ];
}

function restarted(): Optimizer {
  const third = { optimizer: lbfgs(), evaluations: Math.round(FIRST_ORDER / 3), cost: 1 };
  return inStages(() => [third, third, third]);
}

const galerkin: Experiment = {
  title: 'Cycles through coarser spaces',
  about: `After a part of a level's budget the optimizer starts afresh in the space of a coarser grid, θ = θ₀ + P δ
with the prolongation P of every edge: two-grid cycles go to the next coarser grid and back twice, a V-cycle once down
to the coarsest grid and up again. L-BFGS sees the gradient Pᵀg, Levenberg–Marquardt the Galerkin matrix PᵀHP. A third
of a level's budget is spent in coarser spaces. Such an evaluation is one of the fine network, since θ₀ is no coarse
function, and is charged the fine grid's work. The rows "if coarse evaluations were cheap" charge it the coarse grid's
work instead, which nothing here achieves: they buy more evaluations for the same nominal work. Restarts alone show
what starting L-BFGS afresh costs.`,
  tasks: SMALL,
  variants: [
    ...measuredBy(
      onePass('L-BFGS', () => lbfgs()),
      [
        ...cyclesOf('L-BFGS', bySubspace(lbfgs()), FIRST_ORDER),
        onePass('L-BFGS, two restarts on every level', restarted),
      ],
    ),
    ...measuredBy(
      onePass('Levenberg–Marquardt', lm, SECOND_ORDER),
      cyclesOf('Levenberg–Marquardt', (map) => marquardt({ map }), SECOND_ORDER),
    ),
  ],
};

function scaledLevels(name: string, optimizer: () => Optimizer): Variant[] {
  const moving = (scaling: LevelScaling) => (degree: number) =>
    inVariables(optimizer(), (objective) => generatingSystem(objective, { degree, coarsest: COARSEST }, scaling));
  return measuredBy(onePass(name, optimizer), [
    onePass(`${name}, levels alike`, moving('equal')),
    onePass(`${name}, levels by energy`, moving('energy')),
    onFinest(`${name}, single level`, optimizer),
    onFinest(`${name}, single level, levels alike`, moving('equal')),
    onFinest(`${name}, single level, levels by energy`, moving('energy')),
  ]);
}

const preconditioned: Experiment = {
  title: 'Multilevel preconditioning of the gradient',
  about: `The optimizer moves v in θ = θ₀ + B v, B = (I, P₁D₁^½, P₂D₂^½ …) over all coarser grids down to ${COARSEST}
intervals. For L-BFGS this is the initial inverse Hessian γ B Bᵀ, the preconditioner of Bramble, Pasciak and Xu; Adam
scales every entry of v on its own. "Levels alike" has D = 1. "By energy" has, for every layer and level, the mean of
diag H on the finest grid over that of diag PᵀHP, H = JᵀWJ where the level starts (that assembly is not charged). On
the coarsest level of a cascade B = I. A single level has the finest grid from the start, and the same work as the
cascade.`,
  tasks: SMALL,
  variants: [...scaledLevels('Adam', () => adam()), ...scaledLevels('L-BFGS', () => lbfgs())],
};

const dense = (update: DenseUpdate) =>
  onePass(`${update}, full memory`, () => quasiNewton(update, () => new DenseInverse(update)));

const limited = (name: string, options: ConstructorParameters<typeof LimitedMemory>[0]) =>
  onePass(name, () => quasiNewton(name, () => new LimitedMemory(options)));

const selfScaled: Experiment = {
  title: 'Self-scaled quasi-Newton methods',
  about: `Full memory: the inverse Hessian as a matrix on the host, H₀ = sᵀy/yᵀy of the first pair. Self-scaled updates
divide H by τ = min(1, sᵀy/sᵀBs) before the update (Al-Baali; Nocedal and Yuan); self-scaled Broyden chooses τ and the
member φ of Broyden's family as Al-Baali does. L-BFGS keeps 50 pairs. The library's scales H₀ = γ in every iteration
by γ = sᵀy/yᵀy of the newest pair; the variants have that of the first pair throughout, the longer γ = sᵀs/sᵀy of Oren
and Luenberger's interval, and τ within the recursion for every kept pair, Oren and Luenberger's sᵀy/sᵀBs or
Al-Baali's, at most 1. All have the library's line search. On [2,14,1] the finest network has 1470 parameters, and
time per evaluation tells what the matrix costs.`,
  tasks: [...SMALL, 'wide'],
  // With fewer, what helps here cannot be told from luck.
  seeds: { 'exp-sine': 6, 'sine-rings': 6 },
  variants: measuredBy(
    onePass('L-BFGS', () => lbfgs()),
    [
      onePass('Adam, then L-BFGS', () => adamThenLbfgs()),
      dense('BFGS'),
      dense('self-scaled BFGS'),
      dense('self-scaled Broyden'),
      limited('L-BFGS, γ of the first pair', { initial: 'first' }),
      limited('L-BFGS, the longer γ', { initial: 'long' }),
      limited('L-BFGS, self-scaled by Oren and Luenberger', { initial: 'newest', selfScaled: 'Oren–Luenberger' }),
      limited('L-BFGS, self-scaled by Al-Baali', { initial: 'newest', selfScaled: 'Al-Baali' }),
    ],
  ),
};

const damped = (damping: Damping) => onePass(`damped by ${damping}`, () => marquardt({ damping }), SECOND_ORDER);

const startingFrom = (value: string, damping: number) =>
  onePass(`λ from ${value}`, () => levenbergMarquardt({ damping, gainTolerance: 0 }), SECOND_ORDER);

const damping: Experiment = {
  title: 'Damping of Levenberg–Marquardt',
  about: `Steps solve (H + λ D) δ = −g. The library has D = 1. Marquardt's D is diag H; MINPACK's, the largest value
that every entry of it has had on the level; the third choice gives every layer one scale, the mean of diag H over it.
λ starts at 10⁻³ times the largest diagonal entry of D^-½ H D^-½ and follows the same rule everywhere. The last rows have
D = 1 and other first values of λ: smaller, larger, or what the level before ended with.`,
  tasks: SMALL,
  variants: measuredBy(onePass('Levenberg–Marquardt', lm, SECOND_ORDER), [
    damped('diagonal'),
    damped('largest diagonal'),
    damped('layer mean'),
    startingFrom('10⁻⁵', 1e-5),
    startingFrom('10⁻¹', 1e-1),
    onePass('λ carried over a refinement', () => marquardt({ carried: true }), SECOND_ORDER),
  ]),
};

function coarseWith(name: string, coarse: () => Optimizer, finest: () => Optimizer): Variant {
  const optimizer = () => levelByLevel(...Array.from({ length: LEVELS - 1 }, coarse), finest());
  return onePass(name, optimizer, SECOND_ORDER);
}

/** As long coarse levels as optimizers of first order have elsewhere. */
function longer(variant: Variant): Variant {
  const stepsPerLevel = variant.stepsPerLevel.map((steps, level) => (level < LEVELS - 1 ? FIRST_ORDER : steps));
  return { ...variant, stepsPerLevel, unequal: true };
}

function halfAndHalf(): Optimizer {
  return inStages((_, budget) => [
    { optimizer: adamThenLbfgs(), evaluations: Math.round(budget / 2), cost: 1 },
    { optimizer: lm(), evaluations: budget, cost: 1 },
  ]);
}

/** So many evaluations of Adam on the coarsest level before Levenberg–Marquardt begins. */
const ADAM_FIRST = quick ? 10 : 100;

function adamFirst(): Variant {
  const coarsest = inStages((_, budget) => [
    { optimizer: adam(), evaluations: ADAM_FIRST, cost: 1 },
    { optimizer: lm(), evaluations: budget, cost: 1 },
  ]);
  const variant = onePass(
    `Adam for ${ADAM_FIRST} evaluations on the coarsest level, then Levenberg–Marquardt there and on every other`,
    () => levelByLevel(coarsest, lm()),
    SECOND_ORDER,
  );
  const stepsPerLevel = variant.stepsPerLevel.map((steps, level) => (level === 0 ? steps + ADAM_FIRST : steps));
  return { ...variant, stepsPerLevel, unequal: true };
}

const placement: Experiment = {
  title: 'Where to use Levenberg–Marquardt',
  about: `On every level, on the last one alone after coarse levels of something cheaper, or in the second half of the
last level, after a cascade of Adam and L-BFGS. All have the same number of evaluations on every level, but for the row
with ${FIRST_ORDER} on coarse ones: that is more work, of evaluations which take less time than those of
Levenberg–Marquardt. The row after them goes the other way. The last has Adam before Levenberg–Marquardt on the coarsest level, with more
evaluations there.`,
  tasks: SMALL,
  variants: measuredBy(onePass('Levenberg–Marquardt', lm, SECOND_ORDER), [
    coarseWith('Adam, then L-BFGS; Levenberg–Marquardt on the last level', () => adamThenLbfgs(), lm),
    longer(
      coarseWith(
        `Adam, then L-BFGS, ${FIRST_ORDER} evaluations each; Levenberg–Marquardt on the last level`,
        () => adamThenLbfgs(),
        lm,
      ),
    ),
    coarseWith('L-BFGS; Levenberg–Marquardt on the last level', () => lbfgs(), lm),
    coarseWith('Adam, then L-BFGS; Levenberg–Marquardt in the last half level', () => adamThenLbfgs(), halfAndHalf),
    coarseWith('Levenberg–Marquardt; L-BFGS on the last level', lm, () => lbfgs()),
    adamFirst(),
  ]),
};

export const EXPERIMENTS = [galerkin, preconditioned, selfScaled, damping, placement];
