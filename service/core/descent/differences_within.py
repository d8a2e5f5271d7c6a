"""Differences that keep to the bounds of a descent: the function may be defined nowhere else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.core.arrays import Array
from service.core.calculus.compiler import Compiled
from service.core.calculus.differences import METHODS, Method, step_at
from service.core.calculus.inputs import array_data
from service.core.calculus.kernel import Kernel
from service.core.limits import Check

Sides = tuple[Array, Array]


def bind_within(
    compiled: Compiled,
    constants: Mapping[str, Array],
    h: float | None,
    check: Check,
    bounds: Mapping[str, Sides],
) -> Kernel:
    """Bind a function to data, differentiated by differences between points within bounds.

    Parameters
    ----------
    compiled, constants, h, check
        As `service.core.calculus.kernel.bind` takes them; the method is central or forward.
    bounds : mapping of str to tuple of ndarray
        Lower and upper bounds of every variable, of its shape.
    """
    with np.errstate(all="ignore"):
        value_of = compiled.emitted.value_on_arrays(**array_data(compiled.program, constants, check))
    sides = [bounds[name] for name in compiled.shapes]
    numerical = _Differences(value_of, compiled.method, h, check, sides)
    return Kernel(compiled.emitted.on_arrays, {"differences": numerical})


@dataclass(frozen=True, slots=True)
class _Differences:
    """From variables to value and gradient."""

    value_of: Callable[..., Any]
    method: Method
    h: float | None
    check: Check
    sides: Sequence[Sides]

    def __call__(self, *variables: Array) -> tuple[float, tuple[Any, ...]]:
        value = float(np.asarray(self.value_of(*variables)).item())
        return value, tuple([self._derivative(variables, position) for position in range(len(variables))])

    def _derivative(self, variables: tuple[Array, ...], position: int) -> Array:
        """Differentiate by one variable."""
        variable = variables[position]
        derivative = np.zeros(variable.shape)
        for index in np.ndindex(variable.shape):
            below, above = _points(self.method, self.h, float(variable[index]), self.sides[position], index)
            if below < above:
                change = self._value(variables, position, index, above)
                change -= self._value(variables, position, index, below)
                derivative[index] = change / (above - below)
        return derivative

    def _value(self, variables: tuple[Array, ...], position: int, index: tuple[int, ...], x: float) -> float:
        """Evaluate with one element at x."""
        self.check()
        moved = np.array(variables[position])
        moved[index] = x
        value = self.value_of(*variables[:position], moved, *variables[position + 1 :])
        return float(np.asarray(value).item())


def _points(
    method: Method, h: float | None, x: float, sides: Sides, index: tuple[int, ...]
) -> tuple[float, float]:
    """Return the two points of a difference, cut off at the bounds; a forward one turns back at its bound."""
    low, high = float(sides[0][index]), float(sides[1][index])
    step = float(step_at(method, h, x))
    below = x if method is METHODS["forward"] and x + step <= high else max(x - step, low)
    above = x if method is METHODS["forward"] and x + step > high else min(x + step, high)
    return below, above
