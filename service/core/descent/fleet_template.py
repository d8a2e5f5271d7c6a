"""The steps of many runs as one generated function: an update rule over a leading axis of runs.

Its source is a kernel's body, batched, and the same rules as those of a single descent, which are
element-wise. It judges nothing. Of ``x**2`` and gradient descent it reads, every name an array over runs::

    slots[:] = whole
    whole = slots
    for k in range(k + 1, last + 1):
        old_whole = whole
        whole -= rate * g_whole
        n3 = multiply(k0, v0, out=g0)
        g_whole = derivatives
        keep((whole.tobytes(), None, value,))
    return whole.copy(), g_whole.copy(), value

where `v0` and `g0` are views of `slots` and `derivatives`. Values that no update needs are not computed
there, `value` being that of the first step, but of all steps of a block at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.core.arrays import Array
from service.core.calculus.generated import Function, Maker, indented, make_functions
from service.core.calculus.template import Template
from service.core.descent.layout import Rules
from service.core.descent.loop import LOOP_ARRAY_NAMES
from service.core.descent.loop_source import SHRINK, LoopWriter

FleetParts = tuple[Any, ...]
SAFE_NORMS = 1e-140, 1e140
"""Between them a norm is the root of a sum of squares, none of which over- or underflows."""

_UPDATE, _BRACKETS = re.compile(r"^(\w+) = \1 ([-*]) "), re.compile(r"\([^()]*\)")
"""A step along an array, or its multiple, and innermost brackets."""


@dataclass(frozen=True, slots=True)
class FleetProgram:
    """A template bound to data.

    Attributes
    ----------
    template : FleetTemplate
        What stands where.
    numbers : mapping of str to object
        The options, and the bounds of all elements as `low` and `high`.
    advance : callable
        As `FleetTemplate.make_steps` makes it.
    values : callable or None
        From an array for each element to the values, where `advance` does not compute them.
    """

    template: FleetTemplate
    numbers: Mapping[str, Any]
    advance: Callable[..., FleetParts]
    values: Callable[..., Any] | None


@dataclass(frozen=True, slots=True)
class FleetTemplate:
    """The generated function of a batched kernel under rules, before any data.

    Attributes
    ----------
    template : Template
        Value and gradient, or gradient alone, of many runs. Its slot is a matrix whose rows are the elements
        of a run's variables, or a flat array which holds each element of all runs, one element after another.
    rules : Rules
        What the source consists of.
    make_steps : callable
        Makes, from the data, what takes `k`, `last`, `keep`, a learning rate and a state by all steps from
        k + 1 to last to a later state: slots, gradient, moments, value, and what the rules carry. Of each it
        tells `keep`; where the slots are a flat array the bytes of these, and of the gradient where it is
        looked at.
    """

    template: Template
    rules: Rules
    make_steps: Maker

    @property
    def is_matrix(self) -> bool:
        """Whether its slot is a matrix."""
        return self.template.is_matrix

    @property
    def size(self) -> int:
        """Number of elements of a run's variables."""
        return self.template.size

    def moment(self, name: str) -> int:
        """Return where a moment stands in a state."""
        return 2 + self.rules.optimizer.moments.index(name)

    @property
    def value(self) -> int:
        """Where the value stands in a state; the numbers that the rules carry follow."""
        return 2 + len(self.rules.optimizer.moments)

    def split(self, rows: Array) -> Array:
        """Lay out a matrix of runs by elements as a slot."""
        return rows if self.is_matrix else rows.T.reshape(-1)

    def join(self, slot: Array) -> Array:
        """Lay out a slot, or a stack of them, as matrices of runs by elements."""
        if self.is_matrix:
            return slot
        return slot.reshape(*slot.shape[:-1], self.size, -1).swapaxes(-1, -2)

    @property
    def repeats(self) -> int:
        """How often each number stands where it is laid out."""
        return 1 if self.is_matrix else self.size

    def number(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Lay out a number of each run, so that it multiplies a slot."""
        return numbers[:, None] if self.is_matrix else np.tile(numbers, self.size)

    def each(self, elements: Array, runs: int) -> Array:
        """Lay out a number for each element, the same for all runs."""
        return elements if self.is_matrix else np.repeat(elements, runs)


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
        ("fleet", rules, numbers), _generate, template, rules, numbers
    )
    return known


def _generate(template: Template, rules: Rules, numbers: tuple[str, ...]) -> FleetTemplate:
    writer = FleetWriter(template, rules, ())
    names = {**LOOP_ARRAY_NAMES, "choose": np.where, "abs": abs, "clipped": _clipped_by(template)}
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
        (slot,), is_matrix = self.slots, self.template.is_matrix
        ways = ("", "") if is_matrix else (".tobytes()", ".copy()")
        kept, end = ([f"{name}{way}" for name in (slot, *self.gradient)] for way in ways)
        if not is_matrix and not self.rules.sees_gradients:
            kept[1] = "None"
        before = [] if is_matrix else [f"slots[:] = {slot}", f"{slot} = slots"]
        step = [*self.update(), *self.evaluation(), f"keep(({', '.join((*kept, *self.kept[2:]))},))"]
        return [
            *before,
            "for k in range(k + 1, last + 1):",
            *indented(step),
            f"return {', '.join((*end, *self.kept[2:]))}",
        ]

    def rule(self, line: str) -> str:
        """Write a line of a rule; a slot with a place of its own keeps it."""
        start = f"{self.slots[0]} = "
        if self.template.is_matrix or not line.startswith(start):
            return super().rule(line)
        update = _UPDATE.match(line)
        if update and _is_product(line[update.end() :]):
            return f"{update[1]} {update[2]}= {line[update.end() :]}"
        return line.replace(start, f"{self.slots[0]}[:] = ", 1)

    def clipping(self) -> list[str]:
        """Write the clipping of the gradients, each by its own norm."""
        return [f"h_{part} = clipped(clip_norm, {part})" for part in self.gradient]


def _is_product(source: str) -> bool:
    """Tell whether an expression is no sum, outside its brackets: x - a + b is not x -= a + b.

    >>> _is_product("rate * (a + b * (c - d))"), _is_product("rate * a + b")
    (True, False)
    """
    while (shorter := _BRACKETS.sub("", source)) != source:
        source = shorter
    return " + " not in source and " - " not in source


def _clipped_by(template: Template) -> Any:
    """Make what clips the gradients of many runs, as the loop of a single descent does."""
    shape, axis = ((-1, template.size), 1) if template.is_matrix else ((template.size, -1), 0)

    def clipped(clip_norm: float, gradient: Array) -> Array:
        whole = gradient.reshape(shape)
        norm = np.sqrt(np.sum(whole * whole, axis=axis, keepdims=True))
        if not (np.min(norm) > SAFE_NORMS[0] and np.max(norm) < SAFE_NORMS[1]):
            size = np.max(np.abs(whole), axis=axis, keepdims=True)
            size = np.where((size > 0.0) & (size < np.inf), size, 1.0)
            part = whole / size
            norm = np.sqrt(np.sum(part * part, axis=axis, keepdims=True))
            is_larger = norm > np.finfo(np.float64).max / size
            shrunk = clip_norm / (np.where(is_larger, norm * (size * SHRINK), 1.0))
            scale = np.minimum(clip_norm / (norm * size + 1e-6), 1.0)
            short: Array = np.where(is_larger, whole * SHRINK * shrunk, whole * scale)
        else:
            short = whole * np.minimum(clip_norm / (norm + 1e-6), 1.0)
        return short.reshape(gradient.shape)

    return clipped
