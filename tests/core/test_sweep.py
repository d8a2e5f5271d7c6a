"""A sweep: what each run is, its verdict, and which one is best."""

import pytest

from service.api.jsonio import dumps
from service.core import descent, sweep
from service.core.descent import OPTIMIZERS
from service.core.exceptions import InvalidRequest, NonFiniteResult, OverBudget
from service.core.limits import Deadline

SQUARE = "x[0]**2 + x[1]**2"
SCALED = "x[0]**2 + 50*x[1]**2"
START = {"x": [-3.0, 4.0]}
RATES = [0.001, 0.01, 0.1, 1, 10]


@pytest.mark.parametrize(
    ("function", "verdicts", "best"),
    [
        (SQUARE, ["improving", "improving", "improving", "oscillating", "diverged"], 2),
        (SCALED, ["improving", "improving", "diverged", "diverged", "diverged"], 1),
    ],
)
def test_the_learning_rate_experiment(function, verdicts, best):
    outcome = sweep(function, START, learning_rates=RATES)

    assert [run["verdict"] for run in outcome["runs"]] == verdicts
    assert [run["learning_rate"] for run in outcome["runs"]] == RATES
    assert outcome["best"] == best


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_a_run_of_a_sweep_is_the_descent_of_its_rate(optimizer):
    options = {"optimizer": optimizer, "history": 7, "steps": 50, "tolerance": 1e-6, "method": "central"}
    outcome = sweep(SQUARE, START, learning_rates=RATES, **options)

    for rate, run in zip(RATES, outcome["runs"], strict=True):
        alone = descent(SQUARE, START, learning_rate=rate, **options)
        assert dumps({name: run[name] for name in alone}) == dumps(alone)


@pytest.mark.parametrize("history", [0, 2, 33, 1000])
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 99])
def test_a_verdict_does_not_depend_on_the_history(history, steps):
    outcome = sweep(SQUARE, START, learning_rates=[0.01, 1.0], history=history, steps=steps)

    assert [run["verdict"] for run in outcome["runs"]] == ["improving", "oscillating"]


@pytest.mark.parametrize(("falls", "verdict"), [(2, "oscillating"), (3, "oscillating"), (4, "improving")])
def test_a_run_oscillates_when_a_quarter_of_its_steps_fail_to_fall(falls, verdict):
    """|x| by steps of 1: from falls + 1/4 the value falls so often, and then rises to 3/4."""
    outcome = sweep("abs(x)", {"x": falls + 0.25}, learning_rates=[1.0], steps=falls + 1)

    assert outcome["runs"][0]["verdict"] == verdict


def test_a_run_that_ends_above_its_start_rises():
    """By steps of 1.1 from 1 the value of x**2 grows 1.44-fold each time."""
    outcome = sweep("x**2", {"x": 1.0}, learning_rates=[0.1, 1.0, 1.1], steps=5)

    assert [run["verdict"] for run in outcome["runs"]] == ["improving", "oscillating", "rising"]
    message = outcome["runs"][2]["message"]
    assert message.startswith("The value rose from 1 to 6.192. All 5 steps were run; ")


def test_a_verdict_is_the_status_of_a_run_that_ended_early():
    outcome = sweep("x**2", {"x": 1.0}, learning_rates=[0.25, 0.5, 1e-300], tolerance=0.01)
    stalled = sweep("x**2", {"x": 1.0}, learning_rates=[0.5, 1e-300])

    assert [run["verdict"] for run in outcome["runs"]] == ["converged", "converged", "stalled"]
    assert [run["status"] for run in stalled["runs"]] == ["stalled", "stalled"]


def test_the_best_run_is_the_first_of_equals():
    assert sweep("x**2", {"x": 1.0}, learning_rates=[0.1, 0.5, 0.5, 0.25])["best"] == 1
    assert sweep("x**2", {"x": 1.0}, learning_rates=[10, 20])["best"] == 0


def test_the_best_run_is_that_of_the_lowest_value_on_the_way():
    """The first run passes 0 exactly and goes on to 3; the second ends at 0.5."""
    outcome = sweep("abs(x) + 0*y", {"x": 3.0, "y": 1.0}, learning_rates=[1.5, 1.25], steps=2)

    assert [run["value"] for run in outcome["runs"]] == [0.0, 0.5]
    assert outcome["best"] == 0


def test_runs_share_the_deadline_and_come_equally_far():
    now = iter(range(10**9))
    deadline = Deadline(0.2, lambda: next(now) / 1000)

    outcome = sweep(SQUARE, START, learning_rates=[1e-7] * 8, steps=100_000, deadline=deadline)

    assert {run["status"] for run in outcome["runs"]} == {"deadline"}
    steps = [run["steps"] for run in outcome["runs"]]
    assert min(steps) > 0
    assert max(steps) <= 4 * min(steps)


@pytest.mark.parametrize("rates", [[], [0.1] * 65])
def test_a_sweep_has_1_to_64_rates(rates):
    with pytest.raises(InvalidRequest):
        sweep(SQUARE, START, learning_rates=rates)


def test_a_start_that_is_not_finite_is_refused():
    with pytest.raises(NonFiniteResult):
        sweep("log(x)", {"x": 0.0}, learning_rates=RATES)


def test_the_size_of_all_answers_together_is_bounded():
    with pytest.raises(OverBudget):
        sweep(SQUARE, START, learning_rates=RATES, history=100, answer_numbers=500)
    assert descent(SQUARE, START, history=100, answer_numbers=500)["status"] == "max_steps"


def test_a_line_search_begins_with_the_rate_of_its_run():
    function, start, rates = "x[0]**2 + 50*x[1]**4", {"x": [1.0, 2.0]}, [0.001, 1.0]

    outcome = sweep(function, start, learning_rates=rates, line_search=True, steps=3)

    for rate, run in zip(rates, outcome["runs"], strict=True):
        alone = descent(function, start, learning_rate=rate, line_search=True, steps=3)
        assert (run["value"], run["evaluations"]) == (alone["value"], alone["evaluations"])
        assert run["state"]["seal"] == alone["state"]["seal"]
