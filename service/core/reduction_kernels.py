"""Sums and maxima along short axes of large arrays, in the order that is faster.

NumPy reduces a row at a time, which costs a call's worth for each: a short row is faster as a product
with ones, or laid out so that rows become columns. The thresholds are measured, on rows of 2 to 1,000.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from service.core.arrays import Array, Axis, Shape

# Called as (x, axis, dtype, out, keepdims, initial): positional arguments cost least on small arrays.
add_reduce: Callable[..., Any] = np.add.reduce
maximum_reduce: Callable[..., Any] = np.maximum.reduce
minimum_reduce: Callable[..., Any] = np.minimum.reduce

LONGEST_SUM = 128
"""Elements up to which NumPy adds a row without pairing, so that a product loses no more digits."""
SHORT_ROW, MANY_ROWS = 48, 12
"""Elements of a row up to which, and rows from which, a maximum is faster over columns."""
LONG_COLUMN = 500
"""Elements of a column from which columns are compared where they stand, as fast as in a copy."""
SUMMED_AT_ONCE = 512
"""Elements of a row whose squares are summed by one product."""
SMALL_SIZE = 128
"""Elements below which a call costs more than its work."""
ONES = np.ones(4_096)
"""The factor of most sums, which then need no memory for it."""
ONES.setflags(write=False)


def sums_by_product(shape: Shape, axis: Axis) -> str:
    """Tell whether the sum is faster as a product with ones: by `row_sums`, by `column_sums`, or ""."""
    rank = len(shape)
    each = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis
    if rank < 2 or not isinstance(each, int) or min(shape[-2:]) < 2 or shape[-2] * shape[-1] < SMALL_SIZE:
        return ""
    if each % rank == rank - 1:
        return "row_sums" if shape[-1] <= LONGEST_SUM else ""
    return "column_sums" if each % rank == rank - 2 else ""


def row_sums(x: Array, keepdims: bool = False, out: Array | None = None) -> Array:
    """Sum along the last axis."""
    total: Array = np.matmul(x, _ones(x.shape[-1]), out=None if out is None else out.reshape(x.shape[:-1]))
    return total[..., np.newaxis] if keepdims else total


def column_sums(x: Array, keepdims: bool = False, out: Array | None = None) -> Array:
    """Sum along the last axis but one."""
    shape = (*x.shape[:-2], x.shape[-1])
    total: Array = np.matmul(_ones(x.shape[-2]), x, out=None if out is None else out.reshape(shape))
    return total[..., np.newaxis, :] if keepdims else total


def _ones(size: int) -> Array:
    return ONES[:size] if size <= ONES.size else np.ones(size)


def sum_of_squares(x: Array) -> Any:
    """Sum the squares of all elements, row by row of a few, so that no more digits are lost than by pairs."""
    flat = x if x.ndim == 1 else (x.T if x.flags.f_contiguous else x).reshape(-1)
    if flat.size <= 2 * SUMMED_AT_ONCE:
        return np.dot(flat, flat)
    whole = flat.size - flat.size % SUMMED_AT_ONCE
    rows = flat[:whole].reshape(-1, SUMMED_AT_ONCE)
    rest = flat[whole:]
    return np.dot(rest, rest) + add_reduce(np.vecdot(rows, rows))


def sums(x: Array, axis: Axis) -> Array:
    """Sum along the axis, which is kept."""
    way = sums_by_product(x.shape, axis) if x.size >= SMALL_SIZE else ""
    if way:
        return row_sums(x, True) if way == "row_sums" else column_sums(x, True)
    return add_reduce(x, axis, None, None, True)  # type: ignore[no-any-return]


def is_faster_by_columns(shape: Shape, axis: Axis) -> bool:
    """Tell whether a maximum is faster with the rows laid out as columns."""
    rank = len(shape)
    each = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis
    if rank < 2 or not isinstance(each, int) or each % rank != rank - 1:
        return False
    size = math.prod(shape)
    return 1 < shape[-1] <= SHORT_ROW and size >= max(MANY_ROWS * shape[-1], SMALL_SIZE)


def maxima(x: Array, axis: Axis) -> Array:
    """Take the maximum along the axis, which is kept."""
    if x.size < SMALL_SIZE or not is_faster_by_columns(x.shape, axis):
        return maximum_reduce(x, axis, None, None, True)  # type: ignore[no-any-return]
    columns = x.reshape(-1, x.shape[-1]).T
    if columns.shape[1] < LONG_COLUMN:
        top: Array = maximum_reduce(np.ascontiguousarray(columns), 0)
    else:
        top = columns[0].copy()
        for column in columns[1:]:
            np.maximum(top, column, out=top)
    return top.reshape(*x.shape[:-1], 1)
