"""The purpose: recognise handwritten digits, trained through the public endpoints alone.

The 1,797 images of 8 by 8 pixels come with scikit-learn (UCI Optical Recognition of Handwritten Digits).
"""

import numpy as np
import pytest
from sklearn.datasets import load_digits

PIXELS, DIGITS = load_digits(return_X_y=True)
DATA = {"X": (PIXELS / 16).tolist(), "t": np.eye(10)[DIGITS].tolist()}

REGRESSION = "mean(cross_entropy(softmax(X @ W + b), t))"
NETWORK = "h = sigmoid(X @ W1 + b1); mean(cross_entropy(softmax(h @ W2 + b2), t))"


CONVOLUTION = """\
h = max_pool2d(relu(conv2d(X, K, padding=1) + b[:, None, None]), 2)
z = reshape(h, (len(X), -1)) @ W + c
"""


def train(server, function, variables, steps, each, constants=DATA, **options):
    """Descend with Adam, `each` steps a request, going on from the state of the last answer."""
    request = {"function": function, "variables": variables, "constants": constants, "optimizer": "adam"}
    request |= {"deadline_ms": 20_000} | options
    done, state = 0, None
    while done < steps:
        status, answer = server.post("/descent", request | {"steps": each, "state": state})
        assert status == 200, answer
        assert answer["status"] in ("max_steps", "deadline")
        done, state = done + answer["steps"], answer["state"]
    return answer


def accuracy(server, function, answer):
    """Classify all images by what was learnt: softmax is an endpoint, too."""
    scores = function(**{name: np.array(value) for name, value in answer["variables"].items()})
    status, probabilities = server.post("/softmax", {"x": scores.tolist()})
    assert status == 200
    return np.mean(np.argmax(probabilities["y"], axis=1) == DIGITS)


def test_softmax_regression_recognises_digits(server):
    start = {"W": np.zeros((64, 10)).tolist(), "b": [0] * 10}

    answer = train(server, REGRESSION, start, 100, 100, learning_rate=0.1)

    assert accuracy(server, lambda W, b: PIXELS / 16 @ W + b, answer) >= 0.95
    assert answer["best"]["value"] < 0.2


@pytest.mark.parametrize("each", [120, 40], ids=["in one request", "resumed"])
def test_a_network_of_two_layers_recognises_digits(server, each):
    random = np.random.default_rng(2016)
    start = {
        "W1": (random.normal(size=(64, 32)) / 8).tolist(),
        "b1": [0] * 32,
        "W2": (random.normal(size=(32, 10)) / 6).tolist(),
        "b2": [0] * 10,
    }

    answer = train(server, NETWORK, start, 120, each, learning_rate=0.05)

    def scores(W1, b1, W2, b2):
        return 1 / (1 + np.exp(-(PIXELS / 16 @ W1 + b1))) @ W2 + b2

    assert accuracy(server, scores, answer) >= 0.97


def test_a_convolutional_network_recognises_digits(server):
    random = np.random.default_rng(1998)
    images = (PIXELS / 16).reshape(-1, 1, 8, 8).tolist()
    start = {
        "K": (random.normal(size=(8, 1, 3, 3)) / 3).tolist(),
        "b": [0] * 8,
        "W": (random.normal(size=(128, 10)) / 11).tolist(),
        "c": [0] * 10,
    }
    loss = CONVOLUTION + "mean(cross_entropy(softmax(z), t, epsilon=0))"
    batch = {"size": 128, "of": ["X", "t"]}

    answer = train(
        server, loss, start, 420, 140, {"X": images, "t": DIGITS.tolist()}, learning_rate=0.01, batch=batch
    )
    status, predicted = server.post(
        "/value",
        {
            "function": CONVOLUTION + "softmax(z)",
            "variables": answer["variables"],
            "constants": {"X": images},
        },
    )

    assert status == 200
    assert np.mean(np.argmax(predicted["value"], axis=1) == DIGITS) >= 0.97
