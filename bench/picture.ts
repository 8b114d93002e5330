/**
 * The picture of the README, docs/multilevel.svg: loss against work of one network trained coarse to fine, and of the
 * same network trained on its finest grid from the start, by Levenberg–Marquardt and by Adam, then L-BFGS.
 */
import { writeFileSync } from 'node:fs';
import {
  adamThenLbfgs,
  CpuBackend,
  compareMethods,
  levenbergMarquardt,
  regressionTargets,
  sampleTarget,
} from '../src/node.ts';
import { convergenceChart } from '../src/report/compare-report.ts';
import { formatNumber } from '../src/report/format.ts';
import { quick } from './shared.ts';

const target = regressionTargets['sine-rings'];
const { train, test } = sampleTarget(target, { train: 2000, test: 2000, seed: 0 });

const backend = new CpuBackend();
const OPTIMIZERS = { 'Levenberg–Marquardt': levenbergMarquardt(), 'Adam, then L-BFGS': adamThenLbfgs() };
const results = [];
for (const [name, optimizer] of Object.entries(OPTIMIZERS)) {
  const runs = await compareMethods(backend, {
    train,
    test,
    optimizer,
    widths: [2, 5, 1],
    stepsPerLevel: new Array<number>(4).fill(quick ? 20 : 100),
    methods: ['multilevel', 'single-level'],
  });
  results.push(...runs.map((run) => ({ ...run, label: `${name}, ${run.method.replace('-', ' ')}` })));
}
backend.destroy();

const svg = convergenceChart({
  name: `${target.label} learned by a KAN of widths [2, 5, 1]`,
  errorLabel: 'mean squared error in training',
  methods: results.map(({ label, parameters, work, trainMse, testMse, seconds, history }) => ({
    name: `${label}: test error ${formatNumber(testMse)}`,
    parameters,
    work,
    trainMse,
    testMse,
    seconds,
    history: history.curve.map((point) => ({ work: point.work, error: point.loss })),
    refinements: refinements(history.levels),
  })),
});
const path = quick ? 'build/bench/multilevel.svg' : 'docs/multilevel.svg';
writeFileSync(path, `${svg}\n`);
for (const { label, work, trainMse, testMse, seconds } of results) {
  console.log(`${label}: work ${work}, training ${trainMse}, test ${testMse}, ${seconds.toFixed(1)} s`);
}
console.log(`written: ${path}`);

/** Where on the work axis every level but the first begins. */
function refinements(levels: readonly { readonly work: number }[]): number[] {
  let work = 0;
  return levels.slice(0, -1).map((level) => (work += level.work));
}
