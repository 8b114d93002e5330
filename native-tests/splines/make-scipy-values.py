"""Writes scipy-values.json beside this file: B-splines on extended uniform knots and their derivatives by SciPy.

Debian: apt install python3-scipy. SciPy's own extrapolation is not the linear one, so all points lie inside the domain.
"""

import json
from pathlib import Path

import numpy as np
import scipy
from scipy.interpolate import BSpline

GRIDS = [(1, (0.0, 1.0)), (4, (-1.0, 1.0)), (7, (-0.3, 2.9)), (100, (0.1, 0.7)), (320, (-4.0, 4.0))]
POINTS = 9


def knots(intervals, degree, start, end):
    index = np.arange(-degree, intervals + degree + 1)
    return (start * (intervals - index) + end * index) / intervals


def values(x, intervals, degree, domain, derivative):
    """Derivative of all basis functions at x; one identity coefficient vector per function."""
    size = intervals + degree
    # SciPy 1.10 writes past its buffers when asked for more derivatives than the degree.
    if derivative > degree:
        return np.zeros(size)
    spline = BSpline(knots(intervals, degree, *domain), np.eye(size), degree, extrapolate=False)
    return spline(x, nu=derivative)


def sparse(row):
    first = int(np.flatnonzero(row)[0]) if row.any() else 0
    last = int(np.flatnonzero(row)[-1]) + 1 if row.any() else 0
    return {"first": first, "values": row[first:last].tolist()}


def case(generator, intervals, domain, degree):
    start, end = domain
    # Cell centres ± less than half a cell: derivatives that jump at knots have one value there.
    cells = generator.integers(0, intervals, POINTS)
    x = start + (end - start) * (cells + generator.uniform(0.05, 0.95, POINTS)) / intervals
    return {
        "degree": degree,
        "intervals": intervals,
        "domain": domain,
        "points": [
            {"x": point, "derivatives": [sparse(values(point, intervals, degree, domain, m)) for m in range(4)]}
            for point in x.tolist()
        ],
    }


generator = np.random.default_rng(1)
cases = [case(generator, *grid, degree) for grid in GRIDS for degree in range(1, 6)]
document = {"scipy": scipy.__version__, "cases": cases}
Path(__file__).with_name("scipy-values.json").write_text(json.dumps(document, separators=(",", ":")) + "\n")
