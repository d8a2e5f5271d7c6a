"""How searches end whose value is rounded: at an optimum they have converged, and soon."""

import numpy as np
import pytest

from service.core import descent

SEARCHES = [{"optimizer": "lbfgs"}, {"optimizer": "newton"}, {"line_search": True}]


@pytest.mark.parametrize("search", SEARCHES, ids=str)
@pytest.mark.parametrize(
    ("function", "start", "bounds"),
    [
        ("sum((x - m)**2)", [0.5, 0.5, 0.5], {"lower": 0.0, "upper": 1.0}),
        ("sum((x - m)**4)", [0.2, 0.3, 0.7], {"upper": 0.8}),
        ("sum(exp(x)) + dot(m, x)", [0.1, 0.2, 0.3], {"lower": -0.5, "upper": 0.4}),
    ],
)
def test_an_optimum_on_a_bound_is_one(function, start, bounds, search):
    m = {"m": [2.0, -1.0, 0.9]}

    path = descent(function, {"x": start}, m, bounds={"x": bounds}, gradient=True, steps=2_000, **search)

    low, high = bounds.get("lower", -np.inf), bounds.get("upper", np.inf)
    x = path["variables"]["x"]
    assert path["status"] == "converged"
    assert (np.abs(x - np.clip(x - path["gradient"]["x"], low, high)) < 1e-4).all()
    assert path["gradient_norm"] > 0.1


@pytest.mark.parametrize(
    ("function", "start"),
    [
        ("1e8 + (x - 3)**2", 0.0),
        ("x - 2*sqrt(x)", 9.0),
        ("x - log(x)", 1e-8),
        ("1e12 + sum((x - 3)**2)", [0.0, 1.0]),
        ("max(abs(X @ x - y))", [0.0, 0.0]),
    ],
)
def test_a_line_search_ends_where_only_rounding_is_left(function, start):
    """It halved and doubled its steps for as long as it might, and no value fell."""
    random = np.random.default_rng(0)
    data = {"X": random.normal(size=(30, 2)), "y": random.normal(size=30)} if "X" in function else {}

    path = descent(function, {"x": start}, data, line_search=True, steps=20_000)
    half = descent(function, {"x": start}, data, line_search=True, steps=max(1, path["steps"] // 2))
    rest = descent(function, {"x": start}, data, line_search=True, steps=20_000, state=half["state"])

    assert path["status"] in ("converged", "stalled")
    assert path["evaluations"] < 1_500
    assert rest["state"]["seal"] == path["state"]["seal"]


@pytest.mark.parametrize("start", [(26.19, 4.94), (76.48, 1.08), (55.53, 3.23), (27.07, 2.32), (50.0, 0.1)])
def test_who_fell_into_a_pole_has_not_arrived(start):
    """A likelihood of the beta distribution, which has poles where its parameters are negative."""
    x = np.random.default_rng(7).beta(2, 5, 200)
    function = "-sum((a - 1)*log(x) + (b - 1)*log(1 - x) - (lgamma(a) + lgamma(b) - lgamma(a + b)))"

    path = descent(function, dict(zip("ab", start, strict=True)), {"x": x}, optimizer="lbfgs", steps=3_000)

    assert path["status"] != "converged" or path["gradient_norm"] < 1e-3


SMOOTH = {
    "a Gaussian process": (
        "K = exp(2*a - D/(2*exp(2*s))) + exp(2*n)*eye(len(y)); L = cholesky(K); z = solve(L, y)\n"
        "sum(log(diag(L))) + dot(z, z)/2",
        {"s": 0.0, "a": 0.0, "n": -1.0},
    ),
    "its determinant": (
        "K = exp(2*a - D/(2*exp(2*s))) + exp(2*n)*eye(len(y)); logdet(K)/2 + dot(y, solve(K, y))/2",
        {"s": 0.0, "a": 0.0, "n": -1.0},
    ),
}


@pytest.mark.parametrize("search", SEARCHES, ids=str)
@pytest.mark.parametrize("seed", [1, 2, 7])
@pytest.mark.parametrize(("function", "start"), SMOOTH.values(), ids=SMOOTH)
def test_a_value_that_is_rounded_by_its_matrices_hides_what_is_left(function, start, seed, search):
    random = np.random.default_rng(seed)
    x = np.sort(random.uniform(0, 10, 30))
    data = {"D": (x[:, None] - x) ** 2, "y": np.sin(x) + 0.1 * random.normal(size=30)}

    path = descent(function, start, data, steps=3_000, tolerance=1e-11, **search)

    assert path["status"] == "converged"
    assert path["gradient_norm"] < 1e-4


@pytest.mark.parametrize("search", SEARCHES, ids=str)
def test_a_function_without_a_minimum_is_told_from_a_rate_too_large(search):
    path = descent("-x", {"x": 0.0}, steps=100, **search)

    assert path["status"] == "diverged"
    assert path["message"].endswith("the function seems to have no minimum.")


def test_a_rule_that_falls_without_end_is_told_so():
    path = descent("-exp(x)", {"x": 0.0}, learning_rate=0.1, steps=1_000)

    assert path["message"].endswith("the function seems to have no minimum.")


def test_a_large_gradient_at_a_kink_advises_no_other_optimizer():
    data = {"X": np.eye(3), "y": [1.0, -2.0, 0.5]}
    options = {"optimizer": "adam", "schedule": "cosine", "learning_rate": 0.1, "steps": 300}

    kinked = descent("sum(abs(X @ w - y))", {"w": np.zeros(3)}, data, **options)
    smooth = descent("sum(erf(w)**2) + sum(w)", {"w": np.ones(3)}, data, steps=3)

    assert kinked["gradient_norm"] > 1.0
    assert "lbfgs" not in kinked["message"]
    assert "lbfgs" in smooth["message"]
