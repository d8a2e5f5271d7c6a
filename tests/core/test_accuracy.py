"""Values and derivatives of all functions of one number against mpmath, in units in the last place.

Over the range of float64, with its magnitudes, the places where digits cancel, and zeros. What is less
accurate stands in a table of docs/language.md, which is read here.
"""

import math
import re
import sys
import zlib
from pathlib import Path

import mpmath
import numpy as np
import pytest
from numpy.testing import assert_array_equal

from service.core import special_kernels
from service.core.calculus.gradient import gradient
from service.core.calculus.hessian import hvp
from service.core.calculus.value import value
from service.core.exceptions import NonFiniteResult
from service.core.language.operations import FUNCTIONS

MOST_ULP = 4.0
REPEATED = 700
"""So often that a program runs on arrays."""

one = mpmath.mpf(1)


def sigmoid(x):
    return 1 / (1 + mpmath.exp(-x))


def normal(x):
    return mpmath.erfc(-x / mpmath.sqrt(2)) / 2


def bell(x):
    return 2 / mpmath.sqrt(mpmath.pi) * mpmath.exp(-x * x)


def cubic_root(x):
    return mpmath.sign(x) * mpmath.cbrt(abs(x))


def flat(x):
    return mpmath.mpf(0)


DEFINITIONS = {
    "abs": (abs, mpmath.sign),
    "exp": (mpmath.exp, mpmath.exp),
    "expm1": (mpmath.expm1, mpmath.exp),
    "log": (mpmath.log, lambda x: 1 / x),
    "log1p": (mpmath.log1p, lambda x: 1 / (1 + x)),
    "sqrt": (mpmath.sqrt, lambda x: 1 / (2 * mpmath.sqrt(x))),
    "square": (lambda x: x * x, lambda x: 2 * x),
    "sin": (mpmath.sin, mpmath.cos),
    "cos": (mpmath.cos, lambda x: -mpmath.sin(x)),
    "tan": (mpmath.tan, lambda x: mpmath.sec(x) ** 2),
    "arcsin": (mpmath.asin, lambda x: 1 / mpmath.sqrt((1 - x) * (1 + x))),
    "arccos": (mpmath.acos, lambda x: -1 / mpmath.sqrt((1 - x) * (1 + x))),
    "arctan": (mpmath.atan, lambda x: 1 / (1 + x * x)),
    "sinh": (mpmath.sinh, mpmath.cosh),
    "cosh": (mpmath.cosh, mpmath.sinh),
    "tanh": (mpmath.tanh, lambda x: mpmath.sech(x) ** 2),
    "sigmoid": (sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
    "log_sigmoid": (lambda x: -mpmath.log1p(mpmath.exp(-x)), lambda x: sigmoid(-x)),
    "relu": (lambda x: max(x, 0 * x), lambda x: one * (x > 0)),
    "softplus": (lambda x: mpmath.log1p(mpmath.exp(x)), sigmoid),
    "sign": (mpmath.sign, flat),
    "floor": (mpmath.floor, flat),
    "ceil": (mpmath.ceil, flat),
    "round": (mpmath.nint, flat),
    "trunc": (lambda x: mpmath.sign(x) * mpmath.floor(abs(x)), flat),
    "log2": (lambda x: mpmath.log(x) / mpmath.log(2), lambda x: 1 / (x * mpmath.log(2))),
    "log10": (mpmath.log10, lambda x: 1 / (x * mpmath.log(10))),
    "exp2": (lambda x: mpmath.mpf(2) ** x, lambda x: mpmath.mpf(2) ** x * mpmath.log(2)),
    "cbrt": (cubic_root, lambda x: 1 / (3 * cubic_root(x) ** 2)),
    "arcsinh": (mpmath.asinh, lambda x: 1 / mpmath.sqrt(1 + x * x)),
    "arccosh": (mpmath.acosh, lambda x: 1 / mpmath.sqrt((x - 1) * (x + 1))),
    "arctanh": (mpmath.atanh, lambda x: 1 / ((1 - x) * (1 + x))),
    "sinc": (mpmath.sincpi, lambda x: (mpmath.cospi(x) - mpmath.sincpi(x)) / x),
    "erf": (mpmath.erf, bell),
    "erfc": (mpmath.erfc, lambda x: -bell(x)),
    "lgamma": (
        lambda x: mpmath.loggamma(x) if x > 0 else mpmath.log(abs(mpmath.gamma(x))),
        mpmath.digamma,
    ),
    "digamma": (mpmath.digamma, lambda x: mpmath.polygamma(1, x)),
    "gelu": (lambda x: x * normal(x), lambda x: normal(x) + x * mpmath.npdf(x)),
    "silu": (lambda x: x * sigmoid(x), lambda x: sigmoid(x) * (1 + x * sigmoid(-x))),
    "elu": (lambda x: x if x > 0 else mpmath.expm1(x), lambda x: one if x > 0 else mpmath.exp(x)),
    "leaky_relu": (
        lambda x: x if x > 0 else mpmath.mpf(0.01) * x,
        lambda x: one if x > 0 else mpmath.mpf(0.01),
    ),
}
"""Value and derivative by name, from NIST's handbook (dlmf.nist.gov) and Kobai's definitions."""

LOSES_AT = {
    "lgamma": [-2.4570247382208006, -2.7476826467274127, -3.143580888349980, -0.504083008264455],
    "digamma": [-0.504083008264455, -1.573498473162390, -8.695782851],
    "sinc": [1.4302966531242, -2.45902403, 3.47088972],
    "gelu": [-0.7517915241106, -0.877623118956],
    "silu": [-1.278464542761, -0.851383185897],
}
"""Near zeros."""


def error_table():
    """Read the table of larger errors: by function and what, the most."""
    text = (Path(__file__).parents[2] / "docs" / "language.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (value|derivative) \| [^|]+ \| ([\de-]+) \|$", text, re.MULTILINE)
    return {(name, what): float(most) for name, what, most in rows}


def points_of(name):
    """Draw points of all magnitudes, near whole and half numbers, and near multiples of a right angle."""
    random = np.random.default_rng(zlib.crc32(name.encode()))
    signs = random.choice([-1, 1], 12)
    found = [
        random.uniform(-5, 5, 12),
        random.uniform(-40, 40, 12),
        random.uniform(-750, 750, 8),
        signs * 10.0 ** random.uniform(-307, 308, 12),
        signs * 10.0 ** random.uniform(-20, 1, 12),
        random.integers(-12, 13, 12) * 0.5 * (1 + signs * 10.0 ** random.uniform(-16, -1, 12)),
        math.pi / 2 * random.integers(-20, 21, 6),
        1 - 10.0 ** random.uniform(-15, 0, 6),
        10.0 ** random.uniform(-15, 0, 6) - 1,
        LOSES_AT.get(name, []),
    ]
    return [float(x) for x in np.unique(np.concatenate(found)) if is_drawn(name, x)]


def is_drawn(name, x):
    """Leave out poles, and where mpmath takes for ever."""
    return name not in ("lgamma", "digamma") or ((x != math.floor(x) or x > 0) and -1e6 < x < 1e100)


def exact(name, x):
    """Return value and derivative, None where there are none that float64 holds."""
    with mpmath.workdps(60 + int(3 * abs(math.log10(abs(x) or 1.0)))):
        try:
            found = [function(mpmath.mpf(x)) for function in DEFINITIONS[name]]
        except (ValueError, ArithmeticError):
            return None
    is_held = all(isinstance(each, mpmath.mpf) and abs(each) < sys.float_info.max for each in found)
    return found if is_held else None


def evaluated(name, x, is_small):
    """Return value and derivative, on floats or on arrays."""
    if is_small:
        answer = gradient(f"{name}(x)", {"x": x})
        return answer["value"], float(answer["gradient"]["x"])
    point = {"x": np.full(REPEATED, x)}
    slopes = gradient(f"sum({name}(x))", point)["gradient"]["x"]
    return float(value(f"{name}(x)", point)["value"][3]), float(slopes[3])


def test_every_function_of_one_number_is_held_against_mpmath():
    of_one = {name for name, row in FUNCTIONS.items() if row.operands == ("x",) and row.is_elementwise}
    macros = {"gelu", "silu", "elu", "leaky_relu"}

    assert of_one | macros == set(DEFINITIONS)


@pytest.mark.parametrize("name", DEFINITIONS)
@pytest.mark.parametrize("is_small", [True, False], ids=["floats", "arrays"])
def test_a_function_and_its_derivative_are_right_to_four_ulp(name, is_small):
    rows = []
    for x in points_of(name):
        wanted = exact(name, x)
        if wanted is None:
            continue
        for what, got, number in zip(
            ("value", "derivative"), evaluated(name, x, is_small), wanted, strict=True
        ):
            off = abs(mpmath.mpf(got) - number)
            if off > sys.float_info.min:
                last = math.ulp(float(number)) if abs(number) > sys.float_info.min else math.ulp(0.0)
                rows.append((float(off / last), what, x, float(off)))

    lost = [row for row in rows if row[0] > MOST_ULP]
    table = error_table()
    print(name, *(max(row for row in rows if row[1] == what) for what in {row[1] for row in rows}))
    assert [row for row in lost if row[3] > table.get((name, row[1]), 0.0)] == []
    assert {row[1] for row in lost} == {what for function, what in table if function == name}


@pytest.mark.parametrize("x", [0.0, -1.0, -2.0])
@pytest.mark.parametrize("name", ["lgamma", "digamma"])
def test_a_pole_has_no_value(name, x):
    with pytest.raises(NonFiniteResult):
        gradient(f"{name}(x)", {"x": x})


@pytest.mark.parametrize("x", [-0.3, -1.00001, -4.75, 2.5])
def test_second_derivatives_of_digamma_are_right_below_zero(x):
    answer = gradient("sum(digamma(x))", {"x": [x]})["gradient"]["x"][0]
    second = hvp("sum(lgamma(x))", {"x": [x]}, {"x": [1.0]})["product"]["x"][0]
    third = hvp("sum(digamma(x))", {"x": [x]}, {"x": [1.0]})["product"]["x"][0]

    with mpmath.workdps(50):
        assert answer == pytest.approx(float(mpmath.polygamma(1, mpmath.mpf(x))), rel=1e-14)
        assert second == pytest.approx(float(mpmath.polygamma(1, mpmath.mpf(x))), rel=1e-14)
        assert third == pytest.approx(float(mpmath.polygamma(2, mpmath.mpf(x))), rel=1e-14)


@pytest.mark.parametrize("x", [0.0, 0.3, 0.499, 0.501, -1.7, 6.2, 10.0, -1000.0, 1000.25, 1e10, 1e15 + 0.5])
def test_second_derivatives_of_sinc_are_right(x):
    second = hvp("sinc(x)", {"x": x}, {"x": 1.0})["product"]["x"]

    with mpmath.workdps(80):
        expected = mpmath.diff(lambda x: mpmath.sincpi(x), mpmath.mpf(x), 2)
    assert float(second) == pytest.approx(float(expected), rel=1e-13, abs=0.0)


SECOND_DERIVATIVES = {
    "arcsin": lambda x: x / mpmath.sqrt((1 - x * x) ** 3),
    "arccos": lambda x: -x / mpmath.sqrt((1 - x * x) ** 3),
    "arctanh": lambda x: 2 * x / (1 - x * x) ** 2,
}


@pytest.mark.parametrize("x", [1e-300, -1e-20, 1e-8, 1e-4, -0.3, 0.96, 0.9999999999999999])
@pytest.mark.parametrize("name", sorted(SECOND_DERIVATIVES))
def test_second_derivatives_of_inverse_functions_keep_their_digits_near_zero(name, x):
    second = hvp(f"{name}(x)", {"x": x}, {"x": 1.0})["product"]["x"]

    with mpmath.workdps(50):
        expected = SECOND_DERIVATIVES[name](mpmath.mpf(x))
    assert float(second) == pytest.approx(float(expected), rel=1e-15, abs=0.0)


@pytest.mark.parametrize("x", [1e155, -1e155, 1.7e308, -1.7e308])
@pytest.mark.parametrize("name", ["erf", "erfc", "gelu"])
def test_second_derivatives_far_out_are_zero(name, x):
    second = hvp(f"{name}(x)", {"x": x}, {"x": 1.0})["product"]["x"]

    assert float(second) == 0.0


@pytest.mark.parametrize("distance", [20.0, 36.0, 40.0, 700.0])
@pytest.mark.parametrize(
    "text", ["log_softmax(x)[0]", "-cross_entropy(softmax(x), t, epsilon=0)"], ids=["log_softmax", "loss"]
)
def test_the_derivative_of_log_softmax_in_saturation_is_right_to_a_rounding_of_one(text, distance):
    constants = {"t": [1.0, 0.0]} if "t," in text else {}
    slope = gradient(text, {"x": [distance, 0.0]}, constants)["gradient"]["x"]

    with mpmath.workdps(400):
        rest = float(1 / (1 + mpmath.exp(distance)))
    assert abs(slope[0] - rest) <= 1.2e-16
    assert slope[1] == pytest.approx(-rest, rel=1e-15)


@pytest.mark.parametrize("name", ["erfc", "lgamma", "digamma", "sinc", "normal_cdf", "bell"])
def test_a_large_array_has_the_bits_of_its_elements_in_any_order(name):
    kernel = getattr(special_kernels, name)
    x = np.random.default_rng(0).uniform(-4.0, 4.0, (300, 400))
    expected = np.array([kernel(row) for row in x])

    for each, wanted in ((x.T, expected.T), (x[::-2, 1:], expected[::-2, 1:]), (x, expected)):
        assert_array_equal(kernel(each), wanted)
