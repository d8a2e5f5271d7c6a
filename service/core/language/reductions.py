"""Rows of the operations table: reductions over axes, and what normalises along them."""

from __future__ import annotations

import math
from typing import Any

from service.core.arrays import Shape
from service.core.language import batching, elements, shapes
from service.core.language.graph import Term
from service.core.language.operation import Operation
from service.core.language.ranges import is_sum_of_squares
from service.core.language.rows import AXIS, KEEPDIMS, internal
from service.core.reduction_kernels import is_faster_by_columns, sums_by_product

LAST = (("axis", "axis", -1),)


def spread(g: Term, x: Term, axis: shapes.Axes, keepdims: bool = False) -> Term:
    """Broadcast what a reduction of x left, back to the shape of x."""
    kept = shapes.reduced(x.shape, axis, True)
    if not keepdims and g.size != 1:
        g = g.apply("reshape", shape=kept)
    return g.apply("broadcast", shape=x.shape)


def reduce_to(term: Term, shape: tuple[int, ...]) -> Term:
    """Sum over the axes that broadcasting added or stretched: its adjoint."""
    if term.shape == shape:
        return term
    extra = len(term.shape) - len(shape)
    stretched = [extra + axis for axis, size in enumerate(shape) if size == 1 != term.shape[extra + axis]]
    axes = (*range(extra), *stretched)
    if term.source().size == 1 and term.size:
        count = float(term.size // math.prod(shape))
        total = term.source() * count
        return total.apply("reshape", shape=()).apply("broadcast", shape=shape)
    return term.apply("sum", axis=axes, keepdims=False).apply("reshape", shape=shape)


def _mean(x: Term, axis: shapes.Axes, keepdims: bool) -> Term:
    count = math.prod(x.shape[each] for each in shapes.axes_of(axis, len(x.shape)))
    return x.apply("sum", axis=axis, keepdims=keepdims) / float(count)


def _shared_among_ties(g: Term, y: Term, x: Term, axis: shapes.Axes, keepdims: bool) -> Term:
    """Give the cotangent to the elements equal to the extremum, in equal shares."""
    is_extreme = x.apply("equal", spread(y, x, axis, keepdims)).apply("where", 1.0, 0.0)
    count = is_extreme.apply("sum", axis=axis, keepdims=True)
    return spread(g, x, axis, keepdims) * (is_extreme / count)


def _softmax_cotangent(g: Term, y: Term, x: Term, axis: shapes.Axes) -> Term:
    weighted = g * y
    return weighted - weighted.apply("sum", axis=axis, keepdims=True) * y


def _log_softmax_cotangent(g: Term, y: Term, x: Term, axis: shapes.Axes) -> Term:
    return g - g.apply("sum", axis=axis, keepdims=True) * y.apply("exp")


def _shift(x: Term, axis: shapes.Axes) -> Term:
    return x - x.apply("max", axis=axis, keepdims=True)


def _powers(x: Term, axis: shapes.Axes) -> tuple[Term, Term, Term]:
    """Write what softmax and logsumexp of large arrays share: a shift, exp(x - shift) and its sums."""
    shift = x.apply("exponent_shift", axis=axis)
    powers = x.apply("shifted_exp", shift)
    return shift, powers, powers.apply("sum", axis=axis, keepdims=True)


def _softmax_of_powers(x: Term, axis: shapes.Axes) -> Term:
    _, powers, total = _powers(x, axis)
    return powers / total


def _softmax(x: Term, axis: shapes.Axes) -> Term:
    powers = _shift(x, axis).apply("exp")
    return powers / powers.apply("sum", axis=axis, keepdims=True)


def _log_softmax(x: Term, axis: shapes.Axes) -> Term:
    shifted = _shift(x, axis)
    return shifted - _log_of_sum(shifted, axis, keepdims=True)


def _logsumexp(x: Term, axis: shapes.Axes, keepdims: bool) -> Term:
    return _log_of_sum(_shift(x, axis), axis, keepdims) + x.apply("max", axis=axis, keepdims=keepdims)


def _log_of_sum(shifted: Term, axis: shapes.Axes, keepdims: bool) -> Term:
    """Write log(sum(exp(shifted))), the largest element being 0, by log1p of what the others add to its 1."""
    is_largest = shifted.apply("equal", 0.0).apply("where", 1.0, 0.0)
    others = (shifted.apply("exp") - is_largest).apply("sum", axis=axis, keepdims=keepdims)
    ties = is_largest.apply("sum", axis=axis, keepdims=keepdims) - 1.0
    return (others + ties).apply("log1p")


def _logsumexp_of(x: Term, axis: shapes.Axes, keepdims: bool) -> Term:
    return x.apply("logsumexp_of", *_powers(x, axis), axis=axis, keepdims=keepdims)


def _norm(x: Term, axis: shapes.Axes, keepdims: bool) -> Term:
    """Scale by the largest magnitude first, so that no square overflows or underflows."""
    if not x.size:
        return x.apply("sum", axis=axis, keepdims=keepdims)
    magnitude = x.apply("abs")
    scale = magnitude.apply("max", axis=axis, keepdims=True)
    divisor = scale.apply("equal", 0.0).apply("where", 1.0, scale)
    total = (magnitude / divisor).apply("square").apply("sum", axis=axis, keepdims=keepdims)
    return total.apply("sqrt") * x.apply("abs").apply("max", axis=axis, keepdims=keepdims)


def _cotangent_of_others(g: Term, y: Term, x: Term, axis: shapes.Axes) -> Term:
    """Write the products of others as those of the rows of a square with 1 on its diagonal."""
    rank = len(x.shape)
    axes = shapes.axes_of(axis, rank)
    order = (*(each for each in range(rank) if each not in axes), *axes)
    size = math.prod(x.shape[each] for each in axes)
    flat = (*(x.shape[each] for each in order[: rank - len(axes)]), size)
    square = (*flat, size)
    moved = g.apply("transpose", axes=order).apply("reshape", shape=(*flat, 1))
    rows = x.apply("transpose", axes=order).apply("reshape", shape=(*flat[:-1], 1, size))
    diagonal = x.graph.apply("identity_matrix", size=size)
    others = diagonal.apply("equal", 1.0).apply("where", 1.0, rows.apply("broadcast", shape=square))
    pairs = others.apply("product_of_others", axis=-1) * (1.0 - diagonal)
    total = (moved * pairs).apply("sum", axis=-2)
    back = tuple(order.index(each) for each in range(rank))
    return total.apply("reshape", shape=tuple(x.shape[each] for each in order)).apply("transpose", axes=back)


def _total(x: Term, axis: shapes.Axes = None, keepdims: bool = False) -> Term | None:
    """Sum all elements without an array that only the sum needs: of squares, of multiples, of sums of such.

    What is written in parts loses no digit and overflows no sooner: no part has another sign than its
    sum, no factor is below 1.
    """
    if keepdims or len(shapes.axes_of(axis, len(x.shape))) < len(x.shape):
        return None
    squared, summed = x.made_by("square"), x.made_by("sum")
    if squared is not None:
        return squared.apply("sum_of_squares")
    if summed is not None:
        return _whole(summed)
    operands = x.operands
    if len(operands) != 2 or operands[1].shape != x.shape:
        return None
    first, second = operands
    if x.node.operation.name == "add" and first.shape == x.shape and all(map(is_sum_of_squares, operands)):
        return _whole(first) + _whole(second)
    if x.node.operation.name == "subtract" and first.value == 0.0:
        return 0.0 - _whole(second)
    is_multiple = x.node.operation.name == "multiply" and first.value is not None
    return first * _whole(second) if is_multiple and abs(first.value or 0.0) >= 1.0 else None


def _whole(x: Term) -> Term:
    """Sum all elements."""
    return _total(x) or x.apply("sum")


def _logsumexp_cotangent(
    g: Term, y: Term, x: Term, shift: Term, powers: Term, total: Term, axis: shapes.Axes, keepdims: bool
) -> Term:
    """Differentiate by x alone, of which the other operands are made."""
    return _logsumexp_derivative(g, y, x, axis, keepdims)


def _logsumexp_derivative(g: Term, y: Term, x: Term, axis: shapes.Axes, keepdims: bool) -> Term:
    """Differentiate by softmax, which refuses any axis of a scalar, even none: ()."""
    return spread(g, x, axis, keepdims) * x.apply("softmax", axis=axis if x.shape else None)


def _faster_sum(shape: Shape, axis: shapes.Axes, keepdims: bool) -> str:
    way = sums_by_product(shape, axis)
    return f"{way}({{0}}, {{keepdims}}, {{out}})" if way else ""


def _faster_maximum(shape: Shape, axis: shapes.Axes, keepdims: bool) -> str:
    if not is_faster_by_columns(shape, axis):
        return ""
    return "maxima({0}, {axis})" if keepdims else "maxima({0}, {axis})[..., 0]"


def reduction(name: str, meaning: str, derivative: Any, **fields: Any) -> Operation:
    """Make the row of a reduction with `axis` and `keepdims`."""
    fields.setdefault("shape", shapes.reduced_not_empty)
    fields.setdefault("batch", batching.along(name))
    return Operation(name, ("x",), meaning, derivatives=(derivative,), options=(AXIS, KEEPDIMS), **fields)


REDUCTION: tuple[Operation, ...] = (
    reduction(
        "sum",
        "sum of the elements",
        lambda g, y, x, axis, keepdims: spread(g, x, axis, keepdims),
        shape=shapes.reduced,
        array="add_reduce({0}, {axis}, None, None, {keepdims})",
        out="add_reduce({0}, {axis}, None, {out}, {keepdims})",
        suited=_faster_sum,
        of_parts="add_reduce({0}, None)",
        on_arrays=_total,
        lower=elements.reduced(Term.__add__, 0.0),
        example="sum(eye(2), axis=0)",
    ),
    reduction(
        "mean",
        "arithmetic mean",
        None,
        array="",
        is_macro=True,
        definition=_mean,
        example="mean(arange(5))",
    ),
    reduction(
        "min",
        "smallest element",
        _shared_among_ties,
        array="minimum_reduce({0}, {axis}, None, None, {keepdims})",
        out="minimum_reduce({0}, {axis}, None, {out}, {keepdims})",
        of_parts="minimum_reduce({0}, None)",
        lower=elements.reduced(lambda a, b: a.apply("minimum", b), 0.0),
        kinks="equal elements share the derivative equally",
        is_analytic=False,
        example="min(stack(3, 1, 2))",
    ),
    reduction(
        "max",
        "largest element",
        _shared_among_ties,
        array="maximum_reduce({0}, {axis}, None, None, {keepdims})",
        suited=_faster_maximum,
        of_parts="maximum_reduce({0}, None)",
        lower=elements.reduced(lambda a, b: a.apply("maximum", b), 0.0),
        kinks="equal elements share the derivative equally",
        is_analytic=False,
        example="max(stack(3, 1, 2))",
    ),
    reduction(
        "prod",
        "product of the elements",
        lambda g, y, x, axis, keepdims: (
            spread(g, x, axis, keepdims) * x.apply("product_of_others", axis=axis)
        ),
        shape=shapes.reduced,
        array="multiply_reduce({0}, {axis}, None, None, {keepdims})",
        out="multiply_reduce({0}, {axis}, None, {out}, {keepdims})",
        lower=elements.reduced(Term.__mul__, 1.0),
        example="prod(arange(1, 5))",
    ),
    reduction(
        "logsumexp",
        "log(sum(exp(x))), without overflow",
        _logsumexp_derivative,
        array="logsumexp_kernel({0}, {axis}, {keepdims})",
        on_arrays=_logsumexp_of,
        definition=_logsumexp,
        cost=12.0,
        workspace=2.25,
        reduced_workspace=5.0,
        example="logsumexp(stack(1000, 1000))",
    ),
    reduction(
        "norm",
        "2-norm, without overflow or underflow",
        lambda g, y, x, axis, keepdims: (
            spread(g, x, axis, keepdims) * x.apply("ratio_or_zero", spread(y, x, axis, keepdims))
        ),
        shape=shapes.reduced,
        array="norm_kernel({0}, {axis}, {keepdims})",
        definition=_norm,
        cost=6.0,
        workspace=2.0,
        reduced_workspace=2.0,
        kinks="0 at 0",
        is_analytic=False,
        example="norm(stack(3, 4))",
    ),
    Operation(
        "softmax",
        ("x",),
        "exp(x) / sum(exp(x)) along the axis, without overflow",
        shape=shapes.along,
        options=LAST,
        array="softmax_kernel({0}, {axis})",
        on_arrays=_softmax_of_powers,
        batch=batching.along("softmax"),
        is_nonnegative=True,
        derivatives=(_softmax_cotangent,),
        definition=_softmax,
        cost=12.0,
        workspace=1.0,
        example="softmax(stack(1, 2, 3))",
    ),
    Operation(
        "log_softmax",
        ("x",),
        "log(softmax(x)) along the axis, accurate for small probabilities",
        shape=shapes.along,
        options=LAST,
        array="log_softmax_kernel({0}, {axis})",
        out="log_softmax_kernel({0}, {axis}, {out})",
        batch=batching.along("log_softmax"),
        derivatives=(_log_softmax_cotangent,),
        definition=_log_softmax,
        cost=12.0,
        workspace=1.5,
        reduced_workspace=3.25,
        example="log_softmax(stack(1, 2, 1000))",
    ),
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
        copies_skipping=True,
        is_public=False,
    ),
    Operation(
        "exponent_shift",
        ("x",),
        "what is subtracted before exp along the axis",
        shape=lambda x, axis: shapes.reduced(x, axis, True),
        options=LAST,
        array="exponent_shift({0}, {axis})",
        out="exponent_shift({0}, {axis}, {out})",
        derivatives=(None,),
        batch=batching.along("exponent_shift"),
        definition=lambda x, axis: x.apply("max", axis=axis, keepdims=True),
        cost=2.0,
        reduced_workspace=1.0,
        is_public=False,
    ),
    internal(
        "shifted_exp",
        ("x", "shift"),
        "shifted_exp({0}, {1})",
        "exp({0} - {1})",
        out="shifted_exp({0}, {1}, {out})",
        into="shifted_exp({0}, {1}, {0})",
        derivatives=(lambda g, y, x, shift: g * y, None),
        cost=9.0,
        is_nonnegative=True,
    ),
    Operation(
        "logsumexp_of",
        ("x", "shift", "powers", "total"),
        "logsumexp of what is known of x",
        shape=lambda x, shift, powers, total, axis, keepdims: shapes.reduced(x, axis, keepdims),
        options=(AXIS, KEEPDIMS),
        array="logsumexp_of({0}, {1}, {2}, {3}, {axis}, {keepdims})",
        derivatives=(_logsumexp_cotangent, None, None, None),
        batch=lambda x, shift, powers, total, *options: batching.along("logsumexp")(x, *options),
        definition=lambda x, shift, powers, total, axis, keepdims: _logsumexp(x, axis, keepdims),
        workspace=2.25,
        reduced_workspace=3.5,
        is_public=False,
    ),
    Operation(
        "product_of_others",
        ("x",),
        "for each element, the product of the others",
        shape=lambda shape, axis: shape,
        options=(AXIS,),
        array="product_of_others({0}, {axis})",
        derivatives=(_cotangent_of_others,),
        batch=batching.along("product_of_others"),
        lower=elements.product_of_others,
        lowered_size=lambda shape: math.prod(shape) ** 2,
        cost=8.0,
        workspace=4.0,
        is_public=False,
    ),
    Operation(
        "ratio_or_zero",
        ("a", "b"),
        "a / b, 0 where b is 0",
        shape=shapes.elementwise,
        array="ratio_or_zero({0}, {1})",
        on_arrays=lambda a, b: (a / b).apply("settled", b),
        scalar="({0} / {1} if {1} != 0.0 else 0.0)",
        derivatives=(
            lambda g, y, a, b: g.apply("ratio_or_zero", b),
            lambda g, y, a, b: -(g * y).apply("ratio_or_zero", b),
        ),
        cost=4.0,
        workspace=2.0,
        is_elementwise=True,
        is_public=False,
    ),
)
