"""Descents that go wrong in several ways at once, over HTTP: finite answers or refusals, and never a lie."""

import json
import math

import numpy as np
import pytest

ROWS = [[1e3, 1.0], [1.0, 1e-3], [0.0, 0.0], [-5.0, 2.0], [1.0, 1.0], [2.0, -3.0], [1e-8, 4.0]]
FIT = {
    "function": "mean((X @ w - y)**2)",
    "variables": {"w": [0.5, -0.5]},
    "constants": {"X": ROWS, "y": [1, 2, 3, 4, 5, 6, 7]},
}
BATCH = {"size": 2, "of": ["X", "y"], "seed": 3}
BOX = {"w": {"lower": -1, "upper": [0.25, 1e300]}}
SIMPLEX = {"onto": "simplex"}

HOSTILE = {
    "batches of one row, a thousand times as steep as the others": FIT | {"batch": BATCH | {"size": 1}},
    "batches within bounds, a rate that throws from bound to bound": FIT
    | {"batch": BATCH, "bounds": BOX, "learning_rate": 1e6, "optimizer": "nesterov"},
    "batches on a simplex with momenta that overflow": FIT
    | {"batch": BATCH, "project": {"w": SIMPLEX}, "learning_rate": 1e300, "optimizer": "momentum"},
    "a batch that is all rows": FIT
    | {"batch": BATCH | {"size": 7}, "learning_rate": 1e-6, "tolerance": 1e-3},
    "a logarithm that a batch leaves": {
        "function": "mean(x*w[0] - log(x*w[0]))",
        "variables": {"w": [1e-3, 1]},
        "constants": {"x": [1, 1e-3, 1e3, 5, 2]},
        "batch": {"size": 2, "of": ["x"]},
        "learning_rate": 0.5,
    },
    "rows of a variance that is 0 for one of them": {
        "function": "mean((x - w)**2) / std(x)",
        "variables": {"w": 0.5},
        "constants": {"x": [1, 1, 1, 2, 2, 2]},
        "batch": {"size": 2, "of": ["x"]},
    },
    "a linear function on a ball, numerically": {
        "function": "1e150*sum(x)",
        "variables": {"x": [0, 0, 0]},
        "project": {"x": {"onto": "l2_ball", "radius": 1e-6}},
        "method": "central",
        "tolerance": 1e-3,
    },
    "a sphere from its middle, flat there": {
        "function": "sum(x**4)",
        "variables": {"x": [[0, 0], [0, 0]]},
        "project": {"x": {"onto": "sphere", "radius": 1e-100}},
        "tolerance": 1e-300,
    },
    "a simplex of a huge sum": {
        "function": "sum(x*log(x + 1e-300))",
        "variables": {"x": [1e300, 0, -1e300]},
        "project": {"x": {"onto": "simplex", "sum": 1e300}},
        "learning_rate": 1e298,
        "optimizer": "adam",
    },
    "newton between bounds that meet at a pole": {
        "function": "sum(1/x**2) + sum(x)",
        "variables": {"x": [1e-3, 5]},
        "bounds": {"x": {"lower": 1e-9, "upper": [1e-3, 1e12]}},
        "optimizer": "newton",
    },
    "newton on a saddle within bounds": {
        "function": "x[0]**2 - x[1]**2 + 1e-9*x[0]*x[1]",
        "variables": {"x": [0, 0]},
        "bounds": {"x": {"lower": -1e-3, "upper": 1e5}},
        "optimizer": "newton",
    },
    "lbfgs on a cliff between bounds of one float's width": {
        "function": "exp(1000*(x[0] - 1)) + abs(x[1])",
        "variables": {"x": [1, 1]},
        "bounds": {"x": {"lower": [0, 0.9999999999999999], "upper": [1, 1]}},
        "optimizer": "lbfgs",
    },
    "a target that only some rows meet": FIT | {"batch": BATCH, "target": 30, "learning_rate": 1e-7},
}
"""More than ten, in none of which the other list's functions return."""


def numbers_of(value):
    """List every number of an answer."""
    if isinstance(value, dict):
        return [number for each in value.values() for number in numbers_of(each)]
    if isinstance(value, list):
        return [number for each in value for number in numbers_of(each)]
    return [value] if isinstance(value, float | int) else []


def projected(x, slope, request):
    """Return x - P(x - slope) of one variable, by bounds, and by the sets that occur here."""
    (name,) = request["variables"]
    if name in request.get("bounds", {}):
        sides = request["bounds"][name]
        return x - np.clip(x - slope, sides.get("lower", -np.inf), sides.get("upper", np.inf))
    wanted = request.get("project", {}).get(name)
    if wanted is None:
        return slope
    if wanted["onto"] == "l2_ball":
        moved = x - slope
        return x - moved * min(1.0, wanted["radius"] / np.linalg.norm(moved))
    unit = x / wanted["radius"]
    return slope - np.sum(slope * unit, axis=-1, keepdims=True) * unit


def assert_honest(answer, request):
    assert all(map(math.isfinite, numbers_of(answer)))
    if answer["status"] != "converged":
        return
    if "target" in request:
        assert answer["value"] <= request["target"]
    elif "rounding" not in answer["message"]:
        (x,), (slope,) = answer["variables"].values(), answer["gradient"].values()
        left = np.max(np.abs(projected(np.array(x), np.array(slope), request)))
        scale = max(1.0, abs(answer["value"])) * 1e-8 * (1 + 1e-6)
        assert left <= request.get("tolerance", scale)


@pytest.mark.parametrize("request_", HOSTILE.values(), ids=HOSTILE)
def test_a_descent_says_in_finite_numbers_where_it_ended(client, request_):
    response = client.post("/descent", json={"steps": 200, "history": 5, "gradient": True} | request_)

    assert response.status_code in (200, 422)
    text = response.get_data(as_text=True)
    assert "NaN" not in text
    assert "Infinity" not in text
    if response.status_code == 200:
        assert_honest(json.loads(text), request_)
    else:
        assert response.get_json()["code"] == "non-finite-result"


@pytest.mark.parametrize("request_", HOSTILE.values(), ids=HOSTILE)
def test_a_sweep_over_starts_says_so_of_each(client, request_):
    random = np.random.default_rng(1)
    starts = {
        name: (np.array(value) + random.normal(size=(6, *np.shape(value)))).tolist()
        for name, value in request_["variables"].items()
    }
    rest = {name: value for name, value in request_.items() if name != "learning_rate"}
    response = client.post("/descent/sweep", json={"steps": 100, "gradient": True, "starts": starts} | rest)

    assert response.status_code in (200, 422)
    if response.status_code == 200:
        for run in response.get_json()["runs"]:
            assert_honest(run, request_)
    else:
        assert response.get_json()["code"] == "non-finite-result"


def test_there_are_ten():
    assert len(HOSTILE) >= 10
