"""Rows of the operations table: rounding, further elementary and special functions, activations."""

from __future__ import annotations

import math
from typing import Any

from service.core.language.graph import Term, TermFunction
from service.core.language.operation import Operation
from service.core.language.ranges import is_sum_of_squares
from service.core.language.rows import binary, internal, unary

LOG_2, LOG_10 = math.log(2.0), math.log(10.0)


def _step_function(name: str, meaning: str, **fields: Any) -> Operation:
    """Make the row of a function that is constant between its jumps.

    NumPy's give -0.0, on which `arctan2` depends, where the floats' give the whole number 0.
    """
    array = f"({fields.pop('array', name)}({{0}}) + 0.0)"
    fields |= {"ufunc": "", "array": array, "workspace": 1.0}
    return unary(name, meaning, None, kinks="0", is_analytic=False, **fields)


def _cbrt(g: Term, y: Term, x: Term) -> Term:
    if is_sum_of_squares(x):
        return g * (y.apply("ratio_or_zero", x) / 3.0)
    return g / (3.0 * x.apply("ratio_or_zero", y))  # x/y is y**2 with the error of one y


def _activation(name: str, meaning: str, definition: TermFunction, **fields: Any) -> Operation:
    """Make the row of a function that is always written in terms of others."""
    return unary(name, meaning, None, ufunc="", array="", is_macro=True, definition=definition, **fields)


def _positive_part(x: Term, below: Term) -> Term:
    return x.apply("greater", 0.0).apply("where", x, below)


def _elu(x: Term, alpha: float) -> Term:
    below = x.apply("greater", 0.0).apply("where", 0.0, x)
    return _positive_part(x, alpha * below.apply("expm1"))


def _sinc_derivative(g: Term, y: Term, x: Term) -> Term:
    """Differentiate the derivative of the spherical Bessel function of order 0 (sinc is that of pi x)."""
    zeroth, second = (x.apply("spherical_bessel", order) for order in (0.0, 2.0))
    return g * ((2.0 * math.pi**2 / 3.0) * second - (math.pi**2 / 3.0) * zeroth)


def _bessel(g: Term, y: Term, x: Term, order: Term) -> Term:
    """Differentiate without a division, so that nothing cancels at 0 (Abramowitz and Stegun 10.1.20)."""
    n = order.value or 0.0
    above = x.apply("spherical_bessel", n + 1.0)
    if n == 0.0:
        return g * (-math.pi * above)
    below = x.apply("spherical_bessel", n - 1.0)
    weight = math.pi / (2.0 * n + 1.0)
    return g * (n * weight * below - (n + 1.0) * weight * above)


SPECIAL: tuple[Operation, ...] = (
    _step_function(
        "floor",
        "largest whole number of at most x",
        scalar="(floor({0}) + 0.0)",
        example="floor(stack(-1.5, 1.5))",
    ),
    _step_function(
        "ceil",
        "smallest whole number of at least x",
        scalar="(ceil({0}) + 0.0)",
        example="ceil(stack(-1.5, 1.5))",
    ),
    _step_function(
        "round",
        "nearest whole number, of two the even one",
        array="rint",
        scalar="(round_half_even({0}) + 0.0)",
        example="round(stack(0.5, 1.5, 1.7))",
    ),
    _step_function(
        "trunc",
        "x without what stands behind the point",
        scalar="(trunc({0}) + 0.0)",
        example="trunc(stack(-1.5, 1.5))",
    ),
    unary(
        "log2",
        "logarithm to base 2",
        lambda g, y, x: g / (x * LOG_2),
        cost=10.0,
        example="log2(8)",
    ),
    unary(
        "log10",
        "logarithm to base 10",
        lambda g, y, x: g / (x * LOG_10),
        cost=10.0,
        example="log10(1000)",
    ),
    unary(
        "exp2",
        "2 to the power x",
        lambda g, y, x: g * (y * LOG_2),
        cost=10.0,
        example="exp2(10)",
    ),
    unary(
        "cbrt",
        "cube root",
        _cbrt,
        scalar="float(cbrt({0}))",
        cost=20.0,
        kinks="0 where x is a sum of squares that is 0",
        is_analytic=False,
        example="cbrt(27)",
    ),
    binary(
        "hypot",
        "sqrt(a**2 + b**2), without overflow or underflow",
        lambda g, y, a, b: g * a.apply("ratio_or_zero", y),
        lambda g, y, a, b: g * b.apply("ratio_or_zero", y),
        ufunc="hypot",
        array="hypot({0}, {1})",
        scalar="hypot({0}, {1})",
        kinks="0 where a and b are 0",
        cost=10.0,
        is_analytic=False,
        example="hypot(3, 4)",
    ),
    binary(
        "arctan2",
        "angle of the point (b, a), from -pi to pi",
        lambda g, y, a, b: g * (b.apply("ratio_or_zero", h := a.apply("hypot", b)).apply("ratio_or_zero", h)),
        lambda g, y, a, b: (
            -g * (a.apply("ratio_or_zero", h := a.apply("hypot", b)).apply("ratio_or_zero", h))
        ),
        ufunc="arctan2",
        array="arctan2({0}, {1})",
        scalar="atan2({0}, {1})",
        kinks="0 where a and b are 0",
        cost=24.0,
        is_analytic=False,
        example="arctan2(1, -1)",
    ),
    unary(
        "arcsinh",
        "inverse hyperbolic sine",
        lambda g, y, x: g / x.apply("hypot", 1.0),
        scalar="asinh({0})",
        cost=24.0,
        example="arcsinh(1)",
    ),
    unary(
        "arccosh",
        "inverse hyperbolic cosine",
        lambda g, y, x: g / ((x - 1.0).apply("sqrt") * (x + 1.0).apply("sqrt")),
        scalar="acosh({0})",
        cost=24.0,
        example="arccosh(2)",
    ),
    unary(
        "arctanh",
        "inverse hyperbolic tangent",
        lambda g, y, x: g / x.apply("one_less_square"),
        scalar="atanh({0})",
        cost=24.0,
        example="arctanh(0.5)",
    ),
    unary(
        "sinc",
        "sin(pi * x) / (pi * x), 1 at 0",
        lambda g, y, x: g * x.apply("sinc_derivative"),
        ufunc="",
        scalar="float(sinc({0}))",
        cost=40.0,
        workspace=8.25,
        is_in_blocks=True,
        copies_skipping=True,
        is_analytic=False,
        example="sinc(stack(0, 0.5))",
    ),
    unary(
        "erf",
        "error function",
        lambda g, y, x: g * (x.apply("bell") * (2.0 / math.sqrt(math.pi))),
        ufunc="erf",
        scalar="erf({0})",
        cost=16.0,
        is_analytic=False,
        example="erf(1)",
    ),
    unary(
        "erfc",
        "1 - erf(x), accurate in the tail",
        lambda g, y, x: g * (x.apply("bell") * (-2.0 / math.sqrt(math.pi))),
        ufunc="",
        scalar="erfc({0})",
        cost=100.0,
        workspace=4.25,
        is_in_blocks=True,
        copies_skipping=True,
        is_analytic=False,
        example="erfc(10)",
    ),
    unary(
        "lgamma",
        "logarithm of the magnitude of the gamma function",
        lambda g, y, x: g * x.apply("digamma"),
        ufunc="",
        scalar="float(lgamma({0}))",
        cost=60.0,
        workspace=9.5,
        is_in_blocks=True,
        copies_skipping=True,
        is_analytic=False,
        example="lgamma(5)",
    ),
    unary(
        "digamma",
        "derivative of lgamma",
        lambda g, y, x: g * x.apply("polygamma", 1.0),
        ufunc="",
        scalar="float(digamma({0}))",
        cost=40.0,
        workspace=6.25,
        is_in_blocks=True,
        copies_skipping=True,
        is_analytic=False,
        example="digamma(1)",
    ),
    _activation(
        "gelu",
        "x times the normal distribution function of x",
        lambda x: x * x.apply("normal_cdf"),
        is_analytic=False,
        example="gelu(stack(-1, 1))",
    ),
    _activation(
        "silu",
        "x * sigmoid(x)",
        lambda x: x * x.apply("sigmoid"),
        example="silu(stack(-1, 1))",
    ),
    _activation(
        "elu",
        "x, below 0 alpha * (exp(x) - 1)",
        _elu,
        options=(("alpha", "number", 1.0),),
        kinks="at 0 as below it, second derivatives too",
        is_analytic=False,
        example="elu(stack(-1, 1))",
    ),
    _activation(
        "leaky_relu",
        "x, below 0 negative_slope * x",
        lambda x, negative_slope: _positive_part(x, negative_slope * x),
        options=(("negative_slope", "number", 0.01),),
        kinks="at 0 as below it",
        is_analytic=False,
        example="leaky_relu(stack(-1, 1))",
    ),
    # internal: the rows above and their derivatives are written in these
    internal(
        "one_less_square",
        ("x",),
        "(1.0 - {0}) * (1.0 + {0})",
        "(1.0 - {0}) * (1.0 + {0})",
        derivatives=(lambda g, y, x: g * (-2.0 * x),),  # by the product rule it would cancel near 0
        cost=3.0,
        workspace=2.0,
    ),
    internal(
        "bell",
        ("x",),
        "bell({0})",
        "float(bell({0}))",
        derivatives=(lambda g, y, x: g * (-2.0 * (x * y)),),  # x * y first: 2 * x may overflow where y is 0
        is_analytic=False,
        cost=24.0,
        workspace=6.0,
        is_in_blocks=True,
        copies_skipping=True,
    ),
    internal(
        "polygamma",
        ("x", "order"),
        "polygamma({0}, {1})",
        "float(polygamma({0}, {1}))",
        derivatives=(
            lambda g, y, x, order: g * x.apply("polygamma", (order.value or 0.0) + 1.0),
            None,
        ),
        is_analytic=False,
        cost=60.0,
        workspace=11.25,
        is_in_blocks=True,
        copies_skipping=True,
    ),
    internal(
        "normal_cdf",
        ("x",),
        "normal_cdf({0})",
        "normal_cdf({0})",
        derivatives=(lambda g, y, x: g * x.apply("normal_density"),),
        is_analytic=False,
        cost=130.0,
        workspace=9.25,
        is_in_blocks=True,
        copies_skipping=True,
    ),
    internal(
        "normal_density",
        ("x",),
        "normal_density({0})",
        "float(normal_density({0}))",
        derivatives=(lambda g, y, x: -g * (x * y),),  # x * y first: it is 0 where g * x overflows
        is_analytic=False,
        cost=30.0,
        workspace=6.0,
        is_in_blocks=True,
        copies_skipping=True,
    ),
    internal(
        "sinc_derivative",
        ("x",),
        "sinc_derivative({0})",
        "float(sinc_derivative({0}))",
        derivatives=(_sinc_derivative,),
        is_analytic=False,
        cost=100.0,
        workspace=9.25,
        is_in_blocks=True,
        copies_skipping=True,
    ),
    internal(
        "spherical_bessel",
        ("x", "order"),
        "spherical_bessel({0}, {1})",
        "float(spherical_bessel({0}, {1}))",
        derivatives=(_bessel, None),
        is_analytic=False,
        cost=140.0,
        workspace=10.25,
        is_in_blocks=True,
        copies_skipping=True,
    ),
)
