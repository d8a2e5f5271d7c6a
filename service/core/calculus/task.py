"""What parts of derivatives share: a function at a point, and a method to differentiate it by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from service.core.arrays import Array, Shape, float_array, is_finite
from service.core.calculus.budget import Price
from service.core.calculus.compiler import refuse_not_analytic
from service.core.calculus.differences import Method, differences
from service.core.calculus.explain import Watched, first_not_finite, moved
from service.core.calculus.gradient import Tensors, arrays_of, method_named, shapes_of
from service.core.calculus.line import differentiate_along
from service.core.calculus.maps import FunctionMap, compile_map, peak_bytes_of
from service.core.calculus.schedule import ELEMENT_BYTES
from service.core.calculus.template import Derivatives
from service.core.exceptions import InvalidRequest, fault, pointer_to
from service.core.limits import NO_DEADLINE, Deadline, Limits


class Found(NamedTuple):
    """A value, derivatives, and the errors that the method estimates of them, where it does."""

    value: Array
    derivatives: Derivatives
    errors: Mapping[str, Array] = MappingProxyType({})


class Task:
    """A function at a point, with a method to differentiate it by.

    Parameters
    ----------
    function, variables, constants, method, h, limits, deadline
        As `jacobian` takes them.
    """

    def __init__(
        self,
        function: str,
        variables: Tensors,
        constants: Tensors | None,
        method: str,
        h: float | None,
        limits: Limits,
        deadline: Deadline | None,
    ) -> None:
        self.function, self.h, self.limits = function, h, limits
        self.deadline = deadline or NO_DEADLINE
        self.method = method_named(method)
        self.variables = arrays_of(variables, "variables")
        self.constants = arrays_of(constants or {}, "constants")
        self._maps: dict[str, FunctionMap] = {}
        if self.method.is_complex:
            refuse_not_analytic(self.value_map.program)

    def map(self, kind: str) -> FunctionMap:
        """Return a map of the function, compiled when it is first asked for."""
        if kind not in self._maps:
            shapes, data = shapes_of(self.variables), shapes_of(self.constants)
            self._maps[kind] = compile_map(kind, self.function, shapes, data, self.limits, self.deadline)
        return self._maps[kind]

    @property
    def value_map(self) -> FunctionMap:
        """The function itself."""
        return self.map("value")

    def like_variables(self, tensors: Tensors, field: str) -> dict[str, Array]:
        """Check tensors by variable, of their shapes; 0 where a name is absent.

        Raises
        ------
        InvalidRequest
            A name that is no variable's, or another shape.
        """
        given = arrays_of(tensors, field)
        known = ", ".join(self.variables)
        unknown = (name for name in given if name not in self.variables)
        faults = [fault("unknown-name-here", pointer_to(field, name), known=known) for name in unknown]
        faults += [
            _shape_fault(field, name, given[name].shape, variable.shape)
            for name, variable in self.variables.items()
            if name in given and given[name].shape != variable.shape
        ]
        if faults:
            raise InvalidRequest(*faults)
        return {name: given.get(name, np.zeros(array.shape)) for name, array in self.variables.items()}

    def like_value(self, tensor: ArrayLike, field: str) -> Array:
        """Check a tensor of the value's shape.

        Raises
        ------
        InvalidRequest
            It has another shape.
        """
        array, shape = float_array(tensor, pointer_to(field)), self.value_map.program.value.shape
        if array.shape != shape:
            raise InvalidRequest(_shape_fault(field, None, array.shape, shape))
        return array

    def evaluation(self, method: Method) -> Callable[..., Array]:
        """Return the function that a method evaluates, of arrays in the order of the variables."""
        bound = self.value_map.bind(self.constants, self.deadline.check, is_complex=method.is_complex)
        return lambda *arrays: bound(*arrays)[0]

    def differentiate(self, function: Callable[..., Array], method: Method) -> tuple[Array, list[Array]]:
        """Differentiate a function of the variables numerically, as `differences` does."""
        arrays, h = list(self.variables.values()), self._step_of(method)
        return differences(function, arrays, method, h, self.deadline.check)

    def differentiate_along(
        self, function: Callable[..., Array], vectors: Mapping[str, Array], method: Method
    ) -> tuple[Array, Array]:
        """Differentiate a function of the variables along vectors, as `differentiate_along` does."""
        h = self._step_of(method)
        return differentiate_along(function, self.variables, vectors, method, h, self.deadline.check)

    def _step_of(self, method: Method) -> float | None:
        """Return the client's step for the client's method; a method that verifies has its own."""
        return self.h if method is self.method else None

    def price(self, known: FunctionMap, count: int, kept: int) -> Price:
        """Return the price of evaluating a map for so many rows, and keeping numbers."""
        return known.price(count, peak_bytes_of(known, count, self.limits, kept))

    def numerical_price(self, method: Method, elements: int, kept: int) -> Price:
        """Return the price of differences by so many elements."""
        known, width = self.value_map, 2 if method.is_complex else 1
        held = ELEMENT_BYTES * (kept + method.arrays * known.program.value.size)
        return known.price(method.evaluations_for(elements), known.plan.peak_bytes * width + held)

    def refuse_non_finite(self, value: Array) -> None:
        """Refuse a value that is not finite.

        Raises
        ------
        NonFiniteResult
            Naming where it arose.
        """
        if not is_finite(value):
            element = first_not_finite(value)
            self.explain(f"the value{pointer_to(*element)}", float(value[element]))

    def explain(
        self, output: str, number: float, method: Method | None = None, at: tuple[str, Any] | None = None
    ) -> None:
        """Refuse a number by where the function is not finite, at the point or at a method's steps."""
        known, places = self.value_map, [tuple(self.variables.values())]
        if method is not None and at is not None:
            places = moved(method, self.variables, at[0], at[1], self.h)
        watched = Watched(known.extended, known.outputs, self.constants, self.deadline.check)
        watched.refuse(output, number, known.outputs[0], places)


def _shape_fault(field: str, name: str | None, got: Shape, wanted: Shape) -> Any:
    pointer = pointer_to(field) if name is None else pointer_to(field, name)
    return fault("wrong-shape", pointer, got=got, expected=wanted)
