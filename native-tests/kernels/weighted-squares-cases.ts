import { type CaseGenerator, type Constants, type Random, sumOfTerms, workgroupSumRoundings } from './kernel-case.ts';

function sizes(random: Random): Constants & Record<'batch' | 'residuals', number> {
  return { batch: random.pick([1, 255, 256, 257, random.integer(1, 9000)]), residuals: random.integer(1, 4) };
}

const inputsOf = (random: Random, { batch, residuals }: Constants) => ({
  residual: random.floats(residuals * batch),
  weights: random.floats(batch, () => random.uniform(0, 2)),
});

export const weightedSquaresCases: Record<string, CaseGenerator> = {
  'weighted-squares'(kernel, random) {
    const constants = { ...sizes(random), factor: random.uniform(1e-3, 10) };
    const roundings = workgroupSumRoundings(constants.batch * constants.residuals) + 3;
    return sumOfTerms(kernel, { constants, inputs: inputsOf(random, constants), roundings });
  },
  'weighted-squares-gradient'(kernel, random) {
    const constants = { ...sizes(random), factor: random.uniform(1e-3, 10) };
    const inputs = { ...inputsOf(random, constants), lossGradient: random.floats(1) };
    return sumOfTerms(kernel, { constants, inputs, roundings: 4 });
  },
  'attention-update'(kernel, random) {
    const constants = { ...sizes(random), rate: random.pick([1e-4, 0.01, 0.5].map(Math.fround)) };
    const inputs = inputsOf(random, constants);
    if (random.unit() < 0.2) inputs.residual.fill(0);
    // A quotient of two roots: sums of squares, WGSL's sqrt and division, and five roundings around them.
    const roundings = 2 * (constants.residuals + 4) + 8;
    return sumOfTerms(kernel, { constants, inputs, roundings });
  },
};
