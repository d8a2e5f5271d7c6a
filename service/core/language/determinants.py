"""Rows of the operations table: the determinant and its derivatives, which singular matrices have too."""

from __future__ import annotations

from typing import Any

import numpy as np

from service.core.language import batching
from service.core.language.algebra import cubic, inverse_kernel, square
from service.core.language.graph import Term
from service.core.language.operation import Operation
from service.core.language.structure import transposed

MOST_CONDITION = 1e8
"""Condition number beyond which the inverse tells fewer digits of the cofactors than singular values do."""

determinant_kernel = np.linalg.det


def cofactors(x: Any) -> Any:
    """Differentiate det(x): det(x) times the transposed inverse, whose limit singular matrices have too."""
    inverse = inverse_kernel(x)
    found = np.linalg.det(x)[..., None, None] * np.swapaxes(inverse, -1, -2)
    singular = _are_singular(x, inverse)
    if singular.any():
        rows, sizes, columns = np.linalg.svd(x[singular])
        others = _products(sizes[..., None, :], np.zeros(x.shape[-1], dtype=bool))
        found[singular] = _orientation(rows, columns) * (rows * others) @ columns
    return found


def cofactors_along(x: Any, v: Any) -> Any:
    """Differentiate the cofactors of x along v: second derivatives of the determinant times v."""
    inverse = inverse_kernel(x)
    turned = np.swapaxes(inverse @ v @ inverse, -1, -2)
    trace = np.trace(inverse @ v, axis1=-2, axis2=-1)[..., None, None]
    found = np.linalg.det(x)[..., None, None] * (trace * np.swapaxes(inverse, -1, -2) - turned)
    singular = _are_singular(x, inverse)
    if singular.any():
        found[singular] = _along_by_singular_values(x[singular], v[singular])
    return found


def _along_by_singular_values(x: Any, v: Any) -> Any:
    """In the axes of the singular vectors x is diagonal: what is left are products of all sizes but two."""
    rows, sizes, columns = np.linalg.svd(x)
    inner = np.swapaxes(rows, -1, -2) @ v @ np.swapaxes(columns, -1, -2)
    diagonal = np.identity(x.shape[-1], dtype=bool)
    pairs = np.where(diagonal, 0.0, _products(sizes[..., None, :], diagonal))
    moved = np.where(diagonal, pairs @ np.diagonal(inner, axis1=-2, axis2=-1)[..., None], 0.0)
    return _orientation(rows, columns) * rows @ (moved - pairs * np.swapaxes(inner, -1, -2)) @ columns


def _products(sizes: Any, is_left_out: Any) -> Any:
    """Multiply for each element the others of its row, those left out excepted."""
    factors = np.where(is_left_out, 1.0, sizes)
    before, after = np.ones_like(factors), np.ones_like(factors)
    before[..., 1:] = np.cumprod(factors[..., :-1], axis=-1)
    after[..., :-1] = np.cumprod(factors[..., :0:-1], axis=-1)[..., ::-1]
    return before * after


def _orientation(rows: Any, columns: Any) -> Any:
    """Return the determinant of a product of rotations and reflections: 1 or -1."""
    return np.sign(np.linalg.det(rows) * np.linalg.det(columns))[..., None, None]


def _are_singular(x: Any, inverse: Any) -> Any:
    """Say which matrices of finite numbers are singular, or nearly."""
    condition = np.linalg.norm(x, axis=(-2, -1)) * np.linalg.norm(inverse, axis=(-2, -1))
    return np.isfinite(x).all(axis=(-2, -1)) & ~(condition < MOST_CONDITION)


def _third(g: Term, y: Term, x: Term, v: Term) -> Term:
    """Differentiate g · cofactors_along(x, v) by x, by the inverse."""
    inverse = x.apply("inv")
    a, b = inverse @ v, inverse @ g
    of_v, of_g, of_both = (_trace(each) for each in (a, b, a @ b))
    inner = (of_v * of_g - of_both) * inverse - of_g * (a @ inverse) - of_v * (b @ inverse)
    size = x.apply("det").apply("reshape", shape=(*x.shape[:-2], 1, 1))
    return size * transposed(inner + a @ b @ inverse + b @ a @ inverse)


def _trace(x: Term) -> Term:
    """Sum the diagonal of the last two axes, which stay."""
    diagonal = x.graph.apply("identity_matrix", size=x.shape[-1])
    return (x * diagonal).apply("sum", axis=(-2, -1), keepdims=True)


DETERMINANTS: tuple[Operation, ...] = (
    Operation(
        "det",
        ("x",),
        "determinant",
        shape=lambda x: square(x)[:-2],
        array="determinant_kernel({0})",
        derivatives=(lambda g, y, x: g.apply("reshape", shape=(*g.shape, 1, 1)) * x.apply("cofactors"),),
        batch=batching.again("det"),
        cost=cubic,
        workspace=1.0,
        example="det(2*eye(3))",
    ),
    # what its derivatives are made of, and no caller can name
    Operation(
        "cofactors",
        ("x",),
        "for each element, the determinant of the others with a sign",
        shape=square,
        array="cofactors({0})",
        derivatives=(lambda g, y, x: x.apply("cofactors_along", g),),
        batch=batching.again("cofactors"),
        cost=cubic,
        workspace=8.0,
        is_public=False,
    ),
    Operation(
        "cofactors_along",
        ("x", "v"),
        "cofactors differentiated along a direction",
        shape=square,
        array="cofactors_along({0}, {1})",
        derivatives=(_third, lambda g, y, x, v: x.apply("cofactors_along", g)),
        batch=batching.again("cofactors_along"),
        cost=cubic,
        workspace=12.0,
        is_public=False,
    ),
)
