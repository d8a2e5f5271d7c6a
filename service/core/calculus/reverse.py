"""Reverse-mode differentiation: from a program to the program that also computes its gradient.

The engine knows no formula: each operation's row in the table has its derivatives. It walks the
program once from the value to the inputs and adds to every operand what the result's cotangent
contributes, so the gradient costs a few evaluations of the function, whatever its number of
variables (Griewank and Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, chapter 3).
"""

from __future__ import annotations

from service.core.language.graph import Node, Term
from service.core.language.program import Program
from service.core.language.reductions import reduce_to


def differentiate(program: Program) -> dict[str, Term]:
    """Add the gradient's operations to a program's graph.

    Parameters
    ----------
    program : Program
        Its value has one element.

    Returns
    -------
    dict of str to Term
        For each variable the derivative of the value by it, of the variable's shape.

    Notes
    -----
    Only what depends on a variable gets a cotangent; nothing is differentiated by a constant.
    """
    graph = program.graph
    active = _depends_on_variables(program)
    cotangents: dict[int, Term] = {}
    if program.value.index in active:
        one = graph.number(1.0)
        cotangents[program.value.index] = one.apply("broadcast", shape=program.value.shape)
    for index in range(program.value.index, -1, -1):
        node = graph.nodes[index]
        if index in cotangents and node.operation.derivatives:
            graph.place, graph.called = node.place, node.called
            _propagate(program, node, Term(graph, index), active, cotangents)
    return {
        name: cotangents[term.index]
        if term.index in cotangents
        else graph.number(0.0).apply("broadcast", shape=term.shape)
        for name, term in program.variables.items()
    }


def _depends_on_variables(program: Program) -> set[int]:
    """Return the nodes whose value changes with a variable."""
    active = {term.index for term in program.variables.values()}
    for index, node in enumerate(program.graph.nodes):
        if any(operand in active for operand in node.operands):
            active.add(index)
    return active


def _propagate(program: Program, node: Node, y: Term, active: set[int], cotangents: dict[int, Term]) -> None:
    """Add to each operand's cotangent what this node's cotangent contributes."""
    g = cotangents[y.index]
    operands = [Term(y.graph, operand) for operand in node.operands]
    for operand, rule in zip(operands, node.operation.derivatives, strict=True):
        if rule is None or operand.index not in active:
            continue
        contribution = reduce_to(rule(g, y, *operands, *node.options), operand.shape)
        known = cotangents.get(operand.index)
        cotangents[operand.index] = contribution if known is None else _sum(known, contribution)


def _sum(known: Term, more: Term) -> Term:
    """Add two cotangents, by the rule of the operation that made one of them when it has a cheaper one."""
    for base, part in ((known, more), (more, known)):
        node = part.node
        if node.operation.accumulate is not None:
            operands = [Term(part.graph, operand, part.is_guarded) for operand in node.operands]
            return node.operation.accumulate(base, part, *operands, *node.options)
    return known + more
