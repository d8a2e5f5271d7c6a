"""Lowering, one of the three transformations: from a program on arrays to the same program on floats.

Small programs run faster as straight-line arithmetic on Python floats than through NumPy, whose
every call costs a microsecond; and the same straight line over arrays of points evaluates a
whole batch at once. What moves elements (indexing, transposing, broadcasting) costs nothing here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from service.core.calculus.schedule import reachable
from service.core.calculus.substitution import substituted
from service.core.language.elements import Elements, array_of
from service.core.language.graph import INPUT, NUMBER, Graph, Node, Term


class Lowered:
    """A program on floats.

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
    """Write a program on floats; None when it has more than `most` operations, or one without a rule."""
    graph, terms = source, list(outputs)
    while any(node.operation.definition is not None for node in graph.nodes):
        graph, copies = substituted(graph, lambda node: node.operation.definition)
        terms = [copies[term.index] for term in terms]
    order = reachable(graph, terms)
    nodes = [graph.nodes[index] for index in order]
    if sum(node.size for node in nodes if not node.operation.is_view) > most or not all(
        map(_has_rule, nodes)
    ):
        return None
    lowered = Lowered(Graph(graph.table, graph.rank))
    elements: dict[int, Elements] = {}
    for index in order:
        node = graph.nodes[index]
        lowered.graph.place, lowered.graph.called = node.place, node.called
        if _size_on_floats(graph, node) > most:
            return None
        operands = [elements[operand] for operand in node.operands]
        elements[index] = _elements_of(lowered, node, operands)
        if len(lowered.graph.nodes) > most:
            return None
    lowered.outputs = [elements[term.index] for term in terms]
    return lowered


def _elements_of(lowered: Lowered, node: Node, operands: list[Elements]) -> Elements:
    operation = node.operation
    if operation is INPUT:
        name, is_variable = node.options
        terms = [lowered.graph.input(f"{name}/{position}", (), is_variable) for position in range(node.size)]
        lowered.inputs[name] = terms
        return array_of(terms, node.shape)
    if operation is NUMBER:
        return array_of([lowered.graph.number(node.options[0])], ())
    if operation.is_elementwise and not node.shape:
        return array_of([lowered.graph.apply(operation.name, *[each.item() for each in operands])], ())
    if operation.is_elementwise:
        rows = [_stretched(each, node.shape).flat for each in operands]
        terms = [lowered.graph.apply(operation.name, *row) for row in zip(*rows, strict=True)]
        return array_of(terms, node.shape)
    elements: Elements = operation.lower(lowered.graph, node, *operands) if operation.lower else operands[0]
    return elements


def _stretched(x: Elements, shape: tuple[int, ...]) -> Elements:
    return x if x.shape == shape else np.broadcast_to(x, shape)


def _size_on_floats(graph: Graph, node: Node) -> int:
    """Count the operations of a node on floats."""
    count = node.operation.lowered_size
    return count(*[graph.nodes[operand].shape for operand in node.operands]) if count else node.size


def _has_rule(node: Node) -> bool:
    operation = node.operation
    is_leaf = operation is INPUT or operation is NUMBER
    return is_leaf or bool(operation.scalar if operation.is_elementwise else operation.lower)
