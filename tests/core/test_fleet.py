"""The runs of a sweep taken together: each is the descent of its rate or start, whatever the program."""

import math
import tracemalloc

import numpy as np
import pytest

from service.api.jsonio import dumps
from service.core import descent, sweep
from service.core.descent import fleet, formation
from service.core.descent.choice import read_options
from service.core.descent.path import Path
from service.core.descent.problem import Problem
from service.core.exceptions import NonFiniteResult, OverBudget
from service.core.limits import DEFAULT_LIMITS, NO_DEADLINE, Deadline, Limits, Scheduler
from tests.core.descent_cases import OPTIMIZERS, SCHEDULES

CHAIN = "sum(10*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)"
NETWORK = "h = tanh(X @ W + b); mean((h @ V + c - y)**2)"
DRAW = np.random.default_rng(0).normal
TASKS = {
    "two numbers": ("x[0]**2 + 3*x[1]**2 + x[0]*x[1]", {"x": [2.0, -1.0]}, {}),
    "a number that stands alone": ("(a - 1)**2 + 2*b", {"a": 3.0, "b": 0.5}, {}),
    "a chain": (CHAIN, {"x": (0.3 * DRAW(size=40)).tolist()}, {}),
    "a network": (
        NETWORK,
        {"W": DRAW(size=(2, 3)), "b": np.zeros(3), "V": DRAW(size=3), "c": 0.1},
        {"X": DRAW(size=(8, 2)), "y": DRAW(size=8)},
    ),
}
RATES = [1e-4, 1e-3, 3e-3, 1e-2, 2e-2]


@pytest.fixture(params=["elements", "matrix"])
def way(request, monkeypatch):
    """Let runs go together, by one of the two programs."""
    other = {"elements": "of_matrix", "matrix": "of_elements"}[request.param]
    monkeypatch.setattr(formation.Formation, other, lambda *arguments: np.inf)
    monkeypatch.setattr(formation.Formation, "is_worthwhile", lambda *arguments: True)
    monkeypatch.setattr(fleet, "BLOCK_STEPS", 7)
    return request.param


@pytest.fixture
def blocks(monkeypatch):
    """Count the blocks of steps that runs take together."""
    taken = []
    original = fleet.Fleet.advance
    monkeypatch.setattr(fleet.Fleet, "advance", lambda self: taken.append(len(self.paths)) or original(self))
    return taken


def assert_same(run, alone, tolerance=1e-9):
    assert (run["status"], run["steps"], run["best"]["step"]) == (
        alone["status"],
        alone["steps"],
        alone["best"]["step"],
    )
    assert run["evaluations"] == alone["evaluations"]
    for key in ("value", "gradient_norm"):
        assert run[key] == pytest.approx(alone[key], rel=tolerance, abs=1e-12)
    assert run["best"]["value"] == pytest.approx(alone["best"]["value"], rel=tolerance, abs=1e-12)
    pairs = [(run["variables"], alone["variables"]), (run["best"]["variables"], alone["best"]["variables"])]
    pairs += [
        (run["state"]["moments"][name], alone["state"]["moments"][name]) for name in run["state"]["moments"]
    ]
    for ours, theirs in pairs:
        for name, array in theirs.items():
            assert np.shape(ours[name]) == np.shape(array)
            assert np.asarray(ours[name]) == pytest.approx(np.asarray(array), rel=tolerance, abs=1e-12)
    assert run["state"]["numbers"] == pytest.approx(alone["state"]["numbers"], rel=tolerance)
    assert [each["step"] for each in run["history"]] == [each["step"] for each in alone["history"]]


def assert_all_same(task, **options):
    function, variables, constants = TASKS[task]
    outcome = sweep(function, variables, constants, learning_rates=RATES, **options)
    for rate, run in zip(RATES, outcome["runs"], strict=True):
        assert_same(run, descent(function, variables, constants, learning_rate=rate, **options))


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_every_rule_is_that_of_the_single_descent(optimizer, task, way, blocks):
    assert_all_same(task, optimizer=optimizer, steps=30)

    assert blocks


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("more", [{}, {"warmup": 8}, {"clip_norm": 0.3}, {"weight_decay": 0.1}])
@pytest.mark.parametrize("optimizer", ["gradient_descent", "nadam"])
def test_every_schedule_is_that_of_the_single_descent(schedule, more, optimizer, way, blocks):
    options = {"schedule": schedule, "steps": 40, "optimizer": optimizer} | SCHEDULES[schedule] | more
    assert_all_same("a network", **options)

    assert blocks


@pytest.mark.parametrize(
    "options",
    [
        {"tolerance": 0.5},
        {"tolerance_value": 1e-3},
        {"tolerance_step": 1e-3},
        {"target": 3.0},
        {"bounds": {"x": {"lower": -0.5, "upper": 1.5}}},
        {"bounds": {"x": {"lower": [-0.5, -2.0], "upper": 1.0}}, "tolerance": 0.05},
        {"tolerance_step": 1e-3, "warmup": 9},
        {"tolerance_value": 1e-3, "warmup": 9, "schedule": "cosine"},
        {"history": 5},
        {"history": 60, "tolerance": 0.5},
    ],
)
@pytest.mark.parametrize("optimizer", ["gradient_descent", "momentum", "adam"])
def test_a_run_ends_where_the_single_descent_does(options, optimizer, way, blocks):
    function, variables, _ = TASKS["two numbers"]
    rates = [0.01, 0.1, 0.2, 0.3, 0.6, 5.0]
    outcome = sweep(function, variables, learning_rates=rates, optimizer=optimizer, steps=80, **options)

    assert blocks
    for rate, run in zip(rates, outcome["runs"], strict=True):
        alone = descent(function, variables, learning_rate=rate, optimizer=optimizer, steps=80, **options)
        assert_same(run, alone)


@pytest.mark.parametrize("method", ["exact", "central"])
@pytest.mark.parametrize("function", ["y = x; 3", "y = x; c", "sum(x[7:])", "sum(x[7:])*c + exp(c)"])
def test_a_value_that_is_the_same_for_every_run_is_one_for_each(function, method, way, blocks):
    constants = {"c": 0.5} if "c" in function else {}
    options = {"method": method, "optimizer": "adamw", "steps": 20}

    outcome = sweep(function, {"x": [1.0, 2.0, 3.0]}, constants, learning_rates=RATES, **options)

    for rate, run in zip(RATES, outcome["runs"], strict=True):
        alone = descent(function, {"x": [1.0, 2.0, 3.0]}, constants, learning_rate=rate, **options)
        assert_same(run, alone)
    assert blocks


@pytest.mark.parametrize("optimizer", ["gradient_descent", "adagrad", "adam", "rprop"])
def test_runs_that_stall_or_diverge_leave_the_others(optimizer, way, blocks):
    """A plateau, a well, and a slope over which exp overflows."""
    function = "where(x > 5, 1, where(x < -5, exp(-x), x**2))"
    starts = [-700.0, 6.0, 7.0, 1.0, -6.0, 2.0, 4.0, -300.0]
    options = {"optimizer": optimizer, "learning_rate": 0.3, "steps": 50}
    outcome = sweep(function, {"x": 0.0}, starts={"x": starts}, **options)

    assert blocks
    for start, run in zip(starts, outcome["runs"], strict=True):
        assert_same(run, descent(function, {"x": start}, **options))


def test_clipping_is_that_of_the_single_descent_at_any_size(way):
    starts = [[1e-200, 1e-200], [1e200, -1e200], [3.0, 4.0], [0.0, 1e-9], [2.0**1022, 2.0**1022]]
    options = {"clip_norm": 0.5, "learning_rate": 0.1, "steps": 2, "target": -1e300}
    outcome = sweep("sum(abs(x)) * 1.5", {"x": [0.0, 0.0]}, starts={"x": starts}, **options)
    steep = sweep("1e300 * sum(x)", {"x": [0.0, 0.0]}, starts={"x": [[1.0, 2.0]] * 3}, **options)

    for start, run in zip(starts, outcome["runs"], strict=True):
        assert_same(run, descent("sum(abs(x)) * 1.5", {"x": start}, **options))
    assert_same(steep["runs"][1], descent("1e300 * sum(x)", {"x": [1.0, 2.0]}, **options))


def test_clipping_is_that_of_the_single_descent_where_the_norm_overflows(way, blocks):
    steepest = "1.7e308 * sum(x)"
    options = {"clip_norm": 0.5, "learning_rate": 0.1, "steps": 10}
    starts = [[1e-9, 2e-9], [1e-3, -2e-3], [0.1, 0.2]]

    outcome = sweep(steepest, {"x": [0.0, 0.0]}, starts={"x": starts}, **options)

    for start, run in zip(starts, outcome["runs"], strict=True):
        assert_same(run, descent(steepest, {"x": start}, **options))
        assert run["variables"]["x"] == pytest.approx(np.array(start) - 10 * 0.05 / np.sqrt(2), rel=1e-12)
    assert blocks == [3, 3]  # none has left, to be clipped alone


def test_the_best_step_is_the_earliest_of_equals_from_block_to_block(way, blocks, monkeypatch):
    """The runs go round, and come back to 0 exactly, falling."""
    monkeypatch.setattr(fleet, "BLOCK_STEPS", 1)
    function, options = "where(x > 0, 3*x, -x)", {"learning_rate": 0.5, "steps": 20}

    outcome = sweep(function, {"x": 1.0}, starts={"x": [1.0, 1.0]}, **options)

    alone = descent(function, {"x": 1.0}, **options)
    assert (alone["best"]["value"], alone["best"]["step"]) == (0.0, 2)
    for run in outcome["runs"]:
        assert_same(run, alone)
    assert len(blocks) >= 20


def test_a_value_that_stays_within_a_block_is_no_fall(way, blocks):
    """Momentum carries the runs on over a floor, where no gradient is left."""
    function, starts = "maximum(x[0], 1) + maximum(x[1], 1)", [[1.6, 1.7], [1.8, 1.75]]
    options = {"optimizer": "momentum", "steps": 20, "learning_rate": 0.1}

    outcome = sweep(function, {"x": starts[0]}, starts={"x": starts}, **options)

    for start, run in zip(starts, outcome["runs"], strict=True):
        alone = descent(function, {"x": start}, **options)
        assert_same(run, alone)
        assert (alone["best"]["value"], alone["best"]["step"] < alone["steps"]) == (2.0, True)
        assert run["verdict"] == "oscillating"  # most steps lowered nothing
    assert blocks


@pytest.mark.parametrize("optimizer", ["gradient_descent", "momentum"])
@pytest.mark.parametrize("options", [{}, {"tolerance": 1e-3}, {"target": 0.0}, {"history": 3}], ids=str)
def test_a_run_may_end_at_its_start(options, optimizer, way, blocks):
    starts = [[1.0, 2.0], [0.0, 0.0], [-1.0, 0.5], [1e-4, 1e-4]]
    options = {**options, "optimizer": optimizer, "steps": 20}

    outcome = sweep("sum(x**2)", {"x": starts[0]}, starts={"x": starts}, **options)

    for start, run in zip(starts, outcome["runs"], strict=True):
        alone = descent("sum(x**2)", {"x": start}, **options)
        assert_same(run, alone)
    assert outcome["runs"][1]["steps"] == 0
    assert blocks


@pytest.mark.parametrize("history", [0, 5])
def test_a_run_that_goes_on_alone_keeps_its_history_when_it_ends_early(history, way, monkeypatch):
    monkeypatch.setattr(formation.Formation, "is_worthwhile", lambda self, runs, steps: runs > 1)
    options = {"steps": 40, "history": history, "tolerance": 1e-3}
    starts = [[0.0, 0.0], [1.0, 2.0]]

    outcome = sweep("sum(x**2)", {"x": starts[0]}, starts={"x": starts}, learning_rate=0.2, **options)

    alone = descent("sum(x**2)", {"x": starts[1]}, learning_rate=0.2, **options)
    assert (alone["status"], alone["steps"] < 40) == ("converged", True)
    assert_same(outcome["runs"][1], alone)


@pytest.mark.parametrize("start", [[0.0, 1.0], [-1.0, 1.0]], ids=["gradient", "value"])
def test_a_start_that_is_not_finite_is_refused_among_others(start, way):
    with pytest.raises(NonFiniteResult):
        sweep("sum(sqrt(x))", {"x": start}, starts={"x": [[1.0, 1.0], start, [2.0, 3.0]]}, steps=20)


def test_runs_that_end_make_room_for_the_others(way, blocks):
    rates = np.geomspace(1e-3, 0.3, 16).tolist()
    options = {"steps": 400, "tolerance": 1e-3}
    outcome = sweep("x[0]**2 + x[1]**2", {"x": [3.0, 4.0]}, learning_rates=rates, **options)

    assert blocks[0] == 16
    assert len(set(blocks)) > 1
    assert sorted(set(blocks), reverse=True) == list(dict.fromkeys(blocks))
    for rate, run in zip(rates, outcome["runs"], strict=True):
        assert_same(
            run,
            descent("x[0]**2 + x[1]**2", {"x": [3.0, 4.0]}, learning_rate=rate, steps=400, tolerance=1e-3),
        )


def test_equal_sweeps_have_equal_bytes_whatever_the_clock(way):
    now = iter(range(10**9))
    slow = Deadline(1e7, lambda: next(now) * 1.0)
    function, variables, constants = TASKS["a network"]
    options = {"learning_rates": RATES, "steps": 300, "optimizer": "adam", "tolerance": 1e-3}

    first = sweep(function, variables, constants, **options)
    second = sweep(function, variables, constants, deadline=slow, **options)

    assert dumps(first) == dumps(second)


def test_runs_together_stop_at_the_deadline_with_states_to_go_on_from(way):
    now = iter(range(10**9))
    function, variables, constants = TASKS["a network"]
    clock = Deadline(0.05, lambda: next(now) / 1000)
    cut = sweep(function, variables, constants, learning_rates=RATES, steps=10_000, deadline=clock)
    run = cut["runs"][2]
    rest = descent(
        function, variables, constants, learning_rate=RATES[2], steps=900 - run["steps"], state=run["state"]
    )

    assert {each["status"] for each in cut["runs"]} == {"deadline"}
    assert 0 < run["steps"] < 900
    whole = descent(function, variables, constants, learning_rate=RATES[2], steps=900)
    assert rest["value"] == pytest.approx(whole["value"], rel=1e-9)


def test_many_runs_are_parted_to_fit_the_memory(way, blocks, monkeypatch):
    monkeypatch.setattr("service.core.calculus.blocks.BLOCK_ELEMENTS", 5_000)
    rates = np.geomspace(1e-4, 1e-2, 64).tolist()
    outcome = sweep(CHAIN, {"x": TASKS["a chain"][1]["x"]}, learning_rates=rates, steps=9)

    assert max(blocks) < 64 / 2
    alone = descent(CHAIN, {"x": TASKS["a chain"][1]["x"]}, learning_rate=rates[40], steps=9)
    assert_same(outcome["runs"][40], alone)


@pytest.mark.parametrize("optimizer", ["gradient_descent", "adam", "amsgrad", "lbfgs"])
@pytest.mark.parametrize(
    ("function", "size"),
    [("sum(exp(sin(x))*x)", 6_000), ("sum((A @ x)**2)", 1_000), ("x[0]**2 + x[1]**2", 2)],
)
def test_the_memory_of_a_sweep_is_within_what_is_announced(function, size, optimizer):
    announced = []

    class Noting(Scheduler):
        def expect(self, seconds, peak_bytes, ends_early=False):
            announced.append(peak_bytes)
            return True

    deadline = Deadline(math.inf, lambda: 0.0, Noting())
    constants = {"A": np.ones((200, size))} if "A" in function else {}
    options = {"optimizer": optimizer, "learning_rate": 1e-9, "steps": 12, "answers": "best"}
    starts = np.linspace(0.5, 1.5, 32 * size).reshape(32, size)

    def work():
        sweep(function, {"x": np.ones(size)}, constants, starts={"x": starts}, deadline=deadline, **options)

    work()
    tracemalloc.start()
    work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak <= max(announced) + 300_000
    assert max(announced) <= 10 * peak + 2_000_000


@pytest.mark.parametrize(("rows", "is_together"), [(100, True), (10_000, False)])
def test_runs_on_large_arrays_go_one_by_one(rows, is_together):
    data = {"X": np.ones((rows, 50)), "y": np.ones(rows)}
    function, start = "mean(binary_cross_entropy(sigmoid(X @ w), y))", {"w": np.ones(50)}
    problem = Problem(function, start, data, "exact", None, DEFAULT_LIMITS, NO_DEADLINE)
    path = Path(problem, read_options({"learning_rate": 0.1}, DEFAULT_LIMITS))

    assert (formation.Formation(path).size(3, 100) > 0) is is_together


def test_a_sweep_that_needs_too_much_memory_is_refused():
    options = {"starts": {"x": np.ones((32, 20_000))}, "answers": "best", "steps": 1}

    with pytest.raises(OverBudget, match="memory"):
        sweep("sum(x**2)", {"x": np.ones(20_000)}, limits=Limits(peak_bytes=20_000_000), **options)
    assert sweep("sum(x**2)", {"x": np.ones(20_000)}, **options)["best"] == 0


@pytest.mark.parametrize("method", ["central", "forward", "complex_step"])
def test_numerical_gradients_go_together_element_by_element(method, blocks):
    function, variables, _ = TASKS["two numbers"]
    outcome = sweep(function, variables, learning_rates=RATES * 12, method=method, steps=300)

    assert bool(blocks) == (method != "complex_step")
    for rate, run in zip(RATES, outcome["runs"], strict=False):
        assert_same(run, descent(function, variables, learning_rate=rate, method=method, steps=300), 1e-6)


def test_a_sweep_goes_together_where_that_is_cheaper(blocks):
    starts = np.random.default_rng(0).normal(size=(64, 200)) / 10
    options = {"learning_rate": 1e-5, "steps": 100, "answers": "best"}
    sweep(CHAIN, {"x": np.zeros(200)}, starts={"x": starts}, **options)
    together = len(blocks)
    sweep(CHAIN, {"x": np.zeros(200)}, starts={"x": starts[:2]}, steps=2)
    sweep(CHAIN, {"x": np.zeros(200)}, starts={"x": starts}, optimizer="lbfgs", steps=2)

    assert together > 0
    assert len(blocks) == together
