"""What is known of a function before its data: program, quote and source, kept in a cache.

A plan depends on the text, the shapes, and how derivatives are taken, never on data. The key is
the text as it came, not its canonical form: errors quote columns, and equal programs that are
spaced differently have different ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from service.core.calculus.cache import BoundedCache
from service.core.calculus.differences import METHODS, Method, difference_terms, differences
from service.core.calculus.generated import Maker, Namespace, Source, make_program, write_source
from service.core.calculus.kernel import Array, Kernel, Shape, Template
from service.core.calculus.kernels import COMPLEX_NAMES
from service.core.calculus.lowering import Lowered, lower
from service.core.calculus.reverse import differentiate
from service.core.calculus.schedule import Schedule, order_of, schedule
from service.core.language.graph import INPUT, Graph, Term
from service.core.language.parser import parse_function, refuse
from service.core.language.program import Program, check_function, check_names
from service.core.limits import Limits

SCALAR_NODES = 600
"""Most operations of a program that runs on plain floats."""
POINT_NODES = 3_000
"""Most operations of a program that runs over arrays of points."""
SCALAR_MICROSECONDS = 0.035
CALL_MICROSECONDS = 0.9
ELEMENT_MICROSECONDS = 0.001
"""Measured costs of one operation on floats, one NumPy call, and one element of it."""

CACHED_PLANS = 256
CACHED_BYTES = 64 * 1024 * 1024
NODE_BYTES = 2_000
"""Estimated memory that a plan needs for every operation of its programs."""


@dataclass(frozen=True)
class Plan:
    """A checked function with a way to differentiate it.

    Attributes
    ----------
    program : Program
        With the gradient's operations when the method is exact.
    method : Method
        How derivatives are taken.
    has_step : bool
        Whether the caller gives the step h.
    schedule : Schedule
        Of value and gradient together when the method is exact, else of the value alone.
    gradient : dict of str to Term
        Derivatives by variable when the method is exact, else empty.
    """

    program: Program
    method: Method
    has_step: bool
    schedule: Schedule
    gradient: dict[str, Term]
    lowered: Lowered | None

    @property
    def graph(self) -> Graph:
        """The program's graph."""
        return self.program.graph

    @cached_property
    def shapes(self) -> dict[str, Shape]:
        """The variables' shapes."""
        return {name: term.shape for name, term in self.program.variables.items()}

    @cached_property
    def evaluations(self) -> int:
        """Evaluations of the function for value and gradient at one point."""
        return 1 + self.method.evaluations * sum(math.prod(shape) for shape in self.shapes.values())

    @cached_property
    def operations(self) -> float:
        """Planned operations for value and gradient at one point."""
        return self.schedule.operations * self.evaluations

    @cached_property
    def runs_on_floats(self) -> bool:
        """Whether plain floats are cheaper than arrays, by measured costs."""
        return self.lowered is not None and self.microseconds_on_floats <= self.microseconds_on_arrays

    @property
    def microseconds_on_floats(self) -> float:
        """Estimated time of value and gradient on plain floats."""
        return SCALAR_MICROSECONDS * len(self.lowered.graph.nodes) if self.lowered else math.inf

    @property
    def microseconds_on_arrays(self) -> float:
        """Estimated time of value and gradient on arrays."""
        calls = len(self.schedule.body) * self.evaluations
        return CALL_MICROSECONDS * calls + ELEMENT_MICROSECONDS * self.operations

    @cached_property
    def value_source(self) -> Source:
        """Source of the value alone, on arrays; complex ones when the method needs it."""
        return write_source(
            self.graph,
            [self.program.value],
            self.input_names(),
            self.variable_slots(),
            planned=None if self.gradient else self.schedule,
            own=COMPLEX_NAMES if self.method.name == "complex_step" else None,
        )

    @cached_property
    def gradient_source(self) -> Source:
        """Source of value and exact gradient, on arrays."""
        outputs = [self.program.value, *self.gradient.values()]
        return write_source(
            self.graph, outputs, self.input_names(), self.variable_slots(), planned=self.schedule
        )

    @cached_property
    def scalar_source(self) -> Source:
        """Source of value and gradient, on floats."""
        return self._lowered_source(is_scalar=True)

    @cached_property
    def points_source(self) -> Source:
        """Source of value and gradient, every number an array over points."""
        return self._lowered_source(is_scalar=False)

    def _lowered_source(self, is_scalar: bool) -> Source:
        if self.lowered is None:
            raise ValueError("this function was not lowered")
        names, slots = element_names(self.lowered, self.program)
        graph = self.lowered.graph
        outputs = [term for output in self.lowered.outputs for term in output.reshape(-1)]
        return write_source(
            graph, outputs, names, slots, is_scalar=is_scalar, planned=order_of(graph, outputs)
        )

    def input_names(self) -> dict[int, str]:
        """Name the inputs of the array programs, by node."""
        slots = {term.index: f"v{position}" for position, term in enumerate(self.program.variables.values())}
        data = {term.index: f"c{position}" for position, term in enumerate(self.program.constants.values())}
        return slots | data

    def variable_slots(self) -> list[str]:
        """Name the variables in the array programs."""
        return [f"v{position}" for position in range(len(self.program.variables))]

    @cached_property
    def value_program(self) -> Maker:
        """Makes the function from arrays to the value."""
        return make_program(self.value_source, self.value_source.outputs[0])

    @cached_property
    def points_program(self) -> Maker:
        """Makes the function from arrays over points to those of value and gradient."""
        return make_program(self.points_source, f"({', '.join(self.points_source.outputs)},)")

    @cached_property
    def scalar_template(self) -> Template:
        """Value and gradient on floats."""
        source = self.scalar_source
        value, *gradient = source.outputs
        took = self.microseconds_on_floats
        return Template(source, value, tuple(gradient), True, self.shapes, self.evaluations, took)

    @cached_property
    def array_template(self) -> Template:
        """Value and gradient on arrays; numerical ones are a call of `differences`."""
        if self.gradient:
            source = self.gradient_source
            value, *gradient = source.outputs
            value = f"float({value}{'.item()' if self.program.value.shape else ''})"
        else:
            slots = tuple(self.variable_slots())
            value, gradient = "value", [f"g{position}" for position in range(len(slots))]
            call = f"value, ({', '.join(gradient)},) = differences({', '.join(slots)})"
            source = Source(slots, ("differences",), (), (call,), (value, *gradient), {})
        took = self.microseconds_on_arrays
        return Template(source, value, tuple(gradient), False, self.shapes, self.evaluations, took)

    def kernel(self, constants: Mapping[str, Array], h: float | None, check: Callable[[], None]) -> Kernel:
        """Bind the plan to data.

        Parameters
        ----------
        constants : mapping of str to ndarray
            Data by name.
        h : float or None
            The step of the numerical methods.
        check : callable
            Called between costly operations; raises when the time is up.
        """
        if self.runs_on_floats:
            kernel = self.scalar_kernel(constants, h, check)
            if kernel.is_bound():
                return kernel
        return self.array_kernel(constants, h, check)

    def scalar_kernel(
        self, constants: Mapping[str, Array], h: float | None, check: Callable[[], None]
    ) -> Kernel:
        """Bind the program on floats, as `kernel` does."""
        data = element_data(self, constants, h)
        return Kernel(self.scalar_template, data, lambda: self.array_kernel(constants, h, check))

    def array_kernel(
        self, constants: Mapping[str, Array], h: float | None, check: Callable[[], None]
    ) -> Kernel:
        """Bind the program on arrays, as `kernel` does."""
        data = self.data(constants, check)
        if self.gradient:
            return Kernel(self.array_template, data)
        with np.errstate(all="ignore"):
            value_of = self.value_program(**data)

        def numerical(*variables: Array) -> tuple[float, tuple[Any, ...]]:
            return differences(value_of, variables, self.method, h, check)

        return Kernel(self.array_template, {"differences": numerical})

    def data(self, constants: Mapping[str, Array], check: Callable[[], None]) -> Namespace:
        """Bind the constants and the clock to their names in the array programs."""
        data: Namespace = {"check": check}
        for position, name in enumerate(self.program.constants):
            data[f"c{position}"] = constants[name]
        return data


def element_names(lowered: Lowered, program: Program) -> tuple[dict[int, str], list[str]]:
    """Name the elements of variables and constants, and the step; list the variables' names."""
    names: dict[int, str] = {}
    slots: list[str] = []
    for name in program.variables:
        for term in lowered.inputs.get(name, ()):
            names[term.index] = f"v{len(slots)}"
            slots.append(names[term.index])
    for position, name in enumerate(program.constants):
        for element, term in enumerate(lowered.inputs.get(name, ())):
            names[term.index] = f"c{position}_{element}"
    names |= {term.index: "h" for term in lowered.inputs.get(STEP, ())}
    return names, slots


STEP = "h/"
"""The step among a lowered program's inputs; no caller's name has a slash."""


def element_data(plan: Plan, constants: Mapping[str, Array], h: float | None) -> Namespace:
    """Return by generated name the elements of the constants that are used, and the step if it is."""
    used = plan.lowered.inputs if plan.lowered else {}
    data: Namespace = {
        f"c{position}_{element}": value
        for position, name in enumerate(plan.program.constants)
        if name in used
        for element, value in enumerate(np.ravel(constants[name]).tolist())
    }
    return data | ({"h": h} if STEP in used else {})


_PLANS: BoundedCache[Plan] = BoundedCache(
    CACHED_PLANS,
    CACHED_BYTES,
    lambda plan: (
        NODE_BYTES * (len(plan.graph.nodes) + (len(plan.lowered.graph.nodes) if plan.lowered else 0))
    ),
)


def plan_cache() -> BoundedCache[Plan]:
    """Return the cache of plans, for its counters."""
    return _PLANS


def make_plan(
    function: str,
    variables: Mapping[str, Shape],
    constants: Mapping[str, Shape],
    method: Method,
    has_step: bool,
    limits: Limits,
    most: int = SCALAR_NODES,
) -> Plan:
    """Parse, check, differentiate and plan a function, or find it in the cache.

    Parameters
    ----------
    function : str
        The text.
    variables, constants : mapping of str to tuple of int
        Shapes by name.
    method, has_step : Method, bool
        How derivatives are taken, and whether the caller gives the step.
    limits : Limits
        Bounds text and rank.
    most : int
        The most operations of the program on numbers.

    Raises
    ------
    InvalidFunction
        The text, a name, a shape or the method does not fit.
    """
    bounds = limits.function_characters, limits.function_tokens, limits.function_nesting, limits.rank
    key = (function, (*variables.items(),), (*constants.items(),), method, has_step, bounds, most)
    return _PLANS.get_or_make(
        key, lambda: _new_plan(function, variables, constants, method, has_step, limits, most)
    )


def _new_plan(
    function: str,
    variables: Mapping[str, Shape],
    constants: Mapping[str, Shape],
    method: Method,
    has_step: bool,
    limits: Limits,
    most: int = SCALAR_NODES,
) -> Plan:
    check_names(variables, constants)
    program = check_function(parse_function(function, limits), variables, constants, limits)
    value = program.value
    if value.size != 1:
        refuse("not-scalar", value.node.place, shape=value.shape)
    if method.name == "complex_step":
        _check_analytic(program)
    gradient = differentiate(program) if method is METHODS["exact"] else {}
    outputs = [value, *gradient.values()]
    planned = schedule(program.graph, outputs)
    lowered = _lower(program, outputs, method, has_step, most)
    return Plan(program, method, has_step, planned, gradient, lowered)


def _lower(
    program: Program, outputs: list[Term], method: Method, has_step: bool, most: int
) -> Lowered | None:
    """Write the program on numbers when it is small enough, with the differences inside."""
    if method.name == "complex_step":
        return None
    lowered = lower(program.graph, outputs, most)
    if lowered is None:
        return None
    elements = [
        term for name, term in program.variables.items() for term in lowered.elements(name, term.size)
    ]
    if method is METHODS["exact"]:
        return lowered
    if len(lowered.graph.nodes) * len(elements) * method.evaluations > most:
        return None
    value = lowered.outputs[0].reshape(-1)[0]
    step = None
    if has_step:
        step = lowered.graph.input(STEP, (), False)
        lowered.inputs[STEP] = [step]
    terms = difference_terms(lowered.graph, value, elements, method, step)
    lowered.outputs += [np.array(term, dtype=object) for term in terms]
    return lowered


def _check_analytic(program: Program) -> None:
    """Refuse what the complex step cannot differentiate, at the first such operation."""
    for node in program.graph.nodes:
        if node.operation is not INPUT and not node.operation.is_analytic:
            name = node.operation.name if node.operation.is_function else node.operation.symbol
            refuse("not-analytic", node.place, got=repr(name))
