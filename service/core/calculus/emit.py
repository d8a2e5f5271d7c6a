"""The compiler's last step: the sources of a program on arrays, on floats and over points.

Each is written when it is first asked for: most functions run in one way alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from service.core.calculus.costs import microseconds_on_arrays, microseconds_on_floats
from service.core.calculus.differences import Method
from service.core.calculus.generated import Maker, Source, make_function, words_of, write_source
from service.core.calculus.inputs import InputNames, array_names, float_names
from service.core.calculus.lowering import Lowered
from service.core.calculus.namespaces import COMPLEX_NAMES
from service.core.calculus.schedule import ExecutionPlan, order_of
from service.core.calculus.template import Template
from service.core.language.graph import Term
from service.core.language.program import Program


@dataclass(frozen=True)
class Emitted:
    """The sources of value and gradient.

    Attributes
    ----------
    program, method : Program, Method
        What is computed, and how derivatives are taken.
    gradient : sequence of Term
        Derivatives by variable when the method is exact, else empty.
    plan : ExecutionPlan
        Of value and exact gradient together, else of the value alone.
    lowered : Lowered or None
        The same on floats, numerical differences included, where it is small enough.
    """

    program: Program
    method: Method
    gradient: Sequence[Term]
    plan: ExecutionPlan
    lowered: Lowered | None

    @cached_property
    def evaluations(self) -> int:
        """Evaluations of the function for value and gradient at one point."""
        return self.method.evaluations_for(sum(term.size for term in self.program.variables.values()))

    @cached_property
    def microseconds_on_floats(self) -> float:
        """Estimated time of value and gradient on floats."""
        return microseconds_on_floats(len(self.lowered.graph.nodes)) if self.lowered else math.inf

    @cached_property
    def microseconds_on_arrays(self) -> float:
        """Estimated time of value and gradient on arrays."""
        calls, operations = len(self.plan.body) * self.evaluations, self.plan.operations * self.evaluations
        return microseconds_on_arrays(calls, operations)

    @cached_property
    def on_arrays(self) -> Template:
        """Value and gradient on arrays; numerical ones are a call of `differences`."""
        if self.gradient:
            source = self._array_source([self.program.value, *self.gradient], self.plan)
            value, *gradient = source.outputs
            value = f"float({value}{'.item()' if self.program.value.shape else ''})"
        else:
            slots = array_names(self.program).variables
            value, gradient = "value", [f"g{position}" for position in range(len(slots))]
            call = f"value, ({', '.join(gradient)},) = differences({', '.join(slots)})"
            source = Source(slots, ("differences",), (), (call,), (value, *gradient), {})
        return self._template(source, value, gradient, False, self.microseconds_on_arrays)

    @cached_property
    def on_floats(self) -> Template:
        """Value and gradient on floats."""
        source = self._float_source(is_on_floats=True)
        value, *gradient = source.outputs
        return self._template(source, value, gradient, True, self.microseconds_on_floats)

    @cached_property
    def on_rows(self) -> Template:
        """Value and gradient on floats, each of which is an array over rows."""
        source = self.points_source
        varying = source.made | {*source.slots}
        value, *gradient = (part if part in varying else f"spread({part})" for part in source.outputs)
        source = replace(source, data=(*source.data, "spread"))
        return self._template(source, value, gradient, False, math.nan)

    def _template(
        self, source: Source, value: str, gradient: Sequence[str], is_on_floats: bool, microseconds: float
    ) -> Template:
        shapes = {name: term.shape for name, term in self.program.variables.items()}
        return Template(source, value, tuple(gradient), is_on_floats, shapes, self.evaluations, microseconds)

    @cached_property
    def value_on_arrays(self) -> Maker:
        """Makes the function from arrays to the value; of complex ones when the method needs it."""
        source = self._array_source([self.program.value], None if self.gradient else self.plan)
        return make_function(source, source.outputs[0])

    @cached_property
    def points_source(self) -> Source:
        """Source of value and gradient, every float an array over points, the literals too."""
        source = self._float_source(is_on_floats=False)
        alone = words_of(source.setup)
        arrays = {
            name: np.array(value)
            for name, value in source.names.items()
            if type(value) is np.float64 and name not in alone
        }
        return replace(source, names={**source.names, **arrays})

    @cached_property
    def over_points(self) -> Maker:
        """Makes the function from arrays over points to those of value and gradient."""
        return make_function(self.points_source, f"({', '.join(self.points_source.outputs)},)")

    @property
    def namespace(self) -> Mapping[str, Any] | None:
        """Functions that the method calls in place of the table's."""
        return COMPLEX_NAMES if self.method.name == "complex_step" else None

    def _array_source(self, outputs: Sequence[Term], plan: ExecutionPlan | None) -> Source:
        names = array_names(self.program)
        is_placed = self.namespace is None
        return write_source(
            self.program.graph, outputs, names, order=plan, own=self.namespace, is_placed=is_placed
        )

    @property
    def floats(self) -> Lowered:
        """The program on floats; asked for where there is one."""
        if self.lowered is None:
            raise ValueError("this function has no program on floats")
        return self.lowered

    def _float_source(self, *, is_on_floats: bool) -> Source:
        lowered = self.floats
        outputs = [term for output in lowered.outputs for term in output.reshape(-1)]
        names: InputNames = float_names(lowered, self.program)
        order = order_of(lowered.graph, outputs)
        return write_source(lowered.graph, outputs, names, is_on_floats=is_on_floats, order=order)
