"""Rows of the operations table: convolutions and pooling."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from service.core.arrays import Shape
from service.core.language.graph import Term
from service.core.language.operation import REQUIRED, Operation, ShapeFault
from service.core.language.rows import macro
from service.core.language.shapes import WHOLE_SLICE
from service.core.language.structure import transposed

MOST_POSITIONS = 1_024
"""Most elements of a convolution's kernel; each of them is a matrix product."""


def _convolved(x: Shape, w: Shape) -> Shape:
    if len(x) != 1 or len(w) != 1 or not x[0] or not w[0]:
        raise ShapeFault("two vectors are meant")
    return (x[0] + w[0] - 1,)


def _convolve(x: Term, w: Term) -> Term:
    """Sum the rows of the outer product, row k shifted by k.

    Rows padded to n + m elements, laid end to end and cut into rows of n + m - 1, are so shifted.
    """
    n, m = x.shape[0], w.shape[0]
    rows = w.apply("reshape", shape=(m, 1)) * x
    wide = rows.apply("scatter", shape=(m, n + m), items=(WHOLE_SLICE, (0, n, None)))
    flat = wide.apply("reshape", shape=(m * (n + m),)).apply("index", items=((0, m * (n + m - 1), None),))
    return flat.apply("reshape", shape=(m, n + m - 1)).apply("sum", axis=0)


def _images(x: Shape) -> Shape:
    if len(x) not in (3, 4):
        raise ShapeFault("images have the axes channel, row, column, and before them, optionally, the image")
    return x


def _filtered(x: Shape, w: Shape, stride: int, padding: int) -> Shape:
    _images(x)
    if len(w) != 4 or w[1] != x[-3]:
        raise ShapeFault("a kernel has the axes output, channel, row, column, as many channels as the images")
    if w[2] * w[3] > MOST_POSITIONS:
        raise ShapeFault(f"a kernel has at most {MOST_POSITIONS} places")
    sizes = [(size + 2 * padding - width) // stride + 1 for size, width in zip(x[-2:], w[-2:], strict=True)]
    if min(sizes) < 1:
        raise ShapeFault("the kernel is larger than the images")
    return (*x[:-3], w[0], *sizes)


def _conv2d(x: Term, w: Term, stride: int, padding: int) -> Term:
    """Add up a matrix product for each place of the kernel."""
    shape = _filtered(x.shape, w.shape, stride, padding)
    images = x if len(x.shape) == 4 else x.apply("reshape", shape=(1, *x.shape))
    count, channels, rows, columns = images.shape
    if padding:
        inside = ((padding, padding + rows, None), (padding, padding + columns, None))
        padded = (count, channels, rows + 2 * padding, columns + 2 * padding)
        images = images.apply("scatter", shape=padded, items=(WHOLE_SLICE, WHOLE_SLICE, *inside))
    last = images.apply("transpose", axes=(0, 2, 3, 1))
    height, width = shape[-2:]
    total: Any = None
    for i in range(w.shape[2]):
        for j in range(w.shape[3]):
            items = (
                WHOLE_SLICE,
                (i, i + (height - 1) * stride + 1, stride),
                (j, j + (width - 1) * stride + 1, stride),
            )
            part = last.apply("index", items=items).apply("reshape", shape=(count * height * width, channels))
            weights = w.apply("index", items=(WHOLE_SLICE, WHOLE_SLICE, i, j))
            product = part @ transposed(weights)
            total = product if total is None else total + product
    laid = total.apply("reshape", shape=(count, height, width, w.shape[0]))
    return laid.apply("transpose", axes=(0, 3, 1, 2)).apply("reshape", shape=shape)  # type: ignore[no-any-return]


def _pooled(x: Shape, size: int) -> Shape:
    _images(x)
    if x[-2] < size or x[-1] < size:
        raise ShapeFault("the window is larger than the images")
    return (*x[:-2], x[-2] // size, x[-1] // size)


def _pool(reduction: str) -> Callable[..., Term]:
    def rule(x: Term, size: int) -> Term:
        shape = _pooled(x.shape, size)
        kept = ((0, shape[-2] * size, None), (0, shape[-1] * size, None))
        cut = x.apply("index", items=(*(WHOLE_SLICE,) * (len(x.shape) - 2), *kept))
        parted = cut.apply("reshape", shape=(*shape[:-1], size, shape[-1], size))
        return parted.apply(reduction, axis=(-3, -1), keepdims=False)

    return rule


NEURAL: tuple[Operation, ...] = (
    macro(
        "convolve",
        ("x", "w"),
        "full convolution of two vectors",
        _convolve,
        shape=_convolved,
        example="convolve(stack(1, 2), stack(1, 1, 1))",
    ),
    macro(
        "conv2d",
        ("x", "w"),
        "cross-correlation of images (n, channels, rows, columns) with kernels (outputs, channels, i, j)",
        _conv2d,
        shape=_filtered,
        options=(("stride", "count", 1), ("padding", "size", 0)),
        example="conv2d(ones((1, 3, 3)), ones((1, 1, 2, 2)))",
    ),
    macro(
        "max_pool2d",
        ("x",),
        "largest element of each window of size times size",
        _pool("max"),
        shape=_pooled,
        options=(("size", "count", REQUIRED),),
        kinks="equal elements share the derivative equally",
        is_analytic=False,
        example="max_pool2d(reshape(arange(16), (1, 4, 4)), 2)",
    ),
    macro(
        "avg_pool2d",
        ("x",),
        "mean of each window of size times size",
        _pool("mean"),
        shape=_pooled,
        options=(("size", "count", REQUIRED),),
        example="avg_pool2d(reshape(arange(16), (1, 4, 4)), 2)",
    ),
)
