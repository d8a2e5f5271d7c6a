"""Sweeps over starts: what each run is, how starts are drawn, what is refused, and what is told."""

import time

import numpy as np
import pytest

from service.api.jsonio import dumps
from service.core import descent, sweep
from service.core.descent.starts import MOST_DRAWS
from service.core.exceptions import InvalidRequest, NonFiniteResult, OverBudget
from service.core.limits import Deadline
from tests.core.counting import Counting

SQUARE = "(x[0] - 1)**2 + x[1]**2 + s**2"
VARIABLES = {"x": [0.0, 0.0], "s": 0.0}
STARTS = {"x": [[3.0, 4.0], [-1.0, 2.0], [0.5, 0.5]], "s": [1.0, 2.0, 3.0]}
BOUNDS = {"x": {"lower": -5.12, "upper": 5.12}}


@pytest.mark.parametrize("optimizer", ["gradient_descent", "adam", "lbfgs"])
@pytest.mark.parametrize("history", [0, 5])
def test_a_run_of_a_sweep_is_the_descent_from_its_start(optimizer, history):
    options = {"optimizer": optimizer, "history": history, "steps": 20, "gradient": True}
    outcome = sweep(SQUARE, VARIABLES, starts=STARTS, **options)

    for run, told in enumerate(outcome["runs"]):
        alone = descent(SQUARE, {name: array[run] for name, array in STARTS.items()}, **options)
        assert dumps({name: told[name] for name in alone}) == dumps(alone)


def test_the_value_of_a_start_does_not_rise_by_rounding():
    """An update so small changes nothing; sums over many runs round otherwise than those of one."""
    points = np.random.default_rng(0).normal(size=(64, 5))
    path = sweep(
        "sum(cos(3*x)) + sum(x**2)/10", {"x": points[0]}, starts={"x": points},
        optimizer="adam", learning_rate=1e-30, tolerance_step=0.01,
    )  # fmt: skip

    assert all(run["message"].startswith("Converged at step 1:") for run in path["runs"])


def test_the_best_is_told_whole_and_the_others_in_short():
    everything = sweep(SQUARE, VARIABLES, starts=STARTS, steps=3)
    best = sweep(SQUARE, VARIABLES, starts=STARTS, steps=3, answers="best")

    assert best["best"] == everything["best"] == 2
    assert dumps(best["runs"][2]) == dumps(everything["runs"][2])
    for short, whole in zip(best["runs"][:2], everything["runs"][:2], strict=True):
        assert short == {
            name: whole[name] for name in ("learning_rate", "verdict", "value", "status", "steps")
        }


def test_the_size_of_what_is_told_is_bounded_whole_for_all_or_for_the_best():
    options = {"starts": {"x": np.ones((50, 2)), "s": np.ones(50)}, "steps": 10, "history": 11}

    with pytest.raises(OverBudget, match="history"):
        sweep(SQUARE, VARIABLES, **options, answer_numbers=500)
    assert len(sweep(SQUARE, VARIABLES, **options, answers="best", answer_numbers=500)["runs"]) == 50


def test_random_starts_lie_within_the_bounds_and_follow_the_seed():
    def drawn(**wanted):
        outcome = sweep(
            "sum(x**2)", {"x": [0.0, 0.0]}, bounds=BOUNDS, random_starts=wanted, steps=1, history=2
        )
        return np.array([run["history"][0]["variables"]["x"] for run in outcome["runs"]])

    points = drawn(count=200, seed=7)

    assert points.shape == (200, 2)
    assert (np.abs(points) <= 5.12).all()
    assert np.abs(points.mean(axis=0)).max() < 0.8
    assert points.std(axis=0) == pytest.approx(5.12 / np.sqrt(3), rel=0.15)
    assert (drawn(count=200, seed=7) == points).all()
    assert (drawn(count=50, seed=7) == points[:50]).all()
    assert (drawn(count=200, seed=8) != points).any()


def test_random_starts_lie_within_bounds_whose_distance_is_beyond_float64():
    wide = {"x": {"lower": -1e308, "upper": 1e308}}
    outcome = sweep("mean(x)", {"x": [0.0, 0.0]}, bounds=wide, random_starts={"count": 20}, steps=1)
    points = np.array([run["best"]["variables"]["x"] for run in outcome["runs"]])

    assert (np.abs(points) <= 1e308).all()
    assert np.abs(points).max() > 5e307


def test_random_starts_may_spread_around_the_variables():
    wanted = {"count": 300, "seed": 0, "spread": {"x": [0.1, 2.0], "s": 0.0}}
    outcome = sweep(SQUARE, {"x": [3.0, 4.0], "s": 5.0}, random_starts=wanted, steps=1, history=2)
    firsts = [run["history"][0]["variables"] for run in outcome["runs"]]
    points = np.array([first["x"] for first in firsts])

    assert points.mean(axis=0) == pytest.approx([3.0, 4.0], abs=0.4)
    assert points.std(axis=0) == pytest.approx([0.1, 2.0], rel=0.15)
    assert {float(first["s"]) for first in firsts} == {5.0}


def test_a_random_start_without_a_finite_value_is_drawn_again():
    outcome = sweep(
        "sum(x - log(x))", {"x": [1.0, 1.0]}, bounds=BOUNDS, random_starts={"count": 64}, optimizer="lbfgs"
    )

    assert {run["status"] for run in outcome["runs"]} == {"converged"}


def test_a_random_start_is_drawn_again_where_its_projection_has_no_finite_value():
    outcome = sweep(
        "-sum(log(x))", {"x": [0.3, 0.3, 0.4]}, random_starts={"count": 20, "spread": 0.5},
        project={"x": {"onto": "simplex"}}, learning_rate=0.001, steps=5, history=6,
    )  # fmt: skip

    starts = [run["history"][0]["variables"]["x"] for run in outcome["runs"]]
    assert all(start.min() > 0 for start in starts)
    np.testing.assert_allclose([start.sum() for start in starts], 1.0)


def test_the_clock_is_looked_at_between_draws():
    """Of 1,024 starts without a finite value 102,400 are drawn, which takes seconds."""
    counting = Counting()

    with pytest.raises(NonFiniteResult):
        sweep(
            "log(-1 - x**2)", {"x": 1.0}, random_starts={"count": 2, "spread": 1.0},
            deadline=Deadline(60.0, time.monotonic, counting),
        )  # fmt: skip

    assert counting.looks >= 2 * MOST_DRAWS


def price_of(starts, **options):
    """Return how many seconds a sweep announces."""
    counting = Counting()
    sweep(
        "x**2", {"x": 1.0}, starts={"x": starts}, deadline=Deadline(60.0, time.monotonic, counting), **options
    )
    return counting.seconds


@pytest.mark.parametrize("answers", ["all", "best"])
def test_the_price_of_a_sweep_holds_what_its_runs_take_beside_their_steps(answers):
    """To begin 1,024 runs and to tell of them takes a tenth of a second, to step once a millisecond."""
    assert 0.05 < price_of(np.arange(1_024.0), steps=1, answers=answers) < 0.25


@pytest.mark.parametrize("answers", ["all", "best"])
def test_the_price_of_a_sweep_is_that_of_all_its_runs_whatever_is_told(answers):
    assert price_of(np.zeros(1_024), steps=100_000, answers=answers) > 1.0


def test_many_starts_find_the_lowest_of_many_minima():
    function = "20 + sum(x**2 - 10*cos(2*pi*x))"
    outcome = sweep(
        function,
        {"x": [0.0, 0.0]},
        bounds=BOUNDS,
        random_starts={"count": 512},
        optimizer="lbfgs",
        answers="best",
    )

    assert outcome["runs"][outcome["best"]]["value"] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("request_", "pointer"),
    [
        ({}, "/learning_rates"),
        ({"learning_rates": [0.1], "starts": STARTS}, "/learning_rates"),
        ({"starts": {"x": STARTS["x"]}}, "/starts/s"),
        ({"starts": STARTS | {"y": [1.0, 2.0, 3.0]}}, "/starts/y"),
        ({"starts": {"x": [[1.0], [2.0]], "s": [1.0, 2.0]}}, "/starts/x"),
        ({"starts": {"x": STARTS["x"], "s": [1.0, 2.0]}}, "/starts/s"),
        ({"starts": {"x": np.zeros((1025, 2)), "s": np.zeros(1025)}}, "/starts"),
        ({"random_starts": {"count": 3}}, "/bounds"),
        ({"random_starts": {"count": 3}, "bounds": {"x": {"lower": 0}}}, "/bounds"),
        ({"random_starts": {"seed": 3}}, "/random_starts/count"),
        ({"random_starts": {"count": 0, "spread": 1}}, "/random_starts/count"),
        ({"random_starts": {"count": 1025, "spread": 1}}, "/random_starts/count"),
        ({"random_starts": {"count": True, "spread": 1}}, "/random_starts/count"),
        ({"random_starts": {"count": 3, "seed": -1, "spread": 1}}, "/random_starts/seed"),
        ({"random_starts": {"count": 3, "seed": 0.5, "spread": 1}}, "/random_starts/seed"),
        ({"random_starts": {"count": 3, "spread": -1}}, "/random_starts/spread"),
        ({"random_starts": {"count": 3, "spread": {"x": 1}}}, "/random_starts/spread/s"),
        ({"random_starts": {"count": 3, "spread": [1, 2, 3]}}, "/random_starts/spread"),
        ({"random_starts": {"count": 3, "spread": {"x": 1, "s": 1, "y": 1}}}, "/random_starts/spread/y"),
        (
            {"random_starts": {"count": 3, "spread": dict.fromkeys("zyxwvutsrqpon", 1)}},
            "/random_starts/spread/z",
        ),
        ({"random_starts": {"count": 3, "width": 1}}, "/random_starts/width"),
        ({"random_starts": {"count": 3, "spread": 1}, "project": {"s": {"onto": "sphere"}}}, "/project/s"),
        ({"random_starts": {"count": 3, "spread": 1}, "project": {"y": {"onto": "sphere"}}}, "/project/y"),
    ],
)
def test_starts_that_do_not_fit_are_refused_at_their_place(request_, pointer):
    with pytest.raises(InvalidRequest) as refused:
        sweep(SQUARE, VARIABLES, **request_)

    assert refused.value.faults[0].pointer == pointer


@pytest.mark.parametrize(
    "options",
    [
        {"random_starts": {"count": 3, "spread": 1, "seed": 2**53}},
        {"batch": {"size": 1, "of": ["t"], "seed": 2**53}, "learning_rates": [1]},
    ],
)
def test_a_seed_that_is_too_large_hears_how_large_it_may_be(options):
    with pytest.raises(InvalidRequest, match=r"at least 0 and below 2\*\*53"):
        sweep("mean((x - t)**2)", {"x": 0.0}, {"t": [1.0, 2.0]}, **options)


def test_starts_of_another_number_hear_the_shape_that_is_wanted():
    with pytest.raises(InvalidRequest, match=r"Has the shape \(2,\); the shape here is \(3,\)"):
        sweep(SQUARE, VARIABLES, starts={"x": STARTS["x"], "s": [1.0, 2.0]})


def test_starts_name_every_variable_and_nothing_else():
    with pytest.raises(InvalidRequest) as refused:
        sweep(SQUARE, VARIABLES, starts={"y": [1.0]})

    found = {fault.pointer: fault.code for fault in refused.value.faults}
    assert found == {
        "/starts/s": "missing-option",
        "/starts/x": "missing-option",
        "/starts/y": "unknown-name-here",
    }


def test_random_starts_of_many_variables_are_bounded_together():
    with pytest.raises(InvalidRequest) as refused:
        sweep("sum(x**2)", {"x": np.zeros(10_000)}, random_starts={"count": 101, "spread": 1})

    assert refused.value.faults[0].pointer == "/random_starts/count"


def test_the_gradient_is_told_when_asked():
    path = descent("x[0]**2 + 3*x[1]", {"x": [2.0, 1.0]}, steps=1, learning_rate=0.25, gradient=True)

    assert path["gradient"]["x"].tolist() == [2.0, 3.0]
    assert "gradient" not in descent("x[0]**2 + 3*x[1]", {"x": [2.0, 1.0]})


def test_a_learning_rate_is_that_of_every_start_and_gives_way_to_several():
    starts = sweep("x**2", {"x": 0.0}, starts={"x": [1.0, 2.0]}, learning_rate=0.25, steps=1)
    rates = sweep("x**2", {"x": 1.0}, learning_rates=[0.1, 0.25], learning_rate=0.7, steps=1)

    assert [run["variables"]["x"] for run in starts["runs"]] == [0.5, 1.0]
    assert [run["learning_rate"] for run in rates["runs"]] == [0.1, 0.25]
