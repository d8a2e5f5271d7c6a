"""What a program must give: by its tree, with a tolerance that comes from the program itself."""

from dataclasses import dataclass

import numpy as np

from tests.fuzz.arithmetic import mp, precise
from tests.fuzz.programs import Evaluation

SEEDS = (0, 1, 2)
MARGIN = 30
"""How many times the largest effect of rounding that was seen in a few trials float64 may be off."""
ROUNDING = 2.0**-50
SMALLEST = mp.mpf("1e-290")
SMALLEST_SLOPE = mp.mpf("1e-55")
"""What the smallest step leaves of the third derivative."""
STEEPEST = mp.mpf("1e18")
"""A difference quotient beyond it is that of a jump."""
ALONG = mp.mpf("1e-40")
"""The step along a direction, far below that of a slope: a slope over a corner then has a huge derivative."""
SECOND = mp.mpf("1e-10")
"""What may cancel in derivatives of derivatives, whose roundings are others than those of the tree."""
ONE_SIDED = ((1, 0), (0, -1), (2, 0))
"""From above, from below, and from farther above: a quotient over a jump halves with twice the step."""
EXACTLY = None
"""The seed of an evaluation without rounding errors."""


class Undefined(Exception):
    """There is no value or no derivative at this place."""


@dataclass(frozen=True)
class Numbers:
    """Numbers, and how far off float64 may be."""

    exact: np.ndarray
    tolerance: np.ndarray

    def holds(self, got):
        got = np.asarray(got)
        return got.shape == self.exact.shape and np.all(abs(precise(got) - self.exact) <= self.tolerance)


def tolerant(exact, trials, more=0):
    """Allow for what rounding does in trials, and for more."""
    spread = np.max([abs(trial - exact) for trial in trials], axis=0)
    return Numbers(exact, MARGIN * spread + ROUNDING * abs(exact) + SMALLEST + more)


def tolerant_each(exact, trials, more=0):
    return {name: tolerant(array, [trial[name] for trial in trials], more) for name, array in exact.items()}


def smallest_step(x):
    """Return a step so small that nothing is left of the error of a difference."""
    return abs(x) * mp.mpf("1e-20") if x else mp.mpf("1e-30")


STEPS = {
    "exact": smallest_step,
    "central": lambda x: mp.mpf(1e-4),
    "forward": lambda x: mp.mpf(1e-8) * max(1, abs(x)),
}
"""The step by method, at an element of a variable."""


class Expected:
    """Value and derivatives of a program at its point, and the way of a descent from there."""

    def __init__(self, program):
        self.tree = program.value
        self.constants = {name: precise(array) for name, array in program.constants.items()}
        self.start = {name: precise(array) for name, array in program.variables.items()}
        self.value = tolerant(self.at(self.start), [self.at(self.start, seed) for seed in SEEDS])
        self.left_by_steps = SMALLEST_SLOPE + self.left_at_a_corner()
        slopes = [self.slope(self.start, seed=seed) for seed in SEEDS]
        self.gradient = tolerant_each(self.slope(self.start), slopes, self.left_by_steps)
        for numbers in self.gradient.values():
            if np.any(numbers.tolerance > abs(numbers.exact) + 1):
                raise Undefined  # rounding decides it

    def at(self, point, seed=EXACTLY, is_for_derivatives=False):
        """Return the value at a point."""
        value = Evaluation(self.constants | point, seed, is_for_derivatives)(self.tree).reshape(-1)[0]
        if not mp.isfinite(value):
            raise Undefined
        return np.array(value, dtype=object)

    def slope(self, point, method="exact", seed=EXACTLY, sides=(1, -1)):
        """Return the difference quotient for every element, with the step of a method.

        Rounding errors of the two sides differ, but for the exact derivative, which has none.
        """
        sides = (1, 0) if method == "forward" else sides
        seeds = [seed if seed is EXACTLY or method == "exact" else 2 * seed + side for side in (0, 1)]
        found = {name: np.empty(array.shape, dtype=object) for name, array in point.items()}
        for name, array in point.items():
            for place in np.ndindex(array.shape):
                h = STEPS[method](array[place])
                first, second = (
                    self.at(moved(point, name, place, side * h), each, method == "exact")
                    for side, each in zip(sides, seeds, strict=True)
                )
                found[name][place] = (first - second) / ((sides[0] - sides[1]) * h)
        return found

    def left_at_a_corner(self):
        """Return what the smallest step leaves where the second derivative jumps, as that of relu(x)**2 at 0.

        Raise `Undefined` where the first does: where the derivatives of `ONE_SIDED` differ.
        """
        sides = [self.slope(self.start, sides=sides) for sides in ONE_SIDED]
        refuse_a_kink(sides, mp.mpf("1e-25"))
        above, below, farther = (np.concatenate([each[name].flat for name in each]) for each in sides)
        return np.max(abs(2 * (farther - above) - (above - below)))

    def array_along(self, node, direction):
        """Return the derivative of an array along a direction."""

        def array(point, seed):
            found = Evaluation(self.constants | point, seed, True)(node)
            if not all(map(mp.isfinite, found.flat)):
                raise Undefined
            return {"": found}

        return self.along(direction, array)[""]

    def slope_along(self, direction):
        """Return the derivative of the gradient along a direction: the Hessian's product with it."""
        steepest = max(abs(x) for numbers in self.gradient.values() for x in numbers.exact.flat)
        more = SECOND * max(1, steepest)
        return self.along(direction, lambda point, seed: self.slope(point, seed=seed), more)

    def along(self, direction, function, more=SMALLEST_SLOPE):
        """Differentiate arrays by name along a direction, unless there is a corner."""
        sides = [along(function, self.start, direction, EXACTLY, sides) for sides in ONE_SIDED]
        refuse_a_kink(sides, mp.mpf("1e-15"))
        exact, *trials = [along(function, self.start, direction, seed) for seed in (EXACTLY, *SEEDS)]
        return tolerant_each(exact, trials, more)

    def quotients(self, method):
        """Return what differences of a method give, None where they leave the domain."""
        try:
            exact, *trials = [self.slope(self.start, method, seed) for seed in (EXACTLY, *SEEDS)]
        except Undefined:
            return None
        return tolerant_each(exact, trials, self.rounding_of_steps(exact, self.start, method))

    def rounding_of_steps(self, quotients, point, method):
        """Bound what rounding x + h adds to a quotient."""
        largest = max(max(1, abs(x)) for array in point.values() for x in array.flat)
        steepest = max(abs(x) for array in quotients.values() for x in array.flat)
        return ROUNDING * largest * steepest / STEPS[method](mp.mpf(1))

    def path(self, method, steps):
        """Return a learning rate, and where as many steps lead: the variables and the value there."""
        steepest = max(abs(x) for numbers in self.gradient.values() for x in numbers.exact.flat)
        rate = float(0.05 / max(1, steepest))
        try:
            (exact, value), *trials = [self.descend(method, rate, steps, seed) for seed in (EXACTLY, *SEEDS)]
        except Undefined:
            return None
        more = self.left_by_steps
        if method != "exact":
            more = 2 * steps * rate * self.rounding_of_steps(self.slope(self.start, method), exact, method)
        variables = tolerant_each(exact, [trial for trial, _ in trials], more)
        slack = 2 * steepest * sum(np.sum(numbers.tolerance) for numbers in variables.values())
        return rate, variables, tolerant(value, [trial for _, trial in trials], slack)

    def descend(self, method, rate, steps, seed):
        point = self.start
        for _ in range(steps):
            slope = self.slope(point, method, seed)
            point = {name: np.asarray(array - mp.mpf(rate) * slope[name]) for name, array in point.items()}
        return point, self.at(point, seed)


def refuse_a_kink(derivatives, least):
    """Raise `Undefined` where derivatives from several sides differ by more than the least."""
    for name in derivatives[0]:
        sides = np.array([each[name] for each in derivatives], dtype=object)
        size, spread = np.max(abs(sides), axis=0), np.max(sides, axis=0) - np.min(sides, axis=0)
        if np.any(spread > mp.mpf("1e-8") * size + least) or np.any(size > STEEPEST):
            raise Undefined


def along(function, point, direction, seed, sides=(1, -1)):
    """Return the difference quotient along a direction."""
    first, second = (
        function(
            {name: np.asarray(array + side * ALONG * direction[name]) for name, array in point.items()}, seed
        )
        for side in sides
    )
    return {
        name: np.asarray((first[name] - second[name]) / ((sides[0] - sides[1]) * ALONG)) for name in first
    }


def moved(point, name, place, step):
    """Return a point with one element moved."""
    array = point[name].copy()
    array[place] += step
    return point | {name: array}
