"""One definition, one accuracy: programs on floats, on arrays and over points agree with exact values."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from service.core import gradient, gradient_field, logsumexp, loss
from tests.core import references, tolerances

SCORES = [[0.0, -20.0], [0.0, -40.0], [3.0, 3.0, -50.0], [-700.0, 1.0, 0.5], [5.0], [0.0, -1e-3, -800.0]]


def everywhere(text, x, rows=2):
    """Evaluate a function of one vector on floats, over points, and as the rows of a large array."""
    x = np.asarray(x)
    alone = gradient(text.format(x="x", axis=-1), {"x": x})["value"]
    points = gradient_field(text.format(x="x", axis=-1), {"x": np.stack([x] * 3)})["values"][1]
    many = np.tile(x, (700, 1))
    whole = gradient(f"y = {text.format(x='x', axis=-1)}; sum(y)/700", {"x": many})["value"]
    return alone, points, whole


@pytest.mark.parametrize("x", SCORES, ids=str)
def test_logsumexp_keeps_its_digits_wherever_it_runs(x):
    expected = references.logsumexp(x)

    for value in everywhere("logsumexp({x}, axis={axis})", x):
        assert value == pytest.approx(expected, rel=tolerances.ROUNDING, abs=0)
    assert logsumexp(x) == pytest.approx(expected, rel=tolerances.ROUNDING, abs=0)


@pytest.mark.parametrize("text", ["log_softmax(x)[0]", "log(softmax(x))[0]"])
@pytest.mark.parametrize("x", SCORES, ids=str)
def test_log_softmax_keeps_its_digits_wherever_it_runs(text, x):
    expected = references.log_softmax(x)[0]

    assert gradient(text, {"x": x})["value"] == pytest.approx(expected, rel=tolerances.ROUNDING, abs=0)
    points = gradient_field(text, {"x": [x, x]})["values"]
    assert points[1] == pytest.approx(expected, rel=tolerances.ROUNDING, abs=0)


@pytest.mark.parametrize("x", SCORES, ids=str)
def test_a_cross_entropy_of_a_softmax_keeps_its_digits_wherever_it_runs(x):
    t = np.eye(len(x))[0]
    text = "cross_entropy(softmax(x), t, epsilon=0)"

    small = gradient(text, {"x": x}, {"t": t})["value"]
    large = gradient(f"sum({text})/700", {"x": np.tile(x, (700, 1))}, {"t": np.tile(t, (700, 1))})["value"]

    expected = -references.log_softmax(x)[0]
    assert small == pytest.approx(expected, rel=tolerances.ROUNDING, abs=0)
    assert large == pytest.approx(expected, rel=tolerances.ROUNDING, abs=0)
    assert not np.signbit(small)


@pytest.mark.parametrize(("p", "t"), [(0.3, 0.3000000000001), (0.7, 0.7000001), (0.2, 0.6), (1e-300, 2e-300)])
def test_a_divergence_of_close_numbers_keeps_its_digits_wherever_it_runs(p, t):
    text = "kl_divergence(p, t)"

    small = gradient(text, {"p": [p]}, {"t": [t]})["value"]
    large = gradient(f"sum({text})/700", {"p": np.full((700, 1), p)}, {"t": np.full((700, 1), t)})["value"]

    expected = references.kl_divergence([p], [t])
    assert small == pytest.approx(expected, rel=tolerances.EXACT, abs=0)
    assert large == pytest.approx(expected, rel=tolerances.EXACT, abs=0)
    assert loss("kl_divergence", [p], [t])["loss"] == pytest.approx(expected, rel=tolerances.EXACT, abs=0)


@pytest.mark.parametrize(
    ("p", "t"), [(2.4577784604500532e-257, 3.7052556827195524e-257), (1e-5, 3e-1), (0.9, 0.1)]
)
def test_a_divergence_has_all_digits_wherever_it_runs(p, t):
    small = gradient("kl_divergence(p, t)", {"p": [p]}, {"t": [t]})["value"]
    many = {"p": np.full((700, 1), p)}, {"t": np.full((700, 1), t)}
    large = gradient("sum(kl_divergence(p, t))/700", *many)["value"]

    expected = references.kl_divergence([p], [t])
    for value in (small, large, loss("kl_divergence", [p], [t])["loss"]):
        assert value == pytest.approx(expected, rel=tolerances.ROUNDING, abs=0)


@pytest.mark.parametrize("p", [1e-300, 1e-20, 1e-10, 1e-3, 0.25, 0.5, 0.75, 1 - 1e-10])
@pytest.mark.parametrize("epsilon", [0.0, 1e-7])
def test_the_complement_of_a_small_probability_keeps_its_digits_wherever_it_runs(p, epsilon):
    text = f"binary_cross_entropy(p, t, epsilon={epsilon!r})"

    small = gradient(text, {"p": p}, {"t": 0.0})["value"]
    large = gradient(f"sum({text})/700", {"p": np.full(700, p)}, {"t": np.zeros(700)})["value"]
    answer = loss("binary_cross_entropy", [p], [0.0], epsilon=epsilon)["loss"]

    expected = references.binary_cross_entropy(p, 0.0, epsilon)
    for value in (small, large, answer):
        assert value == pytest.approx(expected, rel=4 * tolerances.ROUNDING, abs=1e-320)


@pytest.mark.parametrize("name", ["cross_entropy", "binary_cross_entropy", "kl_divergence"])
def test_a_loss_of_nothing_is_not_minus_zero_in_the_language(name):
    options = "" if name == "kl_divergence" else ", epsilon=0"

    for size in (2, 700):
        p = np.eye(size)[0]
        text = f"sum({name}(p, t{options}))"
        value = gradient(text, {"p": p}, {"t": p})["value"]
        assert value == 0.0
        assert not np.signbit(value)


@pytest.mark.parametrize("size", [1, 4000])
@pytest.mark.parametrize("name", ["ceil", "round", "trunc"])
def test_a_number_below_zero_is_rounded_to_a_zero_without_sign(name, size):
    """On -0.0 the angle of a point depends."""
    answer = gradient(f"max(arctan2({name}(x), -1))", {"x": np.full(size, -0.3)})

    assert answer["value"] == np.pi


RANGES = {
    "common scores": (-3.0, 3.0, 0.5),
    "scores beyond exp": (900.0, 1_000.0, 0.0),
    "scores below every exp": (-1_000.0, -900.0, -950.0),
    "scores of both": (-800.0, 800.0, 0.0),
    "sums near 1": (-60.0, -50.0, 1e-6),
}


@pytest.mark.parametrize("axis", [None, 0, 1, (0, 2), (-1, 0)])
@pytest.mark.parametrize(("low", "high", "first"), RANGES.values(), ids=list(RANGES))
def test_exp_of_large_arrays_is_shifted_where_it_has_to_be(low, high, first, axis):
    x = np.random.default_rng(5).uniform(low, high, (40, 60, 30))
    x[0] = x[:, 0] = x[:, :, 0] = first
    top = np.max(x, axis=axis, keepdims=True)
    powers = np.exp((x - top).astype(np.longdouble))
    total = np.sum(powers, axis=axis, keepdims=True)

    answer = gradient(f"sum(logsumexp(x, axis={axis}))", {"x": x})

    assert answer["value"] == pytest.approx(float(np.sum(top + np.log(total))), rel=1e-14)
    assert_allclose(answer["gradient"]["x"], (powers / total).astype(float), rtol=1e-13, atol=1e-307)


@pytest.mark.parametrize("scale", [1e-300, 1e-3, 1.0, 1e3, 1e15, 1e300])
def test_a_sine_beside_its_cosine_keeps_its_digits(scale):
    x = np.random.default_rng(6).normal(0.0, scale, 2_000)
    x[:400] = 0.5 * np.pi * np.arange(-200, 200)
    expected = np.sin(x.astype(np.longdouble))

    slopes = gradient("sum(w*sin(x))", {"w": np.ones(x.size), "x": x})["gradient"]

    assert np.all(np.abs(slopes["w"] - expected) <= 3.0 * np.spacing(np.abs(slopes["w"])))
    assert_allclose(slopes["x"], np.cos(x), rtol=1e-15)
