"""Jacobians, Hessians, their products and fields as `torch.func` has them."""

import json
from pathlib import Path

import numpy as np

from service.core import gradient_field, hessian, hvp, jacobian, jvp, vjp

GOLDEN = json.loads(Path(__file__).with_name("torch_derivatives.json").read_text(encoding="utf-8"))

NETWORK = "softmax(tanh(X @ V + b) @ W)"
ROSENBROCK = "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)"
REDUCTIONS = (
    "prod(sum(A, axis=0))/mean(A) + max(A)*min(A) + sum(prod(A, axis=1))"
    " + sum(logsumexp(A, axis=1)) + norm(A) + prod(softmax(A, axis=0)[0])"
)


def line(low, high, *shape):
    return np.linspace(low, high, int(np.prod(shape))).reshape(shape)


X = line(-1, 1, 3, 2)


def by_kobai():
    weights = {"W": line(-0.5, 0.7, 2, 3), "b": line(-0.2, 0.1, 3)}
    loss = "mean(cross_entropy(softmax(X @ W + b), t, epsilon=0))"
    layers = {"V": line(-1, 1, 2, 4), "b": line(-0.3, 0.3, 4), "W": line(0.5, -0.8, 4, 2)}
    tangents = {"V": np.ones((2, 4)), "b": line(0, 1, 4)}
    x = line(-1.2, 1.3, 50)
    return {
        "regression": hessian(loss, weights, {"X": X, "t": np.eye(3)})["hessian"],
        "network": {
            "jacobian": jacobian(NETWORK, layers, {"X": X})["jacobian"],
            "jvp": jvp(NETWORK, layers, tangents, {"X": X})["product"],
            "vjp": vjp(NETWORK, layers, line(-1, 1, 3, 2), {"X": X})["product"],
        },
        "rosenbrock": {
            "diagonal": np.diagonal(hessian(ROSENBROCK, {"x": x})["hessian"]["x"]["x"]),
            "product": hvp(ROSENBROCK, {"x": x}, {"x": line(1, -1, 50)})["product"]["x"],
        },
        "reductions": hessian(REDUCTIONS, {"A": line(0.2, 1.9, 3, 4) ** 2})["hessian"]["A"]["A"],
        "field": gradient_field("sin(p[0])*exp(-p[1]**2)", {"p": line(-2, 2, 5, 2)})["gradient"]["p"],
        "fields": fields_by_kobai(),
    }


def scaled(base):
    return np.multiply.outer(line(0.5, 1.5, 7), base)


def fields_by_kobai():
    layers = {"V": line(-1, 1, 2, 4), "b": line(-0.3, 0.3, 4), "W": line(0.5, -0.8, 4, 2)}
    works = {
        "regression": (
            "mean(cross_entropy(softmax(X @ W + b), t, epsilon=0))",
            {"W": line(-0.5, 0.7, 2, 3), "b": line(-0.2, 0.1, 3)},
            {"X": X, "t": np.eye(3)},
        ),
        "network": (f"mean(({NETWORK} - t)**2)", layers, {"X": X, "t": line(0, 1, 3, 2)}),
        "rosenbrock": (ROSENBROCK, {"x": line(-1.2, 1.3, 50)}, {}),
        "reductions": (REDUCTIONS, {"A": line(0.2, 1.9, 3, 4) ** 2}, {}),
    }
    return {
        work: gradient_field(function, {name: scaled(base) for name, base in bases.items()}, data)["gradient"]
        for work, (function, bases, data) in works.items()
    }


def leaves(node, path=""):
    if isinstance(node, dict):
        for key, value in node.items():
            yield from leaves(value, f"{path}/{key}")
    else:
        yield path, np.asarray(node, dtype=float)


def assert_same(found, expected):
    expected = dict(leaves(expected))
    for path, mine in leaves(found):
        scale = np.max(np.abs(expected[path]))
        assert np.max(np.abs(mine - expected[path])) <= 1e-10 * scale, path


def test_derivatives_are_those_that_torch_gave():
    assert "PyTorch" in GOLDEN["source"]
    assert_same(by_kobai(), {name: values for name, values in GOLDEN.items() if name != "source"})
