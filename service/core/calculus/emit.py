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
        return self.method.evaluations_for(self.program.variable_size)

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
        source = self._float_source(self._float_terms(slice(None)), is_on_floats=True)
        value, *gradient = source.outputs
        return self._template(source, value, gradient, True, self.microseconds_on_floats)

    @cached_property
    def on_rows(self) -> Template:
        """Value and gradient on floats, each of which is an array over rows."""
        return self._on_rows(slice(None))

    @cached_property
    def gradient_on_rows(self) -> Template:
        """The gradient alone, as `on_rows` has it; there is no expression of the value."""
        return self._on_rows(slice(1, None))

    def _on_rows(self, wanted: slice) -> Template:
        """Write a program that reads the elements from a place `slots`, each an array over `rows` in it.

        The gradient stands in `derivatives`, a place beside it, written where it is computed.
        """
        terms = self._float_terms(wanted)
        size = self.program.variable_size
        value, derivatives = terms[:-size], {f"g{at}": term for at, term in enumerate(terms[-size:])}
        targets: dict[int, str] = {}
        for name, term in derivatives.items():
            if term.node.operation.ufunc and term.index not in {each.index for each in value}:
                targets.setdefault(term.index, name)
        source = self._points_source(terms, targets)
        copies = [
            f"{name}[:] = {output}"
            for (name, term), output in zip(derivatives.items(), source.outputs[-size:], strict=True)
            if targets.get(term.index) != name
        ]
        places = []
        for kind, names in (("slots", source.slots), ("derivatives", derivatives)):
            places.append(f"{kind} = aligned({size} * rows)")
            places += [f"{name} = {kind}[{at} * rows:{at + 1} * rows]" for at, name in enumerate(names)]
        source = replace(
            source,
            slots=("whole",),
            data=(*source.data, "rows", "spread"),
            places=tuple(places),
            body=(*source.body, *copies),
        )
        spread = f"spread({source.outputs[0]})" if value else ""
        return self._template(source, spread, ["derivatives"], False, math.nan)

    def _template(
        self, source: Source, value: str, gradient: Sequence[str], is_on_floats: bool, microseconds: float
    ) -> Template:
        shapes = self.program.variable_shapes
        return Template(source, value, tuple(gradient), is_on_floats, shapes, self.evaluations, microseconds)

    @cached_property
    def value_on_arrays(self) -> Maker:
        """Makes the function from arrays to the value; of complex ones when the method needs it."""
        source = self._array_source([self.program.value], None if self.gradient else self.plan)
        return make_function(source, source.outputs[0])

    @cached_property
    def points_source(self) -> Source:
        """Source of value and gradient, every float an array over points, the literals too."""
        return self._points_source(self._float_terms(slice(None)))

    @cached_property
    def value_source(self) -> Source:
        """Source of the value alone, as `points_source` has it."""
        return self._points_source(self._float_terms(slice(1)))

    def _points_source(self, outputs: Sequence[Term], targets: Mapping[int, str] | None = None) -> Source:
        source = self._float_source(outputs, targets, is_on_floats=False)
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
        return make_function(self.points_source)

    @cached_property
    def value_over_points(self) -> Maker:
        """Makes the function from arrays over points to those of the value."""
        return make_function(self.value_source, self.value_source.outputs[0])

    @property
    def namespace(self) -> Mapping[str, Any] | None:
        """Functions that the method calls in place of the table's."""
        return COMPLEX_NAMES if self.method.is_complex else None

    def _array_source(self, outputs: Sequence[Term], plan: ExecutionPlan | None) -> Source:
        names = array_names(self.program)
        is_placed = self.namespace is None
        return write_source(
            self.program.graph, outputs, names, order=plan, own=self.namespace, is_placed=is_placed
        )

    @property
    def floats(self) -> Lowered:
        """The program on floats, for functions that have one."""
        if self.lowered is None:
            raise ValueError("this function has no program on floats")
        return self.lowered

    def _float_terms(self, wanted: slice) -> list[Term]:
        """Return the elements of some of value and gradient by variable in the program on floats."""
        return [term for output in self.floats.outputs[wanted] for term in output.reshape(-1)]

    def _float_source(
        self, outputs: Sequence[Term], targets: Mapping[int, str] | None = None, *, is_on_floats: bool
    ) -> Source:
        lowered = self.floats
        names: InputNames = float_names(lowered, self.program)
        order = order_of(lowered.graph, outputs)
        return write_source(
            lowered.graph, outputs, names, is_on_floats=is_on_floats, order=order, targets=targets
        )
