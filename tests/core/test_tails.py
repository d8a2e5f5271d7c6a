"""Derivatives keep their digits in the tails: relative to themselves, however small they are.

Up to a few roundings, and to what a rounding of x alone would change.
"""

import numpy as np
import pytest

from service.core import gradient, gradient_field
from service.core.language.operations import FUNCTIONS
from tests.fuzz.arithmetic import mp
from tests.fuzz.definitions import DEFINITIONS

UNARY = sorted(
    name
    for name, row in FUNCTIONS.items()
    if row.is_elementwise and len(row.operands) == 1 and not row.options and name in DEFINITIONS
)
"""Functions of one number."""

POINTS = (
    -700.0, -300.0, -40.0, -18.0, -1.5, -0.9999999, -1e-5, -1e-12, -1e-100,
    1e-100, 1e-12, 1e-5, 0.3, 0.9999999, 1.5, 18.0, 40.0, 300.0, 700.0,
)  # fmt: skip

RELATIVE = 1e-14
SMALLEST = 1e-290
"""Below it float64 has fewer digits."""

STEEPEST = 1e55
"""A difference quotient beyond it is that of a jump."""


def value(name, x):
    return np.asarray(DEFINITIONS[name](np.array(x, dtype=object))).item()


def derivative(name, x):
    """Return the derivative by a difference, NaN where there is none."""
    h = abs(x) * mp.mpf("1e-60")
    return (value(name, x + h) - value(name, x - h)) / (2 * h)


def defined(name):
    """Return the points at which float64 holds value and derivative, these, and what may be wrong."""
    with mp.workdps(400):  # tanh(300) is 1 but for the 260th digit
        values = np.array([float(value(name, mp.mpf(x))) for x in POINTS])
        exact = [derivative(name, mp.mpf(x)) for x in POINTS]
        beside = [derivative(name, mp.mpf(float(np.nextafter(x, np.inf)))) for x in POINTS]
        change = np.array([float(abs(a - b)) for a, b in zip(exact, beside, strict=True)])
        slopes = np.array(list(map(float, exact)))
    is_defined = np.isfinite(values) & np.isfinite(slopes) & (np.abs(slopes) < STEEPEST)
    allowed = RELATIVE * np.abs(slopes) + 4 * change + SMALLEST
    return np.array(POINTS)[is_defined], slopes[is_defined], allowed[is_defined]


@pytest.mark.parametrize("name", UNARY)
def test_a_derivative_has_all_its_digits_wherever_it_is(name):
    points, expected, allowed = defined(name)

    on_floats = [gradient(f"{name}(x)", {"x": x})["gradient"]["x"].item() for x in points]
    on_arrays = gradient(f"sum({name}(x))", {"x": np.repeat(points, 1000)})["gradient"]["x"][::1000]
    over_points = gradient_field(f"{name}(x)", {"x": points})["gradient"]["x"]

    assert len(points) >= 5
    for slopes in (on_floats, on_arrays, over_points):
        is_wrong = np.abs(slopes - expected) > allowed
        assert not is_wrong.any(), (points[is_wrong], np.array(slopes)[is_wrong], expected[is_wrong])
