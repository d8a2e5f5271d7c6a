"""A compiled function before any data: straight-line source of value and gradient.

It can be called through a kernel, and the descent writes its loop around the same source, so that
nothing is interpreted at every step.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from service.core.arrays import Array, Shape, spans_of
from service.core.calculus.cache import BoundedCache
from service.core.calculus.generated import Maker, Source, make_function, words_of

Evaluation = tuple[float, tuple[Any, ...]]
"""A value, and the gradient by slot."""

Derivatives = dict[str, Array]
"""By variable."""

MOST_LOOPS = 8
"""Loops that are kept for one program: more kinds of descent on one function are rare."""


@dataclass(frozen=True)
class Template:
    """Value and gradient of a checked function as source, before any data.

    Attributes
    ----------
    source : Source
        Its slots are one for every element of the variables when `is_on_floats` (plain floats), else
        one for every variable (float64 arrays, never written to).
    value : str
        Expression of the value after the body, a float.
    gradient : tuple of str
        Expressions of the gradient for each slot.
    is_on_floats : bool
        Whether it runs on plain floats. Its body may then raise ArithmeticError or ValueError
        where NumPy would give an infinity or NaN; `Kernel.evaluate_on_arrays` gives the numbers.
    shapes : dict of str to tuple of int
        The variables' shapes, in order.
    evaluations : int
        Evaluations of the function for one run of the body.
    microseconds : float
        Estimated time of one run of the body.
    is_matrix : bool
        Whether it evaluates many rows of elements at once, its only slot.
    """

    source: Source
    value: str
    gradient: tuple[str, ...]
    is_on_floats: bool
    shapes: dict[str, Shape]
    evaluations: int
    microseconds: float
    is_matrix: bool = False
    loops: BoundedCache[Any] = field(default_factory=lambda: BoundedCache(MOST_LOOPS), repr=False)

    @cached_property
    def size(self) -> int:
        """Number of elements of one point's variables."""
        shapes = self.shapes.values()
        return sum(math.prod(shape[1:] if self.is_matrix else shape) for shape in shapes)

    @cached_property
    def pieces(self) -> list[tuple[str, Shape, int | slice]]:
        """Each variable of a program on floats: name, shape, and where its elements are among the slots."""
        spans = zip(self.shapes.items(), spans_of(self.shapes.values()), strict=True)
        return [(name, shape, span if shape else span.start) for (name, shape), span in spans]

    @cached_property
    def maker(self) -> Maker:
        """Makes the function from slots to value and gradient."""
        return make_function(self.source, f"{self.value}, ({', '.join(self.gradient)},)")

    @cached_property
    def common(self) -> Callable[..., Evaluation] | None:
        """The same function for all requests, when it keeps no memory and uses nothing of their data."""
        source = self.source
        if source.places:
            return None
        if not words_of((*source.setup, *source.body, self.value, *self.gradient)).isdisjoint(source.data):
            return None
        function: Callable[..., Evaluation] = self.maker(**dict.fromkeys(source.data))
        return function

    @cached_property
    def outputs(self) -> list[tuple[str, Shape, bool]]:
        """Each variable: name, shape, and whether the body makes its gradient, and for nothing else."""
        made, parts = self.source.made, self.gradient
        is_fresh = [part in made and parts.count(part) == 1 for part in parts]
        return list(zip(self.shapes, self.shapes.values(), is_fresh, strict=True))
