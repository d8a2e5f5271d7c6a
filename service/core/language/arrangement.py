"""Rows of the operations table: laying out, cumulating and sorting, as NumPy does.

Most are written in terms of slices, reshaping and joining, which have derivatives and rules already.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from service.core.language import batching, shapes
from service.core.language.graph import Graph, Node, Term
from service.core.language.operation import REQUIRED, Operation, Shape, ShapeFault

WHOLE = shapes.WHOLE_SLICE


def macro(name: str, operands: tuple[str, ...], meaning: str, definition: Any, **fields: Any) -> Operation:
    """Make the row of an operation that is always written in terms of others."""
    return Operation(name, operands, meaning, array="", is_macro=True, definition=definition, **fields)


def _sliced(x: Term, axis: int, start: int | None, stop: int | None, step: int | None = None) -> Term:
    return x.apply("index", items=(*(WHOLE,) * axis, (start, stop, step)))


def _one_axis(axis: Any, rank: int) -> int:
    """Return a single axis, counted from the first."""
    if not isinstance(axis, int):
        raise ShapeFault("one axis is meant, an integer")
    return shapes.axes_of(axis, rank)[0]


def _flat(x: Term, axis: int | None) -> tuple[Term, int]:
    """Lay out in one axis where none is named."""
    if axis is None:
        return x.apply("reshape", shape=(x.size,)), 0
    return x, _one_axis(axis, len(x.shape))


# joining


def _joined_shape(*arguments: Any) -> Shape:
    *operands, axis = arguments
    if not operands:
        raise ShapeFault("there is nothing to join")
    parts = [shape or (1,) for shape in operands]
    if len({len(part) for part in parts}) > 1:
        raise ShapeFault("all have the same rank")
    place = _one_axis(axis, len(parts[0]))
    if len({part[:place] + part[place + 1 :] for part in parts}) > 1:
        raise ShapeFault(f"sizes differ beside axis {axis}")
    return (*parts[0][:place], sum(part[place] for part in parts), *parts[0][place + 1 :])


def _stacked_shape(*arguments: Any) -> Shape:
    *operands, axis = arguments
    if not operands or len(set(operands)) > 1:
        raise ShapeFault("all have the same shape")
    place = _one_axis(axis, len(operands[0]) + 1)
    return (*operands[0][:place], len(operands), *operands[0][place:])


def _concatenate(*arguments: Any) -> Term:
    """Join in pairs, pairs of pairs and so on: each element is copied only a few times."""
    *terms, axis = arguments
    parts: list[Term] = [term if term.shape else term.apply("reshape", shape=(1,)) for term in terms]
    place = _one_axis(axis, len(parts[0].shape))
    while len(parts) > 1:
        pairs = [parts[position : position + 2] for position in range(0, len(parts), 2)]
        parts = [pair[0].apply("join", pair[1], axis=place) if len(pair) > 1 else pair[0] for pair in pairs]
    return parts[0]


def _stack(*arguments: Any) -> Term:
    *terms, axis = arguments
    place = _one_axis(axis, len(terms[0].shape) + 1)
    shape = (*terms[0].shape[:place], 1, *terms[0].shape[place:])
    return _concatenate(*(term.apply("reshape", shape=shape) for term in terms), place)


def _join_elements(graph: Graph, node: Node, a: Any, b: Any) -> Any:
    return np.concatenate((a, b), axis=node.options[0])


def _join_each(a: Term, b: Term, axis: int) -> Term:
    return a.apply("join", b, axis=axis + 1)


# moving


def _roll(x: Term, shift: int, axis: int | None) -> Term:
    flat, place = _flat(x, axis)
    size = flat.shape[place]
    cut = -shift % size if size else 0
    if not cut:
        return x
    moved = _sliced(flat, place, cut, None).apply("join", _sliced(flat, place, None, cut), axis=place)
    return moved.apply("reshape", shape=x.shape)


def _flip(x: Term, axis: shapes.Axes) -> Term:
    axes = shapes.axes_of(axis, len(x.shape))
    items = tuple((None, None, -1) if place in axes else WHOLE for place in range(len(x.shape)))
    return x.apply("index", items=items)


def _repeated_shape(x: Shape, repeats: int, axis: int | None) -> Shape:
    if axis is None:
        return (math.prod(x) * repeats,)
    place = _one_axis(axis, len(x))
    return (*x[:place], x[place] * repeats, *x[place + 1 :])


def _repeat(x: Term, repeats: int, axis: int | None) -> Term:
    flat, place = _flat(x, axis)
    before, after = flat.shape[: place + 1], flat.shape[place + 1 :]
    wide = flat.apply("reshape", shape=(*before, 1, *after)).apply(
        "broadcast", shape=(*before, repeats, *after)
    )
    return wide.apply("reshape", shape=_repeated_shape(x.shape, repeats, axis))


def _tiling(x: Shape, reps: int | tuple[int, ...]) -> tuple[Shape, Shape]:
    """Return the shape with as many axes as repetitions, and the repetitions of each."""
    counts = reps if isinstance(reps, tuple) else (reps,)
    if any(count < 0 for count in counts):
        raise ShapeFault("repetitions are at least 0")
    rank = max(len(x), len(counts))
    return (1,) * (rank - len(x)) + x, (1,) * (rank - len(counts)) + counts


def _tiled_shape(x: Shape, reps: int | tuple[int, ...]) -> Shape:
    return tuple(size * count for size, count in zip(*_tiling(x, reps), strict=True))


def _tile(x: Term, reps: int | tuple[int, ...]) -> Term:
    sizes, counts = _tiling(x.shape, reps)
    parted = tuple(each for size in sizes for each in (1, size))
    repeated = tuple(each for pair in zip(counts, sizes, strict=True) for each in pair)
    wide = x.apply("reshape", shape=parted).apply("broadcast", shape=repeated)
    return wide.apply("reshape", shape=_tiled_shape(x.shape, reps))


def _target(x: Shape, shape: int | tuple[int, ...]) -> Shape:
    target = shape if isinstance(shape, tuple) else (shape,)
    if any(size < 0 for size in target) or shapes.broadcast(x, target) != target:
        raise ShapeFault(f"this does not broadcast to {target}")
    return target


def _squeezed(x: Shape, axis: shapes.Axes) -> Shape:
    axes = shapes.axes_of(axis, len(x)) if axis is not None else [i for i, size in enumerate(x) if size == 1]
    if any(x[place] != 1 for place in axes):
        raise ShapeFault(f"axis {axis} has other sizes than 1")
    return tuple(size for place, size in enumerate(x) if place not in axes)


def _expanded(x: Shape, axis: shapes.Axes) -> Shape:
    count = len(axis) if isinstance(axis, tuple) else 1
    axes, sizes = shapes.axes_of(axis if axis is not None else (), len(x) + count), iter(x)
    return tuple(1 if place in axes else next(sizes) for place in range(len(x) + count))


# diagonals


def _diagonal_shape(x: Shape, k: int) -> Shape:
    if len(x) == 1:
        return (x[0] + abs(k),) * 2
    if len(x) != 2:
        raise ShapeFault("a vector or a matrix is meant")
    return (max(0, min(x[0] + min(k, 0), x[1] - max(k, 0))),)


def _diag(x: Term, k: int) -> Term:
    """Make a matrix of its diagonal, or take the diagonal of a matrix, as one slice of all elements."""
    shape = _diagonal_shape(x.shape, k)
    columns = shape[1] if len(x.shape) == 1 else x.shape[1]
    first = k if k >= 0 else -k * columns
    if len(x.shape) == 1:
        items = ((first, first + x.shape[0] * (columns + 1), columns + 1),)
        placed = x.apply("scatter", shape=(columns * columns,), items=items)
        return placed.apply("reshape", shape=shape)
    flat = x.apply("reshape", shape=(x.size,))
    return _sliced(flat, 0, first, first + shape[0] * (columns + 1), columns + 1)


def _matrix(x: Shape, *options: Any) -> Shape:
    if len(x) < 2:
        raise ShapeFault("a matrix is meant")
    return x


def triangle(x: Term, k: int, comparison: str) -> Term:
    """Keep what stands on one side of a diagonal of the last two axes."""
    rows, columns = x.shape[-2:]
    row = x.graph.apply("arange", start=float(rows), stop=None, step=1.0).apply("reshape", shape=(rows, 1))
    column = x.graph.apply("arange", start=float(columns), stop=None, step=1.0)
    return column.apply(comparison, row + float(k)).apply("masked", x)


def _trace(x: Term, offset: int) -> Term:
    return _diag(x, offset).apply("sum")


def _trace_shape(x: Shape, offset: int) -> Shape:
    if len(x) != 2:
        raise ShapeFault("a matrix is meant")
    return ()


def _outer(a: Term, b: Term) -> Term:
    return a.apply("reshape", shape=(a.size, 1)) * b.apply("reshape", shape=(b.size,))


def _contraction(a: Shape, b: Shape, axes: int | tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the axes of a and of b that a tensor product sums over."""
    if isinstance(axes, int):
        if not 0 <= axes <= min(len(a), len(b)):
            raise ShapeFault(f"there are no {axes} axes to sum over")
        first, second = tuple(range(len(a) - axes, len(a))), tuple(range(axes))
    elif len(axes) == 2:
        first, second = shapes.axes_of(axes[0], len(a)), shapes.axes_of(axes[1], len(b))
    else:
        raise ShapeFault("axes are a number of axes, or one of each operand")
    if [a[place] for place in first] != [b[place] for place in second]:
        raise ShapeFault("sizes of the axes to sum over differ")
    return first, second


def _tensordot_shape(a: Shape, b: Shape, axes: int | tuple[int, ...]) -> Shape:
    first, second = _contraction(a, b, axes)
    return (
        *(size for place, size in enumerate(a) if place not in first),
        *(size for place, size in enumerate(b) if place not in second),
    )


def _tensordot(a: Term, b: Term, axes: int | tuple[int, ...]) -> Term:
    first, second = _contraction(a.shape, b.shape, axes)
    free_a = [place for place in range(len(a.shape)) if place not in first]
    free_b = [place for place in range(len(b.shape)) if place not in second]
    inner = math.prod(a.shape[place] for place in first)
    rows = a.apply("transpose", axes=(*free_a, *first)).apply(
        "reshape", shape=(a.size // max(inner, 1), inner)
    )
    columns = b.apply("transpose", axes=(*second, *free_b)).apply(
        "reshape", shape=(inner, b.size // max(inner, 1))
    )
    return (rows @ columns).apply("reshape", shape=_tensordot_shape(a.shape, b.shape, axes))


# cumulating, sorting and spread


def _cumulated(x: Shape, axis: int | None) -> Shape:
    if axis is None:
        return (math.prod(x),)
    _one_axis(axis, len(x))
    return x


def _cumsum(x: Term, axis: int | None) -> Term:
    flat, place = _flat(x, axis)
    return flat.apply("running_sum", axis=place)


def _cumsum_cotangent(g: Term, y: Term, x: Term, axis: int) -> Term:
    return _flip(_flip(g, axis).apply("running_sum", axis=axis), axis)


def _running_sums(graph: Graph, node: Node, x: Any) -> Any:
    moved = np.moveaxis(x, node.options[0], 0).copy()
    for place in range(1, len(moved)):
        moved[place] = moved[place - 1] + moved[place]
    return np.moveaxis(moved, 0, node.options[0])


def _differences_shape(x: Shape, n: int, axis: int) -> Shape:
    place = _one_axis(axis, len(x))
    return (*x[:place], max(0, x[place] - n), *x[place + 1 :])


def _diff(x: Term, n: int, axis: int) -> Term:
    place = _one_axis(axis, len(x.shape))
    for _ in range(min(n, x.shape[place])):
        x = _sliced(x, place, 1, None) - _sliced(x, place, None, -1)
    return x


def sort_kernel(x: Any, axis: int) -> Any:
    """Sort along an axis; NaN comes last."""
    return np.sort(x, axis=axis)


def _tied_means(values: Any, ordered: Any) -> Any:
    """Replace along the last axis what belongs to equal neighbours by its mean."""
    is_new = np.ones(ordered.shape, dtype=bool)
    is_new[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    if is_new.all():
        return values
    group = np.cumsum(is_new.reshape(-1)) - 1
    means = np.bincount(group, values.reshape(-1)) / np.bincount(group)
    return means[group].reshape(values.shape)


def unsort(g: Any, x: Any, axis: int) -> Any:
    """Bring what belongs to sorted places back to the places before; equal elements share it equally."""
    moved, values = np.moveaxis(x, axis, -1), np.moveaxis(g, axis, -1)
    order = np.argsort(moved, axis=-1, kind="stable")
    result = np.empty(values.shape)
    shared = _tied_means(np.ascontiguousarray(values), np.take_along_axis(moved, order, -1))
    np.put_along_axis(result, order, shared, axis=-1)
    return np.moveaxis(result, -1, axis)


def resort(h: Any, x: Any, axis: int) -> Any:
    """Bring what belongs to elements to their sorted places; those of equal elements have the mean."""
    moved, values = np.moveaxis(x, axis, -1), np.moveaxis(h, axis, -1)
    order = np.argsort(moved, axis=-1, kind="stable")
    shared = _tied_means(np.take_along_axis(values, order, -1), np.take_along_axis(moved, order, -1))
    return np.moveaxis(shared, -1, axis)


def _sort_each(name: str) -> Any:
    def rule(*arguments: Any) -> Any:
        *terms, axis = arguments
        return terms[0].apply(name, *terms[1:], axis=axis + 1)

    return rule


def _sorted_shape(*arguments: Any) -> Shape:
    shape: Shape = arguments[0]
    _one_axis(arguments[-1], len(shape))
    return shape


def _sort(x: Term, axis: int) -> Term:
    return x.apply("sorted", axis=_one_axis(axis, len(x.shape)))


def _quantile_shape(x: Shape, q: float, axis: int | None, keepdims: bool) -> Shape:
    if not 0.0 <= q <= 1.0:
        raise ShapeFault("q is from 0 to 1")
    if axis is not None:
        _one_axis(axis, len(x))
    return shapes.reduced_not_empty(x, axis, keepdims)


def _quantile(x: Term, q: float, axis: int | None, keepdims: bool) -> Term:
    """Interpolate between the two neighbours in sorted order, as NumPy's default."""
    flat, place = _flat(x, axis)
    ordered = flat.apply("sorted", axis=place)
    position = q * (flat.shape[place] - 1)
    low = min(int(position), max(flat.shape[place] - 2, 0))
    high = min(low + 1, flat.shape[place] - 1)
    weight = position - low
    items = (WHOLE,) * place
    below = ordered.apply("index", items=(*items, low))
    above = ordered.apply("index", items=(*items, high))
    found = below if weight == 0.0 else above if weight == 1.0 else below + (above - below) * weight
    return found.apply("reshape", shape=_quantile_shape(x.shape, q, axis, keepdims))


def _variance_shape(x: Shape, axis: shapes.Axes, ddof: float, keepdims: bool) -> Shape:
    count = math.prod(x[place] for place in shapes.axes_of(axis, len(x)))
    if count <= ddof:
        raise ShapeFault(f"{count} elements are too few for ddof {ddof:g}")
    return shapes.reduced(x, axis, keepdims)


def _var(x: Term, axis: shapes.Axes, ddof: float, keepdims: bool) -> Term:
    """Square the distances from the mean, which loses no digits to the size of the mean."""
    count = math.prod(x.shape[place] for place in shapes.axes_of(axis, len(x.shape)))
    distance = x - x.apply("mean", axis=axis, keepdims=True)
    return distance.apply("square").apply("sum", axis=axis, keepdims=keepdims) / (count - ddof)


AXIS = ("axis", "axis", None)
KEEP = ("keepdims", "flag", False)
DIAGONAL = (("k", "whole", 0),)
SPREAD = (AXIS, ("ddof", "number", 0.0), KEEP)

ARRANGEMENT: tuple[Operation, ...] = (
    macro(
        "concatenate", ("a", "b", "..."), "arrays one behind the other; a number is an array of one element",
        _concatenate, shape=_joined_shape, options=(("axis", "axis", 0),), is_variadic=True,
    ),
    macro(
        "stack", ("a", "b", "..."), "arrays or numbers of one shape along a new axis",
        _stack, shape=_stacked_shape, options=(("axis", "axis", 0),), is_variadic=True,
    ),
    macro(
        "roll", ("x",), "elements moved along the axis, those from the end to the beginning", _roll,
        shape=lambda x, shift, axis: _cumulated(x, axis) and x, options=(("shift", "whole", REQUIRED), AXIS),
    ),
    macro(
        "flip", ("x",), "elements in reversed order", _flip,
        shape=lambda x, axis: shapes.axes_of(axis, len(x)) and x, options=(AXIS,),
    ),
    macro(
        "repeat", ("x",), "each element so many times", _repeat, shape=_repeated_shape,
        options=(("repeats", "size", REQUIRED), AXIS),
    ),
    macro(
        "tile", ("x",), "the whole array so many times", _tile, shape=_tiled_shape,
        options=(("reps", "shape", REQUIRED),),
    ),
    macro(
        "broadcast_to", ("x",), "repeated along new axes and those of size 1",
        lambda x, shape: x.apply("broadcast", shape=_target(x.shape, shape)), shape=_target,
        options=(("shape", "shape", REQUIRED),),
    ),
    macro(
        "squeeze", ("x",), "without axes of size 1",
        lambda x, axis: x.apply("reshape", shape=_squeezed(x.shape, axis)), shape=_squeezed, options=(AXIS,),
    ),
    macro(
        "expand_dims", ("x",), "with a new axis of size 1",
        lambda x, axis: x.apply("reshape", shape=_expanded(x.shape, axis)), shape=_expanded,
        options=(("axis", "axis", REQUIRED),),
    ),
    macro(
        "diag", ("x",), "the diagonal of a matrix, or the matrix of a diagonal", _diag,
        shape=_diagonal_shape, options=DIAGONAL,
    ),
    macro(
        "tril", ("x",), "lower triangle, 0 above the k-th diagonal",
        lambda x, k: triangle(x, k, "less_equal"), shape=_matrix, options=DIAGONAL,
    ),
    macro(
        "triu", ("x",), "upper triangle, 0 below the k-th diagonal",
        lambda x, k: triangle(x, k, "greater_equal"), shape=_matrix, options=DIAGONAL,
    ),
    macro(
        "trace", ("x",), "sum of the diagonal of a matrix", _trace, shape=_trace_shape,
        options=(("offset", "whole", 0),),
    ),
    macro(
        "outer", ("a", "b"), "all products of an element of a and one of b", _outer,
        shape=lambda a, b: (math.prod(a), math.prod(b)),
    ),
    macro(
        "tensordot", ("a", "b"), "product over the last axes of a and the first of b, or one axis of each",
        _tensordot, shape=_tensordot_shape, options=(("axes", "shape", 2),),
    ),
    macro("cumsum", ("x",), "running sum", _cumsum, shape=_cumulated, options=(AXIS,)),
    macro(
        "diff", ("x",), "differences of neighbours, n times", _diff, shape=_differences_shape,
        options=(("n", "size", 1), ("axis", "axis", -1)),
    ),
    macro(
        "sort", ("x",), "elements in ascending order", _sort, shape=_sorted_shape,
        options=(("axis", "axis", -1),), kinks="equal elements share the derivative equally",
    is_analytic=False,),
    macro(
        "median", ("x",), "middle element in ascending order, or the mean of two",
        lambda x, axis, keepdims: _quantile(x, 0.5, axis, keepdims),
        shape=lambda x, axis, keepdims: _quantile_shape(x, 0.5, axis, keepdims),
        options=(AXIS, KEEP), kinks="equal elements share the derivative equally",
    is_analytic=False,),
    macro(
        "quantile", ("x",), "element at the fraction q in ascending order, between two interpolated",
        _quantile, shape=_quantile_shape, options=(("q", "number", REQUIRED), AXIS, KEEP),
        kinks="equal elements share the derivative equally",
        is_analytic=False,
    ),
    macro(
        "var", ("x",), "mean squared distance from the mean, divided by n - ddof", _var,
        shape=_variance_shape, options=SPREAD,
    ),
    macro(
        "std", ("x",), "square root of the variance",
        lambda x, axis, ddof, keepdims: _var(x, axis, ddof, keepdims).apply("sqrt"),
        shape=_variance_shape, options=SPREAD, kinks="0 where all elements are equal",
    ),
    # what the others are made of, and no caller can name
    Operation(
        "join",
        ("a", "b"),
        "one behind the other",
        shape=_joined_shape,
        array="concatenate(({0}, {1}), {axis})",
        options=(("axis", "axis", 0),),
        derivatives=(
            lambda g, y, a, b, axis: _sliced(g, axis, None, a.shape[axis]),
            lambda g, y, a, b, axis: _sliced(g, axis, a.shape[axis], None),
        ),
        batch=_join_each,
        lower=_join_elements,
        is_public=False,
    ),
    Operation(
        "running_sum",
        ("x",),
        "running sum",
        shape=_cumulated,
        array="add_accumulate({0}, {axis})",
        options=(("axis", "axis", 0),),
        derivatives=(_cumsum_cotangent,),
        batch=batching.along("running_sum"),
        lower=_running_sums,
        is_public=False,
    ),
    Operation(
        "sorted",
        ("x",),
        "in ascending order",
        shape=_sorted_shape,
        array="sort_kernel({0}, {axis})",
        options=(("axis", "axis", 0),),
        derivatives=(lambda g, y, x, axis: g.apply("unsort", x, axis=axis),),
        batch=_sort_each("sorted"),
        cost=30.0,
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
        batch=_sort_each("unsort"),
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
        batch=_sort_each("resort"),
        cost=60.0,
        workspace=5.0,
        is_analytic=False,
        is_public=False,
    ),
)  # fmt: skip
