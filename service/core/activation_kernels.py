"""Kernels of softmax, sigmoid and their kin: fast, stable, unchecked.

They take float64 or complex128 arrays, or plain numbers where no axis is needed. The public
functions of `activations` and the function language, its complex step among them, share them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_tuple

from service.core.arrays import Array, Axis, Mask, is_finite, is_vectorised
from service.core.reduction_kernels import (
    add_reduce,
    maxima,
    maximum_reduce,
    minimum_reduce,
    sum_of_squares,
    sums,
)

SUM_NEAR_ONE = 1.25
"""Below it log(sum) loses digits to the 1 of the largest element, and log1p of the rest does not."""

LARGE = 2**13
"""Elements from which a maximum along an axis costs more than to see that it need not be subtracted."""
SAFE_EXPONENT = 650.0
"""Magnitude up to which exp, and sums of as many as the memory holds, neither overflow nor lose digits."""
SAFE_FIRST = -10.0
"""An element from which the sum of exp is so large that shares of it keep their digits down to 1e-303."""

SMALLEST_SQUARE = 1e-290
"""Sums of squares below it may have lost digits to underflow."""

HAS_VECTOR_LOG1P = is_vectorised("log1p")
"""Whether NumPy's log1p takes about as long as its log."""

BLOCK = 16_384
"""Elements at a time: temporaries of this size stay in the cache and in memory that is mapped already."""


def is_complex(x: object) -> bool:
    """Tell whether an array or number is complex: the complex step is at work."""
    return np.asarray(x).dtype.kind == "c"


def chosen(condition: Mask, x: Array, y: Array, out: Array) -> Array:
    """Write x where a condition holds, else y."""
    np.copyto(out, y)
    if condition.shape == out.shape and np.ndim(x) in (0, out.ndim) and np.size(x) in (1, out.size):
        np.putmask(out, condition, x)  # faster where the condition changes often
    else:
        np.copyto(out, x, where=condition)
    return out


def log1p_kernel(x: Array) -> Array:
    """log(1 + x), for complex x too, where NumPy's own loses the digits of a small real part."""
    if not is_complex(x):
        return np.log1p(x)
    real, imaginary = x.real, x.imag
    magnitude = 0.5 * np.log1p(real * (2.0 + real) + imaginary * imaginary)
    return np.asarray(magnitude + 1j * np.arctan2(imaginary, 1.0 + real))


def softmax_kernel(x: Array, axis: Axis = -1) -> Array:
    """exp(x - max) / sum(exp(x - max)) along the axis.

    Of complex elements the maximum has the largest real part; subtracting it whole, imaginary
    part included, leaves derivatives their digits where the softmax saturates.
    """
    powers = np.empty_like(x)
    np.subtract(x, maxima(x, axis), powers)
    np.exp(powers, powers)
    powers /= sums(powers, axis)
    return powers


def log_softmax_kernel(x: Array, axis: Axis = -1, out: Array | None = None) -> Array:
    """Compute x - max - log(sum(exp(x - max))) along the axis."""
    shifted: Array = np.subtract(x, maxima(x, axis), out=out)
    shifted -= _log_of_sum(shifted, axis)
    return shifted


def logsumexp_kernel(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """Compute max + log(sum(exp(x - max))) over the axis; infinities are themselves."""
    top = maxima(x, axis)
    top = np.where(np.isfinite(top), top, 0.0)
    result: Array = top + _log_of_sum(x - top, axis)
    return result if keepdims else result.squeeze(axis)


def exponent_shift(x: Array, axis: Axis, out: Array | None = None) -> Array:
    """Return what to subtract from real x before exp, with kept axes: the maximum, or 0 where that will do.

    It will where no exp of a large array overflows, and no sum of exp is so small that shares of it lose
    digits: the first elements along the axis show that of most data, the smallest of all of the rest.
    """
    if x.size < LARGE:
        return maxima(x, axis)  # few numbers, which need no place
    axes = range(x.ndim) if axis is None else normalize_axis_tuple(axis, x.ndim)
    first = x[tuple([slice(0, 1) if each in axes else slice(None) for each in range(x.ndim)])]
    is_low = minimum_reduce(first, None) < SAFE_FIRST and minimum_reduce(x, None) < -SAFE_EXPONENT
    is_safe = not is_low and maximum_reduce(x, None) <= SAFE_EXPONENT
    shift = np.empty(first.shape) if out is None else out
    shift[...] = 0.0 if is_safe else maxima(x, axis)
    return shift


def shifted_exp(x: Array, shift: Array, out: Array | None = None) -> Array:
    """Compute exp(x - shift), at once where there is nothing to subtract."""
    if np.count_nonzero(shift):
        out = x = np.subtract(x, shift, out=out)
    result: Array = np.exp(x, out=out)
    return result


def logsumexp_of(x: Array, shift: Array, powers: Array, total: Array, axis: Axis, keepdims: bool) -> Array:
    """Compute the logsumexp of real x from a shift, exp(x - shift) and their sum, with kept axes."""
    is_near = np.absolute(total - 1.0) < SUM_NEAR_ONE - 1.0
    has_near = np.logical_or.reduce(is_near, None)
    if not np.isfinite(shift).all() or (has_near and not np.count_nonzero(shift)):
        return logsumexp_kernel(x, axis, keepdims)
    result: Array = np.log(total)
    if has_near:
        others = sums(powers - (x == shift), axis)
        result = np.where(is_near, np.log1p(np.where(is_near, others, 0.0)), result)
    result = result + shift
    return result if keepdims else result.squeeze(axis)


def _log_of_sum(shifted: Array, axis: Axis) -> Array:
    """log(sum(exp(shifted))) with kept axes; the largest element along the axis is 0."""
    powers = np.exp(shifted)
    result: Array = sums(powers, axis)
    is_near = np.absolute(result - 1.0) < SUM_NEAR_ONE - 1.0
    result = np.log(result)
    if np.logical_or.reduce(is_near, None):
        powers -= shifted == 0.0
        others = log1p_kernel(np.where(is_near, sums(powers, axis), 0.0))
        result = np.where(is_near, others, result)
    return result


def decay_of(x: Array) -> Array:
    """exp(-|x|), which cannot overflow, of real elements."""
    power: Array = np.absolute(x)
    out = power if np.ndim(power) else None
    result: Array = np.exp(np.negative(power, out=out), out=out)
    return result


def sigmoid_kernel(x: Array) -> Array:
    """1 / (1 + exp(-x)), by exp(-|x|), which cannot overflow."""
    if is_complex(x):
        is_negative = np.real(x) < 0.0
        decay = np.exp(np.where(is_negative, x, -x))
        ratio: Array = np.where(is_negative, decay, 1.0) / (1.0 + decay)
        return ratio
    power = decay_of(x)
    total = 1.0 + power
    out = power if np.ndim(power) else None
    result: Array = np.divide(np.maximum(power, np.greater_equal(x, 0.0), out=out), total, out=out)
    return result


def probability_of(odds: Array, total: Array, out: Array | None = None) -> Array:
    """Divide odds by 1 + odds; 1 where they overflowed."""
    result: Array = np.divide(odds, total, out=out)
    if not is_finite(result):
        np.copyto(result, 1.0, where=np.isposinf(total))
    return result


def complement_of(total: Array, x: Array, out: Array | None = None) -> Array:
    """Divide 1 by 1 + odds, of the odds exp(x); exp(-x) where they overflowed."""
    is_safe = is_finite(total)
    result: Array = np.divide(1.0, total, out=out)
    if not is_safe:
        is_lost = np.equal(result, 0.0)
        result = np.negative(x, out=np.asarray(result), where=is_lost)  # in the memory of the result alone
        np.exp(result, out=result, where=is_lost)
    return result


def log_of_total(odds: Array, x: Array, out: Array | None = None) -> Array:
    """log(1 + odds) of the odds exp(x); x where they overflowed."""
    result = log1p_of(odds, out)
    if not is_finite(result):
        np.copyto(result, x, where=np.isposinf(odds))
    return result


def log1p_of(x: Array, out: Array | None = None) -> Array:
    """log(1 + x) of real x above -1, in memory other than that of x."""
    return np.log1p(x, out=out) if HAS_VECTOR_LOG1P else log1p_by_log(x, out)


def log1p_by_log(x: Array, out: Array | None = None) -> Array:
    """Return the same by a logarithm; about 1 ulp off.

    log(u) is wrong by the rounding of u, to first order by that rounding divided by u (Kahan's way to log1p).
    """
    total: Array = np.asarray(np.add(x, 1.0, out=out))
    rounding = np.asarray(total - 1.0)
    np.subtract(x, rounding, out=rounding)
    rounding /= total
    np.log(total, out=total)
    total += rounding
    return total


def softplus_kernel(x: Array) -> Array:
    """log(1 + exp(x)) = max(x, 0) + log(1 + exp(-|x|))."""
    if is_complex(x):
        is_negative = np.real(x) < 0.0
        decay = np.exp(np.where(is_negative, x, -x))
        return np.where(is_negative, 0.0, x) + log1p_kernel(decay)
    result: Array = np.log1p(decay_of(x))
    result += np.maximum(x, 0.0)
    return result


def log_sigmoid_kernel(x: Array) -> Array:
    """log(sigmoid(x)) = -softplus(-x), and 0 rather than -0 where it vanishes."""
    return 0.0 - softplus_kernel(-x)


def norm_kernel(x: Array, axis: Axis = None, keepdims: bool = False) -> Array:
    """2-norm over the axis, of real elements.

    Only where a square left the range of float64 the elements are scaled, by a power of two, which
    rounds nothing: a slice has the same bits whatever stands beside it.
    """
    is_whole = axis is None and not keepdims
    total = sum_of_squares(x) if is_whole else add_reduce(np.square(x), axis, None, None, keepdims)
    is_safe = (total > SMALLEST_SQUARE) & (total < np.inf)
    if np.logical_and.reduce(is_safe, None):
        result: Array = np.sqrt(total)
        return result
    exponent = np.frexp(maximum_reduce(np.absolute(x), axis, None, None, True, 0.0))[1]
    exponent = np.maximum(exponent, -1000)  # 2**1074 would overflow
    scaled = x * np.ldexp(1.0, -exponent)
    root = np.sqrt(add_reduce(np.square(scaled), axis, None, None, True))
    result = np.ldexp(root, exponent)
    return result if keepdims else result.squeeze(axis)


def in_blocks(kernel: Callable[..., Array]) -> Callable[..., Array]:
    """Make an element-wise kernel take a large array block by block."""

    @wraps(kernel)
    def of_blocks(x: Array, *more: Any) -> Array:
        if np.size(x) <= BLOCK:
            return np.asarray(kernel(x, *more))
        result = np.empty_like(x)
        elements, places = x.ravel("K"), result.ravel("K")  # in the order in which they stand
        for start in range(0, x.size, BLOCK):
            block = slice(start, start + BLOCK)
            places[block] = kernel(elements[block], *more)
        return result

    return of_blocks
