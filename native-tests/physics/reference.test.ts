/** Reference solutions against independent computations, and against themselves at other resolutions. */
import { expect } from 'chai';
import { allenCahnSolution } from '../../src/physics/reference/allen-cahn.ts';
import { burgersSolution } from '../../src/physics/reference/burgers.ts';
import { createFft } from '../../src/physics/reference/fft.ts';
import { gaussHermite } from '../../src/physics/reference/gauss-hermite.ts';
import { createRandom } from '../../src/random.ts';
import values from './reference-values.json' with { type: 'json' };

const allenCahnParameters = { diffusion: 1e-4, reaction: 5 };

describe('Gauss–Hermite quadrature', () => {
  it("20 nodes and weights are numpy's", () => {
    const { nodes, logWeights } = gaussHermite(20);
    values.gaussHermite20.nodes.forEach((node, index) => {
      expect(nodes[index]).to.be.closeTo(node, 1e-14);
      expect(Math.exp(logWeights[index]) / values.gaussHermite20.weights[index]).to.be.closeTo(1, 1e-12);
    });
  });

  for (const count of [1, 2, 3, 64, 200, 300]) {
    it(`${count} nodes integrate 1, z² and cos z against exp(−z²)`, () => {
      const { nodes, logWeights } = gaussHermite(count);
      const integral = (f: (z: number) => number) =>
        nodes.reduce((sum, z, index) => sum + Math.exp(logWeights[index]) * f(z), 0);
      expect([...nodes]).to.deep.equal([...nodes].sort((a, b) => a - b));
      expect(integral(() => 1)).to.be.closeTo(Math.sqrt(Math.PI), 1e-13);
      if (count > 1) expect(integral((z) => z * z)).to.be.closeTo(Math.sqrt(Math.PI) / 2, 1e-13);
      if (count > 20) expect(integral(Math.cos)).to.be.closeTo(Math.sqrt(Math.PI) * Math.exp(-1 / 4), 1e-13);
    });
  }
});

describe('the discrete Fourier transform', () => {
  for (const n of [1, 2, 8, 128]) {
    it(`agrees with the sum it stands for, n = ${n}`, () => {
      const random = createRandom(n);
      const [real, imaginary] = [0, 1].map(() => Float64Array.from({ length: n }, () => random.normal()));
      const [re, im] = [real.slice(), imaginary.slice()];
      createFft(n)(re, im);
      for (let k = 0; k < n; k++) {
        let [sumRe, sumIm] = [0, 0];
        for (let j = 0; j < n; j++) {
          const [c, s] = [Math.cos((2 * Math.PI * j * k) / n), -Math.sin((2 * Math.PI * j * k) / n)];
          sumRe += c * real[j] - s * imaginary[j];
          sumIm += c * imaginary[j] + s * real[j];
        }
        expect(re[k]).to.be.closeTo(sumRe, 1e-11);
        expect(im[k]).to.be.closeTo(sumIm, 1e-11);
      }
    });
  }
});

describe('Burgers by Cole–Hopf', () => {
  for (const [name, viscosity] of [
    ['0.01', 0.01],
    ['0.01/pi', 0.01 / Math.PI],
    ['0.1', 0.1],
  ] as const) {
    // SciPy's quadrature is good to about 1e-12 of integrals that are their largest terms.
    it(`agrees with SciPy's adaptive quadrature, ν = ${name}`, () => {
      const u = burgersSolution(viscosity);
      for (const [x, t, expected] of values.burgers[name]) {
        expect(u(x, t), `u(${x}, ${t})`).to.be.closeTo(expected, 1e-10);
      }
    });
  }

  it('more nodes change nothing, ν = 0.01/π at t = 1', () => {
    const [few, many] = [160, 300].map((nodes) => burgersSolution(0.01 / Math.PI, nodes));
    for (let x = -1; x <= 1; x += 1 / 64) expect(few(x, 1)).to.be.closeTo(many(x, 1), 1e-10);
  });

  it('takes its initial and boundary values', () => {
    const u = burgersSolution(0.01);
    expect(u(0.3, 0)).to.equal(-Math.sin(0.3 * Math.PI));
    for (const t of [0.2, 1]) {
      expect(u(-1, t)).to.be.closeTo(0, 1e-12);
      expect(u(1, t)).to.be.closeTo(0, 1e-12);
    }
  });

  // Basdevant et al.: the largest slope of ν = 0.01/π is 152.00516 at x = 0, t = 1.6037/π.
  it('has the published largest slope', () => {
    const u = burgersSolution(0.01 / Math.PI);
    const t = 1.6037 / Math.PI;
    const h = 1e-5;
    const slope = (8 * (u(h, t) - u(-h, t)) - (u(2 * h, t) - u(-2 * h, t))) / (12 * h);
    expect(-slope).to.be.closeTo(152.00516, 2e-3);
  });
});

describe('Allen–Cahn by Fourier modes and ETDRK4', () => {
  const u = allenCahnSolution(allenCahnParameters);

  it("agrees with SciPy's implicit Runge–Kutta method on the same modes", () => {
    for (const [x, t, expected] of values.allenCahn) {
      expect(u(x, t), `u(${x}, ${t})`).to.be.closeTo(expected, 1e-7);
    }
  });

  it('converges in the number of modes and, with order four, in the step', () => {
    const finest = allenCahnSolution(allenCahnParameters, { modes: 2048, steps: 800 });
    const points = Array.from({ length: 301 }, (_, i) => [-1 + i / 150, [0.1, 0.33, 0.7, 1][i % 4]] as const);
    const distance = (other: typeof u) => Math.max(...points.map(([x, t]) => Math.abs(other(x, t) - finest(x, t))));
    expect(distance(u)).to.be.below(1e-8);
    const coarse = [50, 100].map((steps) => distance(allenCahnSolution(allenCahnParameters, { steps })));
    expect(Math.log2(coarse[0] / coarse[1])).to.be.within(3, 5);
  });

  it('takes its initial values, is even and periodic', () => {
    expect(u(0.5, 0)).to.be.closeTo(0, 1e-16);
    expect(u(1, 0)).to.equal(-1);
    // Away from the kink at x = ±1 the series changes little in a first moment: u_t = ε u_xx + r (u − u³).
    const [x, t] = [0.25, 1e-6];
    // The kink's cosine coefficients fall like 4/(πk)²: what is cut off beyond K modes adds up to at most about 1/K² here.
    expect(u(x, t)).to.be.closeTo(u(x, 0) * (1 + 5 * t), 2e-6);
    expect(u(-0.3, 0.4)).to.be.closeTo(u(0.3, 0.4), 1e-14);
    expect(u(-1, 0.4)).to.be.closeTo(u(1, 0.4), 1e-14);
  });
});
