"""Sums of all elements, of which nothing is written down that only the sum needs."""

from __future__ import annotations

from service.core.language import shapes
from service.core.language.graph import Term
from service.core.language.operation import Operation
from service.core.language.ranges import is_sum_of_squares

LIKELIHOODS = {"xlogy", "xlog_complement"}
"""Weighted logarithms of what adds up to 1: no sum of the two loses digits."""


def total(x: Term, axis: shapes.Axes = None, keepdims: bool = False) -> Term | None:
    """Sum all elements without writing down squares, products, multiples and sums of such.

    What is written in parts loses no digit and overflows no sooner: no part has another sign than its
    sum, no factor is below 1.
    """
    if keepdims or len(shapes.axes_of(axis, len(x.shape))) < len(x.shape):
        return None
    squared, summed = x.made_by("square"), x.made_by("sum")
    if squared is not None:
        return squared.apply("sum_of_squares")
    if summed is not None:
        return whole(summed)
    operands = [Term(x.graph, operand) for operand in x.node.operands]
    if len(operands) != 2 or operands[1].shape != x.shape:
        return None
    rule = _OF_TWO.get(x.node.operation.name)
    return rule(*operands) if rule else None


def whole(x: Term) -> Term:
    """Sum all elements."""
    return total(x) or x.apply("sum")


def _of_sum(first: Term, second: Term) -> Term | None:
    names = {first.node.operation.name, second.node.operation.name}
    has_one_sign = names == LIKELIHOODS or (is_sum_of_squares(first) and is_sum_of_squares(second))
    return whole(first) + whole(second) if has_one_sign and first.shape == second.shape else None


def _of_difference(first: Term, second: Term) -> Term | None:
    return 0.0 - whole(second) if first.value == 0.0 else None


def _of_product(first: Term, second: Term) -> Term | None:
    if first.value is not None:
        return first * whole(second) if abs(first.value) >= 1.0 else None
    return first.apply("sum_of_products", second) if first.shape == second.shape else None


def _of_settled(product: Term, weight: Term) -> Term | None:
    """Sum what is 0 where its weight is."""
    is_product = product.made_by("multiply") is not None
    factors = [Term(product.graph, factor) for factor in product.node.operands] if is_product else []
    others = [factor for factor in factors if factor != weight and factor.shape == weight.shape]
    return weight.apply("weighted_sum", others[0]) if len(others) == 1 and len(factors) == 2 else None


_OF_TWO = {"add": _of_sum, "subtract": _of_difference, "multiply": _of_product, "settled": _of_settled}
"""By operation of two operands: the sum of its results, or None."""


def _definition(a: Term, b: Term) -> Term:
    return (a * b).apply("sum")


def _batched(a: Term, b: Term) -> Term:
    return (a * b).apply("sum", axis=tuple(range(1, len(a.shape))))


TOTALS: tuple[Operation, ...] = (
    Operation(
        "sum_of_squares",
        ("x",),
        "sum of the squares of all elements",
        shape=lambda x: (),
        array="sum_of_squares({0})",
        of_parts="add_reduce({0}, None)",
        derivatives=(lambda g, y, x: (g * x).doubled(),),
        batch=lambda x: x.apply("square").apply("sum", axis=tuple(range(1, len(x.shape)))),
        definition=lambda x: x.apply("square").apply("sum"),
        is_public=False,
    ),
    Operation(
        "sum_of_products",
        ("a", "b"),
        "sum of the products of all elements",
        shape=lambda a, b: (),
        array="sum_of_products({0}, {1})",
        of_parts="add_reduce({0}, None)",
        derivatives=(lambda g, y, a, b: g * b, lambda g, y, a, b: g * a),
        batch=_batched,
        definition=_definition,
        is_public=False,
    ),
    Operation(
        "weighted_sum",
        ("weight", "x"),
        "sum of the products of all elements, 0 where the weight is",
        shape=lambda weight, x: (),
        array="weighted_sum({0}, {1})",
        of_parts="add_reduce({0}, None)",
        derivatives=(lambda g, y, weight, x: g * x, lambda g, y, weight, x: g * weight),
        batch=_batched,
        definition=_definition,
        is_public=False,
    ),
)
