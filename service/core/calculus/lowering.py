"""From a program on arrays to the same program on single numbers.

Small programs run faster as straight-line arithmetic on Python floats than through NumPy, whose
every call costs a microsecond; and the same straight line over arrays of points evaluates a
whole batch at once. What moves elements (indexing, transposing, broadcasting) costs nothing here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.core.calculus.schedule import reachable
from service.core.calculus.source import index_of
from service.core.language.graph import INPUT, NUMBER, Graph, Node, Term
from service.core.language.shapes import axes_of, broadcast, permutation

Elements = NDArray[np.object_]
"""The terms of an array's elements, in the array's shape."""


class Lowered:
    """A program on numbers.

    Attributes
    ----------
    graph : Graph
        Every node is a scalar.
    inputs : dict of str to list of Term
        For each variable and constant its elements in C order.
    outputs : list of Elements
        For each output the terms of its elements.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.inputs: dict[str, list[Term]] = {}
        self.outputs: list[Elements] = []

    def elements(self, name: str, size: int) -> list[Term]:
        """Return a variable's elements, added when nothing refers to them."""
        if name not in self.inputs:
            self.inputs[name] = [self.graph.input(f"{name}/{position}", (), True) for position in range(size)]
        return self.inputs[name]


def lower(source: Graph, outputs: Sequence[Term], most: int) -> Lowered | None:
    """Write a program on numbers, or return None when it has more than `most` operations."""
    graph, terms = _defined(source, outputs)
    order = reachable(graph, terms)
    if sum(graph.nodes[index].size for index in order if not graph.nodes[index].operation.is_view) > most:
        return None
    lowered = Lowered(Graph(graph.table, graph.rank))
    elements: dict[int, Elements] = {}
    for index in order:
        node = graph.nodes[index]
        lowered.graph.place, lowered.graph.called = node.place, node.called
        if node.size * _inner_size(graph, node) > most:
            return None
        operands = [elements[operand] for operand in node.operands]
        elements[index] = _elements_of(lowered, node, operands)
        if len(lowered.graph.nodes) > most:
            return None
    lowered.outputs = [elements[term.index] for term in terms]
    return lowered


def _defined(source: Graph, outputs: Sequence[Term]) -> tuple[Graph, list[Term]]:
    """Replace every operation that has no scalar source by its definition."""
    if all(node.operation.definition is None for node in source.nodes):
        return source, list(outputs)
    graph = Graph(source.table, source.rank)
    copies: dict[int, Term] = {}
    for index, node in enumerate(source.nodes):
        graph.place, graph.called = node.place, node.called
        operands = [copies[operand] for operand in node.operands]
        if node.operation is NUMBER:
            copies[index] = graph.number(node.options[0])
        elif node.operation is INPUT:
            copies[index] = graph.input(node.options[0], node.shape, node.options[1])
        elif node.operation.definition is not None:
            copies[index] = node.operation.definition(*operands, *node.options)
        else:
            options = {
                name: value for (name, _, _), value in zip(node.operation.options, node.options, strict=True)
            }
            copies[index] = graph.apply(node.operation.name, *operands, **options)
    return graph, [copies[term.index] for term in outputs]


def _elements_of(lowered: Lowered, node: Node, operands: list[Elements]) -> Elements:
    operation = node.operation
    if operation is INPUT:
        name, is_variable = node.options
        terms = [lowered.graph.input(f"{name}/{position}", (), is_variable) for position in range(node.size)]
        lowered.inputs[name] = terms
        return _array(terms, node.shape)
    if operation is NUMBER:
        return _array([lowered.graph.number(node.options[0])], ())
    if operation.is_elementwise:
        shape = broadcast(*(each.shape for each in operands))
        rows = [_stretched(each, shape).reshape(-1) for each in operands]
        terms = [lowered.graph.apply(operation.name, *row) for row in zip(*rows, strict=True)]
        return _array(terms, shape)
    return _RULES[operation.name](lowered.graph, node, *operands)


def _stretched(x: Elements, shape: tuple[int, ...]) -> Elements:
    return x if x.shape == shape else np.broadcast_to(x, shape)


def _inner_size(graph: Graph, node: Node) -> int:
    """Count the operations for one element of the result."""
    if node.operation.name == "product_of_others":
        return node.size
    first = graph.nodes[node.operands[0]].shape if node.operands else ()
    return first[-1] if node.operation.name in ("matrix_product", "guarded_product") else 1


def _array(terms: Sequence[Term], shape: tuple[int, ...]) -> Elements:
    result = np.empty(len(terms), dtype=object)
    result[:] = terms
    return result.reshape(shape)


def _reduced(fold: Callable[[Term, Term], Term], empty: float) -> Callable[..., Elements]:
    """Make the rule of a reduction: fold the elements from first to last."""

    def rule(graph: Graph, node: Node, x: Elements) -> Elements:
        axes = axes_of(node.options[0], x.ndim)
        kept = [axis for axis in range(x.ndim) if axis not in axes]
        rows: Any = x.transpose((*kept, *axes)).reshape(node.size, -1) if x.size else [[]] * node.size
        terms = [reduce(fold, row[1:], row[0]) if len(row) else graph.number(empty) for row in rows]
        return _array(terms, node.shape)

    return rule


def _product(graph: Graph, node: Node, a: Elements, b: Elements) -> Elements:
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
    return _array(terms, node.shape)


def _inner(graph: Graph, row: Elements, column: Elements) -> Term:
    if not len(row):
        return graph.number(0.0)
    products: list[Term] = [a * b for a, b in zip(row, column, strict=True)]
    return reduce(Term.__add__, products)


def _guarded_product(graph: Graph, node: Node, g: Elements, x: Elements) -> Elements:
    return _product(graph, node, _array([term.guarded() for term in g.reshape(-1)], g.shape), x)


def _scatter(graph: Graph, node: Node, x: Elements) -> Elements:
    shape, items = node.options
    result = _array([graph.number(0.0)] * node.size, shape)
    result[index_of(items)] = x if x.ndim else x[()]
    return result


def _add_at(graph: Graph, node: Node, base: Elements, x: Elements) -> Elements:
    places = np.arange(base.size).reshape(base.shape)[index_of(node.options[0])].reshape(-1)
    terms = list(base.reshape(-1))
    for place, term in zip(places, x.reshape(-1), strict=True):
        terms[place] = term if terms[place].value == 0.0 else terms[place] + term
    return _array(terms, base.shape)


def _product_of_others(graph: Graph, node: Node, x: Elements) -> Elements:
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
    return _array(terms, moved.shape).transpose(np.argsort(order))


_RULES: dict[str, Callable[..., Elements]] = {
    "sum": _reduced(Term.__add__, 0.0),
    "prod": _reduced(Term.__mul__, 1.0),
    "min": _reduced(lambda a, b: a.apply("minimum", b), 0.0),
    "max": _reduced(lambda a, b: a.apply("maximum", b), 0.0),
    "product_of_others": _product_of_others,
    "matrix_product": _product,
    "guarded_product": _guarded_product,
    "scatter": _scatter,
    "add_at": _add_at,
    "index": lambda graph, node, x: _view(x[index_of(node.options[0])]),
    "reshape": lambda graph, node, x: x.reshape(node.shape),
    "transpose": lambda graph, node, x: x.transpose(permutation(node.options[0], x.ndim)),
    "broadcast": lambda graph, node, x: np.broadcast_to(x, node.shape),
}
"""How each operation that is not element-wise acts on elements."""


def _view(x: Any) -> Elements:
    """Wrap a single element, which NumPy hands out bare."""
    return x if isinstance(x, np.ndarray) else _array([x], ())
