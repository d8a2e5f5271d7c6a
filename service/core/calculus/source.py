"""From a schedule to the source of straight-line Python.

The source holds nothing but names that are made here and what the operations table says: literals,
indices and data are passed in, so no character of the caller's can appear in it.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from service.core.arrays import Shape
from service.core.calculus.schedule import FORGOTTEN_SIZE, Step
from service.core.calculus.tiles import Region
from service.core.language.elements import index_of
from service.core.language.graph import NUMBER, Graph
from service.core.limits import paced

CHECKED_OPERATIONS = 2_000_000
"""Planned operations between two looks at the clock, about two milliseconds."""


MOST_NESTED = 16
"""Expressions inside one another: beyond, they get a name."""


def used_once(steps: Sequence[Step], outputs: Iterable[int]) -> frozenset[int]:
    """Return the nodes to which one place of the source alone refers: on floats a name only costs time."""
    uses = Counter(dict.fromkeys(outputs, 2))
    for step in steps:
        for position, operand in enumerate(step.node.operands):
            uses[operand] += step.node.operation.scalar.count(f"{{{position}}}")
    return frozenset(step.index for step in steps if uses[step.index] == 1)


@dataclass(slots=True)
class SourceWriter:
    """Writes statements, and collects the values that they refer to.

    Parameters
    ----------
    graph : Graph
        The program.
    is_on_floats : bool
        Whether to write for plain floats, or else for arrays.
    is_probed : bool
        Whether every result is shown to `probe(index, result)`.
    inlined : frozenset of int
        Nodes that stand in the one place where they are used, instead of in a statement.
    is_placed : bool
        Whether results stand in the places that the schedule gives them.
    targets : mapping of int to str
        Names of the arrays that the results of some nodes are written into, where a ufunc computes these.
    """

    graph: Graph
    is_on_floats: bool
    is_probed: bool
    inlined: frozenset[int]
    is_placed: bool
    targets: Mapping[int, str]
    values: dict[str, Any] = field(default_factory=dict)
    _names: dict[int, str] = field(default_factory=dict)
    _wide: dict[int, str] = field(default_factory=dict)
    _options: dict[Any, str] = field(default_factory=dict)
    _depths: dict[int, int] = field(default_factory=dict)
    _places: dict[tuple[int, Shape], str] = field(default_factory=dict)
    _pending: float = 0.0
    _numbers: int = 0

    def bind_inputs(self, names: Mapping[int, str]) -> None:
        """Name the inputs, by node."""
        self._names.update(names)

    def name(self, index: int) -> str:
        """Name a node's result."""
        known = self._names.get(index)
        if known is None:
            node = self.graph.nodes[index]
            known = f"n{index}"
            if node.operation is NUMBER:
                # Python's own float divides by zero with an error, and has no shape to change.
                value = node.options[0]
                known = self._literal(value if self.is_on_floats else np.float64(value))
            self._names[index] = known
        return known

    def _literal(self, value: Any) -> str:
        """Name a literal by order of use: functions that differ in numbers share their source."""
        known = f"k{self._numbers}"
        self._numbers += 1
        self.values[known] = value
        return known

    def _operand(self, index: int, step: Step) -> str:
        """Name an operand, or the tile of it.

        A literal beside arrays is an array too, which NumPy else makes at every call.
        """
        node = self.graph.nodes[index]
        if step.region is not None and step.region.is_cut(index, node.shape):
            return f"{self.name(index)}[tile]"
        if self.is_on_floats or node.operation is not NUMBER or not step.node.shape:
            return self.name(index)
        if index not in self._wide:
            self._wide[index] = self._literal(np.array(node.options[0]))
        return self._wide[index]

    def statements(self, steps: Iterable[Step]) -> list[str]:
        """Write the steps, those of a region as a loop over its tiles."""
        lines: list[str] = []
        for _, group in itertools.groupby(steps, lambda step: id(step.region)):
            members = [*group]
            region = members[0].region
            lines += self._one_by_one(members) if region is None else self._by_tiles(region, members)
        return lines

    def _by_tiles(self, region: Region, steps: Sequence[Step]) -> list[str]:
        """Write a loop over the tiles of a region."""
        before, inside, after = list[str](), list[str](), list[str]()
        share = math.prod(region.tile_shape) / math.prod(region.shape)
        for step in steps:
            name, source = self.name(step.index), self._expression(step)
            if step.is_whole:
                made = f"empty({self._option(step.node.shape)})"
                before.append(f"{name} = {made if step.reused is None else self.name(step.reused)}")
                inside.append(source)
            elif step.index in region.parts:
                inside.append(f"{name} = {source}")
            else:
                before.append(f"{name} = []")
                inside.append(f"{name}.append({source})")
                after.append(f"{name} = {step.node.operation.of_parts.format(name)}")
            inside += self._check_after(share * step.cost)
            after += self._forgotten(step, region.parts)
        tiles = self._named(("tiles", region.shape), region.tiles())
        loop = [f"for tile, own in {tiles}:", *(f"    {line}" for line in (*inside, "check()"))]
        self._pending = 0.0
        return [*before, *loop, *after]

    def _one_by_one(self, steps: Iterable[Step]) -> list[str]:
        lines: list[str] = []
        for step in paced(steps):
            if step.index in self.inlined and self._inline(step):
                continue
            lines += self._statement(step)
            if self.is_probed:
                lines.append(f"probe({step.index}, {self.name(step.index)})")
            if self.is_on_floats:
                continue
            lines += [*self._forgotten(step), *self._check_after(step.cost)]
        return lines

    def _statement(self, step: Step) -> list[str]:
        """Write one step; what fills the next one's result is written into it, and has no name."""
        if not self.is_placed or not (step.next or step.is_filled):
            return [f"{self.name(step.index)} = {self._expression(step)}"]
        if step.next is None:
            return []
        frame = step.next.node.operation.frame.format(**self._options_of(step.next))
        return [f"{self.name(step.next.index)} = {frame}", self._expression(step)]

    def _forgotten(self, step: Step, beside: Set[int] = frozenset()) -> list[str]:
        """Write that arrays are not needed any more after a step, but for some and for small ones."""
        roots = step.forgotten if self.is_placed else step.released
        large = [root for root in roots if root not in beside and self._held_by(root) >= FORGOTTEN_SIZE]
        return [f"{self.name(root)} = None" for root in large]

    def _held_by(self, index: int) -> int:
        """Count the elements that a name keeps alive: a view holds all of the array that it is a part of."""
        node = self.graph.nodes[index]
        size = node.size
        while node.operation.is_view and node.operands:
            node = self.graph.nodes[node.operands[0]]
            size = max(size, node.size)
        return size

    def _check_after(self, cost: float) -> list[str]:
        """Write a look at the clock where enough was done since the last."""
        self._pending += cost
        if self._pending < CHECKED_OPERATIONS:
            return []
        self._pending = 0.0
        return ["check()"]

    def _inline(self, step: Step) -> bool:
        """Let an expression stand for its name; not too deep, since Python's parser has its limits."""
        depth = 1 + max((self._depths.get(operand, 0) for operand in step.node.operands), default=0)
        if depth > MOST_NESTED:
            return False
        self._depths[step.index] = depth
        self._names[step.index] = f"({self._expression(step)})"
        return True

    def _expression(self, step: Step) -> str:
        operation = step.node.operation
        operands = [self._operand(operand, step) for operand in step.node.operands]
        target, suited = self._target(step), self._suited(step)
        if target and operation.ufunc and not suited:
            return f"{operation.ufunc}({', '.join(operands)}, out={target})"
        template = operation.scalar if self.is_on_floats else suited or self._on_arrays(step)
        return template.format(*operands, **self._options_of(step), out=target or None)

    def _options_of(self, step: Step) -> dict[str, str]:
        """Name the options of an operation."""
        return {name: self._option(value) for name, value in step.node.named_options.items()}

    def _target(self, step: Step) -> str:
        """Name the array that a result is written into; nothing where it gets a new one."""
        if step.index in self.targets:
            return self.targets[step.index]
        if step.is_whole:
            return f"{self.name(step.index)}[tile]"
        if step.next is not None and self.is_placed:
            gap = step.next.node.operation.gap.format(**self._options_of(step.next))
            return f"{self.name(step.next.index)}{gap}"
        if step.start is not None and self.is_placed:
            place = self._places.setdefault((step.start, step.shape), f"b{len(self._places)}")
            return place if step.region is None else f"{place}[own]"
        if step.lent is not None and self.is_placed:
            return self.name(step.lent)
        return "" if step.reused is None else self.name(step.reused)

    def places(self, memory: int) -> list[str]:
        """Write where the places are, in a memory of so many elements."""
        if not self._places:
            return []
        lines = [f"memory = aligned({self._option(memory)})"]
        for (start, shape), name in self._places.items():
            part = ((start, start + math.prod(shape), None),)
            lines.append(f"{name} = memory[{self._option(part)}].reshape({self._option(shape)})")
        return lines

    def _suited(self, step: Step) -> str:
        """Return the source on arrays that is faster for the operands' shapes, if there is one."""
        suited = None if self.is_on_floats else step.node.operation.suited
        shapes = [self.graph.nodes[operand].shape for operand in step.node.operands]
        return suited(*shapes, *step.node.options) if suited else ""

    def _on_arrays(self, step: Step) -> str:
        """Return the source on arrays, by what it writes into."""
        operation = step.node.operation
        if step.reused is not None and not step.is_whole:
            return operation.into
        is_placed = self.is_placed and not (step.start is None and step.lent is None)
        has_target = step.is_whole or is_placed
        return operation.out if has_target else operation.array

    def _option(self, value: Any) -> str:
        """Name an option's value; indices become slices."""
        return self._named((type(value), value), index_of(value) if _is_index(value) else value)

    def _named(self, key: Any, value: Any) -> str:
        known = self._options.get(key)
        if known is None:
            known = self._options[key] = f"o{len(self._options)}"
            self.values[known] = value
        return known


def _is_index(value: Any) -> bool:
    return isinstance(value, tuple) and any(isinstance(item, tuple) for item in value)
