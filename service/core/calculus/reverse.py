"""Differentiation, one of the three transformations: from a program to one that also has its derivatives.

It knows no formula: each operation's row in the table has its derivatives. One walk from the outputs to
the inputs adds to every operand what the result's cotangent contributes, so a product of cotangents with
the Jacobian costs a few evaluations of the function, whatever its number of variables (Griewank and
Walther, Evaluating Derivatives, 2nd ed., SIAM 2008, chapter 3).

Nothing else is needed for the rest. What comes out is a program like any other, so the product of the
Hessian with a vector is the derivative of the gradient, weighted with the vector. The product of the
Jacobian with tangents is the derivative, by the cotangents, of the product with cotangents: that is
linear in them, so its derivative does not depend on their values, and what only it needed is never run.
A second rule for every operation, forward, would have to be right and tested beside the first and gives
the same operations; this one gives products that run the same code in both directions.
"""

from __future__ import annotations

from collections.abc import Sequence

from service.core.language.graph import Graph, Node, Term
from service.core.language.program import Program
from service.core.language.reductions import reduce_to
from service.core.language.shortcuts import sum_of_multiples, without_number


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
    one = program.graph.number(1.0).stretched(program.value.shape)
    derivatives = pull_back([program.value], [one], list(program.variables.values()))
    return dict(zip(program.variables, derivatives, strict=True))


def pull_back(outputs: Sequence[Term], cotangents: Sequence[Term], inputs: Sequence[Term]) -> list[Term]:
    """Multiply cotangents with the Jacobian from the left.

    Parameters
    ----------
    outputs : sequence of Term
        What is differentiated, all of one graph, to which the operations are added.
    cotangents : sequence of Term
        For each output, of its shape.
    inputs : sequence of Term
        By what: any terms that the outputs may depend on.

    Returns
    -------
    list of Term
        For each input the sum over outputs of cotangent times derivative, of the input's shape.
    """
    graph = outputs[0].graph
    last = max(output.index for output in outputs)
    active = _depending_on(graph, inputs, last)
    found: dict[int, Term] = {}
    for output, cotangent in zip(outputs, cotangents, strict=True):
        if output.index in active:
            _add(found, output.index, cotangent)
    for index in range(last, -1, -1):
        node = graph.nodes[index]
        if index in found and node.operands:
            graph.place, graph.called = node.place, node.called
            _propagate(graph, node, Term(graph, index), active, found)
    return [
        found[term.index] if term.index in found else graph.number(0.0).stretched(term.shape)
        for term in inputs
    ]


def push_forward(outputs: Sequence[Term], inputs: Sequence[Term], tangents: Sequence[Term]) -> list[Term]:
    """Multiply the Jacobian with tangents from the right.

    Parameters
    ----------
    outputs, inputs : sequence of Term
        As `pull_back` takes them.
    tangents : sequence of Term
        For each input, of its shape.

    Returns
    -------
    list of Term
        For each output the sum over inputs of derivative times tangent, of the output's shape.
    """
    graph = outputs[0].graph
    slots = [
        graph.input(f"cotangent/{position}", output.shape, True) for position, output in enumerate(outputs)
    ]
    return pull_back(pull_back(outputs, slots, inputs), tangents, slots)


def _depending_on(graph: Graph, inputs: Sequence[Term], last: int) -> set[int]:
    """Return the nodes whose value changes with an input."""
    active = {term.index for term in inputs}
    for index in range(last + 1):
        if not active.isdisjoint(graph.nodes[index].operands):
            active.add(index)
    return active


def _propagate(graph: Graph, node: Node, y: Term, active: set[int], found: dict[int, Term]) -> None:
    """Add to each operand's cotangent what this node's cotangent contributes.

    A number multiplies what is smaller: the product of matrices or the sum, not what is multiplied or summed.
    """
    g, count = found[y.index], len(graph.nodes)
    operands = y.operands
    for operand, rule in zip(operands, node.operation.derivatives, strict=True):
        if rule is not None and operand.index in active:
            is_laid_out = node.operation.is_view and operand.size == g.size
            number, rest = without_number(g) if is_laid_out or operand.size < g.size else (None, g)
            more = reduce_to(rule(rest, y, *operands, *node.options), operand.shape)
            more = more if number is None else number * more
            _add(found, operand.index, more, is_new=more.index >= count)


def _add(found: dict[int, Term], index: int, more: Term, *, is_new: bool = False) -> None:
    known = found.get(index)
    found[index] = more if known is None else _sum(known, more, is_new)


def _sum(known: Term, more: Term, is_new: bool) -> Term:
    """Add two cotangents, by the rule of the operation that made one of them when it has a cheaper one."""
    for base, part in ((known, more), (more, known)):
        node = part.node
        if node.operation.accumulate is not None:
            operands = [Term(part.graph, operand, part.is_guarded) for operand in node.operands]
            return node.operation.accumulate(base, part, *operands, *node.options)
    return (sum_of_multiples(known, more) if is_new else None) or known + more
