"""What arranges arrays and solves equations, on object arrays of mpmath's numbers."""

import math

import numpy as np

from tests.fuzz.arithmetic import NAN, axes_of, mp, reduction


def asarray(function):
    return lambda *arrays, **options: np.asarray(function(*arrays, **options), dtype=object)


def one_axis(function):
    """Refuse what names several axes, where NumPy takes one."""

    def along(x, axis=None, **options):
        if type(axis) is tuple:
            raise ValueError("one axis alone")
        axes_of(axis, x.ndim)
        return np.asarray(function(x, axis=axis, **options), dtype=object)

    return along


def last_axis(function):
    return lambda x, axis=-1, **options: one_axis(function)(x, axis=axis, **options)


def joined(function):
    def join(*arrays, axis=0):
        if type(axis) is tuple:
            raise ValueError("one axis alone")
        return np.asarray(function(arrays, axis=axis), dtype=object)

    return join


def quantile(x, q, axis=None, keepdims=False):
    """Interpolate between neighbours in ascending order."""
    if not 0 <= q <= 1:
        raise ValueError("no fraction")

    def interpolated(numbers):
        if any(map(mp.isnan, numbers)):
            return NAN
        ordered, place = sorted(numbers), mp.mpf(q) * (len(numbers) - 1)
        low = min(int(place), len(numbers) - 1)
        high = min(low + 1, len(numbers) - 1)
        return ordered[low] + (ordered[high] - ordered[low]) * (place - low)

    return reduction(interpolated)(x, axis, keepdims)


def variance(x, axis=None, ddof=0.0, keepdims=False):
    count = math.prod(x.shape[place] for place in axes_of(axis, x.ndim))
    if count <= ddof:
        raise ValueError("too few elements")

    def spread(numbers):
        mean = mp.fsum(numbers) / len(numbers)
        return mp.fsum((number - mean) ** 2 for number in numbers) / (len(numbers) - mp.mpf(ddof))

    return reduction(spread)(x, axis, keepdims)


def deviation(x, **options):
    return np.asarray(np.frompyfunc(mp.sqrt, 1, 1)(variance(x, **options)), dtype=object)


def of_matrices(function, is_scalar=False):
    """Apply a function of one square matrix over leading axes; NaN where it is singular."""

    def apply(x):
        if x.ndim < 2 or x.shape[-1] != x.shape[-2]:
            raise ValueError("no square matrix")
        result = np.full(x.shape[:-2] if is_scalar else x.shape, NAN, dtype=object)
        for place in np.ndindex(x.shape[:-2]):
            try:
                found = function(mp.matrix(x[place].tolist()))
            except (ZeroDivisionError, ValueError):
                continue
            result[place] = found if is_scalar else np.array(found.tolist(), dtype=object)
        return result

    return apply


inverse = of_matrices(mp.inverse)
determinant = of_matrices(mp.det, is_scalar=True)
log_determinant = of_matrices(lambda x: mp.log(mp.det(x)) if mp.det(x) > 0 else NAN, is_scalar=True)
cholesky = of_matrices(mp.cholesky)


def triangle(function):
    def part(x, k=0):
        if x.ndim < 2:
            raise ValueError("a matrix is meant")
        return np.asarray(function(x, k), dtype=object)

    return part


def trace(x, offset=0):
    if x.ndim != 2:
        raise ValueError("a matrix is meant")
    return np.asarray(np.trace(x, offset), dtype=object)


def solve(a, b):
    return np.asarray(np.matmul(inverse(a), b), dtype=object)


def solve_triangular(a, b, lower=False):
    if a.ndim < 2:
        raise ValueError("a matrix is meant")
    return solve(np.tril(a) if lower else np.triu(a), b)


def convolve(x, w):
    if x.ndim != 1 or w.ndim != 1:
        raise ValueError("two vectors")
    result = [mp.mpf(0)] * (len(x) + len(w) - 1)
    for place, number in enumerate(x):
        for shift, weight in enumerate(w):
            result[place + shift] += number * weight
    return np.array(result, dtype=object)


def tensordot(a, b, axes=2):
    if axes == -1:  # NumPy takes it for 0
        raise ValueError("so many axes there are not")
    return np.asarray(np.tensordot(a, b, axes), dtype=object)


def squeeze(x, axis=None):
    axes_of(axis, x.ndim)
    return np.asarray(np.squeeze(x, axis), dtype=object)


def roll(x, shift, axis=None):
    return np.asarray(np.roll(x, shift, axis), dtype=object)


MATRICES = {
    "concatenate": joined(np.concatenate),
    "stack": joined(np.stack),
    "roll": roll,
    "flip": asarray(np.flip),
    "repeat": lambda x, repeats, axis=None: one_axis(np.repeat)(x, axis=axis, repeats=repeats),
    "tile": asarray(np.tile),
    "broadcast_to": asarray(np.broadcast_to),
    "squeeze": squeeze,
    "expand_dims": asarray(np.expand_dims),
    "diag": asarray(np.diag),
    "tril": triangle(np.tril),
    "triu": triangle(np.triu),
    "trace": trace,
    "outer": asarray(np.outer),
    "tensordot": tensordot,
    "cumsum": one_axis(np.cumsum),
    "diff": last_axis(np.diff),
    "sort": last_axis(np.sort),
    "median": lambda x, axis=None, keepdims=False: quantile(x, 0.5, axis, keepdims),
    "quantile": quantile,
    "var": variance,
    "std": deviation,
    "inv": inverse,
    "det": determinant,
    "logdet": log_determinant,
    "cholesky": cholesky,
    "solve": solve,
    "solve_triangular": solve_triangular,
    "convolve": convolve,
}
"""By the name of the operations table's row."""
