"""From a program to something that runs: its generated source, compiled once, bound to a request's data.

A kernel is straight-line source for value and gradient. It can be called, and the descent writes
its loop around the same source, so that nothing is interpreted at every step.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.core.calculus.cache import BoundedCache
from service.core.calculus.generated import (
    Maker,
    Namespace,
    Source,
    make_program,
    words_of,
)

Array = NDArray[np.float64]
Shape = tuple[int, ...]
Evaluation = tuple[float, tuple[Any, ...]]
"""A value, and the gradient by slot."""

MOST_LOOPS = 8
"""Loops that are kept for one program: more kinds of descent on one function are rare."""


@dataclass(frozen=True)
class Template:
    """Value and gradient of a checked function as source, before any data.

    Attributes
    ----------
    source : Source
        Its slots are one for every element of the variables when `is_scalar` (plain floats), else
        one for every variable (float64 arrays, never written to).
    value : str
        Expression of the value after the body, a float.
    gradient : tuple of str
        Expressions of the gradient for each slot.
    is_scalar : bool
        Whether it runs on plain floats. Its body may then raise ArithmeticError or ValueError
        where NumPy would give an infinity or NaN; `Kernel.evaluate` gives the numbers.
    shapes : dict of str to tuple of int
        The variables' shapes, in order.
    evaluations : int
        Evaluations of the function for one run of the body.
    microseconds : float
        Estimated time of one run of the body.
    """

    source: Source
    value: str
    gradient: tuple[str, ...]
    is_scalar: bool
    shapes: dict[str, Shape]
    evaluations: int
    microseconds: float
    loops: BoundedCache[Any] = field(
        default_factory=lambda: BoundedCache(MOST_LOOPS, MOST_LOOPS, lambda loop: 1), repr=False
    )

    @cached_property
    def program(self) -> Maker:
        """Makes the function from slots to value and gradient."""
        return make_program(self.source, f"{self.value}, ({', '.join(self.gradient)},)")

    @cached_property
    def common(self) -> Callable[..., Evaluation] | None:
        """The same function for all requests, when it uses nothing of their data."""
        source = self.source
        if not words_of((*source.setup, *source.body)).isdisjoint(source.data):
            return None
        function: Callable[..., Evaluation] = self.program(**dict.fromkeys(source.data))
        return function

    @cached_property
    def outputs(self) -> list[tuple[str, Shape, bool]]:
        """Each variable: name, shape, and whether the body makes its gradient, and for nothing else."""
        made, parts = self.source.made, self.gradient
        is_fresh = [part in made and parts.count(part) == 1 for part in parts]
        return list(zip(self.shapes, self.shapes.values(), is_fresh, strict=True))


@dataclass(eq=False)
class Kernel:
    """A template bound to the data of a request.

    Attributes
    ----------
    template : Template
        What runs.
    data : dict
        What the source's names of data stand for.
    careful : callable
        Makes the kernel on arrays that `evaluate` uses instead of one on floats.
    """

    template: Template
    data: Namespace
    careful: Callable[[], Kernel] | None = field(default=None, repr=False)

    @property
    def slots(self) -> tuple[str, ...]:
        """Generated names of the inputs."""
        return self.template.source.slots

    @property
    def body(self) -> tuple[str, ...]:
        """Statements that compute value and gradient from the slots."""
        return self.template.source.body

    @property
    def value(self) -> str:
        """Expression of the value after the body."""
        return self.template.value

    @property
    def gradient(self) -> tuple[str, ...]:
        """Expressions of the gradient for each slot."""
        return self.template.gradient

    @property
    def is_scalar(self) -> bool:
        """Whether it runs on plain floats."""
        return self.template.is_scalar

    @property
    def shapes(self) -> dict[str, Shape]:
        """The variables' shapes, in order."""
        return self.template.shapes

    @property
    def evaluations(self) -> int:
        """Evaluations of the function for one run of the body."""
        return self.template.evaluations

    @cached_property
    def program(self) -> Callable[..., Evaluation]:
        """The function from slots to value and gradient."""
        function: Callable[..., Evaluation] = self.template.common or self.template.program(**self.data)
        return function

    def is_bound(self) -> bool:
        """Tell whether the data are such that floats can hold what depends on them alone."""
        try:
            return not self.template.source.setup or bool(self.program)
        except (ArithmeticError, ValueError):
            return False

    @cached_property
    def _on_arrays(self) -> Kernel:
        return self.careful() if self.careful else self

    def pack(self, variables: Mapping[str, Array]) -> tuple[Any, ...]:
        """Lay variables out as slots."""
        if not self.is_scalar:
            return tuple([variables[name] for name in self.shapes])
        return tuple([value for name in self.shapes for value in np.ravel(variables[name]).tolist()])

    def unpack(self, slots: Sequence[Any]) -> dict[str, Array]:
        """Lay slots out as variables, in arrays of their own."""
        if not self.is_scalar:
            pairs = zip(self.shapes.items(), slots, strict=True)
            return {name: _own(value, shape) for (name, shape), value in pairs}
        variables: dict[str, Array] = {}
        position = 0
        for name, shape in self.shapes.items():
            size = math.prod(shape)
            flat = np.array(slots[position : position + size], dtype=np.float64)
            variables[name] = flat if shape == (size,) else flat.reshape(shape)
            position += size
        return variables

    def unpack_gradient(self, slots: Sequence[Any]) -> dict[str, Array]:
        """Lay the gradient out as variables; arrays that the body made for it are handed on."""
        if self.is_scalar:
            return self.unpack(slots)
        gradient = {}
        for (name, shape, is_fresh), value in zip(self.template.outputs, slots, strict=True):
            gradient[name] = value if is_fresh and _is_whole(value, shape) else _own(value, shape)
        return gradient

    def evaluate(self, slots: Sequence[Any]) -> Evaluation:
        """Compute value and gradient; infinities and NaN are results here, not errors.

        The caller has told NumPy to ignore floating-point errors (`numpy.errstate`).
        """
        if not self.is_scalar:
            return self.program(*slots)
        variables = self.unpack(slots)
        value, gradient = self._on_arrays.evaluate(tuple(variables.values()))
        flat = (element for part in gradient for element in np.ravel(part).tolist())
        return value, tuple(flat)

    def run(self, slots: Sequence[Any]) -> Evaluation:
        """Compute value and gradient the fast way, and the careful way where that raises."""
        if self.is_scalar:
            try:
                return self.program(*slots)
            except (ArithmeticError, ValueError):
                pass
        return self.evaluate(slots)


def _is_whole(value: Any, shape: Shape) -> bool:
    """Tell whether it is a contiguous array of the shape, and no view of another."""
    is_array = type(value) is np.ndarray and value.base is None
    return is_array and value.shape == shape and value.flags.c_contiguous


def _own(value: Any, shape: Shape) -> Array:
    """Copy into a contiguous float64 array of the shape."""
    array = np.array(value, dtype=np.float64, order="C")
    return array if array.shape == shape else np.array(np.broadcast_to(array, shape), order="C")
