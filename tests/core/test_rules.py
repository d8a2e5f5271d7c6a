"""Update rules beside PyTorch's paths: line search, weight decay, warm-up, and schedules by themselves."""

import math
from itertools import pairwise

import numpy as np
import pytest

from service.core import descent
from service.core.descent.choice import read_options
from service.core.descent.schedules import factor_of
from service.core.limits import DEFAULT_LIMITS

SQUARE, START = "x[0]**2 + 50*x[1]**2", {"x": [-3.0, 4.0]}
ROSENBROCK = "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)"


@pytest.mark.parametrize("rate", [1e-8, 1e-3, 1.0, 1e8])
@pytest.mark.parametrize("size", [2, 700], ids=["floats", "arrays"])
def test_a_line_search_lets_no_value_rise_whatever_the_rate(rate, size):
    start = np.linspace(-1.2, 1.0, size)
    path = descent(ROSENBROCK, {"x": start}, line_search=True, learning_rate=rate, steps=50, history=51)

    values = [record["value"] for record in path["history"]]
    assert path["status"] == "max_steps"
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.5 * values[0]


def test_a_line_search_begins_at_the_rate_and_doubles_what_was_accepted():
    """On x**2 a step t leaves 1 - 2t of x: 1/8 of it is accepted, then 1/4, then 1/2 lands on the minimum."""
    path = descent("x**2", {"x": 1.0}, line_search=True, learning_rate=0.125, steps=3, history=4)

    assert [float(record["variables"]["x"]) for record in path["history"]] == [1.0, 0.75, 0.375, 0.0]
    assert path["evaluations"] == 4


def test_a_line_search_shortens_a_step_that_is_not_finite():
    path = descent("x - log(x)", {"x": 50.0}, line_search=True, learning_rate=1e3, tolerance=1e-4, steps=1000)

    assert path["status"] == "converged"
    assert path["variables"]["x"] == pytest.approx(1.0, abs=1e-3)


def test_a_line_search_keeps_within_bounds():
    bounds = {"x": {"lower": [-5, 1], "upper": [-1, 9]}}
    path = descent(SQUARE, START, line_search=True, bounds=bounds, tolerance=1e-9)

    assert path["status"] == "converged"
    assert path["variables"]["x"].tolist() == [-1.0, 1.0]


@pytest.mark.parametrize("optimizer", ["gradient_descent", "momentum", "adam", "adamw", "lion"])
def test_weight_decay_moves_the_variables_where_the_gradient_is_zero(optimizer):
    path = descent("0*x + 1", {"x": 2.0}, optimizer=optimizer, weight_decay=0.5, learning_rate=0.1, steps=20)

    assert path["status"] == "max_steps"
    assert abs(path["variables"]["x"]) < 2.0


def test_nothing_decays_that_is_zero():
    assert descent("0*x + 1", {"x": 0.0}, weight_decay=0.5)["status"] == "stalled"


def factors(count, **options):
    chosen = read_options(options, DEFAULT_LIMITS).completed(count)
    factor = factor_of(chosen.schedule, chosen)
    return [factor(k) for k in range(count)]


def test_a_warm_up_rises_from_zero_and_then_the_schedule_begins():
    found = factors(8, schedule="exponential", schedule_rate=0.5, warmup=4)

    assert found == [0.0, 0.25, 0.5, 0.75, 1.0, 0.5, 0.25, 0.125]


def test_a_schedule_without_a_length_takes_the_steps_that_the_warm_up_leaves():
    found = factors(8, schedule="polynomial", warmup=4)

    assert found == [0.0, 0.25, 0.5, 0.75, 1.0, 0.75, 0.5, 0.25]


@pytest.mark.parametrize(("steps", "length"), [(4, 1), (5, 1), (6, 2)])
def test_a_schedule_without_a_length_has_at_least_one_step(steps, length):
    chosen = read_options({"schedule": "polynomial", "warmup": 4}, DEFAULT_LIMITS).completed(steps)

    assert chosen["schedule_every"] == length


def test_milestones_need_no_order():
    found = factors(6, schedule="milestones", schedule_rate=0.1, schedule_at=[4, 2])

    assert found == pytest.approx([1, 1, 0.1, 0.1, 0.01, 0.01])


def test_a_plateau_lowers_the_rate_when_the_value_does_not_fall():
    """The value swings between 1 and -1 until the rate of 1 is halved: then it lands on the minimum."""
    path = descent(
        "x**2",
        {"x": 1.0},
        learning_rate=1.0,
        schedule="plateau",
        schedule_rate=0.5,
        schedule_every=3,
        steps=20,
    )

    assert path["value"] == 0.0


@pytest.mark.parametrize("schedule_every", [1, 2])
def test_a_plateau_begins_when_the_warm_up_is_over(schedule_every):
    """The value is the same at all steps: the rate falls after the first of them and so many others."""
    path = descent(
        "x**0", {"x": 1.0},
        optimizer="lion", weight_decay=0.5, learning_rate=1.0,
        schedule="plateau", schedule_rate=0.1, schedule_every=schedule_every, warmup=4, steps=20, history=21,
    )  # fmt: skip
    place = [record["variables"]["x"] for record in path["history"]]
    rates = [2.0 * (1.0 - after / before) for before, after in pairwise(place)]

    expected = [0.0, 0.25, 0.5, 0.75, *[1.0] * (schedule_every + 2), *[0.1] * (schedule_every + 1)]
    np.testing.assert_allclose(rates[: len(expected)], expected, atol=1e-9)


@pytest.mark.parametrize(
    ("length", "theirs"),
    [
        (1, [4e-6]),
        (2, [0.811745653949763, 4e-6]),
        (3, [0.9944154354509117, 0.46263710266697505, 4e-6]),
        (4, [0.04, 0.811745653949763, 0.28306099820869923, 4e-6]),
    ],
)
def test_one_cycle_of_few_updates_is_that_of_pytorch(length, theirs):
    chosen = read_options({"schedule": "one_cycle", "schedule_every": length}, DEFAULT_LIMITS)
    factor = factor_of(chosen.schedule, chosen)

    np.testing.assert_allclose([factor(k) for k in range(length)], theirs, rtol=1e-12)


def test_one_cycle_stays_finite_for_any_length():
    for length in (1, 2, 3, 7):
        chosen = read_options({"schedule": "one_cycle", "schedule_every": length}, DEFAULT_LIMITS)
        factor = factor_of(chosen.schedule, chosen)
        assert all(math.isfinite(factor(k)) and 0 < factor(k) <= 1 for k in range(3 * length))


SETTLING = [{"tolerance_step": 1e-2}, {"tolerance_value": 1e-3}]


@pytest.mark.parametrize("tolerance", SETTLING, ids=str)
@pytest.mark.parametrize("start", [3.0, [3.0, 4.0], np.full(40, 3.0)], ids=["number", "few", "array"])
@pytest.mark.parametrize("optimizer", ["gradient_descent", "adam"])
def test_the_short_steps_of_a_warm_up_settle_nothing(optimizer, start, tolerance):
    options = {"optimizer": optimizer, "learning_rate": 0.3, "warmup": 20, "steps": 2_000}

    whole = descent("sum((x - 1)**2)", {"x": start}, **options, **tolerance)
    first = descent("sum((x - 1)**2)", {"x": start}, **options | {"steps": 5}, **tolerance)
    rest = descent("sum((x - 1)**2)", {"x": start}, **options, **tolerance, state=first["state"])

    assert whole["status"] == "converged"
    assert 20 < whole["steps"] < 2_000
    assert (first["status"], first["steps"]) == ("max_steps", 5)
    assert rest["steps"] == whole["steps"] - 5
    assert rest["state"]["seal"] == whole["state"]["seal"]


@pytest.mark.parametrize("tolerance", SETTLING, ids=str)
@pytest.mark.parametrize("options", [{"optimizer": "lbfgs"}, {"optimizer": "newton"}, {"line_search": True}])
def test_what_does_not_warm_up_settles_as_if_no_warm_up_was_asked_for(options, tolerance):
    arguments = "sum((x - 1)**4)", {"x": [3.0, 4.0]}

    warmed = descent(*arguments, **options, **tolerance, warmup=1_000)

    assert warmed["message"] == descent(*arguments, **options, **tolerance)["message"]
    assert "tolerance_" in warmed["message"]


@pytest.mark.parametrize("tolerance", [{"tolerance": 100.0}, {"target": 100.0}], ids=str)
def test_a_gradient_or_value_that_is_small_ends_a_warm_up_at_once(tolerance):
    path = descent("sum(x**2)", {"x": [3.0, 4.0]}, warmup=20, **tolerance)

    assert (path["status"], path["steps"]) == ("converged", 0)
