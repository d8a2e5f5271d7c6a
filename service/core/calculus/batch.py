"""Batching, one of the three transformations: a program gets a leading axis for chosen inputs.

Many points, directions, columns or runs become one program, in as many NumPy calls as one of them takes.
It knows no operation: element-wise ones need their ranks aligned alone, the rows of the others say what
becomes of them. What depends on no chosen input is computed once.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from service.core.calculus.schedule import reachable
from service.core.language.batching import aligned
from service.core.language.graph import Graph, Node, Term
from service.core.language.program import Program

ALIGNED_RANKS = 2
"""How many axes more than the function's own the operations may have that batching writes."""


def batch(
    program: Program, outputs: Sequence[Term], chosen: Collection[str], size: int
) -> tuple[Program, list[Term]]:
    """Give a leading axis to some inputs of a program, and to all that depends on them.

    Parameters
    ----------
    program : Program
        The function for one of the batch, with all operations that the outputs need.
    outputs : sequence of Term
        Results to batch.
    chosen : collection of str
        Names of the inputs that differ within the batch; `size` is then their first axis.
    size : int
        Length of the leading axis.

    Returns
    -------
    program : Program
        A program of its own, with the same names; value and statements are those that the outputs need.
    outputs : list of Term
        Each with the leading axis, those that do not depend on a chosen input included.
    """
    source = program.graph
    graph = Graph(source.table, source.rank + ALIGNED_RANKS)
    inputs = program.variables | program.constants
    copies = {term.index: _input(graph, term.node, chosen, size) for term in inputs.values()}
    batched = {term.index for name, term in inputs.items() if name in chosen}
    for index in reachable(source, outputs):
        node = source.nodes[index]
        graph.place, graph.called = node.place, node.called
        if not batched.isdisjoint(node.operands):
            batched.add(index)
        if index not in copies:
            operands = [copies[operand] for operand in node.operands]
            copies[index] = _copy(graph, node, operands, [each in batched for each in node.operands], size)
    rows = [(copies[term.index], term.index in batched) for term in outputs]
    results = [term if is_batched else _repeated(term, size) for term, is_batched in rows]
    return program.copied(graph, copies), results


def _input(graph: Graph, node: Node, chosen: Collection[str], size: int) -> Term:
    name, is_variable = node.options
    shape = (size, *node.shape) if name in chosen else node.shape
    return graph.input(name, shape, is_variable)


def _copy(graph: Graph, node: Node, operands: list[Term], is_batched: list[bool], size: int) -> Term:
    """Write a node anew, with a leading axis when one of its operands has one."""
    operation = node.operation
    if any(is_batched) and not operation.is_elementwise:
        if operation.batch is None:
            raise ValueError(f"{operation.name} has no rule for a leading axis")
        rows = [
            term if batched else _repeated(term, size)
            for term, batched in zip(operands, is_batched, strict=True)
        ]
        return operation.batch(*rows, *node.options)
    rank = 1 + len(node.shape)
    terms = [
        aligned(term, rank) if batched else term for term, batched in zip(operands, is_batched, strict=True)
    ]
    return graph.copied(node, terms)


def _repeated(term: Term, size: int) -> Term:
    return term.stretched((size, *term.shape))
