"""What is minimised: a function with its data and a way to differentiate it."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from service.core.arrays import Array
from service.core.calculus.budget import check_budget, over_budget, price_of
from service.core.calculus.compiler import Compiled, compile_function
from service.core.calculus.differences import Method
from service.core.calculus.explain import refuse_non_finite
from service.core.calculus.gradient import (
    Tensors,
    arrays_of,
    check_step,
    method_named,
    shapes_of,
)
from service.core.calculus.kernel import Kernel, bind, bind_on_arrays
from service.core.calculus.maps import compile_map
from service.core.calculus.schedule import ELEMENT_BYTES
from service.core.descent.batches import Batch, Batches
from service.core.descent.differences_within import Sides, bind_within
from service.core.descent.projections import Projection, check_projections
from service.core.language.program import check_constants
from service.core.limits import Check, Deadline, Limits

WIDTHS = {"central": 2.0, "forward": 1.0}
"""How many steps are between the two points of a difference."""

SEARCH_VECTORS = 8
"""Vectors of conjugate gradients beside what a descent keeps."""


class Problem:
    """A function and its start, checked and within budget.

    Parameters
    ----------
    function, variables, constants, method, h, limits, deadline
        As `descent` takes them.
    answer_numbers : float
        As `descent` takes it.

    Attributes
    ----------
    kernel : Kernel
        Value and gradient.
    noise : float
        The rounding error of a difference quotient for a value of 1; 0 where there are no differences.
    bounds : mapping
        Lower and upper bounds of every variable, if there are bounds.
    announced_bytes : int
        The memory that the descent was announced to take; 0 before.
    has_rows : bool
        Whether updates see a few rows of the constants alone: `rows` is then the function of these.
    """

    announced_bytes = 0
    has_rows = False
    rows: BatchFunction

    def __init__(
        self,
        function: str,
        variables: Tensors,
        constants: Tensors,
        method: str,
        h: float | None,
        limits: Limits,
        deadline: Deadline,
        answer_numbers: float = math.inf,
    ) -> None:
        self.function, self.h, self.limits, self.deadline = function, h, limits, deadline
        self.answer_numbers = answer_numbers
        self.method = method_named(method)
        self.noise = _noise_of(self.method, h)
        self.bounds: Mapping[str, Sides] = {}
        self.variables = arrays_of(variables, "variables")
        self.constants = arrays_of(constants, "constants")
        self.shapes = shapes_of(self.variables)
        data = shapes_of(self.constants)
        self.compiled: Compiled = compile_function(
            function, self.shapes, data, self.method, h is not None, limits, deadline=deadline
        )
        check_constants(self.compiled.program, self.constants)
        check_budget([self.compiled], limits, deadline=deadline)
        self.kernel: Kernel = bind(self.compiled, self.constants, h, deadline.check)

    def keep_within(self, bounds: Mapping[str, Sides]) -> None:
        """Evaluate the function within bounds alone, by numerical methods too."""
        self.bounds = bounds
        if self.noise:
            self.kernel = self.bound_on_arrays(self.compiled, self.constants, self.deadline.check)

    def check_projections(self, projections: Mapping[str, Projection], bounds: Mapping[str, Any]) -> None:
        """Get ready for projections, which are of arrays.

        Raises
        ------
        InvalidRequest
            One is of no variable, or of one that has bounds.
        """
        check_projections(projections, bounds, self.shapes)
        self.kernel = self.bound_on_arrays(self.compiled, self.constants, self.deadline.check)

    def take_rows(self, batch: Batch) -> None:
        """Get ready for batches of rows.

        Raises
        ------
        InvalidRequest, InvalidFunction, OverBudget
            The constants have no such rows, or the function is not defined for so many.
        """
        self.has_rows, self.rows = True, BatchFunction(self, Batches(batch, self.constants))
        self.kernel = self.bound_on_arrays(self.compiled, self.constants, self.deadline.check)

    def patient_kernel(self) -> Kernel:
        """Bind the kernel on arrays for an evaluation that the deadline does not interrupt."""
        return self.bound_on_arrays(self.compiled, self.constants, lambda: None)

    def bound_on_arrays(self, compiled: Compiled, constants: Mapping[str, Array], check: Check) -> Kernel:
        """Bind the function on arrays, compiled for the shapes of some constants, to these."""
        if self.bounds and self.noise:
            return bind_within(compiled, constants, self.h, check, self.bounds)
        return bind_on_arrays(compiled, constants, self.h, check)

    def hessian_product(self) -> Callable[..., list[Array]]:
        """Bind the product of the Hessian: from variables and vectors, in order, to arrays by variable.

        Raises
        ------
        OverBudget
            Its quote, beside what was announced, exceeds a limit.
        """
        data = shapes_of(self.constants)
        known = compile_map("hessian product", self.function, self.shapes, data, self.limits, self.deadline)
        peak_bytes = self.announced_bytes + known.plan.peak_bytes
        peak_bytes += ELEMENT_BYTES * SEARCH_VECTORS * self.compiled.size
        check_budget([known.price(1, peak_bytes)], self.limits, deadline=self.deadline)
        function, shapes = known.bind(self.constants, self.deadline.check), [*self.shapes.values()]

        def multiply(*arrays: Array) -> list[Array]:
            products = function(*arrays)[1 + len(shapes) :]
            return [np.broadcast_to(product, shape) for product, shape in zip(products, shapes, strict=True)]

        return multiply

    def announce(self, steps: int, held_bytes: int, other_seconds: float) -> None:
        """Tell the deadline what so many steps will take, beside so much that is kept and done besides.

        Raises
        ------
        OverBudget
            That is more memory than there may be.
        """
        needed, seconds = self.compiled.peak_bytes + held_bytes, steps * self.compiled.seconds
        if self.has_rows:
            seconds = steps * self.rows.compiled.seconds
            seconds += self.compiled.seconds * self.rows.batches.wholes(0, steps)
            needed += self.rows.compiled.peak_bytes + self.compiled.peak_bytes  # that of `patient_kernel`
        in_all = needed + self.compiled.plan.object_bytes
        if in_all > self.limits.peak_bytes:
            raise over_budget([price_of(self.compiled, needed)], self.limits)
        self.announced_bytes = needed
        self.deadline.expect(seconds + other_seconds, in_all, ends_early=True)

    @property
    def step(self) -> float | None:
        """The step of the numerical methods: None where there is none, or one for each element."""
        if not self.method.evaluations:
            return None
        return self.method.step if self.h is None and not self.method.is_relative else self.h

    def check_step(self, start: Mapping[str, Array]) -> None:
        """Refuse a start at which the step is lost in rounding."""
        check_step(self.method, self.h, start)

    def check_finite(self, start: Mapping[str, Array], value: float, gradient: Mapping[str, Array]) -> None:
        """Refuse a start where value or gradient is not finite."""
        check = self.deadline.check
        refuse_non_finite(self.compiled, start, self.constants, value, gradient, check, h=self.h)


def _noise_of(method: Method, h: float | None) -> float:
    """Return the rounding error of a difference quotient for a value of 1, 0 without differences."""
    width = WIDTHS.get(method.name)
    return sys.float_info.epsilon / (width * (method.step if h is None else h)) if width else 0.0


class BatchFunction:
    """A function as updates over batches of rows see it.

    Parameters
    ----------
    problem : Problem
        The function of all rows.
    batches : Batches
        Which rows an update sees.

    Raises
    ------
    InvalidRequest, InvalidFunction, OverBudget
        The function does not fit so many rows.
    """

    def __init__(self, problem: Problem, batches: Batches) -> None:
        self.problem, self.batches = problem, batches
        shapes = shapes_of(problem.constants)
        shapes |= {name: (batches.batch.size, *shapes[name][1:]) for name in batches.batch.of}
        has_step, limits, deadline = problem.h is not None, problem.limits, problem.deadline
        self.compiled = compile_function(
            problem.function, problem.shapes, shapes, problem.method, has_step, limits, deadline=deadline
        )
        check_constants(self.compiled.program, problem.constants)
        check_budget([self.compiled], limits, deadline=deadline)

    def kernel(self, update: int) -> Kernel:
        """Bind the function to the rows of an update, by its number from 0."""
        constants, check = self.batches.constants_of(update), self.problem.deadline.check
        return self.problem.bound_on_arrays(self.compiled, constants, check)

    def check_finite(
        self, update: int, slots: Sequence[Array], value: float, gradient: Sequence[Any]
    ) -> None:
        """Refuse a start at which an update's value or gradient is not finite."""
        names, constants = self.problem.shapes, self.batches.constants_of(update)
        start, derivatives = dict(zip(names, slots, strict=True)), dict(zip(names, gradient, strict=True))
        where, check = " of the first batch", self.problem.deadline.check
        refuse_non_finite(self.compiled, start, constants, value, derivatives, check, where, h=self.problem.h)
