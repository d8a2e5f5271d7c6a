"""The order of a program's operations, what each buffer costs, and when it is free again.

One pass serves both the quote and the generated source, so what was planned is what runs.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from service.core.activation_kernels import BLOCK
from service.core.arrays import Shape
from service.core.calculus.buffers import place
from service.core.calculus.order import arrange
from service.core.calculus.tiles import Region, cut
from service.core.language.graph import INPUT, NUMBER, Graph, Node, Term
from service.core.language.places import Place
from service.core.language.shapes import reduced
from service.core.limits import look, paced

ELEMENT_BYTES = 8
LEAVES = (INPUT, NUMBER)
OVERWRITTEN = -1
"""Last use of an array whose memory went to another."""
REUSED_SIZE = 512
"""Smallest buffer that is worth writing into again; smaller ones cost less than the bookkeeping."""
FORGOTTEN_SIZE = 32
"""Elements from which an array is let go when nothing needs it any more; smaller ones live as long as the
evaluation."""
CALL_BYTES = 65_536
"""Of the objects of a call and of NumPy's own buffers."""
OPERATION_BYTES = 384
"""Of an operation's result beside its elements, and of those that are not let go."""


@dataclass(slots=True)
class Step:
    """One operation to run: its node, what is `released` after it, of that what is `placed`, its own place.

    It may overwrite an operand that is `reused`, in an array that the node `maker` made, or write into
    one that is `lent`, a result that nothing needs any more.
    Where `next` is the step after it, it writes into the result of that, which then `is_filled`.
    In a region its result may be a tile, of `shape`, where the node's is the whole.
    """

    index: int
    node: Node
    region: Region | None = None
    reused: int | None = None
    lent: int | None = None
    maker: int | None = None
    released: tuple[int, ...] = ()
    placed: tuple[int, ...] = ()
    cost: float = 0.0
    start: int | None = None
    next: Step | None = None
    is_filled: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether it writes into a new array, tile by tile."""
        return self.region is not None and self.index in self.region.whole

    @property
    def shape(self) -> Shape:
        """The shape of the array it makes."""
        is_part = self.region is not None and self.index in self.region.parts
        return self.region.tile_shape if self.region and is_part else self.node.shape

    @property
    def size(self) -> int:
        """The number of elements of that array."""
        return math.prod(self.shape)

    @property
    def forgotten(self) -> list[int]:
        """What is released and has no place, which would be used again."""
        return [root for root in self.released if root not in self.placed]


@dataclass(frozen=True, slots=True)
class ExecutionOrder:
    """What runs, in order.

    Attributes
    ----------
    setup : tuple of Step
        What depends on constants alone; runs once.
    body : tuple of Step
        What runs at every evaluation.
    """

    setup: tuple[Step, ...]
    body: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class ExecutionPlan(ExecutionOrder):
    """What runs, with its costs.

    Attributes
    ----------
    operations, largest : float
        Planned elementary operations of setup and body, and of the costliest single one.
    elements : int
        Elements of all results of the body together.
    peak_bytes : int
        Planned peak memory of inputs, buffers and results.
    object_bytes : int
        What the objects of a call take beside these.
    memory : int
        Elements of the memory in which results have places, see `buffers`.
    costliest, widest : Place
        Where the costliest operation and the largest buffer stand in the text.
    """

    operations: float
    largest: float
    elements: int
    peak_bytes: int
    object_bytes: int
    memory: int
    costliest: Place
    widest: Place


def order_of(graph: Graph, outputs: Sequence[Term]) -> ExecutionOrder:
    """Order the operations that the outputs need, without buffers: floats need none."""
    order = reachable(graph, outputs)
    varying = _varying(graph, order)
    steps = [Step(index, graph.nodes[index]) for index in order if graph.nodes[index].operation not in LEAVES]
    return ExecutionOrder(
        setup=tuple([step for step in steps if step.index not in varying]),
        body=tuple([step for step in steps if step.index in varying]),
    )


def schedule(
    graph: Graph, outputs: Sequence[Term], element_bytes: int = ELEMENT_BYTES, *, is_tiled: bool = False
) -> ExecutionPlan:
    """Plan the operations that the outputs need, and their buffers; large arrays tile by tile where asked."""
    order = reachable(graph, outputs)
    varying = _varying(graph, order)
    setup, body = ([index for index in order if (index in varying) is wanted] for wanted in (False, True))
    if is_tiled:
        body, regions = cut(graph, body, {term.index for term in outputs})
        if regions:
            return _planned(graph, outputs, element_bytes, setup, body, regions)
    orders = [arrange(graph, body, [term.index for term in outputs])]
    if orders[0] != body:
        orders.append(body)
    plans = [_planned(graph, outputs, element_bytes, setup, each, {}) for each in orders]
    return min(plans, key=lambda plan: plan.peak_bytes)


def _planned(
    graph: Graph,
    outputs: Sequence[Term],
    element_bytes: int,
    setup: Sequence[int],
    ordered_body: Sequence[int],
    regions: Mapping[int, Region],
) -> ExecutionPlan:
    """Plan the buffers of operations in an order."""
    kept, varying, ordered = {term.index for term in outputs}, {*ordered_body}, [*setup, *ordered_body]
    planner = _Planner(graph, ordered, kept, varying, regions)
    planned = (planner.step(position, index) for position, index in enumerate(paced(ordered)))
    steps = [step for step in planned if step is not None]
    costliest = max(steps, key=lambda step: (step.cost, -step.index), default=None)
    widest = max(steps, key=lambda step: (planner.counts[step.index], -step.index), default=None)
    body = tuple([step for step in steps if step.index in varying])
    memory, taken = place(body)
    look()
    _fill_frames(body, kept)
    before = len(steps) - len(body)
    beside = [load - held for load, held in zip(planner.loads[before:], taken, strict=True)]
    beside.append(planner.alive + sum(term.size for term, is_own in fresh(body, outputs) if not is_own))
    peak = max([*planner.loads[:before], *[memory + load for load in beside]], default=0)
    inputs = sum([node.size for node in graph.nodes if node.operation is INPUT])
    return ExecutionPlan(
        setup=tuple(step for step in steps if step.index not in varying),
        body=body,
        operations=sum(step.cost for step in steps),
        largest=costliest.cost if costliest else 0.0,
        elements=sum([planner.counts[step.index] for step in body]),
        peak_bytes=element_bytes * (inputs + peak),
        object_bytes=CALL_BYTES + OPERATION_BYTES * len(steps),
        memory=memory,
        costliest=costliest.node.place if costliest else Place(1, 1),
        widest=widest.node.place if widest else Place(1, 1),
    )


def fresh(body: Sequence[Step], results: Sequence[Term]) -> list[tuple[Term, bool]]:
    """Pair each result with whether it is an array that every evaluation makes, and for nothing else.

    The caller gets a copy of any other: of inputs, of what constants alone determine, and of views.
    """
    made = {step.index for step in body if not step.node.operation.is_view}
    times = Counter([term.index for term in results])
    return [(term, term.index in made and times[term.index] == 1) for term in results]


def _fill_frames(body: Sequence[Step], kept: set[int]) -> None:
    """Let what only the next step needs be written into the result of that, where its row has a frame.

    The result is there one step earlier, so nothing but places may end with the first of the two.
    """
    uses = Counter([operand for step in body for operand in step.node.operands] + [*kept])
    uses.update([step.lent for step in body if step.lent is not None])
    for step, after in itertools.pairwise(body):
        is_only = after.node.operands[:1] == (step.index,) and uses[step.index] == 1
        operation = step.node.operation
        can_write = bool(operation.ufunc) and not (operation.suited or step.region or step.forgotten)
        if after.node.operation.frame and is_only and can_write and step.size >= REUSED_SIZE:
            step.next, after.is_filled = after, True


def reachable(graph: Graph, outputs: Sequence[Term]) -> list[int]:
    """Return the nodes that the outputs need, in order of evaluation."""
    needed = {term.index for term in outputs}
    for index in range(len(graph.nodes) - 1, -1, -1):
        if index in needed:
            needed.update(graph.nodes[index].operands)
    return sorted(needed)


def _varying(graph: Graph, order: Sequence[int]) -> set[int]:
    """Return the nodes that change from one evaluation to the next."""
    found: set[int] = set()
    for index in order:
        node = graph.nodes[index]
        is_variable = node.operation is INPUT and node.options[1]
        if is_variable or not found.isdisjoint(node.operands):
            found.add(index)
    return found


def cost_of(graph: Graph, node: Node, largest: int) -> float:
    """Return the planned elementary operations of one node, from the size of its largest array."""
    cost = node.operation.cost
    if callable(cost):
        cost = cost(*[graph.nodes[operand].shape for operand in node.operands])
    else:
        cost *= largest
    return max(cost, 1.0)


def workspace_of(graph: Graph, node: Node, largest: int) -> int:
    """Return the elements that one node needs meanwhile, from the size of its largest array."""
    operation = node.operation
    beside = operation.workspace * (min(largest, BLOCK) if operation.is_in_blocks else largest)
    if operation.reduced_workspace:
        axis = node.options[[name for name, _, _ in operation.options].index("axis")]
        left = reduced(graph.nodes[node.operands[0]].shape, axis, keepdims=True)
        beside += operation.reduced_workspace * math.prod(left)
    return int(beside)


class _Planner:
    """Follows which buffers are alive; sizes, of tiles too, and counts of whole results are in elements."""

    def __init__(
        self,
        graph: Graph,
        ordered: list[int],
        kept: set[int],
        varying: set[int],
        regions: Mapping[int, Region],
    ) -> None:
        self.graph, self.regions = graph, regions
        self.counts = [math.prod(node.shape) for node in graph.nodes]
        self.sizes = self.counts[:]
        for index, region in regions.items():
            if index in region.parts:
                self.sizes[index] = math.prod(region.tile_shape)
        self.positions = {index: position for position, index in enumerate(ordered)}
        self.root: dict[int, int] = {}
        self.aliases: dict[int, list[int]] = {}
        self.last_use: dict[int, int] = {}
        self.read: dict[int, list[int]] = {}
        self._follow_uses(ordered)
        self._follow_regions()
        read = {operand for index in varying for operand in graph.nodes[index].operands}
        for index in (*kept, *read.difference(varying)):
            self.last_use[self.root[index]] = len(ordered)  # beyond the last step
        self.overwritten: dict[int, int] = {}
        self.alive = 0
        self.loads: list[int] = []

    def _follow_uses(self, ordered: Sequence[int]) -> None:
        """Find for each node the one whose array it has, and for each array its names and its last use."""
        for position, index in enumerate(paced(ordered)):
            node = self.graph.nodes[index]
            self.root[index] = self.root[node.operands[0]] if node.operation.is_view else index
            self.aliases.setdefault(self.root[index], []).append(index)
            for operand in node.operands:
                self.last_use[self.root[operand]] = position

    def _follow_regions(self) -> None:
        """Hold what a region reads until its last tile."""
        for region in {id(region): region for region in self.regions.values()}.values():
            last = region.indices[-1]
            operands = [each for index in region.indices for each in self.graph.nodes[index].operands]
            self.read[last] = [self.root[each] for each in operands if each not in region.parts]
            for root in self.read[last]:
                self.last_use[root] = max(self.positions[last], self.last_use[root])

    def step(self, position: int, index: int) -> Step | None:
        """Plan one node; None for leaves."""
        graph, node = self.graph, self.graph.nodes[index]
        if node.operation in LEAVES:
            return None
        dead = [
            root
            for root in dict.fromkeys([self.root[each] for each in node.operands] + self.read.get(index, []))
            if self.last_use[root] == position and graph.nodes[root].operation not in LEAVES
        ]
        planned = Step(index, node, self.regions.get(index))
        if planned.region is not None and index == planned.region.indices[0]:
            self._begin(planned.region)
        if planned.is_whole:
            reused = self.overwritten.get(index)
        else:
            reused = self._reusable(index, node, dead) if self.sizes[index] >= REUSED_SIZE else None
        if reused is not None:
            planned.maker = self.root[reused]
            self.aliases[index] += self.aliases[planned.maker]
            dead = [root for root in dead if root != planned.maker]
        elif not planned.is_whole:  # those are counted at the region's start
            self.alive += self._size(index)
        largest = max([self.counts[each] for each in (index, *node.operands)])
        beside = workspace_of(graph, node, largest)
        if node.operation.copies_skipping:
            beside += sum([self.counts[each] for each in node.operands if self._is_skipping(each)])
        self.loads.append(self.alive + beside)
        self.alive -= sum([self._size(root) for root in dead])
        released = tuple([alias for root in dead for alias in self.aliases[root]])
        planned.reused, planned.released, planned.cost = reused, released, cost_of(graph, node, largest)
        return planned

    def _is_skipping(self, index: int) -> bool:
        """Tell whether a view leaves out, repeats or reverses elements, and is no copy of that."""
        node = self.graph.nodes[index]
        while node.operation.is_view and not (node.operation.may_skip or node.operation.may_copy):
            node = self.graph.nodes[node.operands[0]]
        return node.operation.may_skip

    def _begin(self, region: Region) -> None:
        """Find memory for the results that others need of a region: an array that it reads, or new memory."""
        for whole in region.whole:
            operand = self._overwritten(whole, region)
            if operand is None:
                self.alive += self.sizes[whole]
            else:
                self.overwritten[whole] = operand
                self.last_use[self.root[operand]] = OVERWRITTEN

    def _overwritten(self, whole: int, region: Region) -> int | None:
        """Find an array that only the region needs, tile by tile, and no operation of it after this one."""
        nodes, at = self.graph.nodes, region.indices.index(whole)
        # A ufunc may write over its own operand; another source may read it more than once.
        after = region.indices[at + 1 if nodes[whole].operation.ufunc else at :]
        taken = {self.root[operand] for index in after for operand in nodes[index].operands}
        found = []
        for operand in [each for index in region.indices for each in nodes[index].operands]:
            root = self.root[operand]
            is_made = nodes[root].operation not in LEAVES and root not in region.indices
            is_last = self.last_use[root] == self.positions[region.indices[-1]]
            if nodes[operand].shape == region.shape and self._is_writable(operand):
                found += [operand] if is_made and is_last else []
            else:
                taken.add(root)
        return next((operand for operand in found if self.root[operand] not in taken), None)

    def _size(self, index: int) -> int:
        operation = self.graph.nodes[index].operation
        return self.sizes[index] if not operation.is_view or operation.may_copy else 0

    def _reusable(self, index: int, node: Node, dead: Sequence[int]) -> int | None:
        """Find an operand that is not needed any more and has the result's shape, and is cut as it is."""
        operation = node.operation
        if not (operation.into or (operation.ufunc and operation.is_elementwise)):
            return None
        for operand in node.operands if operation.ufunc else node.operands[:1]:
            shape = self.graph.nodes[operand].shape
            is_alike = shape == node.shape and self.sizes[operand] == self.sizes[index]
            if is_alike and self.root[operand] in dead and self._is_writable(operand):
                return operand
        return None

    def _is_writable(self, index: int) -> bool:
        """Tell whether numbers can be written over a result: not conditions, nor a view in another order."""
        root = self.root[index]
        while index != root and self.graph.nodes[index].operation.may_copy:
            index = self.graph.nodes[index].operands[0]
        return index == root and not self.graph.nodes[root].operation.is_condition
