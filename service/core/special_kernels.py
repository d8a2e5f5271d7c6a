"""Kernels of special functions and of their derivatives, of any finite real argument.

SciPy has them for arrays; where it loses relative accuracy (erfc, lgamma near its zeros) they stand here.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.polynomial import Polynomial
from scipy import special

from service.core.activation_kernels import in_blocks
from service.core.arrays import Array

OfArray = Callable[[Array], Array]

SPLITTER = 134217729.0
"""2**27 + 1: a product with it parts a number into halves of 26 bits (Dekker 1971)."""

HALF_ROOT = math.sqrt(0.5)
ROOT_HIGH = HALF_ROOT * SPLITTER - (HALF_ROOT * SPLITTER - HALF_ROOT)
ROOT_LOW = HALF_ROOT - ROOT_HIGH
ROOT_REST = -4.833646656726457e-17
"""The root of 1/2, its halves, and what is left of it beyond float64."""

_TERMS, _NEAR = 12, 0.5
"""Of the power series of the spherical Bessel functions at pi x, and up to which x it is used: further terms
are below the rounding there."""

EULER = 0.5772156649015329

_ORDERS = np.arange(2, 40)
_COEFFICIENTS = (special.zetac(_ORDERS) / _ORDERS * (-1.0) ** _ORDERS)[::-1]
"""Those of lgamma(2 + x) beyond the linear term, the last first."""


def _except(is_other: Any, other: OfArray, kernel: OfArray, x: Array) -> Array:
    """Apply a kernel, which takes a 1 in their place, and another to the elements where a condition holds."""
    places = np.flatnonzero(is_other)
    if not places.size:
        return np.asarray(kernel(x))
    result = np.asarray(kernel(np.where(is_other, 1.0, x)))
    np.put(result, places, other(np.take(x, places)))
    return result


@in_blocks
def bell(x: Array) -> Array:
    """exp(-x**2), of full relative accuracy."""
    return _exp_of_square(np.clip(x, -40.0, 40.0), -1.0)


@in_blocks
def normal_density(x: Array) -> Array:
    """exp(-x**2 / 2) / sqrt(2 pi), of full relative accuracy."""
    result = _exp_of_square(np.clip(x, -60.0, 60.0), -0.5)
    result /= math.sqrt(2.0 * math.pi)
    return result


def _exp_of_square(x: Array, factor: float) -> Array:
    """exp(factor * x**2), the factor a power of two, right also by what rounding takes from the square."""
    square = x * x
    high = x * SPLITTER
    high -= high - x
    low = x - high
    lost = high * high
    lost -= square
    high *= 2.0
    high *= low
    lost += high
    low *= low
    lost += low
    square *= factor
    result: Array = np.exp(square)
    lost *= factor
    lost *= result
    result += lost
    return result


def _times_half_root(x: Any) -> tuple[Any, Any]:
    """Multiply a float or an array with the root of 1/2; returns the product and what rounding lost of it."""
    product = x * HALF_ROOT
    high = x * SPLITTER
    high -= high - x
    low = x - high
    lost = high * ROOT_HIGH
    lost -= product
    lost += high * ROOT_LOW
    lost += low * ROOT_HIGH
    lost += low * ROOT_LOW
    lost += x * ROOT_REST
    return product, lost


@in_blocks
def normal_cdf(x: Array) -> Array:
    """Return the standard normal distribution function, of full relative accuracy in its lower tail."""
    return _except(np.less(x, -0.5), _lower_tail, lambda x: 0.5 + 0.5 * special.erf(HALF_ROOT * x), x)


def _lower_tail(x: Array) -> Array:
    """Return the same where erfc magnifies the rounding of its argument, which a step of Newton corrects."""
    point, lost = _times_half_root(np.maximum(x, -40.0))
    lost *= np.exp(-point * point) / math.sqrt(math.pi)
    result: Array = 0.5 * _erfc_of_each(-point)
    result += lost
    return result


def normal_cdf_of_float(x: float) -> float:
    """Return the same of a float."""
    point, lost = _times_half_root(min(max(x, -40.0), 40.0))
    return float(0.5 * math.erfc(-point) + lost * math.exp(-point * point) / math.sqrt(math.pi))


@in_blocks
def erfc(x: Array) -> Array:
    """1 - erf(x); where that cancels by the C library, element by element.

    SciPy's is wrong by hundreds of ulp in the tail.
    """
    return _except(np.greater(x, 0.4), _erfc_of_each, lambda x: 1.0 - special.erf(x), x)


def _erfc_of_each(x: Array) -> Array:
    return np.fromiter(map(math.erfc, x.data), dtype=float, count=x.size)


@in_blocks
def lgamma(x: Array) -> Array:
    """log(abs(gamma(x)))."""
    return _except(np.abs(np.subtract(x, 1.5)) < 1.0, _lgamma_near_zeros, special.gammaln, x)


def _lgamma_near_zeros(x: Array) -> Array:
    """Return the same near 1 and 2 by the series about 2 (Abramowitz and Stegun 6.1.33)."""
    is_low = x < 1.5
    distance = x - np.where(is_low, 1.0, 2.0)
    series = (1.0 - EULER) * distance + distance * distance * np.polyval(_COEFFICIENTS, distance)
    result: Array = series - np.where(is_low, np.log1p(distance), 0.0)
    return result


@in_blocks
def digamma(x: Array) -> Array:
    """Differentiate lgamma; below 0 by reflection."""
    return _except(np.less(x, 0.0), _reflected_digamma, special.digamma, x)


def _reflected_digamma(x: Array) -> Array:
    """Return digamma below 0, from the distance to the nearest pole, which is exact."""
    result: Array = special.digamma(1.0 - x) - np.pi / np.tan(np.pi * (x - np.rint(x)))
    return result


@in_blocks
def polygamma(x: Array, order: Any) -> Array:
    """Differentiate digamma so many times; below 0 by reflection (Abramowitz and Stegun 6.4.7)."""
    order = int(order)
    sign = (-1.0) ** (order + 1)

    def above(x: Array) -> Array:
        result: Array = sign * special.factorial(order) * special.zeta(order + 1, x)
        return result

    def below(x: Array) -> Array:
        distance = np.pi * (x - np.rint(x))
        sine = np.sin(distance)
        cotangent = _cotangent(np.cos(distance) / sine, np.square(1.0 / sine), order)
        result: Array = -sign * above(1.0 - x) - np.pi ** (order + 1) * cotangent
        return result

    return _except(np.less_equal(x, 0.0), below, above, x)


def _cotangent(cotangent: Array, square: Array, order: int) -> Array:
    """Differentiate the cotangent, a polynomial P of itself: P' times -(1 + cotangent**2), so many times.

    `square` is 1 + cotangent**2. It stays a factor, since near 0 the powers of the cotangent alone cancel.
    """
    factor = Polynomial([-1.0])
    for _ in range(order - 1):
        factor = -(factor.deriv() * Polynomial([1.0, 0.0, 1.0]) + factor * Polynomial([0.0, 2.0]))
    result: Array = factor(cotangent) * square
    return result


@in_blocks
def sinc(x: Array) -> Array:
    """sin(pi x) / (pi x)."""
    return _except(np.abs(x) < _NEAR, lambda x: _bessel_series(x, 0), _sinc_beyond, x)


def _sinc_beyond(x: Array) -> Array:
    """Return sinc away from 0, accurate near its zeros: x is reduced before it is multiplied with pi."""
    turn = x - 2.0 * np.rint(x * 0.5)
    half = np.where(np.abs(turn) > 0.5, np.copysign(1.0 - np.abs(turn), turn), turn)
    result: Array = np.sin(np.pi * half) / (np.pi * x)
    return result


@in_blocks
def sinc_derivative(x: Array) -> Array:
    """Differentiate sinc: near 0 by its power series."""
    return _except(np.abs(x) < _NEAR, lambda x: -np.pi * _bessel_series(x, 1), _sinc_derivative_beyond, x)


def _sinc_derivative_beyond(x: Array) -> Array:
    """Return (cos(pi x) - sinc(x)) / x."""
    turn = np.abs(x - 2.0 * np.rint(x * 0.5))
    result: Array = (np.sin(np.pi * (0.5 - turn)) - _sinc_beyond(x)) / x
    return result


@in_blocks
def spherical_bessel(x: Array, order: Any) -> Array:
    """Compute the spherical Bessel function of the first kind at pi x: sinc and its derivatives are of it.

    Beyond the power series by recurrence from sinc and its derivative (Abramowitz and Stegun 10.1.19),
    which reduce x before it is multiplied with pi: the rounding of pi x is all that is left of a large x.
    """
    order = int(order)

    def beyond(x: Array) -> Array:
        below, found = _sinc_beyond(x), _sinc_derivative_beyond(x) / -np.pi
        for n in range(1, order):
            below, found = found, (2 * n + 1) / (np.pi * x) * found - below
        return found if order else below

    return _except(np.abs(x) < _NEAR, lambda x: _bessel_series(x, order), beyond, x)


def _bessel_series(x: Array, order: int) -> Array:
    """Sum the power series of the same near 0 (Abramowitz and Stegun 10.1.2)."""
    near = np.pi * x
    half = -0.5 * near * near
    total = np.ones_like(half)
    for k in range(_TERMS, 0, -1):
        total = 1.0 + half * total / (k * (2 * (order + k) + 1))
    result: Array = near**order / special.factorial2(2 * order + 1) * total
    return result
