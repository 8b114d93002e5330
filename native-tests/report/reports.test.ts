import { expect } from 'chai';
import fc from 'fast-check';
import { compareReport, methodTable } from '../../src/report/compare-report.ts';
import { fitReport } from '../../src/report/fit-report.ts';
import { htmlReport } from '../../src/report/html.ts';
import { solveLevelTable, solveReport } from '../../src/report/solve-report.ts';
import { outsideReferences, readMarkup, withClass } from './markup.ts';
import { sampleComparison, sampleFit, sampleSolution } from './samples.ts';

const HOSTILE = `"><script src="https://evil.example/x.js"></script><img onerror='x'>&amp;\u0007`;

function read(html: string) {
  expect(html.startsWith('<!doctype html>\n<html lang="en">')).to.equal(true);
  const elements = readMarkup(html);
  expect(outsideReferences(elements)).to.deep.equal([]);
  return elements;
}

const headings = (html: string) =>
  read(html)
    .filter(({ name }) => name === 'h2')
    .map(({ text }) => text);
const named = (html: string, name: string) => read(html).filter((element) => element.name === name);

/** Every string in a plain object, replaced. */
function replaceStrings<T>(value: T, text: string): T {
  if (typeof value === 'string') return text as T;
  if (Array.isArray(value)) return value.map((item) => replaceStrings(item, text)) as T;
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, replaceStrings(item, text)])) as T;
}

describe('report: HTML', () => {
  it('writes headings, paragraphs, tables, figures, lists and code, in light and dark', () => {
    const html = htmlReport({
      title: 'T',
      subtitle: 'S',
      sections: [
        {
          heading: 'H',
          blocks: [
            { kind: 'paragraph', text: 'P' },
            { kind: 'code', text: 'C' },
            { kind: 'key-values', entries: [['K', 'V']] },
            { kind: 'figure', svg: '<svg></svg>', caption: 'F' },
            { kind: 'figures', figures: [{ svg: '<svg></svg>', caption: 'F1' }, { svg: '<svg></svg>' }] },
            {
              kind: 'table',
              caption: 'TC',
              columns: ['a', 'b'],
              rows: [
                ['x', 0.5],
                ['y', null],
              ],
              highlight: [1],
            },
          ],
        },
      ],
    });
    const text = (name: string) => named(html, name).map((element) => element.text.trim());
    expect([text('h1'), text('title'), text('h2')]).to.deep.equal([['T'], ['T'], ['H']]);
    expect([text('code'), text('dt'), text('dd'), text('figcaption'), text('caption')]).to.deep.equal([
      ['C'],
      ['K'],
      ['V'],
      ['F', 'F1'],
      ['TC'],
    ]);
    expect(text('p')).to.deep.equal(['S', 'P']);
    expect(named(html, 'th').map(({ text: cell, attributes }) => [cell, attributes['scope']])).to.deep.equal([
      ['a', 'col'],
      ['b', 'col'],
      ['x', 'row'],
      ['y', 'row'],
    ]);
    expect(text('td')).to.deep.equal(['0.500', '–']);
    expect(withClass(read(html), 'highlight')).to.have.length(1);
    expect(html).to.contain('prefers-color-scheme:dark').and.to.contain('@media print');
  });

  it('any text stays text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const count = read(
          htmlReport(replaceStrings({ title: 't', sections: [{ heading: 'h', blocks: [] }] }, text)),
        ).length;
        expect(count).to.equal(read(htmlReport({ title: '', sections: [{ heading: '', blocks: [] }] })).length);
      }),
    );
  });
});

describe('report: one fit', () => {
  it('shows every part, with a chart in each section that has one', () => {
    const html = fitReport(sampleFit());
    expect(headings(html)).to.deep.equal([
      'Result',
      'Training',
      'Levels',
      'Predicted against actual',
      'The fitted function',
      'Learned edge functions',
    ]);
    const elements = read(html);
    expect(withClass(elements, 'nestkan-chart')).to.have.length(4);
    expect(withClass(elements, 'marker')).to.have.length(3);
    expect(withClass(elements, 'edge')).to.have.length(15);
    const texts = elements.filter(({ name }) => name === 'text').map(({ text }) => text);
    expect(texts).to.include.members([
      'training loss',
      'validation loss',
      'n = 8',
      'n = 16',
      'n = 32',
      'actual power (MW)',
      'training rows',
      'test rows',
    ]);
    const cells = elements.filter(({ name }) => name === 'td' || name === 'th').map(({ text }) => text);
    expect(cells).to.include.members(['training rows', '8,611', '3.77', '0.9513', 'test MSE', '16,000', '400 ms']);
    expect(html.length).to.be.below(250_000);
  });

  it('leaves out what it has no data for', () => {
    const html = fitReport({
      title: 'Empty',
      device: 'CPU',
      model: [],
      levels: [],
      history: [],
      refinements: [],
      predictions: [],
      edges: [],
    });
    expect(headings(html)).to.deep.equal(['Result', 'Training', 'Levels']);
    expect(html).to.contain('No data to draw');
  });

  it('a run that ended in NaN is shown as far as it went', () => {
    const data = sampleFit();
    const history = data.history.map((point, index) => (index < 200 ? point : { ...point, loss: Number.NaN }));
    const levels = data.levels.map((level, index) =>
      index < 2 ? level : { ...level, trainMse: Number.NaN, testMse: null },
    );
    const html = fitReport({ ...data, history, levels });
    expect(html).to.contain('200 values are not drawn');
    expect(named(html, 'td').map(({ text }) => text)).to.include.members(['NaN', '–']);
  });

  it('escapes hostile names everywhere', () => {
    const html = fitReport(replaceStrings(sampleFit(), HOSTILE));
    expect(read(html).some(({ name }) => name === 'script' || name === 'img')).to.equal(false);
  });
});

describe('report: one solution', () => {
  it('shows the solution, every level’s error and residual, and the terms against work', () => {
    const html = solveReport(sampleSolution());
    expect(headings(html)).to.deep.equal([
      'Result',
      'Solution',
      'Levels',
      'Training',
      'Error, level by level',
      'Residual, level by level',
    ]);
    const elements = read(html);
    // Two unknowns, errors and terms over work, three errors, three residuals.
    expect(withClass(elements, 'nestkan-chart')).to.have.length(10);
    expect(withClass(elements, 'marker')).to.have.length(2);
    const texts = elements.filter(({ name }) => name === 'text').map(({ text }) => text);
    const levels = ['n = 4', 'n = 8', 'n = 16'];
    expect(texts).to.include.members(levels.slice(1));
    expect(texts).to.include.members(levels.map((level) => `|u − exact|, ${level}`));
    expect(texts).to.include.members(levels.map((level) => `|residual of equation|, ${level}`));
    expect(texts).to.include.members(['loss', 'equation', 'walls', 'relative L2', 'max error']);
    const cells = named(html, 'td').map(({ text }) => text);
    expect(cells).to.include.members(['0.300', '0.00469', '8.00e-4', '1,600', '2 s']);
    expect(named(html, 'dd').map(({ text }) => text)).to.include.members(['0.010100', '2,800']);
    expect(html.length).to.be.below(150_000);
  });

  it('levels share one scale of colours: equal values have equal colours on all of them', () => {
    const charts = solveReport(sampleSolution()).match(/<svg[\s\S]*?<\/svg>/g)!;
    for (const label of ['|u − exact|', '|residual of equation|']) {
      const maps = charts.filter((svg) => svg.includes(`aria-label="${label}, n = `));
      expect(maps).to.have.length(3);
      // All but the picture itself and the level's name: axes, colour bar and its ticks.
      const frames = maps.map((svg) => svg.replace(/<image[^>]*>/, '').replace(/n = \d+/g, 'n'));
      expect(new Set(frames).size).to.equal(1);
    }
  });

  it('one coordinate: curves, the exact solution beside the network’s', () => {
    const { solutions, pictures, ...data } = sampleSolution();
    const first = <P extends { values: ArrayLike<number> }>(picture: P) => ({
      ...picture,
      values: Array.from(picture.values).slice(0, 20),
    });
    const html = solveReport({
      ...data,
      grid: { axes: [{ name: 'x', domain: [0, 1], cells: 20 }] },
      solutions: solutions!.map(({ exact, ...solution }) => ({
        ...first(solution),
        exact: exact && Array.from(exact).slice(0, 20),
      })),
      pictures: pictures!.map(({ errors, residuals, ...level }) => ({
        ...level,
        errors: errors.map(first),
        residuals: residuals.map(first),
      })),
    });
    const elements = read(html);
    expect(elements.filter(({ name }) => name === 'image')).to.deep.equal([]);
    const legend = withClass(elements, 'legend').map(({ text }) => text);
    expect(legend).to.include.members(['u, network', 'u, exact', 'v, network', 'n = 4', 'n = 16']);
    expect(legend).not.to.include('v, exact');
  });

  it('leaves out what is not known', () => {
    const data = sampleSolution();
    const levels = data.levels.map((level) => ({ ...level, relativeL2: null, maxError: null }));
    const { columns } = solveLevelTable({ levels });
    expect(columns).to.deep.equal([
      'level',
      'intervals',
      'parameters',
      'optimizer',
      'steps',
      'work',
      'loss',
      'held-out loss',
      'equation',
      'walls',
      'time',
    ]);
    const unknown = { relativeL2: null, maxError: null, scalars: {}, grid: undefined };
    const html = solveReport({ ...data, ...unknown, levels });
    expect(headings(html)).to.deep.equal(['Result', 'Levels', 'Training']);
    expect(html).to.contain('no exact solution is known').and.not.to.contain('relative L2');
    read(solveReport({ ...data, ...unknown, levels: [], history: [] }));
  });

  it('survives zeros, values that are not finite, and hostile names', () => {
    const data = sampleSolution();
    for (const value of [0, Number.NaN, Number.POSITIVE_INFINITY]) {
      const flat = data.pictures!.map((level) => ({
        ...level,
        errors: [{ name: 'u', values: new Float64Array(400).fill(value) }],
      }));
      read(solveReport({ ...data, pictures: flat }));
    }
    expect(read(solveReport(replaceStrings(data, HOSTILE))).some(({ name }) => name === 'script')).to.equal(false);
  });
});

describe('report: a comparison', () => {
  it('shows each problem with a table, a curve per method and the backends', () => {
    const data = sampleComparison();
    const html = compareReport(data);
    expect(headings(html)).to.deep.equal(['Summary', ...data.problems.map(({ name }) => name)]);
    const elements = read(html);
    expect(withClass(elements, 'nestkan-chart')).to.have.length(2);
    expect(withClass(elements, 'series')).to.have.length.at.least(8);
    expect(withClass(elements, 'marker')).to.have.length(6);
    expect(withClass(elements, 'highlight')).to.have.length(2);
    for (const text of ['WebGPU, float32', 'llvmpipe', '300×', '9,000×']) expect(html).to.contain(text);
  });

  it('ratios are to the best finite error; failed methods have none', () => {
    const method = { name: 'm', parameters: 1, work: 1, seconds: 1, history: [] };
    const { rows, highlight } = methodTable({
      methods: [
        { ...method, testMse: 4 },
        { ...method, testMse: 2 },
        { ...method, testMse: Number.NaN, remark: 'diverged' },
        { ...method, testMse: Number.POSITIVE_INFINITY },
      ],
    });
    expect(rows.map((row) => row[4])).to.deep.equal(['2×', '1×', '–', '–']);
    expect(rows.map((row) => row[6])).to.deep.equal(['', '', 'diverged', '']);
    expect(highlight).to.deep.equal([1]);
  });

  it('names other measures than mean squared errors', () => {
    const method = { name: 'm', parameters: 1, work: 1, seconds: 1, history: [], trainMse: 1, testMse: 2 };
    const { columns } = methodTable({ methods: [method], measures: { train: 'loss', test: 'relative L2' } });
    expect(columns).to.include.members(['loss', 'relative L2']);
    expect(columns.join()).not.to.contain('MSE');
  });

  it('survives no problems, no methods and no curves', () => {
    read(compareReport({ title: 't', device: 'CPU', problems: [] }));
    const html = compareReport({ title: 't', device: 'CPU', problems: [{ name: 'p', methods: [] }] });
    expect(html).to.contain('No data to draw');
    read(compareReport(replaceStrings(sampleComparison(), HOSTILE)));
  });
});
