"""Starts and functions that upset minimizers: each run ends converged, or says why not, in finite numbers."""

import numpy as np
import pytest

from service.core import descent, gradient

HUGE = {"lower": -1e300, "upper": 1e300}
HOSTILE = {
    "a linear function with an active bound": ("sum(x)", [3.0, 4.0], {"lower": 1.0}),
    "a linear function without a bound": ("sum(x)", [0.0, 0.0], None),
    "a singularity at a bound": ("sum(x - log(x))", [3.0, 0.5], {"lower": 0.0}),
    "a derivative that is infinite at a bound": ("sum(x - 2*sqrt(x))", [3.0, 4.0], {"lower": 0.0}),
    "a start close to a singularity": ("sum(1/x + x)", [1e-8, 1.0], {"lower": 1e-9}),
    "a logarithm that the first step leaves": ("sum(x - 100*log(x))", [1e-3, 1.0], None),
    "a huge first step": ("sum(1e10*x**2)", [1.0, -1.0], None),
    "a tiny gradient": ("sum(1e-12*x**2)", [1.0, -1.0], None),
    "a flat start": ("sum(exp(-x**2))", [30.0, 30.0], None),
    "a flat function": ("0*sum(x) + 5", [1.0, 2.0], None),
    "a plateau with an edge": ("sum(where(x > 1, (x - 1)**2, 0))", [3.0, 0.0], None),
    "noise at the rounding level": ("sum((x - 0.1)**2) + 1e9", [1.0, 2.0], None),
    "large terms that cancel": ("sum((1e8 + x)**2 - 1e16 - 2e8*x)", [3.0, -2.0], None),
    "overflow beside the start": ("sum(exp(x**2))", [26.0, 1.0], None),
    "overflow in the first trial": ("sum(cosh(x))", [700.0, -3.0], None),
    "an exponential cliff": ("sum(exp(50*x) - x)", [1.0, -5.0], None),
    "badly scaled": ("(x[0] - 1e6)**2 + (x[1] - 2e-6)**2 + (x[0]*x[1] - 2)**2", [1.0, 1.0], None),
    "a product of scales": (
        "(1e4*x[0]*x[1] - 1)**2 + (exp(-x[0]) + exp(-x[1]) - 1.0001)**2",
        [0.0, 1.0],
        None,
    ),
    "no minimum in a valley": ("exp(-x[0]) + x[1]**2", [0.0, 1.0], None),
    "falls without end": ("-sum(x**2)", [1.0, 0.5], None),
    "falls to a singularity": ("sum(log(abs(x)))", [1.0, 0.5], None),
    "a saddle": ("x[0]**2 - x[1]**2 + x[1]**4", [1.0, 0.0], None),
    "a kink at the minimum": ("norm(x)", [3.0, 4.0], None),
    "a root of squares, from its minimum": ("sqrt(sum(x**2))", [0.0, 0.0], None),
    "kinks all the way": ("abs(x[0]) + 100*abs(x[1] - x[0])", [3.0, 4.0], None),
    "a cusp": ("sum(abs(x)**0.5)", [1.0, -2.0], None),
    "oscillation that grows finer": ("sum(x**2*(2 + sin(1/x)))", [0.3, -0.2], None),
    "the start outside its bounds": ("sum((x - 3)**2)", [-50.0, 50.0], {"lower": 0.0, "upper": 2.0}),
    "no room between the bounds": ("sum(x**2)", [3.0, 4.0], {"lower": 2.0, "upper": 2.0}),
    "bounds as wide as float64": ("sum((x - 1)**4)", [30.0, -4.0], HUGE),
    "a corner of bounds": ("-sum(x)", [0.5, 0.5], {"lower": 0.0, "upper": 1.0}),
    "division by what vanishes": ("x[0]/(1 + x[1]**2) + 1/(x[0]**2 + 1e-12)", [1e-3, 1.0], None),
    "a high power": ("sum(x**20)", [1.9, -1.5], None),
}


@pytest.mark.parametrize("optimizer", ["lbfgs", "newton", "gradient_descent"])
@pytest.mark.parametrize(("function", "start", "bounds"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_start_ends_with_finite_numbers_and_no_false_convergence(
    optimizer, function, start, bounds
):
    options = {"optimizer": optimizer, "steps": 300, "gradient": True, "line_search": True}
    options |= {"bounds": {"x": bounds}} if bounds else {}
    path = descent(function, {"x": start}, **options)

    x, slope = path["variables"]["x"], path["gradient"]["x"]
    assert np.isfinite(path["value"])
    assert np.isfinite(x).all()
    assert np.isfinite(slope).all()
    first = gradient(function, {"x": clipped(start, bounds)})["value"]
    assert path["value"] <= first + 1e-12 * abs(first)
    if path["status"] == "converged" and "rounding" not in path["message"]:
        left = x - clipped(x - slope, bounds)
        assert np.abs(left).max() <= 1e-7 * max(1.0, min(abs(path["value"]), abs(first)))


def clipped(x, bounds):
    return np.clip(x, (bounds or {}).get("lower", -np.inf), (bounds or {}).get("upper", np.inf))


def test_there_are_thirty():
    assert len(HOSTILE) >= 30
