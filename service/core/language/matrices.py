"""Rows of the operations table: diagonals, triangles and products of two arrays' axes."""

from __future__ import annotations

import math
from typing import Any

from service.core.arrays import Shape
from service.core.language import shapes
from service.core.language.axes import sliced
from service.core.language.graph import Term
from service.core.language.operation import Operation, ShapeFault
from service.core.language.rows import macro


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
    return sliced(flat, 0, first, first + shape[0] * (columns + 1), columns + 1)


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


DIAGONAL = (("k", "whole", 0),)

MATRICES: tuple[Operation, ...] = (
    macro(
        "diag",
        ("x",),
        "the diagonal of a matrix, or the matrix of a diagonal",
        _diag,
        shape=_diagonal_shape,
        options=DIAGONAL,
        example="diag(stack(1, 2))",
    ),
    macro(
        "tril",
        ("x",),
        "lower triangle, 0 above the k-th diagonal",
        lambda x, k: triangle(x, k, "less_equal"),
        shape=_matrix,
        options=DIAGONAL,
        example="tril(ones((2, 2)))",
    ),
    macro(
        "triu",
        ("x",),
        "upper triangle, 0 below the k-th diagonal",
        lambda x, k: triangle(x, k, "greater_equal"),
        shape=_matrix,
        options=DIAGONAL,
        example="triu(ones((2, 2)), 1)",
    ),
    macro(
        "trace",
        ("x",),
        "sum of the diagonal of a matrix",
        _trace,
        shape=_trace_shape,
        options=(("offset", "whole", 0),),
        example="trace(eye(3))",
    ),
    macro(
        "outer",
        ("a", "b"),
        "all products of an element of a and one of b",
        _outer,
        shape=lambda a, b: (math.prod(a), math.prod(b)),
        example="outer(stack(1, 2), stack(3, 4))",
    ),
    macro(
        "tensordot",
        ("a", "b"),
        "product over the last axes of a and the first of b, or one axis of each",
        _tensordot,
        shape=_tensordot_shape,
        options=(("axes", "shape", 2),),
        example="tensordot(ones((2, 3)), arange(3), axes=1)",
    ),
)
