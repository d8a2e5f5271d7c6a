"""autograd: gradients of functions written in its own NumPy."""

import autograd.numpy as anp
import numpy as np
from autograd import grad, value_and_grad

from benchmarks.peers import Way


def seeds_descent(start: np.ndarray, rate: float, steps: int) -> Way:
    """Make the seed's descent."""
    slope = grad(lambda x: x[0] ** 2 + x[1] ** 2)

    def descend() -> object:
        x = start.copy()
        for _ in range(steps):
            x = x - rate * slope(x)
        return x

    return "loop", descend


def rosenbrock(x: np.ndarray) -> Way:
    """Make the value and gradient of Rosenbrock's function."""
    run = value_and_grad(lambda x: anp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))

    def differentiate() -> object:
        return run(x)[1]

    return "value_and_grad", differentiate


def regression(X: np.ndarray, t: np.ndarray, W: np.ndarray, b: np.ndarray, rate: float, steps: int) -> Way:
    """Make the softmax regression."""

    def function(parts: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        scores = anp.dot(X, parts[0]) + parts[1]
        powers = anp.exp(scores - anp.max(scores, axis=1, keepdims=True))
        probabilities = powers / anp.sum(powers, axis=1, keepdims=True)
        return -anp.mean(anp.sum(t * anp.log(probabilities + 1e-7), axis=1))

    run = value_and_grad(function)

    def descend() -> object:
        weights, bias = W, b
        for _ in range(steps):
            _, slopes = run((weights, bias))
            weights, bias = weights - rate * slopes[0], bias - rate * slopes[1]
        return weights

    return "loop", descend
