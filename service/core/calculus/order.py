"""The order in which the operations of a program run, by the memory that they take and free.

A graph holds the function before its derivatives, and in that order a result which only a derivative needs
is held all the while. So an operation runs right before what needs its result, and of several operands that
first whose own operands take the most memory (Sethi and Ullman 1970, https://doi.org/10.1145/321607.321620).
But what frees as much memory as it takes runs as soon as it can: the sum of an array that nothing else needs,
or what is written in the place of its operand. Of ``sum(exp(exp(x))) + sum(sinh(sqrt(x)))`` the derivative of
the first sum is ready before the second begins, and two places do for three. Results for the caller come in
the graph's order: derivatives from the last layer to the first, so that a layer is free before the one behind
it needs memory. The numbers are the same. Where the graph's order holds less all the same, it stays.
"""

from __future__ import annotations

import heapq
from collections.abc import Sequence

from service.core.calculus.buffers import SMALLEST
from service.core.language.graph import INPUT, Graph, Node
from service.core.limits import LOOKED_AT, look, paced

CALLER = -1
"""Stands among the readers of what the caller gets, which is never free."""
CONDITION_SIZE = 1 / 8
"""Size of an element that is true or false, in numbers."""


def arrange(graph: Graph, ordered: Sequence[int], outputs: Sequence[int]) -> list[int]:
    """Order operations so that their results need little memory at once.

    Parameters
    ----------
    graph : Graph
        The program.
    ordered : sequence of int
        Nodes that run at every evaluation, operands first.
    outputs : sequence of int
        Nodes whose results the caller gets.

    Returns
    -------
    list of int
        The same nodes, operands first; as they came where all arrays are small.
    """
    if all([graph.nodes[index].size < SMALLEST for index in ordered]):
        return [*ordered]
    arrangement = _Arrangement(graph, ordered, outputs)
    for index in sorted(outputs):
        arrangement.compute(index)
    return arrangement.order


class _Arrangement:
    """Puts nodes in order; sizes are in numbers, and 0 of arrays too small to count.

    A node's root is the node that made the array on which it is a view, itself where it made one.
    """

    def __init__(self, graph: Graph, ordered: Sequence[int], outputs: Sequence[int]) -> None:
        self.order: list[int] = []
        self._operands: dict[int, list[int]] = {}
        self._users: dict[int, list[int]] = {index: [] for index in ordered}
        self._root: dict[int, int] = {}
        self._reads: dict[int, set[int]] = {}
        self._readers: dict[int, set[int]] = {index: set() for index in ordered}
        self._size: dict[int, float] = {}
        self._beyond: dict[int, float] = {}
        for index in paced(ordered):
            self._add(index, graph.nodes[index])
        for index in self._root.keys() & outputs:
            self._readers[self._root[index]].add(CALLER)
        self._missing = {index: len(operands) for index, operands in self._operands.items()}

    def _add(self, index: int, node: Node) -> None:
        """Write down what a node reads, its size, and the memory needed beyond that on the way to it."""
        operation, size = node.operation, 0.0
        operands = [each for each in dict.fromkeys(node.operands) if each in self._root]
        if operation.is_view:
            self._root[index] = root = self._root[operands[0]]
        else:
            self._root[index] = root = index
            if operation is not INPUT and node.size >= SMALLEST:
                size = node.size * (CONDITION_SIZE if operation.is_condition else 1.0)
            self._size[index] = size
        if len(operands) > 1:
            operands.sort(key=self._beyond.__getitem__)
        held = most = 0.0
        for operand in reversed(operands):
            self._users[operand].append(index)
            array = self._size[self._root[operand]]
            most = max(most, held + array + self._beyond[operand])
            held += array
        self._operands[index] = operands
        self._reads[index] = {self._root[operand] for operand in operands}
        for each in self._reads[index]:
            self._readers[each].add(index)
        self._beyond[index] = max(most, self._size[root]) - self._size[root]

    def compute(self, wanted: int) -> None:
        """Run a node, and before it the operands that have not run yet."""
        waiting = [wanted]
        while waiting:
            index = waiting.pop()
            if index not in self._missing:
                continue
            if self._missing[index]:
                waiting += [index, *self._operands[index]]
            else:
                self._run(index)

    def _run(self, index: int) -> None:
        """Run a node, and all that then can without taking memory, as the graph has them."""
        waiting = [index]
        while waiting:
            index = heapq.heappop(waiting)
            if self._missing.pop(index, None) is None:
                continue
            self.order.append(index)
            if not len(self.order) % LOOKED_AT:
                look()
            candidates = {*self._users[index]}
            for user in candidates:
                self._missing[user] -= 1
            for root in self._reads[index]:
                readers = self._readers[root]
                readers.remove(index)
                if len(readers) == 1:
                    candidates |= readers
            for each in candidates:
                if self._missing.get(each) == 0 and self._is_free(each):
                    heapq.heappush(waiting, each)

    def _is_free(self, index: int) -> bool:
        """Tell whether a node frees as much memory as it takes."""
        size = self._size.get(index, 0.0)
        last = [self._size[root] for root in self._reads[index] if len(self._readers[root]) == 1]
        return size <= sum(last)
