"""A compiled function bound to the data of a request: what can be evaluated.

References to data are arguments of the generated functions, so binding compiles nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from service.core.arrays import Array, Shape
from service.core.calculus.compiler import Compiled
from service.core.calculus.differences import differences
from service.core.calculus.generated import Namespace
from service.core.calculus.inputs import array_data, float_data
from service.core.calculus.template import Evaluation, Template
from service.core.limits import Check


def bind(compiled: Compiled, constants: Mapping[str, Array], h: float | None, check: Check) -> Kernel:
    """Bind a compiled function to data, on floats or on arrays, whichever is faster.

    Parameters
    ----------
    compiled : Compiled
        What is evaluated.
    constants : mapping of str to ndarray
        Data by name.
    h : float or None
        The step of the numerical methods.
    check : callable
        Called between costly operations; raises when the time is up.
    """
    if compiled.is_faster_on_floats:
        kernel = bind_on_floats(compiled, constants, h, check)
        if kernel.is_bound():
            return kernel
    return bind_on_arrays(compiled, constants, h, check)


def bind_on_floats(
    compiled: Compiled, constants: Mapping[str, Array], h: float | None, check: Check
) -> Kernel:
    """Bind the program on floats, as `bind` does."""
    emitted = compiled.emitted
    data = float_data(emitted.floats, compiled.program, constants, h)
    return Kernel(emitted.on_floats, data, lambda: bind_on_arrays(compiled, constants, h, check))


def bind_on_arrays(
    compiled: Compiled, constants: Mapping[str, Array], h: float | None, check: Check
) -> Kernel:
    """Bind the program on arrays, as `bind` does."""
    compiled = compiled.for_data(constants)
    emitted, data = compiled.emitted, array_data(compiled.program, constants, check)
    if emitted.gradient:
        return Kernel(emitted.on_arrays, data)
    with np.errstate(all="ignore"):
        value_of = emitted.value_on_arrays(**data)

    def numerical(*variables: Array) -> tuple[float, tuple[Any, ...]]:
        value, derivatives = differences(value_of, variables, compiled.method, h, check)
        shaped = zip(derivatives, variables, strict=True)
        return value.item(), tuple([derivative.reshape(variable.shape) for derivative, variable in shaped])

    return Kernel(emitted.on_arrays, {"differences": numerical})


@dataclass(eq=False)
class Kernel:
    """A template bound to the data of a request.

    Attributes
    ----------
    template : Template
        What runs.
    data : dict
        What the source's names of data stand for.
    make_on_arrays : callable
        Makes the kernel on arrays for points at which floats raise an error.
    """

    template: Template
    data: Namespace
    make_on_arrays: Callable[[], Kernel] | None = field(default=None, repr=False)

    @property
    def slots(self) -> tuple[str, ...]:
        """Generated names of the inputs."""
        return self.template.source.slots

    @property
    def is_on_floats(self) -> bool:
        """Whether it runs on plain floats."""
        return self.template.is_on_floats

    @property
    def shapes(self) -> dict[str, Shape]:
        """The variables' shapes, in order."""
        return self.template.shapes

    @property
    def evaluations(self) -> int:
        """Evaluations of the function for one run of the body."""
        return self.template.evaluations

    @cached_property
    def function(self) -> Callable[..., Evaluation]:
        """The function from slots to value and gradient."""
        function: Callable[..., Evaluation] = self.template.common or self.template.maker(**self.data)
        return function

    def give_back(self) -> None:
        """Give back the memory in which results have places: there is no evaluation to come."""
        vars(self).pop("function", None)
        self.data = {}

    def is_bound(self) -> bool:
        """Tell whether floats can hold all results that depend on the data alone."""
        try:
            return not self.template.source.setup or bool(self.function)
        except (ArithmeticError, ValueError):
            return False

    @cached_property
    def _on_arrays(self) -> Kernel:
        return self.make_on_arrays() if self.make_on_arrays else self

    def pack(self, variables: Mapping[str, Array]) -> tuple[Any, ...]:
        """Lay variables out as slots."""
        if not self.template.is_on_floats:
            return tuple([variables[name] for name in self.shapes])
        slots: list[float] = []
        for name, shape in self.shapes.items():
            if shape:
                slots += variables[name].ravel().tolist()
            else:
                slots.append(variables[name].item())
        return tuple(slots)

    def unpack(self, slots: Sequence[Any]) -> dict[str, Array]:
        """Lay slots out as variables, in arrays of their own."""
        if not self.template.is_on_floats:
            pairs = zip(self.shapes.items(), slots, strict=True)
            return {name: own_array(value, shape) for (name, shape), value in pairs}
        variables: dict[str, Array] = {}
        for name, shape, place in self.template.pieces:
            elements = np.array(slots[place], dtype=np.float64)
            variables[name] = elements.reshape(shape) if len(shape) > 1 else elements
        return variables

    def unpack_gradient(self, slots: Sequence[Any]) -> dict[str, Array]:
        """Lay the gradient out as variables; arrays that the body made for it are handed on."""
        if self.is_on_floats:
            return self.unpack(slots)
        return {
            name: own_array(value, shape, is_fresh=is_fresh)
            for (name, shape, is_fresh), value in zip(self.template.outputs, slots, strict=True)
        }

    def evaluate_on_arrays(self, slots: Sequence[Any]) -> Evaluation:
        """Compute value and gradient; infinities and NaN are results here, not errors.

        For a kernel on arrays the caller has told NumPy to ignore floating-point errors (`numpy.errstate`).
        """
        if not self.is_on_floats:
            return self.function(*slots)
        variables = self.unpack(slots)
        with np.errstate(all="ignore"):
            value, gradient = self._on_arrays.evaluate_on_arrays(tuple(variables.values()))
        flat = (element for part in gradient for element in np.ravel(part).tolist())
        return value, tuple(flat)

    def evaluate(self, slots: Sequence[Any]) -> Evaluation:
        """Compute value and gradient, on arrays where floats raise an error."""
        if self.template.is_on_floats:
            try:
                return self.function(*slots)
            except (ArithmeticError, ValueError):
                pass
        return self.evaluate_on_arrays(slots)


def own_array(value: Any, shape: Shape, *, is_fresh: bool = False) -> Array:
    """Return a result as a contiguous float64 array of the shape that nothing else refers to.

    Parameters
    ----------
    value : float or ndarray
        The result; it broadcasts to the shape.
    shape : tuple of int
        Of the array.
    is_fresh : bool
        Whether the evaluation made the result for the caller alone: then only a view is copied.
    """
    array: Array = value
    is_own = is_fresh and type(array) is np.ndarray and array.base is None
    if is_own and array.shape == shape and array.flags.c_contiguous:
        return array
    array = np.array(value, dtype=np.float64, order="C")
    return array if array.shape == shape else np.array(np.broadcast_to(array, shape), order="C")
