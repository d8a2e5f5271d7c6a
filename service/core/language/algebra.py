"""Rows of the operations table: linear algebra over the last two axes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from service.core.arrays import Shape
from service.core.language import batching, shapes
from service.core.language.graph import Term
from service.core.language.matrices import triangle
from service.core.language.operation import Operation, ShapeFault
from service.core.language.rows import macro
from service.core.language.structure import transposed


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
    """Make a kernel that gives NaN for each singular or indefinite matrix of a stack."""

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
    sign, logarithm = map(np.asarray, np.linalg.slogdet(x))
    np.copyto(logarithm, np.nan, where=~(sign >= 0.0))
    return logarithm


inverse_kernel = _guarded(np.linalg.inv, lambda x: x)
solve_kernel = _guarded(np.linalg.solve, lambda a, b: b)
cholesky_kernel = _guarded(np.linalg.cholesky, lambda x: x)
determinant_kernel = np.linalg.det
logdet_kernel = _log_of_determinant


def _solve(a: Term, b: Term) -> Term:
    """Solve for each column of b; a vector is taken as one column."""
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
        example="inv(diag(stack(2, 4)))",
    ),
    macro(
        "solve",
        ("a", "b"),
        "y with a @ y = b",
        _solve,
        shape=_solved,
        example="solve(diag(stack(2, 4)), stack(1, 1))",
    ),
    macro(
        "solve_triangular",
        ("a", "b"),
        "y with a @ y = b, of the upper triangle of a, or the lower",
        _solve_triangular,
        shape=_solved,
        options=(("lower", "flag", False),),
        example="solve_triangular(tril(ones((2, 2))), stack(1, 3), lower=True)",
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
        example="det(2*eye(3))",
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
        workspace=1.25,
        is_analytic=False,
        example="logdet(2*eye(3))",
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
        example="cholesky(eye(2) + 3)",
    ),
    # internal: the rows above are written in it
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
