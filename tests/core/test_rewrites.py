"""Formulas written naively are computed stably, as the quote says, and as before where they were accurate."""

import math

import numpy as np
import pytest

from service.core import gradient
from service.core.calculus.gradient import quote

FORMULAS = [
    ("1/(1 + exp(-x))", "sigmoid", "sigmoid(x)", [-800.0, 800.0, 0.3]),
    ("1/(exp(x) + 1)", "sigmoid", "sigmoid(-x)", [-800.0, 800.0, 0.3]),
    ("exp(x)/(1 + exp(x))", "sigmoid", "sigmoid(x)", [-800.0, 800.0, 0.3]),
    ("1 - sigmoid(x)", "sigmoid", "sigmoid(-x)", [40.0, -3.0]),
    ("log(1 + exp(x))", "softplus", "softplus(x)", [-40.0, 800.0, 0.3]),
    ("log(1 + x)", "log1p", "log1p(x)", [1e-20, 3.0]),
    ("log(1 - x)", "log1p", "log1p(-x)", [1e-20, -3.0, 0.75]),
    ("log(1 - exp(-x)/2)", "log1p", "log1p(-exp(-x)/2)", [1e-20, 40.0]),
    ("exp(x) - 1", "expm1", "expm1(x)", [1e-20, 3.0]),
    ("-1 + exp(x)", "expm1", "expm1(x)", [1e-20, 3.0]),
    ("exp(x) + (-1)", "expm1", "expm1(x)", [1e-20, 3.0]),
    ("1 - exp(-x)", "expm1", "-expm1(-x)", [1e-20, 3.0]),
    ("log(exp(x))", "x", "x", [-800.0, 800.0]),
    ("sqrt(x**2)", "abs", "abs(x)", [1e-200, -1e200, 0.0]),
    ("sqrt(x*x)", "abs", "abs(x)", [1e-200, -1e200, 0.0]),
    ("log(1 - sigmoid(x))", "log_sigmoid", "log_sigmoid(-x)", [800.0, -3.0]),
]
REDUCTIONS = [
    ("log(sum(exp(x)))", "logsumexp", "logsumexp(x)", [800.0, -3.0]),
    ("log(sum(exp(X), axis=1))", "logsumexp", "logsumexp(X, axis=1)", None),
    ("exp(X)/sum(exp(X), axis=1, keepdims=True)", "softmax", "softmax(X, axis=1)", None),
    ("exp(X)/sum(exp(X), axis=1)[:, None]", "softmax", "softmax(X, axis=1)", None),
    ("exp(X)/reshape(sum(exp(X), axis=1), (-1, 1))", "softmax", "softmax(X, axis=1)", None),
    ("exp(X)/sum(exp(X), axis=0)", "softmax", "softmax(X, axis=0)", None),
    ("exp(x)/sum(exp(x))", "softmax", "softmax(x)", [800.0, -3.0]),
    ("exp(x[1])/sum(exp(x))", "softmax", "softmax(x)[1]", [800.0, -3.0]),
    ("exp(x)[1:]/sum(exp(x), keepdims=True)", "softmax", "softmax(x)[1:]", [800.0, -3.0]),
    ("exp(x[::-1])[1]/sum(exp(x), axis=0)", "softmax", "softmax(x)[0]", [800.0, -3.0]),
    ("exp(X[:, 1])/sum(exp(X))", "softmax", "softmax(X, axis=(0, 1))[:, 1]", None),
    ("exp(X.T)/sum(exp(X))", "softmax", "softmax(X, axis=(0, 1)).T", None),
    ("log(exp(x[1])/sum(exp(x)))", "log_softmax", "log_softmax(x)[1]", [800.0, -3.0]),
    ("log(exp(x)/sum(exp(x)))", "log_softmax", "log_softmax(x)", [800.0, -3.0]),
    ("log(softmax(x)[1])", "log_softmax", "log_softmax(x)[1]", [800.0, -3.0]),
    ("log(softmax(X, axis=0).T[1:])", "log_softmax", "log_softmax(X, axis=0).T[1:]", None),
    ("log(sigmoid(X)[:, 0])", "log_sigmoid", "log_sigmoid(X)[:, 0]", None),
    ("log(prod(exp(X), axis=0))", "sum", "sum(X, axis=0)", None),
    ("sqrt(sum(x**2))", "norm", "norm(x)", [1e200, -3e200]),
    ("sqrt(sum(X*X, axis=1))", "norm", "norm(X, axis=1)", None),
]
LARGE = np.array([[800.0, -3.0, 1.0], [-900.0, 2.0, -901.0]])


@pytest.mark.parametrize(("naive", "to", "stable", "points"), FORMULAS + REDUCTIONS)
def test_a_naive_formula_is_computed_as_the_stable_one(naive, to, stable, points):
    variables = {"X": LARGE} if points is None else {"x": points}

    found, expected = (gradient(f"sum(({text})/2)", variables) for text in (naive, stable))
    quoted = quote(f"sum(({naive})/2)", variables)

    assert found["value"] == expected["value"]
    for name, slope in expected["gradient"].items():
        assert np.array_equal(found["gradient"][name], slope)
    assert to in [each["to"] for each in quoted["rewrites"]]
    assert all(each["line"] == 1 and each["column"] > 5 for each in quoted["rewrites"])
    assert "rewrites" not in quote(f"sum(({stable})/2)", variables)


def test_the_logarithm_of_probabilities_that_labels_pick_is_computed_of_the_scores():
    rows = {"i": [0, 1], "y": [2, 0]}

    found = gradient("-sum(log(softmax(X)[i, y]))", {"X": LARGE}, rows)

    expected = gradient("-sum(log_softmax(X)[i, y])", {"X": LARGE}, rows)
    assert found["value"] == expected["value"] == 1701.0
    assert np.array_equal(found["gradient"]["X"], expected["gradient"]["X"])


@pytest.mark.parametrize(
    "naive",
    ["exp(y[1])/sum(exp(x))", "exp(X[1, 0])/sum(exp(X), axis=0)", "exp(x[1])/sum(exp(x), keepdims=True)"],
)
def test_other_shares_of_powers_stay_as_they_are_written(naive):
    """Of other scores, over one of several axes, or with axes that the share would lack."""
    points = {"x": [0.3, -0.2], "y": [1.0, 0.5], "X": [[0.1, 0.2], [0.3, -0.4]]}
    used = {name: point for name, point in points.items() if f"({name}" in naive}

    found, quoted = gradient(f"sum({naive})", used), quote(f"sum({naive})", used)

    with_numpy = {name: np.array(point) for name, point in used.items()}
    numerator, total = naive.split("/")
    picked, summed = numerator[4:-1], with_numpy[total[8]]
    name, place = picked.split("[")
    index = tuple(map(int, place[:-1].split(",")))
    options = {"axis": 0} if "axis=0" in total else {"keepdims": "keepdims" in total}
    expected = np.sum(np.exp(with_numpy[name][index]) / np.sum(np.exp(summed), **options))
    assert found["value"] == pytest.approx(expected, rel=1e-14)
    assert "rewrites" not in quoted


@pytest.mark.parametrize("inner", ["x", "sin(x)", "tanh(x)[:1]"])
def test_of_the_logarithm_of_a_power_the_exponent_is_left(inner):
    quoted = quote(f"sum(log(exp({inner})))", {"x": [0.5, 1.5]})

    assert [each["to"] for each in quoted["rewrites"]] == ["x"]


def test_what_is_picked_from_far_away_costs_no_long_search():
    text = "y = softmax(x)\nfor k in range(12): y = flip(y)\nsum(log(y))"

    assert "rewrites" not in quote(text, {"x": np.ones(20)})


ACCURATE = {
    "1/(1 + exp(-x))": lambda x: 1 / (1 + math.exp(-x)),
    "exp(x)/(1 + exp(x))": lambda x: math.exp(x) / (1 + math.exp(x)),
    "log(1 + exp(x))": lambda x: math.log(1 + math.exp(x)),
    "log(1 + x)": lambda x: math.log(1 + x),
    "exp(x) - 1": lambda x: math.exp(x) - 1,
    "sqrt(x**2)": lambda x: math.sqrt(x**2),
    "log(exp(x))": lambda x: math.log(math.exp(x)),
}


@pytest.mark.parametrize("text", ACCURATE)
@pytest.mark.parametrize("x", [0.7, 1.5, 2.25, 3.0])
def test_where_the_naive_form_was_accurate_the_value_changes_by_at_most_four_ulp(text, x):
    expected = ACCURATE[text](x)

    assert abs(gradient(text, {"x": x})["value"] - expected) <= 4 * math.ulp(expected)


LEFT = [
    "2/(1 + exp(-x))", "1/(2 + exp(-x))", "exp(x)/(1 + exp(2*x))", "log(2 + exp(x))", "exp(x) - 2",
    "sqrt(x**2 + 1)",
    "sqrt(x**3)", "sqrt(x*c)", "exp(x)/sum(exp(2*x))", "1 - tanh(x)", "log(c + x)",
]  # fmt: skip


@pytest.mark.parametrize("text", LEFT)
def test_other_formulas_are_left_as_they_are(text):
    assert "rewrites" not in quote(f"sum({text})", {"x": [0.5, 1.5]}, {"c": 2.0})


def test_powers_over_sums_of_another_axis_are_left():
    text = "sum(exp(X)/sum(exp(X), axis=1))"

    assert "rewrites" not in quote(text, {"X": np.ones((2, 2))})


def test_the_complex_step_passes_through_roots_as_they_are_written():
    answer = gradient("sqrt(sum(x**2)) + 1/(1 + exp(-x[0]))", {"x": [3.0, 4.0]}, method="complex_step")

    exact = gradient("sqrt(sum(x**2)) + 1/(1 + exp(-x[0]))", {"x": [3.0, 4.0]})
    assert answer["gradient"]["x"] == pytest.approx(exact["gradient"]["x"], rel=1e-12)


def test_a_formula_in_a_function_is_named_at_its_call():
    quoted = quote("f(a) = 1/(1 + exp(-a))\nf(x) + f(2*x)", {"x": 1.0})

    assert quoted["rewrites"] == [
        {"line": 2, "column": 1, "to": "sigmoid"},
        {"line": 2, "column": 8, "to": "sigmoid"},
    ]
