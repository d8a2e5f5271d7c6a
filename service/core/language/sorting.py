"""Rows of the operations table: sorting, and what is read from the order."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from service.core.arrays import Shape
from service.core.language import batching, shapes
from service.core.language.axes import one_axis
from service.core.language.graph import Term
from service.core.language.operation import REQUIRED, Operation, ShapeFault
from service.core.language.rows import AXIS, KEEPDIMS, macro
from service.core.language.shapes import WHOLE_SLICE

TIES = "equal elements share the derivative equally"


def _tied_means(values: Any, ordered: Any) -> Any:
    """Replace along the last axis what belongs to equal neighbours by its mean."""
    is_new = np.ones(ordered.shape, dtype=bool)
    is_new[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    del ordered
    if is_new.all():
        return values
    group = np.cumsum(is_new.reshape(-1))
    group -= 1
    totals = np.bincount(group, values.reshape(-1))
    means = np.divide(totals, np.bincount(group), out=totals)
    return means[group].reshape(values.shape)


def unsort(g: Any, x: Any, axis: int) -> Any:
    """Bring what belongs to sorted places back to the places before; equal elements share it equally."""
    moved, values = np.moveaxis(x, axis, -1), np.moveaxis(g, axis, -1)
    order = np.argsort(moved, axis=-1)
    shared = _tied_means(np.ascontiguousarray(values), np.take_along_axis(moved, order, -1))
    result = np.empty(values.shape)
    np.put_along_axis(result, order, shared, axis=-1)
    return np.moveaxis(result, -1, axis)


def resort(h: Any, x: Any, axis: int) -> Any:
    """Bring what belongs to elements to their sorted places; those of equal elements have the mean."""
    moved, values = np.moveaxis(x, axis, -1), np.moveaxis(h, axis, -1)
    order = np.argsort(moved, axis=-1)
    shared = _tied_means(np.take_along_axis(values, order, -1), np.take_along_axis(moved, order, -1))
    return np.moveaxis(shared, -1, axis)


def _sorted_shape(*arguments: Any) -> Shape:
    shape: Shape = arguments[0]
    one_axis(arguments[-1], len(shape))
    return shape


def _sort(x: Term, axis: int) -> Term:
    return x.apply("sorted", axis=one_axis(axis, len(x.shape)))


def _as_one_axis(x: Term, axis: shapes.Axes) -> tuple[Term, int]:
    """Lay axes out as one, the last, unless they are one already."""
    axes = shapes.axes_of(axis, len(x.shape))
    if len(axes) == 1:
        return x, axes[0]
    kept = tuple([each for each in range(len(x.shape)) if each not in axes])
    rows = tuple([x.shape[each] for each in kept])
    moved = x.apply("transpose", axes=(*kept, *axes))
    return moved.apply("reshape", shape=(*rows, math.prod([x.shape[each] for each in axes]))), len(kept)


def _quantile_shape(x: Shape, q: float, axis: shapes.Axes, keepdims: bool) -> Shape:
    if not 0.0 <= q <= 1.0:
        raise ShapeFault("q is from 0 to 1")
    return shapes.reduced_not_empty(x, axis, keepdims)


def _quantile(x: Term, q: float, axis: shapes.Axes, keepdims: bool) -> Term:
    """Interpolate between the two neighbours in sorted order, as NumPy's default."""
    flat, place = _as_one_axis(x, axis)
    ordered = flat.apply("sorted", axis=place)
    position = q * (flat.shape[place] - 1)
    low = min(int(position), max(flat.shape[place] - 2, 0))
    high = min(low + 1, flat.shape[place] - 1)
    weight = position - low
    items = (WHOLE_SLICE,) * place
    below = ordered.apply("index", items=(*items, low))
    above = ordered.apply("index", items=(*items, high))
    found = below if weight == 0.0 else above if weight == 1.0 else below + (above - below) * weight
    return found.apply("reshape", shape=_quantile_shape(x.shape, q, axis, keepdims))


SORTING: tuple[Operation, ...] = (
    macro(
        "sort",
        ("x",),
        "elements in ascending order",
        _sort,
        shape=_sorted_shape,
        options=(("axis", "axis", -1),),
        kinks=TIES,
        is_analytic=False,
        example="sort(stack(3, 1, 2))",
    ),
    macro(
        "median",
        ("x",),
        "middle element in ascending order, or the mean of two",
        lambda x, axis, keepdims: _quantile(x, 0.5, axis, keepdims),
        shape=lambda x, axis, keepdims: _quantile_shape(x, 0.5, axis, keepdims),
        options=(AXIS, KEEPDIMS),
        kinks=TIES,
        is_analytic=False,
        example="median(stack(3, 1, 2))",
    ),
    macro(
        "quantile",
        ("x",),
        "element at the fraction q in ascending order, between two interpolated",
        _quantile,
        shape=_quantile_shape,
        options=(("q", "number", REQUIRED), AXIS, KEEPDIMS),
        kinks=TIES,
        is_analytic=False,
        example="quantile(arange(5), 0.9)",
    ),
    # internal: the rows above and their derivatives are written in these
    Operation(
        "sorted",
        ("x",),
        "in ascending order",
        shape=_sorted_shape,
        array="sort({0}, {axis})",
        options=(("axis", "axis", 0),),
        derivatives=(lambda g, y, x, axis: g.apply("unsort", x, axis=axis),),
        batch=batching.along("sorted"),
        cost=30.0,
        kinks=TIES,
        is_analytic=False,
        is_public=False,
    ),
    Operation(
        "unsort",
        ("g", "x"),
        "back from ascending order",
        shape=_sorted_shape,
        array="unsort({0}, {1}, {axis})",
        options=(("axis", "axis", 0),),
        derivatives=(lambda g, y, a, x, axis: g.apply("resort", x, axis=axis), None),
        batch=batching.along("unsort"),
        cost=60.0,
        workspace=5.0,
        is_analytic=False,
        is_public=False,
    ),
    Operation(
        "resort",
        ("h", "x"),
        "to ascending order",
        shape=_sorted_shape,
        array="resort({0}, {1}, {axis})",
        options=(("axis", "axis", 0),),
        derivatives=(lambda g, y, a, x, axis: g.apply("unsort", x, axis=axis), None),
        batch=batching.along("resort"),
        cost=60.0,
        workspace=5.0,
        is_analytic=False,
        is_public=False,
    ),
)
