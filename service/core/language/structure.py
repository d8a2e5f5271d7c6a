"""Rows of the operations table: products of matrices, and what moves elements without computing."""

from __future__ import annotations

import math
from typing import Any

from service.core.arrays import Shape
from service.core.language import batching, elements, shapes, shortcuts
from service.core.language.graph import Term
from service.core.language.operation import REQUIRED, Operation
from service.core.language.reductions import reduce_to


def transposed(x: Term) -> Term:
    """Swap the last two axes."""
    rank = len(x.shape)
    return x.apply("transpose", axes=(*range(rank - 2), rank - 1, rank - 2))


def _matmul(a: Term, b: Term) -> Term:
    """Turn vectors into matrices of one row or column, and back afterwards."""
    shape = shapes.matrix_product(a.shape, b.shape)
    if len(a.shape) == 1 and len(b.shape) == 1:
        return (a * b).apply("sum")
    first = a if len(a.shape) > 1 else a.apply("reshape", shape=(1, *a.shape))
    second = b if len(b.shape) > 1 else b.apply("reshape", shape=(*b.shape, 1))
    return first.apply("matrix_product", second).apply("reshape", shape=shape)


def _dot(a: Term, b: Term) -> Term:
    """Write `numpy.dot` as a product, or as one matrix product of what is laid out for it."""
    if not a.shape or not b.shape:
        return a * b
    if len(b.shape) <= 2:
        return a.apply("matmul", b)
    shape = shapes.dot_product(a.shape, b.shape)
    rank = len(b.shape)
    columns = b.apply("transpose", axes=(rank - 2, *range(rank - 2), rank - 1))
    inner = b.shape[-2]
    flat = columns.apply("reshape", shape=(inner, math.prod(columns.shape[1:])))
    rows = a.apply("reshape", shape=(math.prod(a.shape[:-1]), inner))
    return rows.apply("matmul", flat).apply("reshape", shape=shape)


def _transpose(g: Term, y: Term, x: Term, axes: tuple[int, ...] | None) -> Term:
    forward = shapes.permutation(axes, len(x.shape))
    return g.apply("transpose", axes=tuple(forward.index(axis) for axis in range(len(forward))))


def _multiplications(a: Shape, b: Shape) -> float:
    """BLAS does some sixteen multiplications in the time of one element-wise operation."""
    return math.prod(shapes.matrix_product(a, b)) * a[-1] / 16


def _product_with_vector(a: Shape, b: Shape) -> str:
    """Call `dot` for a matrix and a vector, which costs less; larger products it computes no faster."""
    return "dot({0}, {1}, {out})" if len(a) == len(b) == 2 and 1 in (a[0], b[1]) else ""


def _inner_products(a: Shape, b: Shape) -> int:
    return math.prod(shapes.matrix_product(a, b)) * a[-1]


def _product_of_multiple(a: Term, b: Term) -> Term | None:
    """Multiply the product by a number instead of a factor that is larger; it overflows no sooner."""
    size = math.prod(shapes.matrix_product(a.shape, b.shape))
    for place, factor in enumerate((a, b)):
        number = factor.made_by("multiply")
        if number is None or number.value is None or abs(number.value) < 1.0 or size >= factor.size:
            continue
        rest = factor.operands[1]
        return number * (a @ rest if place else rest @ b)
    return None


def _product_of_number(a: Term, b: Term) -> Term | None:
    """Sum the other factor where one factor repeats a single number, as the derivative of a sum does."""
    for factor, other, axis in ((a, b, -2), (b, a, -1)):
        number = factor.source()
        if shortcuts.may_be_taken_out(number.value):
            total = number * other.apply("sum", axis=axis, keepdims=True)
            return total.apply("broadcast", shape=shapes.matrix_product(a.shape, b.shape))
    return None


def _cheaper_product(a: Term, b: Term) -> Term | None:
    return _product_of_number(a, b) or _product_of_multiple(a, b)


def _product(name: str, **fields: Any) -> Operation:
    return Operation(name, ("a", "b"), "matrix product", shape=shapes.matrix_product, **fields)


PRODUCTS: tuple[Operation, ...] = (
    _product(
        "matmul",
        symbol="@",
        array="",
        is_macro=True,
        definition=_matmul,
        example="matmul(ones((2, 3)), arange(3))",
    ),
    Operation(
        "dot",
        ("a", "b"),
        "product over the last axis of a and the last but one of b, as numpy.dot",
        shape=shapes.dot_product,
        array="",
        is_macro=True,
        definition=_dot,
        example="dot(stack(1, 2), stack(3, 4))",
    ),
    # internal: the rows above and derivatives are written in these
    _product(
        "matrix_product",
        array="matmul({0}, {1})",
        on_arrays=_cheaper_product,
        suited=_product_with_vector,
        batch=batching.matrix_product,
        lower=elements.product,
        lowered_size=_inner_products,
        ufunc="matmul",
        derivatives=(
            lambda g, y, a, b: reduce_to(g @ transposed(b), a.shape),
            lambda g, y, a, b: reduce_to(
                transposed(transposed(g) @ a) if g.is_guarded else transposed(a) @ g, b.shape
            ),
        ),
        cost=_multiplications,
        copies_skipping=True,
        is_public=False,
    ),
    Operation(
        "guarded_product",
        ("g", "x"),
        "matrix product in which the zeros of g make nothing but zeros",
        shape=shapes.matrix_product,
        array="guarded_product({0}, {1})",
        derivatives=(
            lambda g, y, a, b: reduce_to(g @ transposed(b), a.shape),
            lambda g, y, a, b: reduce_to(transposed(a.guarded()) @ g, b.shape),
        ),
        batch=batching.again("guarded_product"),
        lower=elements.guarded_product,
        lowered_size=_inner_products,
        cost=_multiplications,
        workspace=3.0,
        is_public=False,
    ),
    Operation(
        "identity_matrix",
        (),
        "ones on the diagonal",
        shape=lambda size: (size, size),
        options=(("size", "size", REQUIRED),),
        array="identity({size})",
        lower=elements.identity_matrix,
        is_public=False,
    ),
)

STRUCTURE: tuple[Operation, ...] = (
    Operation(
        "transpose",
        ("x",),
        "axes in another order, reversed when absent",
        shape=shapes.permuted,
        options=(("axes", "axes", None),),
        array="{0}.transpose({axes})",
        batch=batching.transpose,
        shortcut=shortcuts.transpose,
        lower=elements.transpose,
        derivatives=(_transpose,),
        cost=0.0,
        is_view=True,
        example="transpose(ones((2, 3)))",
    ),
    Operation(
        "reshape",
        ("x",),
        "the same elements in another shape; one size may be -1",
        shape=shapes.reshaped,
        options=(("shape", "shape", REQUIRED),),
        array="{0}.reshape({shape})",
        batch=batching.reshape,
        shortcut=shortcuts.reshape,
        lower=elements.reshape,
        derivatives=(lambda g, y, x, shape: g.apply("reshape", shape=x.shape),),
        cost=0.0,
        is_view=True,
        may_copy=True,
        example="reshape(arange(6), (2, -1))",
    ),
    Operation(
        "index",
        ("x",),
        "elements by whole expressions, slices, None, ... and constants of whole numbers",
        shape=shapes.indexed,
        options=(("items", "items", REQUIRED),),
        array="{0}[{items}]",
        batch=batching.index,
        lower=elements.index,
        derivatives=(lambda g, y, x, items: g.apply("scatter", shape=x.shape, items=items),),
        symbol="[]",
        usage="x[0], x[-1], X[:, 1], X[1:, ::2], x[:, None], W[i]",
        cost=0.0,
        is_view=True,
        may_skip=True,
        is_function=False,
        example="arange(6)[1:5:2]",
    ),
    # internal: the rows above and derivatives are written in these
    Operation(
        "broadcast",
        ("x",),
        "repeat along new or stretched axes",
        shape=shapes.broadcast_to,
        options=(("shape", "shape", REQUIRED),),
        array="broadcast_to({0}, {shape})",
        derivatives=(lambda g, y, x, shape: g,),
        batch=batching.broadcast,
        shortcut=shortcuts.broadcast,
        lower=elements.broadcast,
        cost=0.0,
        is_view=True,
        may_skip=True,
        is_public=False,
    ),
    Operation(
        "scatter",
        ("x",),
        "zeros, and x at the index",
        shape=lambda shape, target, items: target,
        options=(("shape", "shape", REQUIRED), ("items", "items", REQUIRED)),
        array="scatter({0}, {shape}, {items})",
        frame="frame({shape}, {items})",
        gap="[{items}]",
        accumulate=lambda base, part, x, shape, items: base.apply("add_at", x, items=items),
        derivatives=(lambda g, y, x, shape, items: g.apply("index", items=items),),
        batch=batching.scatter,
        lower=elements.scatter,
        is_public=False,
    ),
    Operation(
        "add_at",
        ("base", "x"),
        "base, and x added at the index",
        shape=lambda base, shape, items: base,
        options=(("items", "items", REQUIRED),),
        array="add_at({0}, {1}, {items})",
        derivatives=(
            lambda g, y, base, x, items: g,
            lambda g, y, base, x, items: g.apply("index", items=items),
        ),
        batch=batching.add_at,
        lower=elements.add_at,
        into="add_onto({0}, {1}, {items})",
        is_public=False,
    ),
)
