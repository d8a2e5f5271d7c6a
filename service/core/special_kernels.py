"""Kernels of special functions and of their derivatives, of any finite real argument.

SciPy has them for arrays; where it loses relative accuracy (erfc, lgamma near its zeros) they stand here.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

Array = NDArray[Any]

SPLITTER = 134217729.0
"""2**27 + 1: a product with it parts a number into halves of 26 bits (Dekker 1971)."""

_ERFC = np.frompyfunc(math.erfc, 1, 1)

_TERMS = 12
"""Of the power series of the spherical Bessel functions; the next is below the rounding at 1."""

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


def erfc(x: Array) -> Array:
    """1 - erf(x), by the C library, element by element: SciPy's is wrong by hundreds of ulp in the tail."""
    return np.asarray(_ERFC(x), dtype=float)


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
    """Compute the derivative of lgamma."""
    result: Array = special.digamma(x)
    return result


def polygamma(x: Array, order: Any) -> Array:
    """Differentiate digamma so many times; for x below 0 by reflection, beyond the first order NaN there."""
    order = int(order)
    sign = (-1.0) ** (order + 1)
    positive = sign * special.factorial(order) * special.zeta(order + 1, np.where(np.greater(x, 0.0), x, 1.0))
    if order > 1:
        return np.where(np.greater(x, 0.0), positive, np.nan)
    reflected = np.square(np.pi / np.sin(np.pi * np.subtract(x, np.rint(x)))) - special.zeta(
        2, np.where(np.greater(x, 0.0), 1.0, np.subtract(1.0, x))
    )
    result: Array = np.where(np.greater(x, 0.0), positive, reflected)
    return result


def spherical_bessel(x: Array, order: Any) -> Array:
    """Compute the spherical Bessel function of the first kind, of which sinc and its derivatives are made.

    Near 0 by its power series (Abramowitz and Stegun 10.1.2).
    """
    order, x = int(order), np.asarray(x, dtype=float)
    is_near = np.abs(x) < 1.0
    half = np.where(is_near, -0.5 * x * x, 0.0)
    total = np.ones_like(half)
    for k in range(_TERMS, 0, -1):
        total = 1.0 + half * total / (k * (2 * (order + k) + 1))
    series = np.where(is_near, x, 0.0) ** order / special.factorial2(2 * order + 1) * total
    result: Array = np.where(is_near, series, special.spherical_jn(order, np.where(is_near, 1.0, x)))
    return result
