"""Substitution of operations by others of the same value: simpler ones, or ones that share work."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from service.core.calculus.buffers import SMALLEST
from service.core.language.graph import Graph, Node, Term
from service.core.language.program import Program

Substitute = Callable[..., Term | None]


def substituted(source: Graph, rule_of: Callable[[Node], Substitute | None]) -> tuple[Graph, list[Term]]:
    """Copy a graph, some operations written by a rule in terms of others; return a term for each node, too.

    Parameters
    ----------
    source : Graph
        What is copied; not changed.
    rule_of : callable
        From a node to the callable that takes its operands and options and returns a term, or None.
    """
    graph = Graph(source.table, source.rank)
    copies: list[Term] = []
    for node in source.nodes:
        graph.place, graph.called = node.place, node.called
        operands = [copies[operand] for operand in node.operands]
        rule = rule_of(node)
        found = rule(*operands, *node.options) if rule else None
        copies.append(graph.copied(node, operands) if found is None else found)
    return graph, copies


def for_large_arrays(program: Program, outputs: Sequence[Term]) -> tuple[Program, list[Term]]:
    """Replace operations on large arrays by others that share work: each exp is computed once.

    Parameters
    ----------
    program : Program
        With the operations of the outputs.
    outputs : sequence of Term
        What else is computed.
    """
    nodes = program.graph.nodes
    if not any(node.operation.on_arrays and _is_large(nodes, node) for node in nodes):
        return program, [*outputs]

    graph, copies = program.graph, [Term(program.graph, index) for index in range(len(nodes))]
    for _ in range(DEEPEST):
        count = len(nodes)
        graph, found = substituted(graph, _rules_for_large(nodes))
        copies = [found[term.index] for term in copies]
        nodes = graph.nodes
        if len(nodes) == count:
            break

    return program.copied(graph, dict(enumerate(copies))), [copies[term.index] for term in outputs]


DEEPEST = 3
"""How many times the operations that replace others may be replaced in turn."""


def _rules_for_large(nodes: Sequence[Node]) -> Callable[[Node], Substitute | None]:
    """Return a function that finds the rule to replace a node on large arrays by, where that gains."""
    known = {(node.operation.name, node.operands) for node in nodes}

    def rule_of(node: Node) -> Substitute | None:
        operation = node.operation
        is_gain = not operation.beside or (operation.beside, node.operands) in known
        return operation.on_arrays if is_gain and _is_large(nodes, node) else None

    return rule_of


def _is_large(nodes: Sequence[Node], node: Node) -> bool:
    """Tell whether an operation is on arrays of a size at which work counts more than calls."""
    return max([node.size, *[nodes[operand].size for operand in node.operands]]) >= SMALLEST
