"""What a descent carries from one step to the next, and an iterate as a reader of it."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from service.core.calculus.template import Template
from service.core.descent.optimizers import Optimizer
from service.core.descent.schedules import Schedule


class Reason(IntEnum):
    """Why a loop came back."""

    __hash__ = int.__hash__  # that of an enumeration is written in Python

    REACHED = 0
    """It is at the last step asked for."""
    JUDGED = 1
    """An iterate is judged, and the run goes on."""
    CONVERGED = 2
    """The tolerance is met by the gradient."""
    DIVERGED = 3
    """Value or gradient is out of bounds."""
    STALLED = 4
    """Nothing is left that could change a variable."""
    RAISED = 5
    """Floats raised where arrays would give an infinity."""
    INTERRUPTED = 6
    """The deadline came inside the function."""
    OVERSHOT = 7
    """The value fell below the bound on the way."""
    EXHAUSTED = 8
    """No step lowers the value, and the gradient is as small as rounding allows."""
    BLOCKED = 9
    """No step along the directions searched lowers the value."""
    SETTLED_VALUE = 10
    """A step lowered the value by no more than its tolerance."""
    SETTLED_STEP = 11
    """A step moved no variable by more than its tolerance."""
    ON_TARGET = 12
    """The value is at most the target."""


GROWTH = 1e12
"""A value this many times the start's, in magnitude, has diverged."""

LARGE = 1e-6
"""A gradient whose norm is above this, times the value's magnitude where that is above 1, has not arrived."""

BLOCK_STEPS, BLOCK_NUMBERS = 256, 1 << 17
"""Most steps of a block of many runs, and numbers that all its iterates may be: these stay in the cache."""

Parts = tuple[Any, ...]
"""All that a loop carries; `Layout` says what stands where."""


class Rules(NamedTuple):
    """What shapes the source of a loop; its numbers come as names."""

    optimizer: Optimizer
    schedule: Schedule
    is_scheduled: bool
    has_tolerance: bool
    is_clipped: bool
    is_bounded: bool
    is_projected: bool
    has_noise: bool
    """Whether the gradient consists of differences, which vanish beside a large value."""
    has_value_tolerance: bool
    has_step_tolerance: bool
    has_target: bool
    has_warmup: bool
    is_decayed: bool
    """Whether weight decay moves the variables too."""
    is_scaled: bool
    """Whether the tolerance is multiplied by the value's magnitude where that is above 1."""
    carried: tuple[str, ...]
    """What the way of choosing a step carries along, besides moments."""

    @property
    def is_confined(self) -> bool:
        """Whether steps are moved back into a set, which hides a gradient that is not finite."""
        return self.is_bounded or self.is_projected

    @property
    def sees_gradients(self) -> bool:
        """Whether every gradient is looked at, not the last of some steps alone."""
        return self.has_tolerance or self.is_bounded

    @property
    def is_stationary(self) -> bool:
        """Whether every update is the same function of the variables alone, so that a stall is for ever."""
        return not self.optimizer.moments and not self.is_scheduled


class Layout:
    """What stands where in the parts of a loop.

    Attributes
    ----------
    slots, moments, gradient, best_slots, before : slice
        The variables, the optimizer's moments (by moment, then by slot), the gradient, the variables of
        the best iterate, and the variables before the last update.
    tested : slice
        Variables, moments and gradient, which are to be finite.
    moving : tuple of int
        What moves a variable even where the gradient is zero, as long as it is not zero itself.
    k, value, best, best_step, previous, rises, bound, rate : int
        Step number, value, lowest value and its step, value before the last update, at how many steps the
        value did not fall, the magnitude beyond which it has diverged, and the learning rate.
    carried : dict of str to int
        Where the names that the rules carry stand.
    places : dict of str to slice or int
        Where all of these stand.
    names : tuple of str
        The names of all parts in the source.
    norm_of, has_element : callable
        From the gradient's slots to its 2-norm, and from a tuple to whether one of it has an element that
        is not zero.
    """

    def __init__(self, template: Template, rules: Rules) -> None:
        slots, optimizer = template.source.slots, rules.optimizer
        self.names: tuple[str, ...] = ()
        self.norm_of: Callable[..., float] = math.hypot if template.is_on_floats else total_norm
        self.has_element: Callable[[Iterable[Any]], bool] = any if template.is_on_floats else has_element
        self.slots = self._add(*slots)
        self.moments = self._add(*(f"{moment}_{slot}" for moment in optimizer.moments for slot in slots))
        self.gradient = self._add(*(f"g_{slot}" for slot in slots))
        self.tested = slice(0, len(self.names))
        self.best_slots = self._add(*(f"best_{slot}" for slot in slots))
        self.before = self._add(*(f"old_{slot}" for slot in slots))
        self.k = self._add("k").start
        self.value = self._add("value").start
        self.best = self._add("best").start
        self.best_step = self._add("best_step").start
        self.previous = self._add("previous").start
        self.rises = self._add("rises").start
        self.bound = self._add("bound").start
        self.rate = self._add("learning_rate" if rules.is_scheduled else "rate").start
        self.carried = {name: self._add(name).start for name in rules.carried}
        moving = (f"{moment}_{slot}" for moment in optimizer.moving for slot in slots)
        decayed = slots if rules.is_decayed else ()
        self.moving = tuple(map(self.names.index, (*moving, *decayed)))
        own = ("norm_of", "has_element", "names", "tested", "moving", "carried")
        self.places = {**{name: at for name, at in vars(self).items() if name not in own}, **self.carried}

    def start(
        self,
        slots: Parts,
        best_slots: Parts,
        carried: Mapping[str, Any],
        *,
        k: int,
        best: float,
        best_step: int,
        bound: float,
        rate: float,
    ) -> Parts:
        """Lay a start out as parts, in the order of their names; its value is None, its gradient 0.

        What is carried along besides comes by name, the moments as one tuple.
        """
        moments, others = carried.get("moments", ()), map(carried.__getitem__, self.carried)
        numbers = (k, None, best, best_step, math.inf, 0, bound, rate)
        return (*slots, *moments, *(0.0,) * len(slots), *best_slots, *slots, *numbers, *others)

    def rows(self, columns: Mapping[str, Sequence[Sequence[Any]]]) -> Iterator[Parts]:
        """Lay the columns of all places out as parts, row by row."""
        ordered: list[Sequence[Any]] = [()] * len(self.names)
        for name, several in columns.items():
            place = self.places[name]
            start = place.start if isinstance(place, slice) else place
            ordered[start : start + len(several)] = several
        return zip(*ordered, strict=True)

    def replaced(self, parts: Parts, **values: Any) -> Parts:
        """Return parts with other values in some places."""
        changed = list(parts)
        for name, value in values.items():
            changed[self.places[name]] = value
        return tuple(changed)

    def with_best(self, parts: Parts, step: int, slots: slice) -> Parts:
        """Write down the end of a streak: the best iterate is that of a step, and where it is."""
        changed = list(parts)
        changed[self.previous], changed[self.best_step] = parts[self.best], step
        changed[self.best_slots] = parts[slots]
        return tuple(changed)

    def can_move(self, parts: Parts) -> bool:
        """Tell whether gradient or moments can still change a variable."""
        has_element = self.has_element
        return has_element(parts[self.gradient]) or has_element(map(parts.__getitem__, self.moving))

    def _add(self, *names: str) -> slice:
        start = len(self.names)
        self.names += names
        return slice(start, len(self.names))


def total_norm(*parts: Any) -> float:
    """Return the 2-norm over several arrays or numbers, without overflow on the way."""
    return math.hypot(*map(norm, parts))


def norm(part: Any) -> float:
    """Return the 2-norm of an array or number, without overflow on the way."""
    flat = np.ravel(part)
    largest = float(np.max(np.abs(flat), initial=0.0))
    scale = largest if 0.0 < largest < math.inf else 1.0
    scaled = flat / scale
    return scale * math.sqrt(float(np.dot(scaled, scaled)))


def has_element(parts: Iterable[Any]) -> bool:
    """Tell whether one of the arrays has an element that is not zero."""
    return any(map(np.count_nonzero, parts))


class Iterate:
    """An evaluated iterate as a loop left it, and why the loop came back there; never changed.

    Attributes
    ----------
    step : int
        Its number.
    value : float
        The function's value.
    """

    __slots__ = ("layout", "parts", "reason", "step", "value")

    def __init__(self, reason: Reason, parts: Parts, layout: Layout) -> None:
        self.reason, self.parts, self.layout = reason, parts, layout
        self.step: int = parts[layout.k]
        self.value: float = parts[layout.value]

    @property
    def slots(self) -> Parts:
        """Its variables."""
        return self.parts[self.layout.slots]

    @property
    def before(self) -> Parts:
        """The variables before its update."""
        return self.parts[self.layout.before]

    @property
    def moments(self) -> Parts:
        """The optimizer's moments."""
        return self.parts[self.layout.moments]

    @property
    def gradient(self) -> Parts:
        """The function's gradient, by slot."""
        return self.parts[self.layout.gradient]

    def carried(self, name: str) -> Any:
        """Return what is carried along under a name."""
        return self.parts[self.layout.carried[name]]

    @property
    def gradient_norm(self) -> float:
        """The 2-norm of the gradient, float64's largest number where it is larger."""
        return min(self.layout.norm_of(*self.gradient), sys.float_info.max)

    @property
    def has_gradient(self) -> bool:
        """Whether the gradient has an element that is not zero."""
        return self.layout.has_element(self.gradient)

    def begun(self) -> Iterate:
        """Return it as the start of further steps, without the variables before its own update."""
        return Iterate(self.reason, self.layout.replaced(self.parts, before=self.slots), self.layout)

    @property
    def is_beyond_bound(self) -> bool:
        """Whether the value has grown too large."""
        return abs(self.value) > float(self.parts[self.layout.bound])
