"""Arithmetic of 150 digits on arrays: what the definitions are written in."""

import math

import mpmath
import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

mp = mpmath.MPContext()
mp.dps = 150

NAN = mp.nan


def precise(array):
    """Turn float64 numbers into exact ones."""
    return each(lambda x: mp.mpf(float(x)))(np.asarray(array, dtype=object))


def each(function):
    """Apply a function of numbers element by element, with broadcasting."""

    def real(*numbers):
        try:
            result = function(*numbers)
        except (ArithmeticError, ValueError):
            return NAN
        return result if isinstance(result, mp.mpf) else NAN if isinstance(result, mp.mpc) else mp.mpf(result)

    def broadcast(*arrays):
        return np.asarray(np.frompyfunc(real, len(arrays), 1)(*arrays), dtype=object)

    return broadcast


def compare(function):
    """Compare element by element."""

    def broadcast(a, b):
        return np.asarray(np.frompyfunc(function, 2, 1)(a, b), dtype=bool)

    return broadcast


def choose(condition, a, b):
    """Take a or b by each element of the condition."""
    return np.asarray(np.where(condition, a, b), dtype=object)


def axes_of(axis, rank):
    """Return the axes that a reduction goes over; a scalar has none to name."""
    return normalize_axis_tuple(range(rank) if axis is None else axis, rank)


def reduction(function, empty=None):
    """Reduce over axes by a function of a list of numbers."""

    def reduce(x, axis=None, keepdims=False):
        axes = axes_of(axis, x.ndim)
        kept = [place for place in range(x.ndim) if place not in axes]
        count = math.prod(x.shape[place] for place in axes)
        rows = np.transpose(x, (*kept, *axes)).reshape(*(x.shape[place] for place in kept), count)
        if not count and empty is None:
            raise ValueError("there is no element to reduce")
        result = np.empty(rows.shape[:-1], dtype=object)
        for place in np.ndindex(result.shape):
            result[place] = function(list(rows[place])) if count else mp.mpf(empty)
        shape = [1 if place in axes else size for place, size in enumerate(x.shape)]
        return result.reshape(shape) if keepdims else result

    return reduce


def extreme(choice):
    """Return the choice among numbers, NaN when one of them is."""
    return lambda numbers: NAN if any(mp.isnan(number) for number in numbers) else choice(numbers)


def extreme_of_two(choice):
    return lambda a, b: extreme(choice)([a, b])
