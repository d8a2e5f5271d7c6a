"""Rows of the operations table: running sums, differences and the spread about the mean."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from service.core.arrays import Shape
from service.core.language import batching, shapes
from service.core.language.arrangement import flip
from service.core.language.axes import flattened, one_axis, sliced
from service.core.language.graph import Graph, Node, Term
from service.core.language.operation import Operation, ShapeFault
from service.core.language.rows import AXIS, KEEPDIMS, macro


def _cumulated(x: Shape, axis: int | None) -> Shape:
    if axis is None:
        return (math.prod(x),)
    one_axis(axis, len(x))
    return x


def _cumsum(x: Term, axis: int | None) -> Term:
    flat, place = flattened(x, axis)
    return flat.apply("running_sum", axis=place)


def _cumsum_cotangent(g: Term, y: Term, x: Term, axis: int) -> Term:
    return flip(flip(g, axis).apply("running_sum", axis=axis), axis)


def _running_sums(graph: Graph, node: Node, x: Any) -> Any:
    moved = np.moveaxis(x, node.options[0], 0).copy()
    for place in range(1, len(moved)):
        moved[place] = moved[place - 1] + moved[place]
    return np.moveaxis(moved, 0, node.options[0])


def _differences_shape(x: Shape, n: int, axis: int) -> Shape:
    place = one_axis(axis, len(x))
    return (*x[:place], max(0, x[place] - n), *x[place + 1 :])


def _diff(x: Term, n: int, axis: int) -> Term:
    place = one_axis(axis, len(x.shape))
    for _ in range(min(n, x.shape[place])):
        x = sliced(x, place, 1, None) - sliced(x, place, None, -1)
    return x


def _variance_shape(x: Shape, axis: shapes.Axes, ddof: float, keepdims: bool) -> Shape:
    count = math.prod(x[place] for place in shapes.axes_of(axis, len(x)))
    if count <= ddof:
        raise ShapeFault(f"a size of {count} is too small for ddof {ddof:g}")
    return shapes.reduced(x, axis, keepdims)


def _var(x: Term, axis: shapes.Axes, ddof: float, keepdims: bool) -> Term:
    """Square the distances from the mean, which loses no digits to the size of the mean."""
    count = math.prod(x.shape[place] for place in shapes.axes_of(axis, len(x.shape)))
    distance = x - x.apply("mean", axis=axis, keepdims=True)
    return distance.apply("square").apply("sum", axis=axis, keepdims=keepdims) / (count - ddof)


SPREAD = (AXIS, ("ddof", "number", 0.0), KEEPDIMS)

CUMULATION: tuple[Operation, ...] = (
    macro(
        "cumsum",
        ("x",),
        "running sum",
        _cumsum,
        shape=_cumulated,
        options=(AXIS,),
        example="cumsum(arange(5))",
    ),
    macro(
        "diff",
        ("x",),
        "differences of neighbours, n times",
        _diff,
        shape=_differences_shape,
        options=(("n", "size", 1), ("axis", "axis", -1)),
        example="diff(stack(1, 4, 9))",
    ),
    macro(
        "var",
        ("x",),
        "mean squared distance from the mean, divided by n - ddof",
        _var,
        shape=_variance_shape,
        options=SPREAD,
        example="var(stack(1, 2, 4), ddof=1)",
    ),
    macro(
        "std",
        ("x",),
        "square root of the variance",
        lambda x, axis, ddof, keepdims: _var(x, axis, ddof, keepdims).apply("sqrt"),
        shape=_variance_shape,
        options=SPREAD,
        kinks="0 where all elements are equal",
        example="std(stack(1, 2, 4), ddof=1)",
    ),
    # internal: the rows above are written in it
    Operation(
        "running_sum",
        ("x",),
        "running sum",
        shape=_cumulated,
        array="add_accumulate({0}, {axis})",
        out="add_accumulate({0}, {axis}, None, {out})",
        options=(("axis", "axis", 0),),
        derivatives=(_cumsum_cotangent,),
        batch=batching.along("running_sum"),
        lower=_running_sums,
        is_public=False,
    ),
)
