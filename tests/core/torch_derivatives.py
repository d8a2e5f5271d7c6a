"""Derivatives by `torch.func`; `python -m tests.core.torch_derivatives` made `torch_derivatives.json`."""

import json
import math
import sys

import torch
from torch.func import grad, hessian, jacrev, jvp, vjp, vmap

torch.set_default_dtype(torch.float64)


def line(low, high, *shape):
    return torch.linspace(low, high, math.prod(shape)).reshape(shape)


X = line(-1, 1, 3, 2)


def regression():
    W, b = line(-0.5, 0.7, 2, 3), line(-0.2, 0.1, 3)

    def loss(W, b):
        return torch.nn.functional.cross_entropy(X @ W + b, torch.eye(3))

    rows = hessian(loss, argnums=(0, 1))(W, b)
    return {a: {c: rows[i][j].tolist() for j, c in enumerate("Wb")} for i, a in enumerate("Wb")}


def named(parts):
    return dict(zip("VbW", (each.tolist() for each in parts), strict=True))


def network():
    point = line(-1, 1, 2, 4), line(-0.3, 0.3, 4), line(0.5, -0.8, 4, 2)

    def model(V, b, W):
        return torch.softmax(torch.tanh(X @ V + b) @ W, -1)

    tangents = torch.ones(2, 4), line(0, 1, 4), torch.zeros(4, 2)
    across = vjp(model, *point)[1](line(-1, 1, 3, 2))
    return {
        "jacobian": dict(
            zip("VbW", (each.tolist() for each in jacrev(model, (0, 1, 2))(*point)), strict=True)
        ),
        "jvp": jvp(model, point, tangents)[1].tolist(),
        "vjp": named(across),
    }


def rosenbrock():
    x = line(-1.2, 1.3, 50)
    whole = hessian(lambda x: (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())(x)
    return {"diagonal": torch.diagonal(whole).tolist(), "product": (whole @ line(1, -1, 50)).tolist()}


def reduced(A):
    products = A.sum(0).prod() / A.mean() + A.max() * A.min() + A.prod(1).sum()
    return products + torch.logsumexp(A, 1).sum() + torch.linalg.norm(A) + torch.softmax(A, 0)[0].prod()


def reductions():
    return hessian(reduced)(line(0.2, 1.9, 3, 4) ** 2).tolist()


def field():
    return vmap(grad(lambda p: torch.sin(p[0]) * torch.exp(-(p[1] ** 2))))(line(-2, 2, 5, 2)).tolist()


def scaled(base):
    """Seven points, multiples of one."""
    return line(0.5, 1.5, 7).reshape(7, *[1] * base.dim()) * base


def fields():
    """Gradients at seven points at once."""
    t, one_hot = line(0, 1, 3, 2), torch.eye(3)

    def loss(W, b):
        return torch.nn.functional.cross_entropy(X @ W + b, one_hot)

    def squares(V, b, W):
        return ((torch.softmax(torch.tanh(X @ V + b) @ W, -1) - t) ** 2).mean()

    def valley(x):
        return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()

    points = {
        "regression": (loss, "Wb", (line(-0.5, 0.7, 2, 3), line(-0.2, 0.1, 3))),
        "network": (squares, "VbW", (line(-1, 1, 2, 4), line(-0.3, 0.3, 4), line(0.5, -0.8, 4, 2))),
        "rosenbrock": (valley, "x", (line(-1.2, 1.3, 50),)),
        "reductions": (reduced, "A", (line(0.2, 1.9, 3, 4) ** 2,)),
    }
    return {
        work: dict(
            zip(
                names,
                (
                    each.tolist()
                    for each in vmap(grad(function, argnums=tuple(range(len(bases)))))(*map(scaled, bases))
                ),
                strict=True,
            )
        )
        for work, (function, names, bases) in points.items()
    }


def by_torch():
    works = (regression, network, rosenbrock, reductions, field, fields)
    return {work.__name__: work() for work in works}


if __name__ == "__main__":
    json.dump({"source": f"torch.func of PyTorch {torch.__version__}"} | by_torch(), sys.stdout)
