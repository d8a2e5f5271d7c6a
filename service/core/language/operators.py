"""Rows of the operations table: operators and comparisons."""

from __future__ import annotations

import math

from service.core.language import shortcuts
from service.core.language.derivative_operations import known_complement, zero_at_zero
from service.core.language.graph import Term
from service.core.language.operation import Operation
from service.core.language.ranges import is_sum_of_squares
from service.core.language.rows import comparison, operator, unary

SMALL_EXPONENT = 0.05
"""Below it a**(b - 1) may overflow where b * a**(b - 1) does not."""


def _power_base(g: Term, y: Term, a: Term, b: Term) -> Term:
    exponent = b.value
    if exponent is None or abs(exponent) < SMALL_EXPONENT:
        derivative = a.apply("power_base_derivative", b)
        return g * (zero_at_zero(a, derivative) if is_sum_of_squares(a) else derivative)
    if 0.0 < exponent < 1.0 and is_sum_of_squares(a):
        return g * (exponent * y.apply("ratio_or_zero", a))
    return g * (exponent * a.apply("power", exponent - 1.0))


def _power_exponent(g: Term, y: Term, a: Term, b: Term) -> Term:
    if a.value is not None and a.value > 0.0:
        return g * (math.log(a.value) * y)
    return g * a.apply("power_exponent_derivative", b, y)


MOST_FACTORS = 16.0
"""Largest exponent that is written in products."""


def _power_of_factors(a: Term, b: Term) -> Term | None:
    """Write a power with a small whole or half exponent in squares and products, a tenth of the time of pow.

    They round as often as the exponent says, twice so below 0: as if `a` had been rounded once or twice.
    """
    if a.value == 2.0:
        return b.apply("exp2")
    exponent = b.value
    if exponent is None or not 0.0 < abs(exponent) <= MOST_FACTORS or (2.0 * exponent) % 1.0:
        return None
    whole, half = divmod(abs(exponent), 1.0)
    found = _whole_power(a if exponent > 0.0 else 1.0 / a, int(whole)) if whole else a.graph.number(1.0)
    if not half:
        return found
    root = a.apply("sqrt")
    return found * root if exponent > 0.0 else found / root


def _whole_power(base: Term, exponent: int) -> Term:
    """Multiply the squares of squares that the exponent has as binary digits, so that powers share them."""
    squares = [base]
    while 2 ** len(squares) <= exponent:
        squares.append(squares[-1].apply("square"))
    found, *others = [square for place, square in enumerate(squares) if exponent >> place & 1][::-1]
    for square in others:
        found = found * square
    return found


OPERATORS: tuple[Operation, ...] = (
    operator(
        "add",
        "+",
        "sum",
        lambda g, y, a, b: g,
        lambda g, y, a, b: g,
        ufunc="add",
        shortcut=shortcuts.add,
        example="stack(1, 2) + 10",
    ),
    operator(
        "subtract",
        "-",
        "difference",
        lambda g, y, a, b: g,
        lambda g, y, a, b: -g,
        ufunc="subtract",
        on_arrays=lambda a, b: known_complement(b) if a.value == 1.0 else None,
        shortcut=shortcuts.subtract,
        example="stack(1, 2) - 10",
    ),
    operator(
        "multiply",
        "*",
        "product",
        lambda g, y, a, b: g * b,
        lambda g, y, a, b: g * a,
        ufunc="multiply",
        shortcut=shortcuts.product,
        example="stack(1, 2) * 10",
    ),
    operator(
        "divide",
        "/",
        "quotient",
        lambda g, y, a, b: g / b,
        lambda g, y, a, b: -(g / b) * y,
        ufunc="divide",
        shortcut=shortcuts.divide,
        example="stack(1, 2) / 10",
    ),
    operator(
        "power",
        "**",
        "a to the power b",
        _power_base,
        _power_exponent,
        array="power({0}, {1})",
        out="power({0}, {1}, out={out})",
        on_arrays=_power_of_factors,
        shortcut=shortcuts.power,
        scalar="pow({0}, {1})",
        cost=20.0,
        kinks="0**0 is 1; where b is 0 the derivative by a is 0, as where a is a sum of squares that is 0; "
        "where a is 0 the derivative by b is 0",
        example="arange(4) ** 2",
    ),
    operator(
        "modulo",
        "%",
        "remainder of a divided by b, with the sign of b",
        lambda g, y, a, b: g,
        lambda g, y, a, b: -g * a.apply("floor_quotient", b),
        ufunc="remainder",
        cost=8.0,
        kinks="where it jumps, as beside it",
        is_analytic=False,
        example="stack(7, -7) % 3",
    ),
    operator(
        "floor_quotient",
        "//",
        "largest whole number of at most a / b",
        None,
        None,
        ufunc="floor_divide",
        cost=8.0,
        kinks="0",
        is_analytic=False,
        example="stack(7, -7) // 2",
    ),
    unary(
        "negative",
        "the negative",
        lambda g, y, x: -g,
        symbol="-",
        is_function=False,
        array="-{0}",
        shortcut=shortcuts.negative,
        scalar="-{0}",
        example="-stack(1, 2)",
    ),
    unary(
        "positive",
        "the same",
        lambda g, y, x: g,
        symbol="+",
        is_function=False,
        array="{0}",
        scalar="{0}",
        is_macro=True,
        definition=lambda x: x,
        example="+stack(1, 2)",
    ),
    comparison(
        "less",
        "<",
        "whether a is below b",
        example="where(arange(3) < 1, 5, 6)",
    ),
    comparison(
        "less_equal",
        "<=",
        "whether a is at most b",
        example="where(arange(3) <= 1, 5, 6)",
    ),
    comparison(
        "greater",
        ">",
        "whether a is above b",
        example="where(arange(3) > 1, 5, 6)",
    ),
    comparison(
        "greater_equal",
        ">=",
        "whether a is at least b",
        example="where(arange(3) >= 1, 5, 6)",
    ),
    comparison(
        "equal",
        "==",
        "whether a equals b",
        example="where(arange(3) == 1, 5, 6)",
    ),
    comparison(
        "not_equal",
        "!=",
        "whether a differs from b",
        example="where(arange(3) != 1, 5, 6)",
    ),
)
