"""Values and derivatives of functions against arithmetic of 50 digits, in units in the last place."""

import math

import mpmath
import numpy as np
import pytest

from service.core.calculus.gradient import gradient

MOST_ULP = 4.0
random = np.random.default_rng(11)
ALL = np.concatenate([random.uniform(-5, 5, 40), 10.0 ** random.uniform(-12, 1, 20), [-20.0, 25.0]])
POSITIVE = np.concatenate(
    [
        random.uniform(0.01, 4, 40),
        10.0 ** random.uniform(-100, 100, 20),
        1 + 10.0 ** random.uniform(-14, -1, 10),
    ]
)
INSIDE = np.concatenate([random.uniform(-0.99, 0.99, 40), 10.0 ** random.uniform(-12, -1, 20)])

FUNCTIONS = {
    "log2": (lambda x: mpmath.log(x, 2), POSITIVE),
    "log10": (mpmath.log10, POSITIVE),
    "exp2": (lambda x: mpmath.mpf(2) ** x, ALL),
    "cbrt": (lambda x: mpmath.sign(x) * mpmath.cbrt(abs(x)), np.concatenate([ALL, POSITIVE])),
    "arcsinh": (mpmath.asinh, np.concatenate([ALL, POSITIVE])),
    "arccosh": (mpmath.acosh, 1.001 + POSITIVE[:40]),
    "arctanh": (mpmath.atanh, INSIDE),
    "erf": (mpmath.erf, ALL),
    "erfc": (mpmath.erfc, ALL[ALL > -6]),
    "lgamma": (mpmath.loggamma, POSITIVE),
    "digamma": (mpmath.digamma, POSITIVE[POSITIVE > 1e-60]),
}


DERIVATIVES = {
    "erf": lambda x: 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x),
    "erfc": lambda x: -2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x),
}
"""In closed form, where differences of so many digits do not reach the tail."""


def ulps(got: float, expected: mpmath.mpf) -> float:
    return float(abs(mpmath.mpf(got) - expected) / math.ulp(float(expected)))


def evaluated(name: str, points: np.ndarray, is_small: bool):
    """Return values and derivatives, on floats or on arrays, whose values are derivatives by weights."""
    if is_small:
        answers = [gradient(f"{name}(x)", {"x": x}) for x in points]
        return [each["value"] for each in answers], [float(each["gradient"]["x"]) for each in answers]
    repeated = np.repeat(points, 20)
    text = f"sum({name}(x) * w)"
    values = gradient(text, {"w": np.zeros(repeated.size)}, {"x": repeated})["gradient"]["w"]
    slopes = gradient(text, {"x": repeated}, {"w": np.ones(repeated.size)})["gradient"]["x"]
    return values[::20].tolist(), slopes[::20].tolist()


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize("is_small", [True, False], ids=["floats", "arrays"])
def test_a_function_and_its_derivative_are_right_to_four_ulp(name, is_small):
    function, points = FUNCTIONS[name]
    values, slopes = evaluated(name, points, is_small)

    with mpmath.workdps(50):
        exact = [mpmath.mpf(float(x)) for x in points]
        step = mpmath.mpf(10) ** -20
        derivative = DERIVATIVES.get(name, lambda x: mpmath.diff(function, x, h=abs(x) * step))
        value_errors = [ulps(value, function(x)) for value, x in zip(values, exact, strict=True)]
        slope_errors = [ulps(slope, derivative(x)) for slope, x in zip(slopes, exact, strict=True)]

    for what, errors in (("value", value_errors), ("derivative", slope_errors)):
        print(f"{name}: {what} {max(errors):.2f} ulp at {points[int(np.argmax(errors))]!r}")
        assert max(errors) <= MOST_ULP
