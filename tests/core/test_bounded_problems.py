"""Minimizers within bounds: problems by SciPy's optimum, L-BFGS-B with our gradients from the same start."""

import numpy as np
import pytest
from scipy.optimize import minimize

from service.core import descent
from service.core.descent.problem import Problem
from service.core.limits import DEFAULT_LIMITS, NO_DEADLINE
from tests.core.more_garbow_hillstrom import PROBLEMS, of_array
from tests.core.test_lbfgs import BOUNDED

RANDOM = np.random.default_rng(5)
SIDES = {
    "3 Powell badly scaled": ([0, 1], [1, 9]),
    "5 Beale": ([0.6, 0.5], [10, 100]),
    "12 Box": ([0, 5, 0], [2, 9.5, 20]),
    "13 Powell singular": ([0.1, -20, -1, -1], [100, 20, 1, 50]),
    "14 Wood": ([-100] * 4, [0, 10, 100, 100]),
    "15 Kowalik and Osborne": ([0, -1, 0.13, 0.12], [10, 12, 13, 12]),
    "16 Brown and Dennis": ([-10, 0, -100, -20], [100, 15, 0, 0.2]),
    "25 variably dimensioned": ([0] * 10, [10, 20, 30, 40, 50, 60, 70, 80, 0.5, 0.5]),
    "30 Broyden tridiagonal": ([-1] * 10, [-0.5] * 10),
}
"""Bounds for problems of Moré, Garbow and Hillstrom that hold some of the variables."""

TORSION = """
U = reshape(x, (6, 6)); D = concatenate(zeros((1, 6)), U, axis=0); E = concatenate(zeros((6, 1)), U, axis=1)
sum((U - D[:-1])**2) + sum(D[-1]**2) + sum((U - E[:, :-1])**2) + sum(E[:, -1]**2) - 0.3*sum(x)
"""
PLACES = np.minimum(np.arange(1.0, 7), np.arange(6.0, 0, -1))
DISTANCE = np.minimum.outer(PLACES, PLACES).ravel() / 7
CASES = {
    **{name: (*case[:4], {}) for name, case in BOUNDED.items()},
    **{
        name: (PROBLEMS[name].function, PROBLEMS[name].start, *SIDES[name], PROBLEMS[name].constants)
        for name in SIDES
    },
    "Hock and Schittkowski 25, nearer": (
        PROBLEMS["11 Gulf"].function,
        [40, 20, 1.2],
        [0.1, 0, 0],
        [100, 25.6, 5],
        PROBLEMS["11 Gulf"].constants,
    ),
    "least squares of at least 0": (
        "sum((A @ x - b)**2)",
        [1] * 8,
        [0] * 8,
        [None] * 8,
        {"A": RANDOM.normal(size=(20, 8)), "b": RANDOM.normal(size=20)},
    ),
    "elastic-plastic torsion": (TORSION, [0] * 36, -DISTANCE, DISTANCE, {}),
}
"""Function, start, lower and upper bounds, constants."""


def sides(bounds, absent):
    return np.array([absent if side is None else side for side in bounds], dtype=float)


@pytest.mark.parametrize("optimizer", ["lbfgs", "newton"])
@pytest.mark.parametrize(("function", "start", "low", "high", "constants"), CASES.values(), ids=CASES)
def test_a_run_within_bounds_ends_in_scipys_optimum(optimizer, function, start, low, high, constants):
    posed = Problem(
        function, {"x": np.array(start, dtype=float)}, constants, "exact", None, DEFAULT_LIMITS, NO_DEADLINE
    )
    bounds = list(zip(sides(low, -np.inf), sides(high, np.inf), strict=True))
    options = {"ftol": 0.0, "gtol": 1e-11, "maxiter": 5_000, "maxfun": 50_000}
    start = np.clip(np.array(start, dtype=float), *np.transpose(bounds))
    with np.errstate(all="ignore"):
        found = minimize(of_array(posed), start, jac=True, method="L-BFGS-B", bounds=bounds, options=options)

    within = {"x": {"lower": sides(low, -1e300), "upper": sides(high, 1e300)}}
    path = descent(function, {"x": start}, constants, bounds=within, optimizer=optimizer, steps=2_000)

    x = path["variables"]["x"]
    assert path["status"] == "converged"
    assert ((within["x"]["lower"] <= x) & (x <= within["x"]["upper"])).all()
    assert path["value"] <= found.fun + 1e-8 * max(1.0, abs(found.fun))


def test_there_are_more_than_twenty():
    assert len(CASES) >= 20
