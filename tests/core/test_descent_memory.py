"""What a descent really holds, traced, beside what it announced to the scheduler."""

import math

import numpy as np
import pytest

from service.core import descent
from service.core.descent.optimizers import OPTIMIZERS
from service.core.limits import Deadline
from tests.core.counting import Counting
from tests.core.test_held_memory import held_by

pytestmark = pytest.mark.untraced  # memory is measured

QUARTIC = "sum((x - 1)**4)"
VALLEY = "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)"
NETWORK = "mean((tanh(X @ W) @ v - y)**2)"

WITHIN = {"x": {"lower": -1, "upper": 0.9}}
BATCH = {"batch": {"size": 100, "of": ["X", "y"]}}
ALL_AT_ONCE = {"clip_norm": 1.0, "weight_decay": 1e-3, "history": 4, "tolerance": 1e-15}
RULES = [name for name in OPTIMIZERS if OPTIMIZERS[name].stepper == "rule"]


def check_held(function, variables, constants, **options):
    counting = Counting()

    def run(deadline=None):
        descent(function, variables, constants, deadline=deadline, **options)

    run(Deadline(math.inf, lambda: 0.0, counting))
    given = sum(array.nbytes for array in (*variables.values(), *constants.values()))

    assert held_by(run) <= counting.peak_bytes - given


@pytest.mark.parametrize("more", [{}, ALL_AT_ONCE], ids=["alone", "with-all"])
@pytest.mark.parametrize("optimizer", RULES)
def test_a_rule_holds_no_more_than_announced(optimizer, more):
    x = np.random.default_rng(0).normal(size=6_000)

    check_held(QUARTIC, {"x": x}, {}, optimizer=optimizer, learning_rate=1e-6, steps=50, **more)


@pytest.mark.parametrize("function", [QUARTIC, VALLEY])
@pytest.mark.parametrize(
    "options",
    [
        {"optimizer": "lbfgs"},
        {"optimizer": "lbfgs", "memory": 3},
        {"optimizer": "lbfgs", "bounds": WITHIN, "steps": 25},
        {"optimizer": "lbfgs", "bounds": {"x": {"lower": -5, "upper": 5}}, "steps": 25},
        {"optimizer": "newton", "steps": 4},
        {"optimizer": "newton", "bounds": WITHIN, "steps": 4},
        {"line_search": True},
        {"line_search": True, "bounds": WITHIN},
        {"tolerance": 1e-12, "tolerance_step": 1e-14, "tolerance_value": 1e-14, "bounds": WITHIN},
        {"project": {"x": {"onto": "l2_ball", "radius": 100}}},
        {"history": 1000, "target": 1.0},
        {"history": 20, "gradient": True},
    ],
    ids=str,
)
def test_a_descent_holds_no_more_than_announced(function, options):
    x = np.random.default_rng(0).normal(size=6_000)

    check_held(function, {"x": x}, {}, **{"learning_rate": 1e-6, "steps": 15, **options})


def test_a_history_that_is_recorded_again_holds_no_more_than_announced():
    x = np.random.default_rng(0).normal(size=6_000)
    options = {"learning_rate": 1e-4, "steps": 60, "history": 50, "tolerance_value": 0.02}

    assert descent(VALLEY, {"x": x}, **options)["steps"] == 44
    check_held(VALLEY, {"x": x}, {}, **options)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"optimizer": "adam"},
        {"optimizer": "newton", "steps": 3},
        {"optimizer": "lbfgs"},
        BATCH,
        {"optimizer": "adam", "history": 10, **BATCH},
        {"batch": {"size": 1_900, "of": ["X", "y"]}},
    ],
    ids=str,
)
def test_training_holds_no_more_than_announced(options):
    draw = np.random.default_rng(0).normal
    data = {"X": draw(size=(2_000, 50)), "y": draw(size=2_000)}
    start = {"W": draw(size=(50, 200)) / 7, "v": draw(size=200) / 10}

    check_held(NETWORK, start, data, **{"learning_rate": 1e-4, "steps": 15, **options})


@pytest.mark.parametrize("onto", ["simplex", "l1_ball", "sphere"])
@pytest.mark.parametrize("optimizer", ["gradient_descent", "adam", "rprop"])
def test_a_projected_descent_holds_no_more_than_announced(optimizer, onto):
    x = np.random.default_rng(0).random((100, 80))

    check_held("sum((x - 1)**2)", {"x": x}, {}, optimizer=optimizer, steps=50, project={"x": {"onto": onto}})


@pytest.mark.parametrize("method", ["central", "forward", "complex_step"])
@pytest.mark.parametrize("options", [{}, {"bounds": WITHIN}, {"optimizer": "lbfgs"}], ids=str)
def test_a_numerical_descent_holds_no_more_than_announced(method, options):
    x = np.random.default_rng(0).normal(size=3_000)

    check_held("sum(x**2)", {"x": x}, {}, method=method, steps=2, **options)
