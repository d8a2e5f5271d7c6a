"""Value and gradient by hand: as a careful person writes them in NumPy, without `out=`.

Each function takes variables and data by the names that the text of `benchmarks.steps` has for them, and
returns the value and the derivatives by variable. What a person sees at a glance is computed once.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Slopes = dict[str, Array]

EPSILON = 1e-7


def rosenbrock(x: Array) -> tuple[float, Slopes]:
    """Rosenbrock's function."""
    head, tail = x[:-1], x[1:]
    difference, distance = tail - head**2, 1 - head
    slope = np.zeros_like(x)
    slope[1:] = 200 * difference
    slope[:-1] -= 400 * head * difference + 2 * distance
    return float(100 * (difference @ difference) + distance @ distance), {"x": slope}


def least_squares(w: Array, X: Array, y: Array) -> tuple[float, Slopes]:
    """Linear regression."""
    error = X @ w - y
    return float(error @ error) / len(y), {"w": 2 / len(y) * (X.T @ error)}


def sigmoid(z: Array) -> Array:
    """1 / (1 + exp(-z)), by a power that cannot overflow."""
    power = np.exp(-np.abs(z))
    return np.where(z < 0, power, 1) / (1 + power)


def logistic(w: Array, b: Array, X: Array, y: Array) -> tuple[float, Slopes]:
    """Logistic regression, of probabilities."""
    p = sigmoid(X @ w + b)
    value = -np.mean(y * np.log(p + EPSILON) + (1 - y) * np.log(1 - p + EPSILON))
    error = (p - y) / len(y)
    return float(value), {"w": X.T @ error, "b": error.sum()}


def logistic_of_logits(w: Array, b: Array, X: Array, y: Array) -> tuple[float, Slopes]:
    """Logistic regression, of scores."""
    z = X @ w + b
    power = np.exp(-np.abs(z))
    value = np.mean(np.maximum(z, 0) + np.log1p(power) - y * z)
    error = (np.where(z < 0, power, 1) / (1 + power) - y) / len(y)
    return float(value), {"w": X.T @ error, "b": error.sum()}


def softmax(z: Array) -> Array:
    """Probabilities of each row."""
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def softmax_regression(W: Array, b: Array, X: Array, t: Array) -> tuple[float, Slopes]:
    """Softmax regression with one-hot targets."""
    p = softmax(X @ W + b)
    value = -np.sum(t * np.log(p + EPSILON)) / len(X)
    error = (p - t) / len(X)
    return float(value), {"W": X.T @ error, "b": error.sum(axis=0)}


def network(W1: Array, b1: Array, W2: Array, b2: Array, X: Array, t: Array) -> tuple[float, Slopes]:
    """Two layers, of a sigmoid and a softmax."""
    h = sigmoid(X @ W1 + b1)
    p = softmax(h @ W2 + b2)
    value = -np.sum(t * np.log(p + EPSILON)) / len(X)
    error = (p - t) / len(X)
    hidden = error @ W2.T * h * (1 - h)
    return float(value), {
        "W1": X.T @ hidden,
        "b1": hidden.sum(axis=0),
        "W2": h.T @ error,
        "b2": error.sum(axis=0),
    }


def factorisation(A: Array, B: Array, C: Array) -> tuple[float, Slopes]:
    """Matrix factorisation."""
    error = A @ B - C
    twice = 2 * error
    return float(np.sum(error**2)), {"A": twice @ B.T, "B": A.T @ twice}


def waves(x: Array) -> tuple[float, Slopes]:
    """Sum of sin(x) exp(-x**2)."""
    sine, bell = np.sin(x), np.exp(-(x**2))
    return float(np.sum(sine * bell)), {"x": (np.cos(x) - 2 * x * sine) * bell}


def chain(x: Array) -> tuple[float, Slopes]:
    """Twelve cheap operations, one after the other."""
    a = 0.5 * x + 1
    b = a * a + x
    c = b / (1 + b * b)
    d = c - 0.1 * x
    root = np.sqrt(d * d + 1)
    slope_d = d / root
    slope_b = slope_d * (1 - b * b) / (1 + b * b) ** 2
    return float(np.sum(root)), {"x": slope_b * (a + 1) - 0.1 * slope_d}


def logsumexp(x: Array) -> tuple[float, Slopes]:
    """Sum of the logarithms of the sums of exponentials of rows."""
    top = x.max(axis=1, keepdims=True)
    powers = np.exp(x - top)
    total = powers.sum(axis=1, keepdims=True)
    return float(np.sum(top + np.log(total))), {"x": powers / total}
