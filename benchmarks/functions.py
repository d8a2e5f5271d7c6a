"""Functions of the language beside value and derivative by hand, in NumPy and SciPy, of 100,000 numbers.

No goal is set: the table shows a function that takes much longer than what a person would write.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from benchmarks.by_hand import sigmoid
from benchmarks.table import format_seconds, print_header, print_row
from benchmarks.timing import compare
from service.core import gradient

Array = NDArray[np.float64]
ByHand = Callable[[Array], tuple[Any, Array]]

SIZE = 100_000
TOLERANCE = 1e-9


def _gelu(x: Array) -> tuple[Any, Array]:
    below = special.ndtr(x)
    return (x * below).sum(), below + x * np.exp(-x * x / 2) / np.sqrt(2 * np.pi)


def _silu(x: Array) -> tuple[Any, Array]:
    share = sigmoid(x)
    return (x * share).sum(), share * (1 + x * (1 - share))


def _elu(x: Array) -> tuple[Any, Array]:
    below = np.expm1(np.minimum(x, 0))
    return np.where(x > 0, x, below).sum(), np.where(x > 0, 1, below + 1)


def _softmax(x: Array) -> tuple[Any, Array]:
    powers = np.exp(x - x.max())
    shares = powers / powers.sum()
    return shares @ shares, 2 * shares * (shares - shares @ shares)


def _power(exponent: float) -> ByHand:
    return lambda x: ((x**exponent).sum(), exponent * x ** (exponent - 1))


def _fourth(x: Array) -> tuple[Any, Array]:
    square = x * x
    return square @ square, 4 * x * square


def _inverse_square(x: Array) -> tuple[Any, Array]:
    inverse = 1 / x
    return inverse @ inverse, -2 * inverse**2 * inverse


def _sinc(x: Array) -> tuple[Any, Array]:
    value = np.sinc(x)
    return value.sum(), (np.cos(np.pi * x) - value) / x


def _deviation(x: Array) -> tuple[Any, Array]:
    distance = x - x.mean()
    value = np.sqrt(distance @ distance / x.size)
    return value, distance / (x.size * value)


def _norm(x: Array) -> tuple[Any, Array]:
    value = np.sqrt(x @ x)
    return value, x / value


def _sorted(x: Array) -> tuple[Any, Array]:
    order = np.argsort(x)
    slope = np.empty_like(x)
    slope[order] = np.arange(x.size)
    return np.arange(x.size) @ x[order], slope


def _of_value(function: Callable[[Array], Array], slope: Callable[[Array], Array]) -> ByHand:
    """Make value and derivative by hand of a function whose derivative is one of its value."""

    def both(x: Array) -> tuple[Any, Array]:
        value = function(x)
        return value.sum(), slope(value)

    return both


ROWS: dict[str, ByHand] = {
    "sum(exp(x))": _of_value(np.exp, lambda y: y),
    "sum(log(x))": lambda x: (np.log(x).sum(), 1 / x),
    "sum(log1p(x))": lambda x: (np.log1p(x).sum(), 1 / (1 + x)),
    "sum(sqrt(x))": _of_value(np.sqrt, lambda y: 0.5 / y),
    "sum(sin(x))": lambda x: (np.sin(x).sum(), np.cos(x)),
    "sum(tan(x))": _of_value(np.tan, lambda y: 1 + y * y),
    "sum(tanh(x))": _of_value(np.tanh, lambda y: 1 - y * y),
    "sum(arctan(x))": lambda x: (np.arctan(x).sum(), 1 / (1 + x * x)),
    "sum(cosh(x))": lambda x: (np.cosh(x).sum(), np.sinh(x)),
    "sum(x**4)": _fourth,
    "sum(x**5)": _power(5),
    "sum(x**1.5)": _power(1.5),
    "sum(x**-2)": _inverse_square,
    "sum(2**x)": _of_value(np.exp2, lambda y: y * np.log(2)),
    "sum(abs(x - 1))": lambda x: (np.abs(x - 1).sum(), np.sign(x - 1)),
    "sum(clip(x, 0.5, 1))": lambda x: (np.clip(x, 0.5, 1).sum(), ((x >= 0.5) & (x <= 1)) + 0.0),
    "sum(sigmoid(x))": _of_value(sigmoid, lambda y: y * (1 - y)),
    "sum(softplus(x))": lambda x: (np.logaddexp(0, x).sum(), sigmoid(x)),
    "sum(relu(x - 1))": lambda x: (np.maximum(x - 1, 0).sum(), (x > 1) + 0.0),
    "sum(silu(x - 1))": lambda x: _silu(x - 1),
    "sum(elu(x - 1))": lambda x: _elu(x - 1),
    "sum(gelu(x - 1))": lambda x: _gelu(x - 1),
    "sum(erf(x))": lambda x: (special.erf(x).sum(), 2 / np.sqrt(np.pi) * np.exp(-x * x)),
    "sum(erfc(x))": lambda x: (special.erfc(x).sum(), -2 / np.sqrt(np.pi) * np.exp(-x * x)),
    "sum(lgamma(x))": lambda x: (special.gammaln(x).sum(), special.digamma(x)),
    "sum(sinc(x))": _sinc,
    "sum(softmax(x)**2)": _softmax,
    "norm(x)": _norm,
    "std(x)": _deviation,
    "prod(x**0.0001)": lambda x: ((y := (x**0.0001).prod()), 0.0001 * y / x),
    "sum(cumsum(x))": lambda x: (np.cumsum(x).sum(), np.arange(x.size, 0, -1.0)),
    "sum(sort(x)*arange(len(x)))": _sorted,
}
"""Each function, and its value and derivative as a person writes them, without `out=`."""


def print_table(repetitions: int) -> bool:
    """Print the times of an element and their ratios, and the median and the largest ratio."""
    x = np.random.default_rng(0).uniform(0.1, 2.0, SIZE)
    print_header("value and derivative of", "ours, an element", "by hand", "ours / by hand")
    ratios = []
    for text, by_hand in ROWS.items():
        found, (value, slope) = gradient(text, {"x": x}), by_hand(x)
        if not (np.isclose(found["value"], value) and np.allclose(found["gradient"]["x"], slope, TOLERANCE)):
            raise RuntimeError(f"{text}: the derivatives differ")
        pair = compare(
            lambda text=text: gradient(text, {"x": x}),  # type: ignore[misc]
            lambda by_hand=by_hand: by_hand(x),  # type: ignore[misc]
            repetitions,
            time.process_time,
        )
        ratios.append(1 / pair.ratio)
        print_row(
            text, format_seconds(pair.ours / SIZE), format_seconds(pair.theirs / SIZE), f"{ratios[-1]:.2f}"
        )
    print_row("median; largest", "", "", f"{statistics.median(ratios):.2f}; {max(ratios):.2f}")
    return True
