"""The steps of many runs as one generated function: an update rule over a leading axis of runs.

Its source is a kernel's body, batched, and the same rules as those of a single descent, which are
element-wise. It judges nothing. For ``x**2`` and gradient descent it reads, every name an array over runs::

    for k in range(k + 1, last + 1):
        old_v0 = v0
        v0 = v0 - rate * g_v0
        value = v0 * v0
        g_v0 = k0 * v0
        keep((v0, g_v0, value,))
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.core.calculus.generated import Function, Maker, indented, make_functions
from service.core.calculus.template import Array, Template
from service.core.descent.layout import Rules
from service.core.descent.loop import ARRAY_NAMES
from service.core.descent.loop_source import SHRINK, LoopWriter

Parts = tuple[Array, ...]
SAFE_NORMS = 1e-140, 1e140
"""Between them a norm is the root of a sum of squares, none of which over- or underflows."""


@dataclass(frozen=True, slots=True)
class FleetTemplate:
    """The generated function of a batched kernel under rules, before any data.

    Attributes
    ----------
    template : Template
        Value and gradient of many runs. It has one slot, a matrix whose rows are the elements of a run's
        variables, or for every element a slot, an array over runs.
    rules : Rules
        What the source consists of.
    make_steps : callable
        Makes, from the data, what takes `k`, `last`, `keep`, a learning rate and the parts to all steps from
        k + 1 to last, and tells `keep` the parts of each.
    """

    template: Template
    rules: Rules
    make_steps: Maker

    @property
    def count(self) -> int:
        """Number of slots."""
        return len(self.template.source.slots)

    @property
    def is_matrix(self) -> bool:
        """Whether its slot is a matrix."""
        return self.template.is_matrix

    @property
    def gradient(self) -> slice:
        """Where the gradient stands among the parts, behind the slots."""
        return slice(self.count, 2 * self.count)

    def moment(self, position: int) -> slice:
        """Return where a moment stands among the parts."""
        return slice((2 + position) * self.count, (3 + position) * self.count)

    @property
    def value(self) -> int:
        """Where the value stands among the parts; the numbers that the rules carry follow."""
        return (2 + len(self.rules.optimizer.moments)) * self.count

    def split(self, rows: Array) -> Parts:
        """Lay out a matrix of runs by elements as slots."""
        return (rows,) if self.is_matrix else tuple(np.ascontiguousarray(rows.T))

    def join(self, slots: Parts, rows: list[int]) -> Array:
        """Lay out some rows of slots as a matrix of runs by elements."""
        return slots[0][rows] if self.is_matrix else np.array([slot[rows] for slot in slots]).T

    def number(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Lay out a number of each run, so that it multiplies a slot."""
        return numbers[:, None] if self.is_matrix else numbers


def make_fleet_template(template: Template, rules: Rules, numbers: tuple[str, ...]) -> FleetTemplate:
    """Generate the steps of a batched kernel, or find them with it.

    Parameters
    ----------
    template : Template
        The kernel.
    rules : Rules
        What the source consists of.
    numbers : tuple of str
        Names of the options and bounds.
    """
    known: FleetTemplate = template.loops.get_or_make(
        ("fleet", rules, numbers), lambda: _generate(template, rules, numbers)
    )
    return known


def _generate(template: Template, rules: Rules, numbers: tuple[str, ...]) -> FleetTemplate:
    writer = FleetWriter(template, rules, ())
    names = {**ARRAY_NAMES, "choose": np.where, "abs": abs, "clipped": _clipped_by(template.is_matrix)}
    arguments = ("k", "last", "keep", "learning_rate" if rules.is_scheduled else "rate", *writer.kept)
    source = {"advance": Function(arguments, writer.steps())}
    return FleetTemplate(template, rules, make_functions(template.source, source, names, numbers))


class FleetWriter(LoopWriter):
    """Writes the steps of many runs."""

    @property
    def kept(self) -> tuple[str, ...]:
        """Names of the parts."""
        moments = (f"{moment}_{slot}" for moment in self.rules.optimizer.moments for slot in self.slots)
        return (*self.slots, *self.gradient, *moments, "value", *self.rules.carried)

    def steps(self) -> list[str]:
        """Write the loop."""
        step = [*self.update(), *self.evaluation(), f"keep(({', '.join(self.kept)},))"]
        return ["for k in range(k + 1, last + 1):", *indented(step)]

    def rule(self, line: str) -> str:
        """Write a line of a rule; arrays over runs are so short that a call would cost more than it saves."""
        return super().rule(line) if self.template.is_matrix else line

    def clipping(self) -> list[str]:
        """Write the clipping of the gradients, each by its own norm."""
        results = "".join(f"h_{part}, " for part in self.gradient)
        return [f"{results}= clipped(clip_norm, {', '.join(self.gradient)})"]


def _clipped_by(is_matrix: bool) -> Any:
    """Make what clips the gradients of many runs, as the loop of a single descent does."""

    def squares(*parts: Array) -> Any:
        if is_matrix:
            return np.sum(parts[0] * parts[0], axis=1, keepdims=True)
        return sum((part * part for part in parts[1:]), parts[0] * parts[0])

    def largest(*parts: Array) -> Any:
        if is_matrix:
            return np.max(np.abs(parts[0]), axis=1, keepdims=True)
        return np.max(np.abs(parts), axis=0)

    def clipped(clip_norm: float, *parts: Array) -> Parts:
        norm = np.sqrt(squares(*parts))
        if not (np.min(norm) > SAFE_NORMS[0] and np.max(norm) < SAFE_NORMS[1]):
            size = largest(*parts)
            size = np.where((size > 0.0) & (size < np.inf), size, 1.0)
            norm = np.sqrt(squares(*(part / size for part in parts)))
            is_larger = norm > np.finfo(np.float64).max / size
            shrunk = clip_norm / (np.where(is_larger, norm * (size * SHRINK), 1.0))
            scale = np.minimum(clip_norm / (norm * size + 1e-6), 1.0)
            return tuple(np.where(is_larger, part * SHRINK * shrunk, part * scale) for part in parts)
        scale = np.minimum(clip_norm / (norm + 1e-6), 1.0)
        return tuple(part * scale for part in parts)

    return clipped


def numbers_of(names: Mapping[str, Any], template: Template, bounds: Mapping[str, Array]) -> dict[str, Any]:
    """Return the options with the bounds of the slots, `low` and `high` of all elements."""
    found = dict(names)
    for side, elements in bounds.items():
        values = [elements] if template.is_matrix else elements.tolist()
        found |= {f"{side}_{slot}": value for slot, value in zip(template.source.slots, values, strict=True)}
    return found
