"""SciPy: its minimizer, and its numerical gradient."""

import numpy as np
from scipy.optimize import approx_fprime, minimize

from benchmarks.peers import Way


def seeds_descent(start: np.ndarray, rate: float, steps: int) -> Way:
    """Make the search for the seed's minimum, by a method that needs no rate and no number of steps."""

    def descend() -> object:
        return minimize(lambda x: x[0] ** 2 + x[1] ** 2, start, method="BFGS").x

    return "BFGS to convergence", descend


def rosenbrock(x: np.ndarray) -> Way:
    """Make the gradient of Rosenbrock's function."""

    def function(x: np.ndarray) -> float:
        return float(np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2))

    def differentiate() -> object:
        return approx_fprime(x, function)

    return "approx_fprime", differentiate
