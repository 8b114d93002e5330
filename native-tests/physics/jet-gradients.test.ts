/** Gradients of ops on jets: against finite differences, and the device's against the CPU's. */
import { expect } from 'chai';
import { CpuBackend } from '../../src/backend/cpu/cpu-backend.ts';
import { WebGpuBackend } from '../../src/backend/webgpu/webgpu-backend.ts';
import { activations } from '../../src/kernels/activations.ts';
import { type JetLayout, jetChannels } from '../../src/kernels/jet.ts';
import type { Op } from '../../src/tape/op.ts';
import { activationJet } from '../../src/tape/ops/activation-jet.ts';
import { affine } from '../../src/tape/ops/affine.ts';
import { splineJetLayer } from '../../src/tape/ops/spline-jet-layer.ts';
import type { Shape } from '../../src/tape/tensor.ts';
import { errorOf, sharedDevice } from '../backends.ts';
import { type Case, expectClose, expectFiniteDifferences, gradientsOf, randomValues } from '../tape/gradient-tools.ts';
import { chainLength, opCase } from '../tape/op-cases.ts';

/** The first input, x, ranges over ±range, the others over ±1. */
function jetCase<Options>(name: string, op: Op<Options>, options: Options, shapes: readonly Shape[], range = 1): Case {
  const values = shapes.map((shape, index) => randomValues(31 * index + name.length, shape, index === 0 ? range : 1));
  return opCase(name, op, options, shapes, values);
}

const layouts: readonly JetLayout[] = [
  { directions: 1, order: 1 },
  { directions: 3, order: 1 },
  { directions: 1, order: 2 },
  { directions: 2, order: 2 },
  { directions: 3, order: 2 },
];
const title = ({ directions, order }: JetLayout) => `order ${order}, ${directions} directions`;

/** Values to half as far again as the domain on both sides, derivatives of the same size. */
const splineCases = [1, 2, 3, 4, 5].flatMap((degree) =>
  layouts.map((jet) => {
    const shapes = [
      [jetChannels(jet), 4, 2],
      [2, 5 + degree, 3],
    ];
    const grid = { degree, intervals: 5, domain: [-2, 2] } as const;
    return jetCase(`spline layer, degree ${degree}, ${title(jet)}`, splineJetLayer, { ...grid, ...jet }, shapes, 3);
  }),
);

const otherCases = layouts.flatMap((jet) => {
  const x = [jetChannels(jet), 4, 3];
  return [
    ...activations.map((activation) =>
      jetCase(`${activation}, ${title(jet)}`, activationJet, { activation, ...jet }, [x], 2),
    ),
    jetCase(`affine with bias, ${title(jet)}`, affine, undefined, [x, [3, 2], [2]]),
    jetCase(`affine without bias, ${title(jet)}`, affine, undefined, [x, [3, 2]]),
  ];
});

describe('gradients of ops on jets', () => {
  const cpu = new CpuBackend();

  for (const testCase of [...splineCases, ...otherCases]) {
    it(`${testCase.name}: as finite differences have it`, () => expectFiniteDifferences(cpu, testCase));
  }

  it("WebGPU gives the CPU's gradients, and the same bits every time", async () => {
    const webgpu = new WebGpuBackend(await sharedDevice());
    try {
      // What every degree does on a device is seen kernel by kernel elsewhere.
      const compared = [...splineCases, ...otherCases].filter(
        ({ name }) => name.endsWith('order 2, 2 directions') && !/degree [125]/.test(name),
      );
      for (const testCase of compared) {
        const actual = await gradientsOf(webgpu, testCase);
        expectClose(actual, await gradientsOf(cpu, testCase), chainLength(testCase), testCase.name);
        expect(await gradientsOf(webgpu, testCase), testCase.name).to.deep.equal(actual);
      }
    } finally {
      webgpu.destroy();
    }
  });

  it('the bias of an affine layer is that of the value, not of derivatives', () => {
    expect(affine.shape([[5, 4, 3], [3, 2], [2]], undefined)).to.deep.equal([5, 4, 2]);
  });

  it('refuse tensors of other channels', async () => {
    const jet = { directions: 2, order: 2 } as const;
    const grid = { degree: 3, intervals: 2, domain: [-1, 1] } as const;
    const spline = await errorOf(() =>
      splineJetLayer.shape(
        [
          [4, 7, 2],
          [2, 5, 3],
        ],
        { ...grid, ...jet },
      ),
    );
    expect(spline.code).to.equal('SHAPE_MISMATCH');
    const pointwise = await errorOf(() => activationJet.shape([[4, 7, 2]], { activation: 'tanh', ...jet }));
    expect(pointwise.code).to.equal('SHAPE_MISMATCH');
  });
});
