/** Loss and its derivative along the search direction at one step length. */
export interface LinePoint {
  readonly step: number;
  readonly loss: number;
  readonly slope: number;
}

export interface LineSearchOptions {
  /** Sufficient decrease, c₁. */
  readonly decrease: number;
  /** Curvature, c₂. */
  readonly curvature: number;
  /** Size of rounding errors in the loss: among losses that differ by less, slopes decide. */
  readonly lossRounding: number;
  readonly maxEvaluations: number;
}

/**
 * A step length that satisfies the strong Wolfe conditions, or the best decreasing one found when evaluations run out.
 *
 * Where the loss does not resolve the decrease (differences within rounding), the approximate Wolfe condition on slopes
 * replaces sufficient decrease: with rounding ε a loss places a minimum to √ε only, a slope to ε. The loss may then rise, by
 * no more than its rounding. Undefined when no step decreases the loss.
 * Source: Nocedal and Wright, Numerical Optimization, algorithms 3.5 and 3.6; Hager and Zhang, SIAM J. Optim. 16 (2005)
 * for the approximate condition.
 *
 * @param start the point at step 0; its slope is negative
 * @param evaluate evaluates a step length; a loss that is not finite counts as too long a step
 */
export async function strongWolfeSearch(
  start: LinePoint,
  firstStep: number,
  evaluate: (step: number) => Promise<LinePoint>,
  options: LineSearchOptions,
): Promise<LinePoint | undefined> {
  const { curvature, lossRounding, maxEvaluations } = options;
  let low = start;
  let high: LinePoint | undefined;
  let best: LinePoint | undefined;
  let step = firstStep;
  for (let used = 0; used < maxEvaluations; used++) {
    const point = await evaluate(step);
    const finite = Number.isFinite(point.loss) && Number.isFinite(point.slope);
    if (finite && point.loss < (best ?? start).loss) best = point;
    if (!finite || !decreasesEnough(start, point, options) || (low !== start && point.loss > low.loss + lossRounding)) {
      high = point;
    } else if (Math.abs(point.slope) <= -curvature * start.slope) {
      return point;
    } else {
      const towardsHigh = high === undefined ? 1 : high.step - low.step;
      if (point.slope * towardsHigh >= 0) high = low;
      low = point;
    }
    if (high && Math.abs((high.step - low.step) * start.slope) <= NO_CHANGE * Math.abs(start.loss)) break;
    step = nextStep(low, high);
  }
  return best;
}

function decreasesEnough(start: LinePoint, { step, loss, slope }: LinePoint, options: LineSearchOptions): boolean {
  const { decrease, lossRounding } = options;
  if (loss <= start.loss + decrease * step * start.slope) return true;
  const unresolved = Math.abs(loss - start.loss) <= lossRounding;
  return unresolved && slope <= (2 * decrease - 1) * start.slope;
}

/** Relative change of the loss that no arithmetic here resolves: a bracket which promises no more is given up. */
const NO_CHANGE = 1e-14;

/** How far an unbounded search goes on, and how close to its ends an interpolated step may fall. */
const EXPANSION = 2.5;
const MARGIN = 0.1;

function nextStep(low: LinePoint, high: LinePoint | undefined): number {
  if (high === undefined) return EXPANSION * low.step;
  const width = high.step - low.step;
  const fraction = (cubicMinimum(low, high) - low.step) / width;
  // A loss that is not finite says nothing about where the minimum lies: come back a long way.
  const safe = Number.isFinite(fraction) ? Math.min(1 - MARGIN, Math.max(MARGIN, fraction)) : MARGIN;
  return low.step + width * safe;
}

/** Minimum of the cubic through two points with their slopes; Nocedal and Wright, equation 3.59. */
function cubicMinimum(a: LinePoint, b: LinePoint): number {
  const d1 = a.slope + b.slope - (3 * (a.loss - b.loss)) / (a.step - b.step);
  const d2 = Math.sign(b.step - a.step) * Math.sqrt(d1 * d1 - a.slope * b.slope);
  return b.step - ((b.step - a.step) * (b.slope + d2 - d1)) / (b.slope - a.slope + 2 * d2);
}
