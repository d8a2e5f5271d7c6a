"""Newton's method within a trust region, on exact Hessian-vector products.

References
----------
Steihaug, The conjugate gradient method and trust regions in large scale optimization, SIAM Journal on
Numerical Analysis 20 (1983). Nash and Sofer, Assessing a search direction within a truncated-Newton method,
Operations Research Letters 9 (1990). Nocedal and Wright, Numerical Optimization, 2nd edition, Springer 2006,
algorithms 4.1 and 7.2.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from service.core.arrays import Array
from service.core.descent.active_set import Box
from service.core.descent.layout import Parts, Reason
from service.core.descent.line_search import ROUNDING
from service.core.descent.loop import Judgement, Memory
from service.core.descent.problem import Problem
from service.core.descent.searcher import JUDGED, Searcher
from service.core.descent.vectors import Arrays

FIRST_RADIUS = 1.0
SHRINKING, GROWTH = 0.25, 2.0
POOR, GOOD, LEAST = 0.25, 0.75, 1e-4
"""Shares of the predicted decrease: below the first the region shrinks, above the second it may grow, above
the third a step is accepted."""
MOST_TRIALS = 60
MOST_PRODUCTS = 200
"""Products of one step; a direction of so many is good enough."""
SETTLED = 0.75
"""Share of the mean decrease of a step's products that the last may bring for the step to be good enough."""
MOST_SHORTENINGS = 8
"""Trials of a step away from a saddle, each a tenth of the last."""
LEAST_CURVATURE = math.sqrt(sys.float_info.epsilon)
"""A curvature below minus this, relative to the Hessian's size, is that of a saddle."""

Product = Callable[[Array], Array]


class Newton(Searcher):
    """The stepper of `newton`.

    Parameters
    ----------
    problem, judgement, box
        As `Searcher` takes them; what bounds hold stays out of a step.
    """

    carried = ("evaluations", "radius", "saddle")
    vectors: Arrays

    def __init__(self, problem: Problem, judgement: Judgement, box: Box | None) -> None:
        super().__init__(problem, judgement, Arrays(problem.kernel), box)
        self._product = problem.hessian_product()

    def carry(self, memory: Memory) -> dict[str, Any]:
        """Return what the parts carry of a state's memory."""
        return {"radius": FIRST_RADIUS, "saddle": 0.0} | super().carry(memory)

    def step(self, parts: Parts) -> tuple[int, Parts]:
        """Minimise the model within the region, which shrinks until the value falls as it should."""
        model = QuadraticModel(self, parts)
        count_at, radius_at, saddle_at = self.places
        if parts[saddle_at]:
            return self._leave(model, parts)
        value, radius = model.value, parts[radius_at]
        for _ in range(MOST_TRIALS):
            step = model.step_within(radius)
            length, promise = float(np.linalg.norm(step)), model.promise(step)
            if not promise > ROUNDING * abs(value):
                if self.box is None or not promise < 0.0:
                    break
                radius = SHRINKING * min(radius, length)  # the bounds bent the step out of the model's valley
                continue
            moved, fall = model.moved(step)
            share = fall / promise
            if not share >= POOR:
                radius = SHRINKING * length
            elif share > GOOD and length > 0.9 * radius:
                radius = GROWTH * radius
            if share > LEAST:
                moved[count_at] = parts[count_at] + model.count
                moved[radius_at] = radius
                return self.judge(*moved)
        return self._end(model, parts)

    def _end(self, model: QuadraticModel, parts: Parts) -> tuple[int, Parts]:
        """Take a last full step if it makes the gradient smaller; else nothing lowers the value."""
        count_at = self.places[0]
        step = model.step_within(math.inf)
        moved, fall = model.moved(step)
        is_done = model.promise(step) <= ROUNDING * abs(model.value)
        moved[count_at] = parts[count_at] + model.count
        is_level = abs(fall) <= ROUNDING * abs(model.value)
        if is_level and model.size(moved) < 0.5 * model.size(list(parts)):
            return self.judge(*moved)
        stayed = self.layout.replaced(parts, evaluations=moved[count_at])
        return self.reason_to_end(parts, is_level=is_done), stayed

    def arrived(self, code: int, parts: Parts) -> tuple[int, Parts]:
        """Go on from a saddle, where the gradient is small but some direction leads down."""
        if code != Reason.CONVERGED:
            return code, parts
        model = QuadraticModel(self, parts)
        found = model.leave()
        count = parts[self.places[0]] + model.count
        if found is None:
            return code, self.layout.replaced(parts, evaluations=count)
        return JUDGED, self.layout.replaced(parts, evaluations=count, saddle=1.0)

    def _leave(self, model: QuadraticModel, parts: Parts) -> tuple[int, Parts]:
        """Take the step that leads away from a saddle."""
        moved = model.leave()
        if moved is None:
            return Reason.BLOCKED, parts
        count_at, _, saddle_at = self.places
        moved[count_at], moved[saddle_at] = parts[count_at] + model.count, 0.0
        return self.judge(*moved)

    def product_at(self, slots: Parts) -> Product:
        """Return the product with the Hessian at a point."""
        kernel, vectors, product = self.kernel, self.vectors, self._product
        point = list(kernel.unpack(slots).values())

        def multiply(vector: Array) -> Array:
            rows = list(kernel.unpack(vectors.slots(vector)).values())
            return np.concatenate([np.ravel(part) for part in product(*point, *rows)])

        return multiply


class QuadraticModel:
    """The model of the function around a point: its gradient there, and products with its Hessian.

    Attributes
    ----------
    unit : float
        What value, gradient and products are divided by, so that no square overflows: a power of 2, which
        changes no digit.
    """

    def __init__(self, stepper: Newton, parts: Parts) -> None:
        layout, vectors = stepper.layout, stepper.vectors
        self.stepper, self.parts, self.count = stepper, parts, 0
        self.x = vectors.of(parts[layout.slots])
        gradient = vectors.of(parts[layout.gradient])
        self.unit = _unit_of(gradient)
        self.value, self.gradient = parts[layout.value] / self.unit, gradient / self.unit
        self.free = np.ones(self.x.size, dtype=bool)
        if stepper.box is not None:
            low, high = stepper.box.low, stepper.box.high
            self.free = ~((self.x <= low) & (self.gradient > 0.0) | (self.x >= high) & (self.gradient < 0.0))
        self._product = stepper.product_at(parts[layout.slots])

    def _multiply(self, vector: Array) -> Array:
        """Multiply with the Hessian; where it is not finite the model is linear, and the region its limit."""
        self.count += 1
        product = self._product(vector) / self.unit
        return np.where(np.isfinite(product), product, 0.0)

    def product(self, vector: Array) -> Array:
        """Multiply with the Hessian, over the variables that no bound holds."""
        return np.where(self.free, self._multiply(np.where(self.free, vector, 0.0)), 0.0)

    def step_within(self, radius: float) -> Array:
        """Minimise the model within the region and the bounds: what meets a bound is held there."""
        box, free = self.stepper.box, self.free
        held = np.zeros(self.x.size)
        try:
            while True:
                pull = self._multiply(held) if held.any() else 0.0
                step = held + self._minimum(np.where(self.free, self.gradient + pull, 0.0), radius)
                if box is None:
                    return step
                place = self.x + step
                hit = self.free & ((place < box.low) | (place > box.high))
                if not hit.any():
                    return step
                reach = np.clip(place, box.low, box.high) - self.x
                is_stuck = hit & (reach == 0.0)  # held first: without them the others may go elsewhere
                hit = is_stuck if is_stuck.any() else hit
                held = np.where(hit, reach, held)
                self.free = self.free & ~hit
        finally:
            self.free = free

    def _minimum(self, gradient: Array, radius: float) -> Array:
        """Minimise the model by conjugate gradients, as far as the region or negative curvature lets it.

        Notes
        -----
        Steihaug's truncation: the residual need only be as small as makes the convergence quadratic. Where
        variables have different scales it is small before flat directions are gone along, so the model's
        decrease is to have settled too (Nash and Sofer, whose share is a half).
        """
        step, residual = np.zeros(gradient.size), gradient
        direction = -residual
        square = float(residual.dot(residual))
        goal = min(0.25, square * self.unit * self.unit) * square
        fall = last = 0.0
        for k in range(min(MOST_PRODUCTS, 2 * gradient.size)):
            if not square > goal and not k * last > SETTLED * fall:
                break
            curved = self.product(direction)
            curvature = float(direction.dot(curved))
            if not curvature > 0.0:
                far = radius if radius < math.inf else FIRST_RADIUS
                return self._to_edge(step, direction, far)
            along = square / curvature
            if float(np.linalg.norm(step + along * direction)) >= radius:
                return self._to_edge(step, direction, radius)
            step = step + along * direction
            last = along * square / 2.0
            fall += last
            residual = residual + along * curved
            before, square = square, float(residual.dot(residual))
            direction = square / before * direction - residual
        return step

    def _to_edge(self, step: Array, direction: Array, radius: float) -> Array:
        """Go on in a direction to where the step is as long as the radius."""
        a, b = float(direction.dot(direction)), float(step.dot(direction))
        rest = radius**2 - float(step.dot(step))
        root = math.sqrt(max(b * b + a * rest, 0.0))
        return step + (root - b) / a * direction if a > 0.0 else step

    def _place(self, step: Array) -> Array:
        """Return the point within the bounds that a step leads to."""
        box = self.stepper.box
        place: Array = self.x + step if box is None else np.clip(self.x + step, box.low, box.high)
        return place

    def promise(self, step: Array) -> float:
        """Return the decrease that the model promises for a step."""
        return -float(self.gradient.dot(step)) - float(step.dot(self._multiply(step))) / 2.0

    def moved(self, step: Array) -> tuple[list[Any], float]:
        """Evaluate at a step; return the parts of that iterate, and how much the value falls."""
        layout, vectors, parts = self.stepper.layout, self.stepper.vectors, self.parts
        slots = vectors.slots(self._place(step))
        value, by_slot = self.stepper.kernel.evaluate(slots)
        self.count += 1
        moved = list(parts)
        moved[layout.slots], moved[layout.before] = slots, parts[layout.slots]
        moved[layout.value], moved[layout.previous] = value, parts[layout.value]
        moved[layout.gradient] = by_slot
        moved[layout.k] += 1
        is_finite = math.isfinite(value) and bool(np.isfinite(vectors.of(by_slot)).all())
        return moved, self.value - value / self.unit if is_finite else -math.inf

    def leave(self) -> list[Any] | None:
        """Return the parts of a lower iterate along a direction of negative curvature, if there is one."""
        way, value = self.way_down(), self.value
        if way is None:
            return None
        sides = (1.0, -1.0)  # a bound may bar one
        for share in (side * 10.0**-exponent for exponent in range(MOST_SHORTENINGS) for side in sides):
            moved, fall = self.moved(share * way)
            if fall > ROUNDING * abs(value) and fall > 0.0:
                return moved
        return None

    def size(self, parts: list[Any]) -> float:
        """Return the largest element of an iterate's gradient, over the variables that no bound holds."""
        gradient = self.stepper.vectors.of(parts[self.stepper.layout.gradient])
        return float(np.max(np.abs(gradient[self.free]), initial=0.0))

    def way_down(self) -> Array | None:
        """Find a direction of negative curvature by conjugate gradients for a vector that favours none."""
        residual = np.where(self.free, np.cos(np.arange(1.0, self.x.size + 1.0)), 0.0)
        direction, largest = residual, 0.0
        square = float(residual.dot(residual))
        for _ in range(min(MOST_PRODUCTS, self.x.size)):
            length = float(direction.dot(direction))
            if not square > 0.0 or not length > 0.0:
                return None
            curved = self.product(direction)
            curvature = float(direction.dot(curved))
            largest = max(largest, abs(curvature) / length)
            if curvature < -LEAST_CURVATURE * largest * length:
                return direction * (max(1.0, float(np.linalg.norm(self.x))) / math.sqrt(length))
            if not curvature > 0.0:
                return None
            residual = residual - square / curvature * curved
            before, square = square, float(residual.dot(residual))
            direction = residual + square / before * direction
        return None


def _unit_of(gradient: Array) -> float:
    """Return the power of 2 next to the largest element."""
    return math.ldexp(0.5, math.frexp(float(np.max(np.abs(gradient), initial=0.0)))[1])
