"""PyTorch on one thread, in float64."""

import numpy as np
import torch

from benchmarks.peers import Way

torch.set_num_threads(1)


def seeds_descent(start: np.ndarray, rate: float, steps: int) -> Way:
    """Make the seed's descent."""

    def descend() -> object:
        x = torch.tensor(start, requires_grad=True)
        optimizer = torch.optim.SGD([x], lr=rate)
        for _ in range(steps):
            optimizer.zero_grad()
            (x[0] ** 2 + x[1] ** 2).backward()
            optimizer.step()
        return x.detach().numpy()

    return "SGD", descend


def rosenbrock(x: np.ndarray) -> Way:
    """Make the value and gradient of Rosenbrock's function."""

    def differentiate() -> object:
        point = torch.tensor(x, requires_grad=True)
        torch.sum(100 * (point[1:] - point[:-1] ** 2) ** 2 + (1 - point[:-1]) ** 2).backward()
        return point.grad.numpy()

    return "backward", differentiate


def regression(X: np.ndarray, t: np.ndarray, W: np.ndarray, b: np.ndarray, rate: float, steps: int) -> Way:
    """Make the softmax regression."""
    inputs, targets = torch.tensor(X), torch.tensor(t)

    def descend() -> object:
        weights, bias = torch.tensor(W, requires_grad=True), torch.tensor(b, requires_grad=True)
        optimizer = torch.optim.SGD([weights, bias], lr=rate)
        for _ in range(steps):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(inputs @ weights + bias, targets).backward()
            optimizer.step()
        return weights.detach().numpy()

    return "SGD", descend
