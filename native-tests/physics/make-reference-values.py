"""Values of the Burgers and Allen-Cahn references from SciPy, for reference.test.ts.

    python3 native-tests/physics/make-reference-values.py > native-tests/physics/reference-values.json

Burgers: the Cole-Hopf integrals by adaptive quadrature around their peaks (scipy.integrate.quad), no Gauss-Hermite.
Allen-Cahn: cosine modes from numpy, integrated in time by an implicit Runge-Kutta method of its own error control
(scipy.integrate.solve_ivp, Radau), no exponential time differencing.
Gauss-Hermite: numpy's nodes and weights.
"""

import json

import numpy as np
from scipy.integrate import quad, solve_ivp


def burgers(viscosity, x, t):
    def exponent(eta):
        return -np.cos(np.pi * (x - eta)) / (2 * np.pi * viscosity) - eta**2 / (4 * viscosity * t)

    reach = 1.5 + 12 * np.sqrt(viscosity * t)
    largest = max(exponent(eta) for eta in np.linspace(-reach, reach, 4001))
    breaks = np.linspace(-reach, reach, 81)

    def integral(f):
        total = 0.0
        for low, high in zip(breaks[:-1], breaks[1:]):
            total += quad(lambda eta: f(eta) * np.exp(exponent(eta) - largest), low, high, epsabs=1e-15, epsrel=1e-13)[0]
        return total

    return -integral(lambda eta: np.sin(np.pi * (x - eta))) / integral(lambda eta: 1.0)


def allen_cahn(points):
    modes = 1024
    k = np.arange(modes // 2 + 1) * np.pi

    def moment(m):
        m = np.abs(m)
        return np.where(m == 0, 2 / 3, 4 * (-1.0) ** m / np.where(m == 0, 1, m * np.pi) ** 2)

    numbers = np.arange(modes // 2 + 1)
    start = (moment(numbers - 1) + moment(numbers + 1)) / 2
    start[0] /= 2

    # Collocation in grid values on half the period: even functions, u_j = u(2j/modes), j = 0 ... modes/2.
    grid = np.arange(modes // 2 + 1) * 2 / modes
    cosines = np.cos(np.outer(grid, k))
    second = cosines @ np.diag(-(k**2)) @ np.linalg.inv(cosines)

    def slope(_, u):
        return 1e-4 * second @ u - 5 * u**3 + 5 * u

    def jacobian(_, u):
        return 1e-4 * second + np.diag(5 - 15 * u**2)

    times = sorted({t for _, t in points})
    result = solve_ivp(slope, (0, 1), cosines @ start, "Radau", times, rtol=1e-10, atol=1e-11, jac=jacobian)
    values = []
    for x, t in points:
        coefficients = np.linalg.solve(cosines, result.y[:, times.index(t)])
        values.append([x, t, float(np.cos(x * k) @ coefficients)])
    return values


def main():
    viscosities = {"0.01": 0.01, "0.01/pi": 0.01 / np.pi, "0.1": 0.1}
    points = [(x, t) for t in (0.01, 0.25, 0.5, 1.0) for x in (-0.9, -0.31, -0.02, 0.005, 0.4, 0.97)]
    nodes, weights = np.polynomial.hermite.hermgauss(20)
    document = {
        "burgers": {
            name: [[x, t, burgers(nu, x, t)] for x, t in points] for name, nu in viscosities.items()
        },
        "allenCahn": allen_cahn([(x, t) for t in (0.05, 0.3, 0.71, 1.0) for x in (-0.95, -0.52, 0.0, 0.11, 0.498, 0.8, 1.0)]),
        "gaussHermite20": {"nodes": nodes.tolist(), "weights": weights.tolist()},
    }
    print(json.dumps(document, separators=(",", ":")))


main()
