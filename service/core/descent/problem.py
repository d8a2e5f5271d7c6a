"""What is minimised: a function with its data and a way to differentiate it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from service.core.calculus.budget import Price, check_budget
from service.core.calculus.compiler import Compiled, compile_function
from service.core.calculus.explain import refuse_non_finite
from service.core.calculus.gradient import (
    Tensors,
    arrays_of,
    check_step,
    method_named,
    shapes_of,
)
from service.core.calculus.kernel import Kernel, bind
from service.core.calculus.maps import compile_map
from service.core.calculus.template import Array
from service.core.descent.differences_within import Sides, bind_within
from service.core.language.program import check_constants
from service.core.limits import Deadline, Limits


class Problem:
    """A function and its start, checked and within budget.

    Parameters
    ----------
    function, variables, constants, method, h, limits, deadline
        As `descent` takes them.
    """

    def __init__(
        self,
        function: str,
        variables: Tensors,
        constants: Tensors,
        method: str,
        h: float | None,
        limits: Limits,
        deadline: Deadline,
    ) -> None:
        self.function, self.h, self.limits, self.deadline = function, h, limits, deadline
        self.method = method_named(method)
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
        if bounds and self.noise:
            self.kernel = bind_within(self.compiled, self.constants, self.h, self.deadline.check, bounds)

    def hessian_product(self) -> Callable[..., list[Array]]:
        """Bind the product of the Hessian: from variables and vectors, in order, to arrays by variable.

        Raises
        ------
        OverBudget
            Its quote exceeds a limit.
        """
        data = shapes_of(self.constants)
        known = compile_map("hessian product", self.function, self.shapes, data, self.limits, self.deadline)
        plan = known.plan
        price = Price(known.program, plan, plan.operations, 1, plan.peak_bytes, known.seconds)
        check_budget([price], self.limits, deadline=self.deadline)
        function, shapes = known.bind(self.constants, self.deadline.check), [*self.shapes.values()]

        def multiply(*arrays: Array) -> list[Array]:
            products = function(*arrays)[1 + len(shapes) :]
            return [np.broadcast_to(product, shape) for product, shape in zip(products, shapes, strict=True)]

        return multiply

    def announce(self, steps: int, held_bytes: float) -> None:
        """Tell the deadline what so many steps will take, beside so much that is kept for the answer."""
        needed = self.compiled.plan.peak_bytes + held_bytes
        self.deadline.expect(steps * self.compiled.seconds, needed)

    @property
    def step(self) -> float | None:
        """The step of the numerical methods: None where there is none, or one for each element."""
        if not self.method.evaluations:
            return None
        return self.method.step if self.h is None and not self.method.is_relative else self.h

    @property
    def noise(self) -> float:
        """The rounding error of a difference quotient for a value of 1; 0 where there are no differences."""
        widths = {"central": 2.0, "forward": 1.0}
        if self.method.name not in widths:
            return 0.0
        h = self.method.step if self.h is None else self.h
        return float(np.finfo(np.float64).eps) / (widths[self.method.name] * h)

    def check_step(self, start: Mapping[str, Array]) -> None:
        """Refuse a start at which the step is lost in rounding."""
        check_step(self.method, self.h, start)

    def check_finite(self, start: Mapping[str, Array], value: float, gradient: Mapping[str, Array]) -> None:
        """Refuse a start where value or gradient is not finite."""
        refuse_non_finite(self.compiled, start, self.constants, value, gradient, h=self.h)
