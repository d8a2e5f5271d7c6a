"""Large arrays: sigmoids by the odds exp(x), also where these overflow, and weighted logarithms of them."""

import numpy as np
import pytest

from service.core import activation_kernels, gradient
from tests.core.compiled import compiled
from tests.fuzz.arithmetic import mp

POINTS = np.array(
    (
        -1e300, -800.0, -746.0, -744.0, -720.0, -709.8, -708.0, -40.0, -3.5, -1e-9, 0.0,
        1e-9, 0.7, 36.7, 40.0, 708.0, 709.7, 709.8, 720.0, 744.0, 746.0, 800.0, 1e300,
    )
)  # fmt: skip
"""Points around those at which exp(x) and exp(-x) leave the numbers that have all their digits."""
SUBNORMAL = 5e-324
REPEATED = 100


def sigmoid(x):
    return 1 / (1 + mp.exp(-x)) if x > -1e6 else mp.mpf(0)


def softplus(x):
    return mp.log1p(mp.exp(x)) if x < 1e6 else x


CASES = {
    "sigmoid(x)": (sigmoid, lambda x: sigmoid(x) * sigmoid(-x)),
    "sigmoid(-x)": (lambda x: sigmoid(-x), lambda x: -sigmoid(x) * sigmoid(-x)),
    "p = sigmoid(x); 1 - p": (lambda x: sigmoid(-x), lambda x: -sigmoid(x) * sigmoid(-x)),
    "softplus(x)": (softplus, sigmoid),
    "softplus(-x)": (lambda x: softplus(-x), lambda x: -sigmoid(-x)),
    "log_sigmoid(x)": (lambda x: -softplus(-x), lambda x: sigmoid(-x)),
}


@pytest.mark.parametrize("has_vector_log1p", [False, True])
@pytest.mark.parametrize("text", CASES)
def test_sigmoids_of_large_arrays_have_all_digits_at_any_point(text, has_vector_log1p, monkeypatch):
    monkeypatch.setattr(activation_kernels, "HAS_VECTOR_LOG1P", has_vector_log1p)
    of_value, of_slope = CASES[text]
    *statements, last = text.split("; ")
    x, before = np.repeat(POINTS, REPEATED), "".join(f"{each}; " for each in statements)

    values = gradient(f"{before}sum(w*({last}))", {"w": np.ones(x.size)}, {"x": x})["gradient"]["w"]
    slopes = gradient(f"{before}sum({last})", {"x": x})["gradient"]["x"]

    for found, wanted in ((values, of_value), (slopes, of_slope)):
        with mp.workdps(400):
            expected = np.array([float(wanted(mp.mpf(each))) for each in POINTS])
        allowed = 5 * np.spacing(np.abs(expected)) + SUBNORMAL
        assert np.all(np.abs(found.reshape(-1, REPEATED).T - expected) <= allowed)


def test_a_logarithm_of_a_sum_with_1_is_about_1_ulp_off():
    x = np.concatenate([np.exp(np.linspace(-745.0, 709.0, 3_000)), np.linspace(-0.999, 0.999, 1_001)])

    found = activation_kernels.log1p_by_log(x)

    expected = np.array([float(mp.log1p(mp.mpf(each))) for each in x])
    assert np.all(np.abs(found - expected) <= 1.5 * np.spacing(np.abs(expected)))


@pytest.mark.parametrize("epsilon", [0, 1e-30, 1e-7, 0.5, 2.0**20])
@pytest.mark.parametrize("target", [0.0, 0.25, 1.0])
def test_binary_cross_entropy_of_a_sigmoid_is_as_exact_as_its_probability(epsilon, target):
    points = np.array([-800, *np.linspace(-40, 40, 41), 800])
    x, t = np.repeat(points, REPEATED), np.full(points.size * REPEATED, target)
    text = f"sum(w*binary_cross_entropy(sigmoid(x), t, epsilon={epsilon!r}))"

    found = gradient(text, {"x": x, "w": np.ones(x.size)}, {"t": t})

    slope, value = found["gradient"]["x"][::REPEATED], found["gradient"]["w"][::REPEATED]
    for i, each in enumerate(map(mp.mpf, points)):
        p, q, e, s = sigmoid(each), sigmoid(-each), mp.mpf(epsilon), mp.mpf(target)
        loss = -s * mp.log(p + e) - (1 - s) * mp.log(q + e)
        derivative = p * q * ((1 - s) / (q + e) - s / (p + e))
        # What the 1 takes from 1 - p is known, what it takes from a p near 1 is not.
        rounded = (1 - s) * (p + min(e, 1)) + s
        assert abs(value[i] - loss) <= 1e-15 * abs(loss) + 4e-16 * rounded
        terms = p * q * ((1 - s) / (q + e) + s / (p + e))
        assert abs(slope[i] - derivative) <= 1e-15 * terms + 1e-300


@pytest.mark.parametrize("loss", ["cross_entropy", "binary_cross_entropy"])
def test_a_weight_of_0_hides_an_infinite_logarithm_in_a_sum(loss):
    p, t = np.tile([0.0, 0.25], (600, 1)), np.tile([0.0, 1.0], (600, 1))

    found = gradient(f"sum(a*{loss}(p, t, epsilon=0))", {"a": 1.0}, {"p": p, "t": t})

    assert found["value"] == pytest.approx(600 * np.log(4), rel=1e-14)


def test_a_probability_and_epsilon_are_not_kept_for_the_derivative():
    shapes, data = {"W": (64, 10), "b": (10,)}, {"X": (600, 64), "t": (600, 10)}
    function = "mean(cross_entropy(softmax(X @ W + b), t))"

    plan = compiled(function, shapes, data).plan

    assert plan.memory < 2.5 * 6_000  # the probabilities, and in turn the loss and the derivative
