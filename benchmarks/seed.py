"""The functions that the project started from, written anew after the book, and hand-written NumPy."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def func_2(x: Array) -> float:
    """x0**2 + x1**2."""
    return float(x[0] ** 2 + x[1] ** 2)


def numerical_grad(f: Callable[[Array], float], x: Array) -> Array:
    """Central differences, one element at a time."""
    h = 1e-4
    grad = np.zeros_like(x)
    for index in range(x.size):
        kept = x[index]
        x[index] = kept + h
        above = f(x)
        x[index] = kept - h
        below = f(x)
        grad[index] = (above - below) / (2 * h)
        x[index] = kept
    return grad


def grad_descent(f: Callable[[Array], float], init_x: Array, lr: float = 0.01, step_num: int = 100) -> Array:
    """Take `step_num` steps down the numerical gradient."""
    x = init_x.copy()
    for _ in range(step_num):
        x -= lr * numerical_grad(f, x)
    return x


def rosenbrock_gradient(x: Array) -> tuple[float, Array]:
    """Value and gradient of Rosenbrock's function, as one writes them by hand."""
    difference = x[1:] - x[:-1] ** 2
    distance = 1 - x[:-1]
    value = np.sum(100 * difference**2 + distance**2)
    slope = np.zeros_like(x)
    slope[1:] += 200 * difference
    slope[:-1] -= 400 * x[:-1] * difference + 2 * distance
    return float(value), slope


def regression_descent(
    X: Array, t: Array, W: Array, b: Array, rate: float, steps: int
) -> tuple[Array, Array]:
    """Softmax regression by gradient descent, as one writes it by hand: value and gradient each step."""
    W, b = W.copy(), b.copy()
    for _ in range(steps):
        _, slope_W, slope_b = regression_gradient(X, t, W, b)
        W -= rate * slope_W
        b -= rate * slope_b
    return W, b


def regression_gradient(X: Array, t: Array, W: Array, b: Array) -> tuple[float, Array, Array]:
    """Mean cross entropy of softmax regression, and its gradient."""
    scores = X @ W + b
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    value = -np.sum(t * np.log(scores + 1e-7)) / len(X)
    error = (scores - t) / len(X)
    return float(value), X.T @ error, error.sum(axis=0)
