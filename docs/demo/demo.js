// Trains a network in the page, by hand: optimizer and refinement are called directly, so that the page can be redrawn
// between the steps. Programs that need no picture use trainMultilevel.
import { automatic, Kan, openBackend, regression } from 'nestkan';
import { regressionTargets, sampleTarget } from 'nestkan/data';
import { drawCurves, drawMap } from './draw.js';

const WIDTHS = [2, 5, 1];
const INTERVALS = 4;
const LEVELS = 4;
const EVALUATIONS = 100;
const POINTS = 1500;
/** Evaluations between two pictures, and pixels along a side of a heat map. */
const PIECE = 4;
const PIXELS = 80;

/**
 * @typedef {{ color: string, points: { work: number, loss: number }[], refinements: number[], error: number }} Curve
 */

/** @param {string} id */
const element = (id) => /** @type {any} */ (document.getElementById(id));

const pixels = Array.from({ length: PIXELS * PIXELS }, (_, index) => {
  const [row, column] = [Math.floor(index / PIXELS), index % PIXELS];
  return [(2 * column + 1) / PIXELS - 1, 1 - (2 * row + 1) / PIXELS];
});

/** A number that goes up with every run: a run that finds it changed has been replaced. */
let current = 0;

/** @param {string} text @param {boolean} [failed] */
function say(text, failed = false) {
  element('status').textContent = text;
  element('status').classList.toggle('failed', failed);
}

/** Lets the page draw and answer. Unlike animation frames, timers go on where the page is not looked at. */
function pause() {
  return new Promise((resolve) => setTimeout(resolve));
}

/** The function on the pixels, in the units in which the network learns it. */
function wantedValues(target, { mean, deviation }) {
  const at = (x, [a, b]) => a + ((b - a) * (x + 1)) / 2;
  return pixels.map(([x, y]) => (target.evaluate([at(x, target.domain[0]), at(y, target.domain[1])]) - mean[0]) / deviation[0]);
}

/** @param {number[]} values */
function meanSquare(values) {
  return values.reduce((sum, value) => sum + value * value, 0) / values.length;
}

/** Trains on one grid. Returns the work spent. */
async function trainLevel(model, problem, { evaluations, work, curve, redraw, alive }) {
  const objective = problem.bind(model);
  const run = await automatic().start(objective, evaluations);
  const workPerEvaluation = model.intervals[0];
  let spent = 0;
  try {
    while (spent < evaluations && alive()) {
      const advance = await run.advance(Math.min(PIECE, evaluations - spent));
      advance.losses.forEach((loss, index) => {
        curve.points.push({ work: work + workPerEvaluation * (spent + advance.lossEvaluations[index]), loss });
      });
      spent += advance.evaluations;
      await redraw(model);
      if (advance.finished) break;
    }
  } finally {
    run.dispose();
    objective.dispose();
  }
  return workPerEvaluation * spent;
}

/** Trains coarse to fine, or on one grid. Returns the work spent. */
async function train(backend, problem, { intervals, levels, evaluations, curve, redraw, alive }) {
  let model = Kan.create(backend, { widths: WIDTHS, intervals });
  let work = 0;
  for (let level = 0; level < levels && alive(); level++) {
    if (level > 0) {
      const coarse = model;
      model = await coarse.refine();
      coarse.dispose();
      curve.refinements.push(work);
    }
    work += await trainLevel(model, problem, { evaluations, work, curve, redraw, alive });
  }
  model.dispose();
  return work;
}

async function start() {
  const id = ++current;
  const alive = () => id === current;
  const target = regressionTargets[element('target').value];
  say('Opening the device …');
  const backend = await openBackend({ device: element('device').value });
  try {
    const { train: samples, targetScaling } = sampleTarget(target, { train: POINTS, test: 1, seed: 0 });
    const problem = regression(samples);
    const wanted = wantedValues(target, targetScaling);
    /** @type {Curve[]} */
    const curves = [];
    const device = backend.name === 'cpu' ? 'This thread, float64' : `WebGPU (${backend.adapter}), float32`;
    const begin = (/** @type {string} */ color) => {
      const curve = { color, points: [], refinements: [], error: Number.NaN };
      curves.push(curve);
      return curve;
    };
    const range = { low: Math.min(...wanted), high: Math.max(...wanted) };
    const totalWork = INTERVALS * EVALUATIONS * (2 ** LEVELS - 1);
    drawMap(element('map'), wanted, range);

    /** Draws the present method's network, and all curves. */
    const redraw = async (/** @type {Kan} */ model) => {
      const values = (await model.predict(pixels)).data;
      if (!alive()) return;
      const method = curves.length - 1;
      const error = meanSquare(wanted.map((value, index) => value - values[index]));
      curves[method].error = error;
      drawMap(element(`map-${method}`), values, range);
      drawCurves(element('curves'), curves, totalWork);
      element(`error-${method}`).textContent = `${model.intervals[0]} intervals, error ${error.toExponential(1)}`;
      say(`${device} …`);
      await pause();
    };

    const work = await train(backend, problem, {
      intervals: INTERVALS,
      levels: LEVELS,
      evaluations: EVALUATIONS,
      curve: begin('--coarse-to-fine'),
      redraw,
      alive,
    });
    const intervals = INTERVALS * 2 ** (LEVELS - 1);
    await train(backend, problem, {
      intervals,
      levels: 1,
      evaluations: Math.round(work / intervals),
      curve: begin('--single'),
      redraw,
      alive,
    });
    if (!alive()) return;
    const [first, second] = curves.map(({ error }) => error);
    const times = Number((second / first).toPrecision(2)).toLocaleString('en');
    say(`${device}. Done: the error of the second network is ${times} times that of the first.`);
  } finally {
    backend.destroy();
  }
}

function startAndReport() {
  start().catch((error) => say(`${error.message} ${error.fix ?? ''}`, true));
}

for (const [name, { label }] of Object.entries(regressionTargets)) {
  element('target').append(new Option(label, name));
}
element('target').value = 'sine-rings';
// ?device=cpu and ?target=exp-sine choose what the page starts with.
for (const [name, value] of new URLSearchParams(location.search)) {
  if (name === 'device' || name === 'target') element(name).value = value;
}
element('settings').addEventListener('submit', (/** @type {Event} */ event) => {
  event.preventDefault();
  startAndReport();
});
startAndReport();
