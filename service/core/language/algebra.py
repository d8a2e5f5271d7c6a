"""Rows of the operations table: linear algebra over the last two axes, convolutions and pooling."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from service.core.language import batching, shapes
from service.core.language.arrangement import macro, triangle
from service.core.language.graph import Term
from service.core.language.operation import REQUIRED, Operation, Shape, ShapeFault
from service.core.language.structure import transposed

WHOLE = shapes.WHOLE_SLICE
MOST_POSITIONS = 1_024
"""Elements of a convolution's kernel, each a product of its own."""


def _square(x: Shape, *others: Any) -> Shape:
    if len(x) < 2 or x[-1] != x[-2]:
        raise ShapeFault("a square matrix is meant")
    return x


def _solved(a: Shape, b: Shape, *options: Any) -> Shape:
    _square(a)
    if not b:
        raise ShapeFault("a scalar is no right-hand side")
    matrix = b if len(b) > 1 else (*b, 1)
    if a[-1] != matrix[-2]:
        raise ShapeFault(f"sizes {a[-1]} and {matrix[-2]} differ")
    if len(b) == 1:
        return a[:-1]
    return shapes.broadcast(a[:-2], b[:-2]) + b[-2:]


def _guarded(compute: Callable[..., Any], result_shape: Callable[..., Shape]) -> Callable[..., Any]:
    """Make a kernel that gives NaN for singular and indefinite matrices, each of a stack by itself."""

    def kernel(*arrays: Any) -> Any:
        try:
            return compute(*arrays)
        except np.linalg.LinAlgError:
            pass
        stack = np.broadcast_shapes(*(array.shape[:-2] for array in arrays))
        wide = [np.broadcast_to(array, (*stack, *array.shape[-2:])) for array in arrays]
        result = np.full((*stack, *result_shape(*(array.shape[-2:] for array in arrays))), np.nan)
        for place in np.ndindex(*stack):
            try:
                result[place] = compute(*(array[place] for array in wide))
            except np.linalg.LinAlgError:
                continue
        return result

    return kernel


def _log_of_determinant(x: Any) -> Any:
    sign, logarithm = np.linalg.slogdet(x)
    return np.where(sign > 0.0, logarithm, np.where(sign == 0.0, -np.inf, np.nan))


inverse_kernel = _guarded(np.linalg.inv, lambda x: x)
solve_kernel = _guarded(np.linalg.solve, lambda a, b: b)
cholesky_kernel = _guarded(np.linalg.cholesky, lambda x: x)
determinant_kernel = np.linalg.det
logdet_kernel = _log_of_determinant


def _solve(a: Term, b: Term) -> Term:
    """Solve for the columns of a matrix; a vector is one of them."""
    if len(b.shape) > 1:
        return a.apply("solution", b)
    column = a.apply("solution", b.apply("reshape", shape=(*b.shape, 1)))
    return column.apply("reshape", shape=_solved(a.shape, b.shape))


def _solve_triangular(a: Term, b: Term, lower: bool) -> Term:
    return _solve(triangle(a, 0, "less_equal" if lower else "greater_equal"), b)


def _solution_by_matrix(g: Term, y: Term, a: Term, b: Term) -> Term:
    return -(transposed(a).apply("solution", g) @ transposed(y))


def _cholesky_cotangent(g: Term, y: Term, x: Term) -> Term:
    """Differentiate for symmetric x, symmetrically (Murray 2016, arXiv:1602.07527)."""
    inner = triangle(transposed(y) @ g, 0, "less_equal")
    halved = inner - 0.5 * triangle(inner, 0, "greater_equal")
    upper = transposed(y)
    left = upper.apply("solution", halved)
    whole = transposed(upper.apply("solution", transposed(left)))
    return 0.5 * (whole + transposed(whole))


def _spread_matrix(g: Term, x: Term) -> Term:
    return g.apply("reshape", shape=(*g.shape, 1, 1)).apply("broadcast", shape=x.shape)


def _cubic(a: Shape, *others: Shape) -> float:
    columns = others[0][-1] if others else a[-1]
    return math.prod(a[:-2]) * a[-1] ** 2 * max(a[-1], columns) / 8 + 1_000.0


# convolutions


def _convolved(x: Shape, w: Shape) -> Shape:
    if len(x) != 1 or len(w) != 1 or not x[0] or not w[0]:
        raise ShapeFault("two vectors are meant")
    return (x[0] + w[0] - 1,)


def _convolve(x: Term, w: Term) -> Term:
    """Shift each row of the outer product by one more: rows of one element more, cut anew."""
    n, m = x.shape[0], w.shape[0]
    rows = w.apply("reshape", shape=(m, 1)) * x
    wide = rows.apply("scatter", shape=(m, n + m), items=(WHOLE, (0, n, None)))
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
        images = images.apply("scatter", shape=padded, items=(WHOLE, WHOLE, *inside))
    last = images.apply("transpose", axes=(0, 2, 3, 1))
    height, width = shape[-2:]
    total: Any = None
    for i in range(w.shape[2]):
        for j in range(w.shape[3]):
            items = (
                WHOLE,
                (i, i + (height - 1) * stride + 1, stride),
                (j, j + (width - 1) * stride + 1, stride),
            )
            part = last.apply("index", items=items).apply("reshape", shape=(count * height * width, channels))
            weights = w.apply("index", items=(WHOLE, WHOLE, i, j))
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
        cut = x.apply("index", items=(*(WHOLE,) * (len(x.shape) - 2), *kept))
        parted = cut.apply("reshape", shape=(*shape[:-1], size, shape[-1], size))
        return parted.apply(reduction, axis=(-3, -1), keepdims=False)

    return rule


ALGEBRA: tuple[Operation, ...] = (
    Operation(
        "inv",
        ("x",),
        "inverse matrix",
        shape=_square,
        array="inverse_kernel({0})",
        derivatives=(lambda g, y, x: -(transposed(y) @ g @ transposed(y)),),
        batch=batching.again("inv"),
        cost=_cubic,
        workspace=2.0,
    ),
    macro("solve", ("a", "b"), "y with a @ y = b", _solve, shape=_solved),
    macro(
        "solve_triangular",
        ("a", "b"),
        "y with a @ y = b, of the upper triangle of a, or the lower",
        _solve_triangular,
        shape=_solved,
        options=(("lower", "flag", False),),
    ),
    Operation(
        "det",
        ("x",),
        "determinant",
        shape=lambda x: _square(x)[:-2],
        array="determinant_kernel({0})",
        derivatives=(lambda g, y, x: _spread_matrix(g * y, x) * transposed(x.apply("inv")),),
        batch=batching.again("det"),
        cost=_cubic,
        workspace=1.0,
    ),
    Operation(
        "logdet",
        ("x",),
        "logarithm of the determinant, which is above 0",
        shape=lambda x: _square(x)[:-2],
        array="logdet_kernel({0})",
        derivatives=(lambda g, y, x: _spread_matrix(g, x) * transposed(x.apply("inv")),),
        batch=batching.again("logdet"),
        cost=_cubic,
        workspace=1.0,
        is_analytic=False,
    ),
    Operation(
        "cholesky",
        ("x",),
        "lower triangle L with L @ L.T = x, of a symmetric and positive definite x",
        shape=_square,
        array="cholesky_kernel({0})",
        derivatives=(_cholesky_cotangent,),
        batch=batching.again("cholesky"),
        cost=_cubic,
        workspace=1.0,
        is_analytic=False,
    ),
    macro("convolve", ("x", "w"), "full convolution of two vectors", _convolve, shape=_convolved),
    macro(
        "conv2d",
        ("x", "w"),
        "cross-correlation of images (n, channels, rows, columns) with kernels (outputs, channels, i, j)",
        _conv2d,
        shape=_filtered,
        options=(("stride", "count", 1), ("padding", "size", 0)),
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
    ),
    macro(
        "avg_pool2d",
        ("x",),
        "mean of each window of size times size",
        _pool("mean"),
        shape=_pooled,
        options=(("size", "count", REQUIRED),),
    ),
    Operation(
        "solution",
        ("a", "b"),
        "columns of the solution",
        shape=_solved,
        array="solve_kernel({0}, {1})",
        derivatives=(
            _solution_by_matrix,
            lambda g, y, a, b: transposed(a).apply("solution", g),
        ),
        batch=batching.again("solution"),
        cost=_cubic,
        workspace=2.0,
        is_public=False,
    ),
)
