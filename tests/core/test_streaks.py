"""The short way through iterates that improve: it ends every descent where the long way does."""

import pytest

from service.core import descent
from service.core.calculus.compiler import Compiled, function_cache
from service.core.descent import run as run_module

CASES = [
    ("x[0]**2 + x[1]**2", [-3.0, 4.0], {"learning_rate": 0.1}),
    ("x[0]**2 + x[1]**2", [-3.0, 4.0], {"learning_rate": 0.1, "optimizer": "momentum"}),
    ("x[0]**2 + x[1]**2", [-3.0, 4.0], {"learning_rate": 0.9, "optimizer": "nesterov"}),
    ("x[0]**2 + x[1]**2", [-3.0, 4.0], {"learning_rate": 0.3, "optimizer": "adam", "schedule": "cosine"}),
    ("x[0]**2 + x[1]**2", [-3.0, 4.0], {"learning_rate": 0.3, "method": "central", "h": 1e-4}),
    ("x[0]**2 + x[1]**2", [-3.0, 4.0], {"learning_rate": 0.2, "tolerance": 1e-3}),
    ("x[0]**2 + x[1]**2", [-3.0, 4.0], {"learning_rate": 10.0}),
    ("x[0]**2 + x[1]**2", [-3.0, 4.0], {"learning_rate": 1.0}),
    ("x[0]**2 + x[1]**2", [-3.0, 4.0], {"learning_rate": 0.1, "clip_norm": 0.5}),
    ("x[0]**2 + x[1]**2", [-3.0, 4.0], {"learning_rate": 0.1, "bounds": {"x": {"lower": [-9.0, 1.5]}}}),
    ("abs(x[0]) + abs(x[1] - 1)", [-3.0, 4.0], {"learning_rate": 0.7}),
    ("sin(3*x[0]) * cos(2*x[1]) + 0.1*(x[0]**2 + x[1]**2)", [1.0, 2.0], {"learning_rate": 0.4}),
    ("sum(where(x > 1, x, 1))", [3.0, 5.0], {"learning_rate": 0.5}),
    ("sum(where(x > 1, x, 1))", [3.0, 3.0], {"learning_rate": 0.5, "steps": 4}),
    ("sum(where(x > 1, x, 1))", [3.0, 3.0], {"learning_rate": 0.5, "optimizer": "momentum"}),
    ("sum(x)", [0.0, 0.0], {"learning_rate": 1e10, "steps": 900}),
    ("sum(x)", [0.0, 0.0], {"learning_rate": 1e10, "steps": 51}),
    ("-sum(exp(x))", [0.0, 0.0], {"learning_rate": 1.0}),
    ("-sum(x**2)", [1.0, 2.0], {"learning_rate": 3.0}),
    ("-sum(x**2) - sum(exp(x / 1e10))", [1.0, 2.0], {"learning_rate": 0.5}),
    ("-sum(x**2) + sum(where(x > 1e9, 0, exp(x / 1e9)))", [1.0, 2.0], {"learning_rate": 0.5}),
    ("-sum(x**2) - log(1e8 - sum(x))", [1.0, 2.0], {"learning_rate": 0.5, "optimizer": "momentum"}),
    ("-sum(x**2) - sqrt(1e8 - sum(x))", [1.0, 2.0], {"learning_rate": 0.5, "tolerance": 1e-9}),
    ("1 / sum(x) - sum(x)", [0.5, 0.5], {"learning_rate": 0.05}),
    ("log(x[0]) + x[1]**2", [1.0, 1.0], {"learning_rate": 0.05}),
]


def outcome(function, start, options, history):
    path = descent(function, {"x": start}, history=history, **{"steps": 60, **options})
    return {key: repr(path[key]) for key in ("status", "steps", "message", "best", "variables", "history")}


@pytest.mark.parametrize("history", [0, 20], ids=["one chunk", "chunks"])
@pytest.mark.parametrize(("function", "start", "options"), CASES)
def test_a_descent_on_floats_ends_as_one_step_at_a_time_does(monkeypatch, function, start, options, history):
    """One step at a time, every iterate is settled by itself; elementary functions are the same ones."""
    whole = outcome(function, start, options, history)

    monkeypatch.setattr(run_module, "FIRST_CHUNK", 1)
    monkeypatch.setattr(run_module, "LONGEST_CHUNK", 1)

    assert outcome(function, start, options, history) == whole


@pytest.mark.parametrize(("function", "start", "options"), CASES)
def test_a_descent_on_floats_ends_as_the_one_on_arrays_does(monkeypatch, function, start, options):
    floats = descent(function, {"x": start}, **{"steps": 60, **options})

    function_cache().clear()
    monkeypatch.setattr(Compiled, "is_faster_on_floats", False)
    arrays = descent(function, {"x": start}, **{"steps": 60, **options})
    function_cache().clear()

    for key in ("status", "steps", "evaluations"):
        assert floats[key] == arrays[key]
    assert floats["best"]["step"] == arrays["best"]["step"]
    assert floats["value"] == pytest.approx(arrays["value"], rel=1e-9)
    assert floats["variables"]["x"] == pytest.approx(arrays["variables"]["x"], rel=1e-9, abs=1e-12)


def test_a_value_that_falls_for_ever_diverges_at_the_step_that_passes_the_bound():
    path = descent("x", {"x": 0.0}, learning_rate=1e10, steps=1_000)

    assert (path["status"], path["steps"], path["value"]) == ("diverged", 101, -1.01e12)


def test_a_gradient_of_zero_in_the_last_step_is_a_stall():
    path = descent("where(x > 1, x, 1)", {"x": 3.0}, learning_rate=0.5, steps=4)

    assert (path["status"], path["steps"]) == ("stalled", 4)
