"""Kernels that the losses are made of and NumPy has not: logarithms with a weight or near 1.

They take float64 or complex128 arrays and broadcast them as NumPy does. A term whose weight is exactly
0 is 0, whatever its logarithm.
"""

from __future__ import annotations

import math

import numpy as np

from service.core.activation_kernels import is_complex, log1p_kernel, log1p_of
from service.core.arrays import Array, is_finite
from service.core.reduction_kernels import add_reduce, minimum_reduce

LARGE_COSH = 20.0
"""Beyond it the logarithm of cosh grows by exactly what its argument grows."""


def weighted(weight: Array, x: Array) -> Array:
    """Compute weight * x, 0 where the weight is 0."""
    product: Array = weight * x
    if np.isfinite(add_reduce(product, None)):
        return product
    return np.where(weight == 0.0, 0.0, product)


def settle_onto(product: Array, weight: Array) -> Array:
    """Write 0 into a product or quotient where the weight is 0, in its own memory."""
    if not is_finite(product):
        np.copyto(product, 0.0, where=np.equal(weight, 0.0))
    return product


def shifted_log(x: Array, shift: Array, out: Array | None = None) -> Array:
    """Compute log(x + shift) of real elements in the memory of one array."""
    total: Array = np.asarray(np.add(x, shift, out=out))
    return np.log(total, out=total)


def xlogy(weight: Array, x: Array) -> Array:
    """Compute weight * log(x), 0 where the weight is 0."""
    return weighted(weight, np.log(x))


def log_complement(p: Array, epsilon: float) -> Array:
    """Compute log(1 - p + ε).

    Where p is small the 1 takes digits from it, which the logarithm gets back: log(u) is wrong by the
    rounding of u, to first order by that rounding divided by u (Kahan's way to log1p).
    """
    argument = (1.0 - p) + epsilon
    rounding = argument - 1.0
    rounding -= epsilon - p
    rounding *= np.real(p) < 0.5
    rounding /= argument
    result: Array = np.log(argument)
    result -= rounding
    return result


def xlog_complement(weight: Array, p: Array, epsilon: float) -> Array:
    """Compute weight * log(1 - p + ε), 0 where the weight is 0."""
    return weighted(weight, log_complement(p, epsilon))


def log_ratio(a: Array, b: Array) -> Array:
    """Compute log(a) - log(b), which cancel where a and b are close, by log(1 + |a - b| / min(a, b))."""
    if not (is_complex(a) or is_complex(b)):
        smaller = np.minimum(a, b)
        distance = a - b
        if minimum_reduce(smaller, None) > 0.0:
            result = log1p_of(np.absolute(distance) / smaller)
            if is_finite(result):
                return np.copysign(result, distance)
    return _log_ratio_of_any(a, b)


def log_ratio_of_floats(a: float, b: float) -> float:
    """Return the same of two floats."""
    if a > 0.0 < b:
        ratio = abs(a - b) / min(a, b)
        if ratio < math.inf:
            return math.copysign(math.log1p(ratio), a - b)
    return math.log(a) - math.log(b)


def _log_ratio_of_any(a: Array, b: Array) -> Array:
    """Compute log(a) - log(b) of numbers that may be 0, far apart or complex."""
    logarithms = (a - b) / b
    is_near = (np.absolute(logarithms) < 0.5) & (np.real(b) > 0.0)
    # One name, so that no more arrays are held than are needed.
    logarithms = log1p_kernel(np.where(is_near, logarithms, 0.0))
    return np.where(is_near, logarithms, np.log(a) - np.log(b))


def relative_entropy(t: Array, p: Array) -> Array:
    """Compute t * (log(t) - log(p)), 0 where t is 0."""
    return weighted(t, log_ratio(t, p))


def log_of_cosh(x: Array) -> Array:
    """log(cosh(x)); near 0 by 2 sinh(x/2)**2, which is cosh(x) - 1."""
    distance = np.absolute(x)
    near = np.minimum(distance, LARGE_COSH)
    result: Array = np.log1p(2.0 * np.square(np.sinh(0.5 * near))) + (distance - near)
    return result


def divide_weighted(weight: Array, x: Array) -> Array:
    """Compute weight / x, 0 where the weight is 0."""
    return np.where(weight == 0.0, 0.0, weight / x)
