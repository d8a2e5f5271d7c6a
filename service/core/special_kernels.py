"""Kernels of special functions and of their derivatives, of any finite real argument.

SciPy has them for arrays; where it loses relative accuracy (erfc, lgamma near its zeros) they stand here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.polynomial import Polynomial
from scipy import special

from service.core.arrays import Array

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


def bell(x: Array) -> Array:
    """exp(-x**2), of full relative accuracy: the rounding of the square is part of the exponent."""
    x = np.clip(x, -40.0, 40.0)
    high = x * SPLITTER
    high = high - (high - x)
    result: Array = np.exp(-high * high) * np.exp((high - x) * (high + x))
    return result


def _times_half_root(x: Any) -> tuple[Any, Any]:
    """Multiply a float or an array with the root of 1/2; returns the product and what rounding lost of it."""
    product = x * HALF_ROOT
    high = x * SPLITTER
    high = high - (high - x)
    low = x - high
    lost = ((high * ROOT_HIGH - product) + high * ROOT_LOW + low * ROOT_HIGH) + low * ROOT_LOW
    return product, lost + x * ROOT_REST


def normal_cdf(x: Array) -> Array:
    """Return the standard normal distribution function, of full relative accuracy in its lower tail.

    There erfc magnifies the rounding of its argument by twice the argument's square: a step of Newton
    corrects it.
    """
    point, lost = _times_half_root(np.clip(x, -40.0, 40.0))
    result: Array = 0.5 * erfc(-point) + lost * np.exp(-point * point) / math.sqrt(math.pi)
    return result


def normal_cdf_of_float(x: float) -> float:
    """Return the same of a float."""
    point, lost = _times_half_root(min(max(x, -40.0), 40.0))
    return float(0.5 * math.erfc(-point) + lost * math.exp(-point * point) / math.sqrt(math.pi))


def normal_density(x: Array) -> Array:
    """exp(-x**2 / 2) / sqrt(2 pi), of full relative accuracy, as `bell`."""
    x = np.clip(x, -60.0, 60.0)
    high = x * SPLITTER
    high = high - (high - x)
    power = np.exp(-0.5 * high * high) * np.exp(-0.5 * (x - high) * (x + high))
    result: Array = power / math.sqrt(2.0 * math.pi)
    return result


def erfc(x: Array) -> Array:
    """1 - erf(x), by the C library, element by element: SciPy's is wrong by hundreds of ulp in the tail."""
    elements = np.ravel(x).data
    return np.fromiter(map(math.erfc, elements), dtype=float, count=len(elements)).reshape(np.shape(x))


def lgamma(x: Array) -> Array:
    """log(abs(gamma(x))); near its zeros 1 and 2 by the series about 2 (Abramowitz and Stegun 6.1.33)."""
    is_near = np.abs(np.subtract(x, 1.5)) < 1.0
    is_low = np.less(x, 1.5)
    distance = np.where(is_near, np.where(is_low, np.subtract(x, 1.0), np.subtract(x, 2.0)), 0.0)
    series = (1.0 - EULER) * distance + distance * distance * np.polyval(_COEFFICIENTS, distance)
    series = series - np.where(is_low, np.log1p(distance), 0.0)
    result: Array = np.where(is_near, series, special.gammaln(x))
    return result


def digamma(x: Array) -> Array:
    """Differentiate lgamma; below 0 by reflection, from the distance to the nearest pole, which is exact."""
    is_below = np.less(x, 0.0)
    distance = np.where(is_below, np.subtract(x, np.rint(x)), 0.5)
    mirrored = special.digamma(np.where(is_below, np.subtract(1.0, x), x))
    result: Array = mirrored - np.where(is_below, np.pi / np.tan(np.pi * distance), 0.0)
    return result


def polygamma(x: Array, order: Any) -> Array:
    """Differentiate digamma so many times; below 0 by reflection (Abramowitz and Stegun 6.4.7)."""
    order = int(order)
    is_below = np.less_equal(x, 0.0)
    sign = (-1.0) ** (order + 1)
    mirrored = np.where(is_below, np.subtract(1.0, x), x)
    positive = sign * special.factorial(order) * special.zeta(order + 1, mirrored)
    if not np.any(is_below):
        return np.asarray(positive)
    distance = np.pi * np.where(is_below, np.subtract(x, np.rint(x)), 0.5)
    sine = np.sin(distance)
    reflected = np.pi ** (order + 1) * _cotangent(np.cos(distance) / sine, np.square(1.0 / sine), order)
    result: Array = np.where(is_below, -sign * positive - reflected, positive)
    return result


def _cotangent(cotangent: Array, square: Array, order: int) -> Array:
    """Differentiate the cotangent, a polynomial P of itself: P' times -(1 + cotangent**2), so many times.

    `square` is 1 + cotangent**2. It stays a factor, since near 0 the powers of the cotangent alone cancel.
    """
    factor = Polynomial([-1.0])
    for _ in range(order - 1):
        factor = -(factor.deriv() * Polynomial([1.0, 0.0, 1.0]) + factor * Polynomial([0.0, 2.0]))
    result: Array = factor(cotangent) * square
    return result


def sinc(x: Array) -> Array:
    """sin(pi x) / (pi x), accurate near its zeros: x is reduced before it is multiplied with pi."""
    is_near = np.abs(x) < _NEAR
    turn = np.subtract(x, 2.0 * np.rint(np.multiply(x, 0.5)))
    half = np.where(np.abs(turn) > 0.5, np.copysign(1.0 - np.abs(turn), turn), turn)
    angle = np.multiply(np.pi, np.where(is_near, 1.0, x))
    result: Array = np.where(is_near, _bessel_series(x, 0), np.sin(np.pi * half) / angle)
    return result


def sinc_derivative(x: Array) -> Array:
    """Differentiate sinc: near 0 by its power series, beyond by (cos(pi x) - sinc(x)) / x."""
    is_near = np.abs(x) < _NEAR
    turn = np.abs(np.subtract(x, 2.0 * np.rint(np.multiply(x, 0.5))))
    cosine = np.where(turn < 0.5, np.cos(np.pi * turn), -np.cos(np.pi * (1.0 - turn)))
    cosine = np.where(np.abs(turn - 0.5) < 0.25, np.sin(np.pi * (0.5 - turn)), cosine)
    beyond = (cosine - sinc(x)) / np.where(is_near, 1.0, x)
    result: Array = np.where(is_near, -np.pi * _bessel_series(x, 1), beyond)
    return result


def spherical_bessel(x: Array, order: Any) -> Array:
    """Compute the spherical Bessel function of the first kind at pi x: sinc and its derivatives are of it.

    Beyond the power series by recurrence from sinc and its derivative (Abramowitz and Stegun 10.1.19),
    which reduce x before it is multiplied with pi: the rounding of pi x is all that is left of a large x.
    """
    order, x = int(order), np.asarray(x, dtype=float)
    is_near = np.abs(x) < _NEAR
    beyond = np.where(is_near, 1.0, x)
    below, found = sinc(beyond), sinc_derivative(beyond) / -np.pi
    for n in range(1, order):
        below, found = found, (2 * n + 1) / (np.pi * beyond) * found - below
    result: Array = np.where(is_near, _bessel_series(x, order), found if order else below)
    return result


def _bessel_series(x: Array, order: int) -> Array:
    """Sum the power series of the same near 0 (Abramowitz and Stegun 10.1.2)."""
    near = np.where(np.abs(x) < _NEAR, np.multiply(np.pi, x), 0.0)
    half = -0.5 * near * near
    total = np.ones_like(half)
    for k in range(_TERMS, 0, -1):
        total = 1.0 + half * total / (k * (2 * (order + k) + 1))
    result: Array = near**order / special.factorial2(2 * order + 1) * total
    return result
