"""Rules of the operations table: how an operation acts on the elements of arrays, one term each.

A rule takes the graph to add to, the node, and the elements of each operand; it returns those of the
result. What only moves elements adds nothing to the graph.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.core.language.graph import Graph, Node, Term
from service.core.language.shapes import axes_of, permutation

Elements = NDArray[np.object_]
"""The terms of an array's elements, in the array's shape."""


def array_of(terms: Sequence[Term], shape: tuple[int, ...]) -> Elements:
    """Lay terms out in a shape."""
    result = np.empty(len(terms), dtype=object)
    result[:] = terms
    return result.reshape(shape)


def reduced(fold: Callable[[Term, Term], Term], empty: float) -> Callable[..., Elements]:
    """Make the rule of a reduction: fold the elements from first to last."""

    def rule(graph: Graph, node: Node, x: Elements) -> Elements:
        axes = axes_of(node.options[0], x.ndim)
        kept = [axis for axis in range(x.ndim) if axis not in axes]
        rows: Any = x.transpose((*kept, *axes)).reshape(node.size, -1) if x.size else [[]] * node.size
        terms = [reduce(fold, row[1:], row[0]) if len(row) else graph.number(empty) for row in rows]
        return array_of(terms, node.shape)

    return rule


def product(graph: Graph, node: Node, a: Elements, b: Elements) -> Elements:
    """Multiply matrices: for each element of the result the sum of products."""
    stack = node.shape[:-2]
    count = math.prod(stack)
    rows = np.broadcast_to(a, (*stack, *a.shape[-2:])).reshape(count, *a.shape[-2:])
    columns = np.broadcast_to(b, (*stack, *b.shape[-2:])).reshape(count, *b.shape[-2:])
    terms = [
        _inner(graph, row, column)
        for matrix, other in zip(rows, columns, strict=True)
        for row in matrix
        for column in other.T
    ]
    return array_of(terms, node.shape)


def _inner(graph: Graph, row: Elements, column: Elements) -> Term:
    if not len(row):
        return graph.number(0.0)
    products: list[Term] = [a * b for a, b in zip(row, column, strict=True)]
    return reduce(Term.__add__, products)


def guarded_product(graph: Graph, node: Node, g: Elements, x: Elements) -> Elements:
    """Multiply matrices so that the zeros of g make nothing but zeros."""
    return product(graph, node, array_of([term.guarded() for term in g.reshape(-1)], g.shape), x)


def scatter(graph: Graph, node: Node, x: Elements) -> Elements:
    """Put x at the index of zeros."""
    shape, items = node.options
    result = array_of([graph.number(0.0)] * node.size, shape)
    result[index_of(items)] = x if x.ndim else x[()]
    return result


def add_at(graph: Graph, node: Node, base: Elements, x: Elements) -> Elements:
    """Add x at the index."""
    places = np.arange(base.size).reshape(base.shape)[index_of(node.options[0])].reshape(-1)
    terms = list(base.reshape(-1))
    for place, term in zip(places, x.reshape(-1), strict=True):
        terms[place] = term if terms[place].value == 0.0 else terms[place] + term
    return array_of(terms, base.shape)


def product_of_others(graph: Graph, node: Node, x: Elements) -> Elements:
    """Multiply the others along the axes, for each element."""
    if not x.size:
        return x
    axes = axes_of(node.options[0], x.ndim)
    kept = tuple(axis for axis in range(x.ndim) if axis not in axes)
    order = (*kept, *axes)
    moved = x.transpose(order)
    rows = moved.reshape(-1, int(np.prod([x.shape[axis] for axis in axes], dtype=int)))
    terms = [
        reduce(Term.__mul__, [*row[:place], *row[place + 1 :]], graph.number(1.0))
        for row in rows
        for place in range(len(row))
    ]
    return array_of(terms, moved.shape).transpose(np.argsort(order))


def index(graph: Graph, node: Node, x: Elements) -> Elements:
    """Take the elements at an index; NumPy hands out a single one bare."""
    found: Any = x[index_of(node.options[0])]
    return found if isinstance(found, np.ndarray) else array_of([found], ())


def identity_matrix(graph: Graph, node: Node) -> Elements:
    """Write ones on the diagonal."""
    size = node.shape[0]
    terms = [graph.number(float(row == column)) for row in range(size) for column in range(size)]
    return array_of(terms, node.shape)


def reshape(graph: Graph, node: Node, x: Elements) -> Elements:
    """Lay the same elements out anew."""
    return x.reshape(node.shape)


def transpose(graph: Graph, node: Node, x: Elements) -> Elements:
    """Put the axes in another order."""
    return x.transpose(permutation(node.options[0], x.ndim))


def broadcast(graph: Graph, node: Node, x: Elements) -> Elements:
    """Repeat along new or stretched axes."""
    return np.broadcast_to(x, node.shape)


def index_of(items: Sequence[Any]) -> tuple[Any, ...]:
    """Turn subscripts into what NumPy indexes with."""
    return tuple(slice(*item) if isinstance(item, tuple) else item for item in items)
