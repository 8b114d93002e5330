"""Writes scipy-values.json beside this file: B-splines on extended uniform knots and their derivatives by SciPy.

Also B-splines on random knots, for the general change of basis.
Debian: apt install python3-scipy. SciPy's own extrapolation is not the linear one, so all points lie inside the domain.
"""

import json
from pathlib import Path

import numpy as np
import scipy
from scipy.interpolate import BSpline

GRIDS = [(1, (0.0, 1.0)), (4, (-1.0, 1.0)), (7, (-0.3, 2.9)), (100, (0.1, 0.7)), (320, (-4.0, 4.0))]
POINTS = 7


def knots(intervals, degree, start, end):
    index = np.arange(-degree, intervals + degree + 1)
    return (start * (intervals - index) + end * index) / intervals


def values(x, intervals, degree, domain, derivative):
    """Derivative of all basis functions at x; one identity coefficient vector per function."""
    size = intervals + degree
    # SciPy 1.10 writes past its buffers when asked for more derivatives than the degree.
    if derivative > degree:
        return np.zeros(size)
    spline = BSpline(knots(intervals, degree, *domain), np.eye(size), degree)
    return spline(x, nu=derivative)


def sparse(row):
    first = int(np.flatnonzero(row)[0]) if row.any() else 0
    last = int(np.flatnonzero(row)[-1]) + 1 if row.any() else 0
    return {"first": first, "values": row[first:last].tolist()}


def case(generator, intervals, domain, degree):
    start, end = domain
    # Cell centres ± less than half a cell: derivatives that jump at knots have one value there.
    cells = generator.integers(0, intervals, POINTS)
    inner = start + (end - start) * (cells + generator.uniform(0.05, 0.95, POINTS)) / intervals
    x = np.concatenate([[start, end], inner])
    return {
        "degree": degree,
        "intervals": intervals,
        "domain": domain,
        "points": [
            {"x": point, "derivatives": [sparse(values(point, intervals, degree, domain, m)) for m in range(4)]}
            for point in x.tolist()
        ],
    }


def random_knots_case(generator, degree):
    """Knots without pattern; points where the ReLUs that a square matrix leaves out vanish."""
    size = degree + 4
    t = np.cumsum(generator.uniform(0.2, 1.0, size + degree + 1))
    spline = BSpline(t, np.eye(size), degree)
    points = generator.uniform(t[degree], t[size], 5)
    return {
        "degree": degree,
        "knots": t.tolist(),
        "points": [{"x": x, "values": spline(x).tolist()} for x in points.tolist()],
    }


generator = np.random.default_rng(1)
document = {
    "scipy": scipy.__version__,
    "uniform": [case(generator, *grid, degree) for grid in GRIDS for degree in range(1, 6)],
    "random": [random_knots_case(generator, degree) for degree in range(1, 6)],
}
Path(__file__).with_name("scipy-values.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")
