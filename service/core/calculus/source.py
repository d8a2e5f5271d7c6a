"""From a schedule to the source of straight-line Python.

The source holds nothing but names that are made here and what the operations table says: literals,
indices and data are passed in, so no character of the caller's can appear in it.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from service.core.calculus.schedule import REUSED_SIZE, Step
from service.core.language.elements import index_of
from service.core.language.graph import NUMBER, Graph
from service.core.language.operation import Shape

CHECKED_OPERATIONS = 2_000_000
"""Planned operations between two looks at the clock, about two milliseconds."""


MOST_NESTED = 16
"""Expressions inside one another: beyond, they get a name."""


def used_once(steps: Sequence[Step], outputs: Iterable[int]) -> frozenset[int]:
    """Return what a single place of the source on floats refers to: a name for it would only cost time."""
    uses = Counter(dict.fromkeys(outputs, 2))
    for step in steps:
        for position, operand in enumerate(step.node.operands):
            uses[operand] += step.node.operation.scalar.count(f"{{{position}}}")
    return frozenset(step.index for step in steps if uses[step.index] == 1)


@dataclass(slots=True)
class Writer:
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
    """

    graph: Graph
    is_on_floats: bool = False
    is_probed: bool = False
    inlined: frozenset[int] = frozenset()
    is_placed: bool = False
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
        """Name an operand; a literal beside arrays is an array too, which NumPy else makes at every call."""
        node = self.graph.nodes[index]
        if self.is_on_floats or node.operation is not NUMBER or not step.node.shape:
            return self.name(index)
        if index not in self._wide:
            self._wide[index] = self._literal(np.array(node.options[0]))
        return self._wide[index]

    def statements(self, steps: Iterable[Step]) -> list[str]:
        """Write the steps."""
        lines: list[str] = []
        for step in steps:
            if step.index in self.inlined and self._inline(step):
                continue
            lines.append(f"{self.name(step.index)} = {self._expression(step)}")
            if self.is_probed:
                lines.append(f"probe({step.index}, {self.name(step.index)})")
            if self.is_on_floats:
                continue
            large = [root for root in step.released if self.graph.nodes[root].size >= REUSED_SIZE]
            lines += [f"{self.name(root)} = None" for root in large]
            self._pending += step.cost
            if self._pending >= CHECKED_OPERATIONS:
                lines.append("check()")
                self._pending = 0.0
        return lines

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
        target = self._target(step)
        if target and operation.ufunc:
            return f"{operation.ufunc}({', '.join(operands)}, out={target})"
        template = operation.scalar if self.is_on_floats else self._on_arrays(step)
        names = (name for name, _, _ in operation.options)
        options = {name: self._option(value) for name, value in zip(names, step.node.options, strict=True)}
        return template.format(*operands, **options, out=target)

    def _target(self, step: Step) -> str:
        """Name the array that a result is written into; nothing where it gets a new one."""
        if step.start is not None and self.is_placed:
            return self._places.setdefault((step.start, step.node.shape), f"b{len(self._places)}")
        return "" if step.reused is None else self.name(step.reused)

    def places(self, memory: int) -> list[str]:
        """Write where the places are, in a memory of so many elements."""
        if not self._places:
            return []
        lines = [f"memory = empty({self._option(memory)})"]
        for (start, shape), name in self._places.items():
            part = ((start, start + math.prod(shape), None),)
            lines.append(f"{name} = memory[{self._option(part)}].reshape({self._option(shape)})")
        return lines

    def _on_arrays(self, step: Step) -> str:
        """Return the source on arrays that suits the operands' shapes."""
        operation, node = step.node.operation, step.node
        if step.reused is not None:
            return operation.into
        if step.start is not None and self.is_placed:
            return operation.out
        shapes = [self.graph.nodes[operand].shape for operand in node.operands]
        suited = operation.suited(*shapes, *node.options) if operation.suited else ""
        return suited or operation.array

    def _option(self, value: Any) -> str:
        """Name an option's value; indices become slices."""
        key = (type(value), value)
        known = self._options.get(key)
        if known is None:
            known = self._options[key] = f"o{len(self._options)}"
            self.values[known] = index_of(value) if _is_index(value) else value
        return known


def _is_index(value: Any) -> bool:
    return isinstance(value, tuple) and any(isinstance(item, tuple) for item in value)
