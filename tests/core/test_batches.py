"""Stochastic descent: which rows an update sees, what is said of all rows, and where a run can go on."""

import itertools
import json
import math

import numpy as np
import pytest
from sklearn.datasets import load_digits

from benchmarks.batches import BATCH as DIGITS
from benchmarks.batches import RATES, Training
from service.core import descent, gradient, sweep
from service.core.descent import OPTIMIZERS
from service.core.descent.batches import permutation
from service.core.exceptions import InvalidFunction, InvalidRequest, NonFiniteResult
from service.core.limits import Deadline
from tests.core.descent_cases import OPTIMIZERS as OWN
from tests.core.descent_cases import SCHEDULES

FIT = "mean((X @ w + b - y)**2)"
START = {"w": [0.3, -0.2], "b": 0.1}
RANDOM = np.random.default_rng(7)
ROWS, SIZE = 23, 5
UPDATES = ROWS // SIZE
DATA = {"X": RANDOM.normal(size=(ROWS, 2)), "y": RANDOM.normal(size=ROWS)}
BATCH = {"size": SIZE, "of": ["X", "y"], "seed": 11}
RULES = [name for name, row in OPTIMIZERS.items() if row.stepper == "rule"]


def rows_of(update, rows=ROWS, size=SIZE, seed=11):
    """Return the rows of an update, by its number from 0."""
    epoch, place = divmod(update, rows // size)
    return permutation(rows, seed, epoch)[place * size : (place + 1) * size]


def seen_by(update):
    return {name: array[rows_of(update)] for name, array in DATA.items()}


def fit(**options):
    return descent(FIT, START, DATA, **{"batch": BATCH, "learning_rate": 0.03} | options)


def assert_equal_tensors(ours, theirs):
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_an_epoch_covers_every_row_once_and_leaves_the_rest_out():
    rows, size = 23, 4
    request = {"function": "sum(R @ w)", "variables": {"w": np.zeros(rows)}, "constants": {"R": np.eye(rows)}}
    batch = {"size": size, "of": ["R"], "seed": 5}

    path = descent(**request, batch=batch, learning_rate=1.0, steps=15, history=16)

    at = [record["variables"]["w"] for record in path["history"]]
    moves = [before - after for before, after in itertools.pairwise(at)]
    assert all(set(move) == {0.0, 1.0} and move.sum() == size for move in moves)
    epochs = [np.sum(moves[first : first + 5], axis=0) for first in (0, 5, 10)]
    assert all(epoch.max() == 1.0 and epoch.sum() == 20 for epoch in epochs)
    assert len({tuple(np.flatnonzero(move)) for move in moves}) == 15


def test_the_order_depends_on_seed_and_epoch_alone():
    orders = [permutation(50, seed, epoch).tolist() for seed in (0, 1) for epoch in (0, 1)]

    assert all(sorted(order) == list(range(50)) for order in orders)
    assert len(set(map(tuple, orders))) == 4
    assert orders[0] == permutation(50, 0, 0).tolist()
    assert permutation(6, 3, 2).tolist() == [2, 4, 1, 3, 5, 0]  # states that are out there rely on it


@pytest.mark.parametrize(
    ("optimizer", "schedule"),
    [*((rule, "constant") for rule in RULES), *(("adam", schedule) for schedule in SCHEDULES)],
)
def test_an_update_is_that_of_a_descent_on_its_rows_alone(optimizer, schedule):
    options = {"optimizer": optimizer, "learning_rate": 0.03, "schedule": schedule, **OWN[optimizer].options}
    options |= SCHEDULES[schedule] | {"clip_norm": 0.8, "warmup": 3}

    path = fit(steps=12, history=13, **options)

    state = None
    for record in path["history"][1:]:
        one = descent(FIT, START, seen_by(record["step"] - 1), steps=1, state=state, **options)
        state = one["state"]
        for name in START:
            np.testing.assert_allclose(record["variables"][name], one["variables"][name], rtol=1e-12)


def test_records_and_ticks_tell_of_the_rows_of_the_update_from_there():
    told, times = [], itertools.count()
    deadline = Deadline(math.inf, lambda: float(next(times)))
    path = fit(steps=12, history=13, deadline=deadline, on_progress=told.append)

    assert told
    known = {record["step"]: record for record in path["history"]}
    for record in path["history"]:
        there = gradient(FIT, record["variables"], seen_by(record["step"]))
        assert record["value"] == pytest.approx(there["value"], rel=1e-13)
        norm = np.linalg.norm([*there["gradient"]["w"], there["gradient"]["b"]])
        assert record["gradient_norm"] == pytest.approx(norm, rel=1e-13)
    assert all(tick["value"] == known[tick["step"]]["value"] for tick in told)


@pytest.mark.parametrize("steps", [1, UPDATES, UPDATES + 1, 6 * UPDATES, 6 * UPDATES + 3])
def test_the_answer_is_that_of_all_rows(steps):
    path = fit(steps=steps, history=steps + 1, gradient=True, learning_rate=0.2)

    there = gradient(FIT, path["variables"], DATA)
    assert path["value"] == pytest.approx(there["value"], rel=1e-13)
    for name in START:
        np.testing.assert_allclose(path["gradient"][name], there["gradient"][name], rtol=1e-12, atol=1e-15)
    assert path["evaluations"] == steps + 1 + 1 + math.ceil(steps / UPDATES)

    judged = [
        record for record in path["history"] if record["step"] % UPDATES == 0 or record["step"] == steps
    ]
    values = {record["step"]: gradient(FIT, record["variables"], DATA)["value"] for record in judged}
    lowest = min(values, key=values.get)
    assert path["best"]["step"] == lowest
    assert path["best"]["value"] == pytest.approx(values[lowest], rel=1e-13)
    assert "went from" in path["message"]
    assert "lbfgs" not in path["message"]


@pytest.mark.parametrize("first", [UPDATES, UPDATES + 2, 30])
@pytest.mark.parametrize("more", [{}, {"bounds": {"w": {"upper": 0.4}}}, {"tolerance_value": 1e-9}], ids=str)
@pytest.mark.parametrize("optimizer", RULES)
def test_two_parts_give_the_same_as_the_whole(optimizer, more, first):
    options = {"optimizer": optimizer, "schedule": "exponential", "schedule_rate": 0.995, **more}
    whole = fit(steps=100, **options)

    part = fit(steps=first, **options)
    state = json.loads(json.dumps(part["state"], default=np.ndarray.tolist))
    rest = fit(steps=100 - first, state=state, **options)

    assert rest["steps"] == 100 - first
    assert_equal_tensors(rest["variables"], whole["variables"])
    assert (rest["value"], rest["gradient_norm"]) == (whole["value"], whole["gradient_norm"])
    assert rest["best"]["step"] == whole["best"]["step"]
    assert rest["best"]["value"] == whole["best"]["value"]
    assert rest["state"]["seal"] == whole["state"]["seal"]


def test_a_state_within_an_epoch_knows_the_value_at_the_end_of_the_last_one():
    first = fit(steps=10)

    rest = fit(steps=90, tolerance_value=0.06, state=first["state"])

    whole = fit(steps=100, tolerance_value=0.06)
    assert (whole["status"], whole["steps"]) == ("converged", 12)
    assert (rest["status"], rest["steps"]) == ("converged", 2)


def test_a_start_within_an_epoch_is_passed_by_as_in_a_whole_run():
    first = fit(steps=UPDATES + 2)

    rest = fit(steps=90, target=first["value"], state=first["state"])

    assert (rest["status"], rest["steps"]) == ("converged", UPDATES - 2)


def test_the_end_of_a_part_is_the_best_of_that_part_alone():
    """All rows are evaluated there, and a run that goes through does not."""
    options = {"learning_rate": 0.2, "batch": BATCH | {"seed": 7}}

    first = fit(steps=6, **options)
    rest = fit(steps=10, state=first["state"], **options)

    whole = fit(steps=16, **options)
    assert first["best"]["step"] == 6
    assert first["best"]["value"] < whole["best"]["value"]
    assert rest["best"]["step"] == whole["best"]["step"] == 12
    assert rest["best"]["value"] == whole["best"]["value"]


def test_equal_requests_are_equal_to_the_last_bit_and_another_seed_is_another_run():
    one, same, other = (fit(steps=30, batch=BATCH | {"seed": seed})["state"]["seal"] for seed in (11, 11, 12))

    assert one == same != other
    assert fit(batch={**BATCH, "of": ["y", "X"]})["variables"]["b"] == fit()["variables"]["b"]


def test_a_state_of_other_batches_is_refused():
    state = fit(steps=7)["state"]

    for batch in (BATCH | {"seed": 12}, BATCH | {"size": 4}, None):
        with pytest.raises(InvalidRequest, match="state belongs to"):
            fit(state=state, batch=batch)
    assert fit(state=state, batch=BATCH | {"of": ["y", "X"]}, steps=1)["steps"] == 1


EXACT = {"X": DATA["X"], "y": DATA["X"] @ [1.0, -2.0] + 0.5}


@pytest.mark.parametrize(
    ("tolerance", "word"),
    [
        ({"tolerance": 1e-3}, "no element of the gradient"),
        ({"target": 1e-4}, "target"),
        ({"tolerance_value": 1e-5}, "tolerance_value"),
        ({"tolerance_step": 1e-3}, "tolerance_step"),
    ],
    ids=str,
)
def test_a_run_converges_by_all_rows_at_the_end_of_an_epoch(tolerance, word):
    path = descent(FIT, START, EXACT, batch=BATCH, steps=5_000, learning_rate=0.05, **tolerance)

    assert path["status"] == "converged"
    assert word in path["message"]
    assert 0 < path["steps"] < 5_000
    assert path["steps"] % UPDATES == 0
    if "tolerance" in tolerance:
        slopes = gradient(FIT, path["variables"], EXACT)["gradient"]
        assert max(np.abs(slope).max() for slope in slopes.values()) <= 1e-3


def test_a_run_that_ends_within_an_epoch_is_judged_there():
    options = {"learning_rate": 0.05, "tolerance": 1e-3}
    arrived = descent(FIT, START, EXACT, batch=BATCH, steps=5_000, **options)["steps"] + 1

    path = descent(FIT, START, EXACT, batch=BATCH, steps=arrived, **options | {"tolerance": 1e-12})
    again = descent(
        FIT, START, EXACT, batch=BATCH, steps=2, state=path["state"], **options | {"tolerance": 1e-12}
    )
    judged = descent(FIT, START, EXACT, batch=BATCH, steps=arrived, **options | {"tolerance": 2e-3})

    assert path["status"] == again["status"] == "max_steps"
    assert judged["status"] == "converged"
    assert judged["steps"] <= arrived


def test_the_end_of_a_run_that_meets_the_tolerance_has_converged():
    options = {"learning_rate": 0.05, "batch": BATCH, "steps": UPDATES + 2}
    slopes = gradient(FIT, descent(FIT, START, EXACT, **options)["variables"], EXACT)["gradient"]
    met = 1.01 * max(np.abs(slope).max() for slope in slopes.values())

    path = descent(FIT, START, EXACT, tolerance=met, **options)

    assert (path["status"], path["steps"]) == ("converged", UPDATES + 2)


def test_a_run_diverges_to_its_last_finite_iterate():
    path = fit(learning_rate=1e4, steps=1_000)

    assert path["status"] == "diverged"
    assert "learning_rate below 10000" in path["message"]
    assert all(np.isfinite(tensor).all() for tensor in path["variables"].values())
    assert math.isfinite(path["value"])
    assert math.isfinite(path["gradient_norm"])


def test_an_end_that_is_finite_for_its_rows_alone_is_not_the_end():
    """The left-out row overflows once w has grown, which no update sees."""
    data = {"X": np.append(np.ones(12), 900.0)}
    order = next(seed for seed in range(99) if permutation(13, seed, 0)[-1] == 12)
    batch = {"size": 2, "of": ["X"], "seed": order}

    path = descent("mean(exp(X*w) - 5*w*X)", {"w": 0.1}, data, batch=batch, learning_rate=0.06, steps=4)

    assert path["status"] == "diverged"
    assert path["steps"] == 3
    assert math.isfinite(path["value"])
    assert math.isfinite(path["gradient_norm"])
    assert math.isfinite(gradient("mean(exp(X*w) - 5*w*X)", path["variables"], data)["value"])


def test_a_start_that_is_not_finite_for_the_first_rows_is_refused_at_its_place():
    function = "mean(X*w) / var(X) + w**2"
    data = {"X": [1.0, 1.0, 2.0, 2.0]}
    seed = next(seed for seed in range(99) if permutation(4, seed, 0)[:2].max() < 2)

    with pytest.raises(NonFiniteResult, match="first batch") as refused:
        descent(function, {"w": 1.0}, data, batch={"size": 2, "of": ["X"], "seed": seed})
    assert refused.value.faults[0].column == 11

    with pytest.raises(NonFiniteResult):
        descent("mean(log(X*w))", {"w": -1.0}, data, batch={"size": 2, "of": ["X"]})


@pytest.mark.parametrize("method", ["central", "forward", "complex_step"])
def test_numerical_methods_see_the_rows_too(method):
    exact, numerical = fit(steps=20), fit(steps=20, method=method)

    for name in START:
        np.testing.assert_allclose(numerical["variables"][name], exact["variables"][name], rtol=1e-5)
    assert numerical["evaluations"] > exact["evaluations"]

    within = {"bounds": {"w": {"lower": -0.25}, "b": {"upper": 0.2}}}
    numerical, exact = fit(steps=20, method=method, **within), fit(steps=20, **within)
    for name in START:
        np.testing.assert_allclose(numerical["variables"][name], exact["variables"][name], rtol=1e-5)


def test_labels_and_indices_go_with_their_rows():
    data = {"words": RANDOM.integers(0, 6, 40).astype(float), "t": RANDOM.integers(0, 3, 40).astype(float)}
    start = {"E": RANDOM.normal(size=(6, 3))}
    function = "mean(cross_entropy(softmax(E[words]), t))"
    batch = {"size": 8, "of": ["words", "t"], "seed": 1}

    path = descent(function, start, data, batch=batch, steps=1)

    rows = rows_of(0, 40, 8, 1)
    slope = gradient(function, start, {name: array[rows] for name, array in data.items()})["gradient"]["E"]
    np.testing.assert_allclose(path["variables"]["E"], start["E"] - 0.01 * slope, rtol=1e-13)


def test_an_index_beyond_the_rows_of_a_batch_is_refused_at_its_place():
    with pytest.raises(InvalidRequest) as refused:
        descent("sum(X[i]*w)", {"w": 1.0}, {"X": np.ones(9), "i": [0, 8]}, batch={"size": 3, "of": ["X"]})

    assert refused.value.faults[0].pointer == "/constants/i/1"


@pytest.mark.parametrize(
    "options", [{"optimizer": "lbfgs"}, {"optimizer": "newton"}, {"line_search": True}], ids=str
)
def test_what_compares_values_takes_no_batches(options):
    with pytest.raises(InvalidRequest, match="batch does not go with") as refused:
        fit(**options)

    assert refused.value.faults[0].pointer == "/batch"


@pytest.mark.parametrize(
    ("batch", "pointer"),
    [
        ({}, "/batch/size"),
        ({"size": 5}, "/batch/of"),
        ({"size": 0, "of": ["X"]}, "/batch/size"),
        ({"size": 2.5, "of": ["X"]}, "/batch/size"),
        ({"size": True, "of": ["X"]}, "/batch/size"),
        ({"size": "5", "of": ["X"]}, "/batch/size"),
        ({"size": 24, "of": ["X"]}, "/batch/size"),
        ({"size": math.nan, "of": ["X"]}, "/batch/size"),
        ({"size": 5, "of": []}, "/batch/of"),
        ({"size": 5, "of": "X"}, "/batch/of"),
        ({"size": 5, "of": ["X", "X"]}, "/batch/of/1"),
        ({"size": 5, "of": ["X", 1]}, "/batch/of/1"),
        ({"size": 5, "of": ["w"]}, "/batch/of/0"),
        ({"size": 5, "of": ["X", "nothing"]}, "/batch/of/1"),
        ({"size": 1, "of": ["X", "few"]}, "/batch/of/1"),
        ({"size": 1, "of": ["number"]}, "/batch/of/0"),
        ({"size": 5, "of": ["X"], "seed": -1}, "/batch/seed"),
        ({"size": 5, "of": ["X"], "seed": 0.5}, "/batch/seed"),
        ({"size": 5, "of": ["X"], "rows": 3}, "/batch/rows"),
    ],
    ids=str,
)
def test_batches_that_do_not_fit_are_refused_at_their_place(batch, pointer):
    data = DATA | {"few": np.ones(4), "number": np.array(2.0)}

    with pytest.raises(InvalidRequest) as refused:
        descent(f"{FIT} + 0*sum(few)*number", START, data, batch=batch)

    assert refused.value.faults[0].pointer == pointer


def test_a_batch_that_does_not_fit_the_other_constants_is_refused_like_any_shape():
    with pytest.raises(InvalidFunction, match=r"\(5,\) and \(23,\)"):
        descent(FIT, START, DATA, batch={"size": 5, "of": ["X"]})


def test_a_run_that_the_deadline_stops_goes_on_bit_for_bit():
    times = itertools.count()
    stopped = fit(steps=20_000, deadline=Deadline(60.0, lambda: float(next(times))))
    whole = fit(steps=stopped["steps"] + 13)

    rest = fit(steps=13, state=stopped["state"])

    assert stopped["status"] == "deadline"
    assert 0 < stopped["steps"] < 20_000
    assert_equal_tensors(rest["variables"], whole["variables"])


def test_a_sweep_takes_batches_and_judges_by_all_rows():
    outcome = sweep(FIT, START, EXACT, batch=BATCH, learning_rates=[1e-3, 0.05, 1e5], steps=80)

    assert [run["verdict"] for run in outcome["runs"]] == ["improving", "improving", "diverged"]
    assert outcome["best"] == 1
    for run, rate in zip(outcome["runs"], [1e-3, 0.05, 1e5], strict=True):
        alone = descent(FIT, START, EXACT, batch=BATCH, learning_rate=rate, steps=80)
        assert run["value"] == alone["value"]
        assert_equal_tensors(run["variables"], alone["variables"])

    starts = {"w": [[0.3, -0.2], [5.0, 5.0]], "b": [0.1, 0.0]}
    outcome = sweep(FIT, START, EXACT, batch=BATCH, starts=starts, steps=80, learning_rate=0.05)
    assert outcome["runs"][0]["value"] == pytest.approx(
        descent(FIT, START, EXACT, batch=BATCH, learning_rate=0.05, steps=80)["value"], rel=1e-12
    )


def test_digits_are_learnt_from_fewer_rows_by_batches():
    pixels, digits = load_digits(return_X_y=True)
    batches, whole = (Training(pixels / 16, digits, more) for more in ({"batch": DIGITS}, {}))

    needed = [steps for steps in map(whole.steps, RATES) if steps]
    steps = batches.steps(0.05)
    wholes = 2 + steps // (len(digits) // DIGITS["size"])  # at the start, at the end, after each epoch
    rows = DIGITS["size"] * (steps + 1) + len(digits) * wholes

    assert steps
    assert rows < len(digits) * (min(needed) + 1) / 2
