"""Directions of limited-memory BFGS within bounds.

The projected path of steepest descent is followed to the first minimum of the quadratic model, the
generalized Cauchy point. What has hit a bound there is held; over the rest the model is minimised.

References
----------
Byrd, Lu, Nocedal and Zhu, A limited memory algorithm for bound constrained optimization, SIAM Journal on
Scientific Computing 16 (1995). Morales and Nocedal, Remark on algorithm 778, ACM Transactions on
Mathematical Software 38 (2011), for the projection of the subspace step.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from service.core.arrays import Array, Mask
from service.core.descent.vectors import Pairs, Vector, Vectors

LEAST_SHARE = sys.float_info.epsilon
"""The model's curvature along a path stays above this share of its first value, whatever the rounding."""


class Model:
    """The quadratic model of limited-memory BFGS: its Hessian is θ I − W M Wᵀ.

    Parameters
    ----------
    pairs : tuple
        Steps and changes as flat arrays; may be empty, then the Hessian is I.
    size : int
        Number of variables.

    Notes
    -----
    Products of pairs are computed one by one, so that a model made of the same pairs is the same to the
    last bit whatever came before.
    """

    def __init__(self, pairs: Pairs, size: int) -> None:
        if not pairs:
            self.theta, self.W, self.M = 1.0, np.zeros((size, 0)), np.zeros((0, 0))
            return
        steps, changes = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        self.theta = float(changes[-1].dot(changes[-1])) * pairs[-1][2]
        products = np.array([[float(step.dot(change)) for change in changes] for step in steps])
        squares = np.array([[float(step.dot(other)) for other in steps] for step in steps])
        lower = np.tril(products, -1)
        middle = np.block([[-np.diag(np.diag(products)), lower.T], [lower, self.theta * squares]])
        self.W = np.stack([*changes, *steps], axis=1)
        self.W[:, len(changes) :] *= self.theta
        self.M = np.linalg.inv(middle)


@dataclass(frozen=True, slots=True)
class Cauchy:
    """The generalized Cauchy point: where it is, and Wᵀ times the way there."""

    point: Array
    c: Array


@dataclass(frozen=True, slots=True)
class Box:
    """The bounds of all variables as flat arrays, infinite where there is none."""

    low: Array
    high: Array

    @classmethod
    def of(cls, bounds: Mapping[str, tuple[Array, Array]]) -> Box:
        """Lay the bounds of every variable, in order and in its shape, out as flat arrays."""
        sides = zip(*bounds.values(), strict=True)
        return cls(*(np.concatenate([np.ravel(part) for part in side]) for side in sides))

    @property
    def is_finite(self) -> bool:
        """Whether every variable has both bounds."""
        return bool(np.isfinite(self.low).all() and np.isfinite(self.high).all())

    def projected(self, vectors: Vectors, place: Vector) -> Vector:
        """Return the nearest point within the bounds."""
        return vectors.vector(np.clip(vectors.array(place), self.low, self.high))

    def direction(
        self, vectors: Vectors, pairs: Pairs, place: Vector, gradient: Vector
    ) -> tuple[Vector, float]:
        """Return the direction to the minimum of the model within the bounds, and the longest step along it.

        Notes
        -----
        Without pairs the model is the gradient's; its direction is that of projected steepest descent. Where
        no bound holds a variable the minimum comes by the two-loop recursion, which keeps more digits.
        """
        x, g = vectors.array(place), vectors.array(gradient)
        arrays = tuple((vectors.array(step), vectors.array(change), scale) for step, change, scale in pairs)
        model = Model(arrays, x.size)
        cauchy = self.cauchy_point(model, x, g)
        free = (cauchy.point > self.low) & (cauchy.point < self.high)
        target = cauchy.point
        if pairs and free.all():
            whole = x + vectors.array(vectors.two_loops(pairs, gradient))
            target = self._projected_step(x, g, cauchy.point, whole - cauchy.point, free)
        elif pairs and free.any():
            step = self._subspace_step(model, x, g, cauchy, free)
            target = self._projected_step(x, g, cauchy.point, step, free)
        direction = target - x
        return vectors.vector(direction), self._longest(x, direction)

    def _breakpoints(self, x: Array, g: Array) -> Array:
        """Return how far each variable can go against the gradient before it meets a bound."""
        room = np.where(g < 0.0, x - self.high, x - self.low)
        times: Array = np.divide(room, g, out=np.full(x.size, math.inf), where=g != 0.0)
        return times

    def cauchy_point(self, model: Model, x: Array, g: Array) -> Cauchy:
        """Follow the projected path of steepest descent to the model's first minimum on it."""
        if not model.W.shape[1]:  # every variable moves by itself
            return Cauchy(np.clip(x - g, self.low, self.high), np.zeros(0))
        times = self._breakpoints(x, g)
        d = np.where(times > 0.0, -g, 0.0)
        point, c = np.array(x), np.zeros(model.W.shape[1])
        p = model.W.T @ d
        derivative = -float(d.dot(d))
        curvature = first = -model.theta * derivative - float(p @ model.M @ p)
        if derivative == 0.0:
            return Cauchy(point, c)
        now, best = 0.0, -derivative / curvature
        waiting = np.flatnonzero((times > 0.0) & (times < math.inf))
        for place in waiting[np.argsort(times[waiting], kind="stable")].tolist():
            move = float(times[place]) - now
            if best < move:
                break
            bound = self.high[place] if d[place] > 0.0 else self.low[place]
            way, w, each = float(bound - x[place]), model.W[place], float(g[place])
            point[place], d[place] = bound, 0.0
            c += move * p
            derivative += (
                move * curvature + each * each + model.theta * each * way - each * float(w @ model.M @ c)
            )
            curvature -= model.theta * each * each + 2.0 * each * float(w @ model.M @ p)
            curvature -= each * each * float(w @ model.M @ w)
            curvature = max(curvature, LEAST_SHARE * first)
            p += each * w
            now, best = float(times[place]), -derivative / curvature
        best = max(best, 0.0)
        is_moving = d != 0.0
        point[is_moving] = x[is_moving] + (now + best) * d[is_moving]
        return Cauchy(np.clip(point, self.low, self.high), c + best * p)

    def _subspace_step(self, model: Model, x: Array, g: Array, cauchy: Cauchy, free: Mask) -> Array:
        """Return the step from the Cauchy point to the model's minimum over the free variables."""
        theta, W = model.theta, model.W[free]
        residual: Array = g[free] + theta * (cauchy.point - x)[free] - W @ (model.M @ cauchy.c)
        v: Array = model.M @ (W.T @ residual)
        inner: Array = np.eye(v.size) - model.M @ (W.T @ W) / theta
        v = np.asarray(np.linalg.solve(inner, v), dtype=np.float64)
        step: Array = -residual / theta - W @ v / theta**2
        return step

    def _projected_step(self, x: Array, g: Array, point: Array, step: Array, free: Mask) -> Array:
        """Project a step of the free variables, or shorten it where that would not lead downhill."""
        target = np.array(point)
        target[free] = np.clip(point[free] + step, self.low[free], self.high[free])
        if float((target - x).dot(g)) < 0.0:
            return target
        target[free] = point[free] + step * self._share(point[free], step, free)
        return np.clip(target, self.low, self.high)

    def _share(self, point: Array, step: Array, free: Mask) -> float:
        """Return the largest share of a step of the free variables that stays within the bounds."""
        return min(1.0, _reach(point, step, self.low[free], self.high[free]))

    def _longest(self, x: Array, direction: Array) -> float:
        """Return the longest step along a direction within the bounds; 1 leads to a point inside."""
        return max(1.0, _reach(x, direction, self.low, self.high))


def _reach(x: Array, direction: Array, low: Array, high: Array) -> float:
    """Return how many times a direction can be gone before a bound is met."""
    room = np.where(direction < 0.0, low - x, high - x)
    ratios = np.divide(room, direction, out=np.full(x.size, math.inf), where=direction != 0.0)
    return float(np.min(ratios, initial=math.inf))
