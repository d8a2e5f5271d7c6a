"""Fused forms: the logarithm of a probability that is rounded to 0 stays exact."""

import numpy as np
import pytest

from service.core import gradient

SCORES = [[0.5, -1.0, 2.0], [1000.0, 0.0, -1000.0]]
SHARES = [[0.2, 0.3, 0.5], [0.0, 0.75, 0.25]]
FUSED = [
    ("sum(t * log(softmax(x)))", lambda logs, t: np.sum(t * logs)),
    ("sum(cross_entropy(softmax(x), t, epsilon=0))", lambda logs, t: -np.sum(t * logs)),
    ("sum(kl_divergence(softmax(x), t))", lambda logs, t: np.sum(t * (np.log(np.where(t, t, 1.0)) - logs))),
    (
        "sum(cross_entropy(softmax(x), t, epsilon=0, label_smoothing=0.1))",
        lambda logs, t: -np.sum((0.9 * t + 0.1 / 3) * logs),
    ),
]


@pytest.mark.parametrize(("function", "expected"), FUSED, ids=[function for function, _ in FUSED])
def test_the_logarithm_of_a_softmax_is_finite_where_the_softmax_is_0(function, expected):
    x, t = np.array(SCORES), np.array(SHARES)
    shifted = x - x.max(axis=-1, keepdims=True)
    logs = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))

    answer = gradient(function, {"x": x}, {"t": t}, verify=True)

    assert answer["value"] == pytest.approx(expected(logs, t), rel=1e-13)
    assert answer["verification"]["max_absolute_error"] < 1e-6


def test_the_loss_of_a_sigmoid_is_finite_where_the_sigmoid_is_0_or_1():
    answer = gradient(
        "sum(binary_cross_entropy(sigmoid(x), t, epsilon=0)) + log(sigmoid(x[0]))",
        {"x": [-800.0, 800.0, 0.3]},
        {"t": [0.5, 0.25, 1.0]},
    )

    expected = 400.0 + 600.0 + np.log1p(np.exp(-0.3)) - 800.0
    assert answer["value"] == pytest.approx(expected, rel=1e-13)
    assert answer["gradient"]["x"] == pytest.approx([-0.5 + 1.0, 0.75, -1 / (1 + np.exp(0.3))], rel=1e-13)


def test_probabilities_that_come_from_elsewhere_keep_their_own_loss():
    x, t = np.array([[0.2, 0.8]]), np.array([[1.0, 0.0]])

    assert gradient("sum(cross_entropy(x, t, epsilon=0))", {"x": x}, {"t": t})["value"] == -np.log(0.2)
    by_columns = gradient("sum(cross_entropy(softmax(x, 0), t, epsilon=0))", {"x": x}, {"t": t})
    assert by_columns["value"] == 0.0
