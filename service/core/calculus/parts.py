"""Parts of a function's derivatives: the whole Jacobian, or its product with tangents or cotangents.

Each part knows its price and how it is computed by any method; what they share is a task.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

import numpy as np

from service.core.arrays import Array, Shape, spans_of
from service.core.calculus.budget import Price
from service.core.calculus.differences import RICHARDSON, Method, judge_for
from service.core.calculus.explain import Watched, not_finite
from service.core.calculus.gradient import check_step, shapes_of
from service.core.calculus.line import with_step
from service.core.calculus.maps import COTANGENT, TANGENT, FunctionMap, tangent_inputs, unit_rows
from service.core.calculus.schedule import ELEMENT_BYTES
from service.core.calculus.task import Found, Task
from service.core.calculus.template import Derivatives
from service.core.exceptions import pointer_to


class Part(ABC):
    """A part of the derivatives."""

    hint = ""
    """Advice at the end of a refusal for its price."""

    def __init__(self, task: Task) -> None:
        self.task = task

    def methods(self, verify: bool) -> list[Method]:
        """Return the method, and behind it an independent one when the result is to be verified."""
        return [self.task.method, self.judge()] if verify else [self.task.method]

    def judge(self) -> Method:
        """Return the independent method."""
        return judge_for(self.task.method, is_analytic=self.task.value_map.is_analytic)

    @abstractmethod
    def price(self, method: Method) -> Price:
        """Return what it costs by a method."""

    @abstractmethod
    def kept(self) -> int:
        """Count the numbers of the derivatives and the value, in the answer and while it is put together."""

    def prices(self, verify: bool) -> list[Price]:
        """Return what it costs by each method; the first's result is held while others are computed."""
        first, *judges = [self.price(method) for method in self.methods(verify)]
        held = ELEMENT_BYTES * self.kept()
        return [first, *(each._replace(peak_bytes=each.peak_bytes + held) for each in judges)]

    def check_step(self) -> None:
        """Refuse a step that some element is too large for."""
        check_step(self.task.method, self.task.h, self.task.variables)

    def run(self, method: Method) -> Found:
        """Compute it by a method."""
        return self._numerical(method) if method.evaluations else self._exact()

    @abstractmethod
    def _exact(self) -> Found:
        """Compute it by a map."""

    @abstractmethod
    def _numerical(self, method: Method) -> Found:
        """Compute it by differences."""

    @abstractmethod
    def refuse_non_finite(self, method: Method, derivatives: Derivatives) -> None:
        """Refuse derivatives that are not finite."""

    def answer(self, value: Array, name: str, derivatives: Derivatives) -> dict[str, Any]:
        """Return the answer, the derivatives under their name."""
        return {"value": value, name: self.shown(derivatives)}

    def shown(self, derivatives: Derivatives) -> Any:
        """Return the derivatives as the answer has them."""
        return derivatives

    def pointer(self, name: str, *element: int) -> str:
        """Point to a derivative in the answer."""
        return pointer_to(name, *element)

    def watch(self, kind: str, added: Mapping[str, Array], output: str, number: float, place: int) -> None:
        """Refuse a number that a map's output holds."""
        known = self.task.map(kind)
        inputs = {**self.task.variables, **added}
        watched = Watched(known.extended, known.outputs, self.task.constants, self.task.deadline.check)
        arguments = tuple(inputs[name] for name in known.inputs)
        watched.refuse(output, number, known.outputs[place], [arguments])


class WholeJacobian(Part):
    """The whole Jacobian: the value's shape followed by the variable's."""

    hint = " Products with tangents or cotangents cost a few evaluations."

    def _side(self) -> tuple[FunctionMap, str, dict[str, Shape]]:
        """Return the side from which there is less work: the map, and the inputs that are unit vectors."""
        task = self.task
        value = task.value_map.program.value
        backward, elements = task.map("cotangent product"), task.value_map.size
        if value.size <= elements:
            return backward, COTANGENT, {"": value.shape}
        return task.map("tangent product"), TANGENT, shapes_of(task.variables)

    def kept(self) -> int:
        """Count the numbers of the Jacobian and the value."""
        known = self.task.value_map
        return 2 * known.program.value.size * known.size + known.program.value.size

    def price(self, method: Method) -> Price:
        """Return what it costs by a method."""
        if method.evaluations:
            return self.task.numerical_price(method, self.task.value_map.size, self.kept())
        known, _, shapes = self._side()
        count = sum(math.prod(shape) for shape in shapes.values())
        return self.task.price(known, count, self.kept())

    def _exact(self) -> Found:
        task = self.task
        known, prefix, shapes = self._side()
        count = sum(math.prod(shape) for shape in shapes.values())
        parts = known.rows(count, task.limits)
        units = unit_rows(prefix, shapes)
        value, *rows = known.evaluate_rows(
            parts, units, task.variables, task.constants, task.deadline.check, shared=1
        )
        lead = value.shape
        if prefix == COTANGENT:
            named = zip(task.variables.items(), rows, strict=True)
            derivatives = {name: row.reshape((*lead, *array.shape)) for (name, array), row in named}
        else:
            derivatives = {}
            for (name, shape), span in zip(shapes.items(), spans_of(shapes.values()), strict=True):
                flat = np.ascontiguousarray(rows[0][span].reshape(math.prod(shape), -1).T)
                derivatives[name] = flat.reshape((*lead, *shape))
        return Found(value, derivatives)

    @np.errstate(all="ignore")
    def _numerical(self, method: Method) -> Found:
        task = self.task
        value, found = task.differentiate(task.evaluation(method), method)
        derivatives: Derivatives = {}
        errors: Derivatives = {}
        for (name, array), each in zip(task.variables.items(), found, strict=True):
            laid = np.moveaxis(each, 0, -1)
            laid = np.ascontiguousarray(laid).reshape((*method.kinds, *value.shape, *array.shape))
            derivatives[name] = laid[0] if method is RICHARDSON else laid
            if method is RICHARDSON:
                errors[name] = laid[1]
        return Found(value, derivatives, errors)

    def refuse_non_finite(self, method: Method, derivatives: Derivatives) -> None:
        """Refuse derivatives that are not finite."""
        for name, index, number in not_finite(derivatives):
            rank = len(index) - self.task.variables[name].ndim
            output = f"the derivative{_of(index[:rank])} by {name}{pointer_to(*index[rank:])}"
            if method.evaluations:
                self.task.explain(output, number, method, (name, index[rank:]))
            unit = np.zeros(derivatives[name].shape[:rank])
            unit[index[:rank]] = 1.0
            place = 1 + list(self.task.variables).index(name)
            self.watch("cotangent product", {COTANGENT: unit}, output, number, place)


def _of(index: tuple[int, ...]) -> str:
    return f" of value{pointer_to(*index)}" if index else ""


class Along(Part):
    """The product of the Jacobian with tangents."""

    def __init__(self, task: Task, tangents: Mapping[str, Array]) -> None:
        super().__init__(task)
        self.tangents = tangents

    def price(self, method: Method) -> Price:
        """Return what it costs by a method."""
        if method.evaluations:
            return with_step(self.task.numerical_price(method, 1, self.kept()), self.task.value_map.size)
        return self.task.price(self.task.map("tangent product"), 1, self.kept())

    def kept(self) -> int:
        """Count the numbers of the product and the value."""
        return 2 * self.task.value_map.program.value.size

    def check_step(self) -> None:
        """Leave it to where the step is taken: elements that do not move lose none."""

    def _exact(self) -> Found:
        task = self.task
        added, known = tangent_inputs(self.tangents), task.map("tangent product")
        value, product = known.evaluate({**task.variables, **added}, task.constants, task.deadline.check)
        return Found(value, {"": product})

    @np.errstate(all="ignore")
    def _numerical(self, method: Method) -> Found:
        task = self.task
        value, found = task.differentiate_along(task.evaluation(method), self.tangents, method)
        return (
            Found(value, {"": found[0]}, {"": found[1]})
            if method is RICHARDSON
            else Found(value, {"": found})
        )

    def refuse_non_finite(self, method: Method, derivatives: Derivatives) -> None:
        """Refuse a product that is not finite."""
        for _, index, number in not_finite(derivatives):
            output = f"the product{pointer_to(*index)}"
            if method.evaluations:
                self.task.explain(output, number)
            self.watch("tangent product", tangent_inputs(self.tangents), output, number, 1)

    def shown(self, derivatives: Derivatives) -> Any:
        """Return the product, which has no name."""
        return derivatives[""]

    def pointer(self, name: str, *element: int) -> str:
        """Point to an element of the product."""
        return pointer_to(*element)


class Across(Part):
    """The product of cotangents with the Jacobian."""

    def __init__(self, task: Task, cotangents: Array) -> None:
        super().__init__(task)
        self.cotangents = cotangents

    def price(self, method: Method) -> Price:
        """Return what it costs by a method."""
        size = self.task.value_map.size
        if method.evaluations:
            return self.task.numerical_price(method, size, self.kept())
        return self.task.price(self.task.map("cotangent product"), 1, self.kept())

    def kept(self) -> int:
        """Count the numbers of the product."""
        return 2 * self.task.value_map.size

    def _exact(self) -> Found:
        task = self.task
        known, added = task.map("cotangent product"), {COTANGENT: self.cotangents}
        value, *found = known.evaluate({**task.variables, **added}, task.constants, task.deadline.check)
        return Found(value, dict(zip(task.variables, found, strict=True)))

    @np.errstate(all="ignore")
    def _numerical(self, method: Method) -> Found:
        task = self.task
        function = task.evaluation(method)

        def weighed(*moved: Array) -> Array:
            return np.asarray(np.sum(self.cotangents * function(*moved)))

        _, found = task.differentiate(weighed, method)
        whole = function(*task.variables.values())
        value = np.array(np.broadcast_to(whole, self.cotangents.shape), dtype=np.float64)
        named = list(zip(task.variables.items(), found, strict=True))
        if method is RICHARDSON:
            derivatives = {name: each[:, 0].reshape(array.shape) for (name, array), each in named}
            errors = {name: each[:, 1].reshape(array.shape) for (name, array), each in named}
            return Found(value, derivatives, errors)
        derivatives = {name: each.reshape(array.shape) for (name, array), each in named}
        return Found(value, derivatives)

    def refuse_non_finite(self, method: Method, derivatives: Derivatives) -> None:
        """Refuse a product that is not finite."""
        for name, index, number in not_finite(derivatives):
            output = f"the product by {name}{pointer_to(*index)}"
            if method.evaluations:
                self.task.explain(output, number, method, (name, index))
            place = 1 + list(self.task.variables).index(name)
            self.watch("cotangent product", {COTANGENT: self.cotangents}, output, number, place)
