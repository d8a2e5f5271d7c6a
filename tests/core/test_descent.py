"""How a descent ends, and what its answer holds."""

import math
import textwrap
import tracemalloc
from time import monotonic

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core import descent, gradient
from service.core.calculus.namespaces import ARRAY_NAMES, COMPLEX_NAMES, FLOAT_NAMES
from service.core.descent import OPTIMIZERS, SCHEDULES, descents, loop, loop_source
from service.core.descent.choice import read_options
from service.core.descent.layout import Layout
from service.core.descent.messages import SENTENCES
from service.core.descent.problem import Problem
from service.core.descent.state import write_state
from service.core.exceptions import DeadlineExceeded, InvalidRequest, NonFiniteResult, OverBudget
from service.core.limits import DEFAULT_LIMITS, NO_DEADLINE, Deadline, Scheduler

SQUARE = "x[0]**2 + x[1]**2"
START = {"x": [-3.0, 4.0]}
RAISING = "x + where(x > -600, exp(-x), 0)"
LARGEST = 1.7976931348623157e308


def ticking(milliseconds, each=1.0):
    """A deadline by a clock that goes on by `each` milliseconds whenever it is read."""
    now = iter(range(10**9))
    return Deadline(milliseconds / 1000, lambda: next(now) * each / 1000)


STATUSES = {
    "all steps run": ("max_steps", 7, SQUARE, START, {"steps": 7}),
    "the tolerance is met on the way": (
        "converged",
        4,
        "x**2",
        {"x": 1.0},
        {"learning_rate": 0.25, "tolerance": 0.125},
    ),
    "the tolerance is met at the start": ("converged", 0, SQUARE, START, {"tolerance": 8.0}),
    "the tolerance is met at the last step": (
        "converged",
        1,
        "x**2",
        {"x": 1.0},
        {"learning_rate": 0.5, "steps": 1, "tolerance": 1e-300},
    ),
    "the gradient is zero and a tolerance is given": (
        "converged",
        0,
        "x**2",
        {"x": 0.0},
        {"tolerance": 1e-300},
    ),
    "convergence wins over divergence": (
        "converged",
        1,
        "sin(x)*1e13 - 1e13*sin(x) + x**2",
        {"x": 1.0},
        {"learning_rate": 0.5, "tolerance": 0.1},
    ),
    "the time is up": ("deadline", 0, SQUARE, START, {"deadline": ticking(0)}),
    "the rate is too large": ("diverged", 5, SQUARE, START, {"learning_rate": 10.0}),
    "the value falls without end": ("diverged", 1, "-(x**2)", {"x": 1.0}, {"learning_rate": 1e7}),
    "the value overflows": ("diverged", 0, "exp(x**2)", {"x": 2.0}, {"learning_rate": 100.0}),
    "the value becomes NaN": ("diverged", 0, "log(x)", {"x": 1.0}, {"learning_rate": 2.0}),
    "the gradient overflows": (
        "diverged",
        0,
        "sqrt(x)",
        {"x": 1.0},
        {"learning_rate": 2.0, "bounds": {"x": {"lower": 0}}},
    ),
    "the variables overflow": ("diverged", 0, "4*tanh(x)", {"x": 0.5}, {"learning_rate": LARGEST}),
    "the rate overflows": (
        "diverged",
        1024,
        "x",
        {"x": 0.0},
        {"learning_rate": 1e-310, "schedule": "exponential", "schedule_rate": 2.0, "steps": 2_000},
    ),
    "the moments overflow": (
        "diverged",
        0,
        "1e200*x",
        {"x": 0.0},
        {"learning_rate": 1e-300, "optimizer": "adam"},
    ),
    "an update is too small": ("stalled", 0, SQUARE, START, {"learning_rate": 1e-300}),
    "the gradient is zero at the start": ("stalled", 0, SQUARE, {"x": [0.0, 0.0]}, {}),
    "the gradient is zero on the way": ("stalled", 1, "x**2", {"x": 1.0}, {"learning_rate": 0.5}),
    "the gradient is zero, but velocity is left": (
        "max_steps",
        100,
        "x**2",
        {"x": 1.0},
        {"learning_rate": 0.5, "optimizer": "momentum"},
    ),
    "gradient and velocity are zero": (
        "stalled",
        2,
        "where(x > 0, x, 0)",
        {"x": 1.0},
        {"learning_rate": 1.0, "optimizer": "momentum", "momentum": 0.0},
    ),
    "the function is constant": ("stalled", 0, "0*x + 5", {"x": 3.0}, {}),
    "the function is constant, with Adam": ("stalled", 0, "0*x + 5", {"x": 3.0}, {"optimizer": "adam"}),
    "the start is a bound": ("stalled", 0, "x", {"x": 1.0}, {"bounds": {"x": {"lower": 1}}}),
    "the start is a bound, with a tolerance": (
        "converged",
        0,
        "x",
        {"x": 1.0},
        {"bounds": {"x": {"lower": 1}}, "tolerance": 1e-9},
    ),
    "both bounds are the start": (
        "stalled",
        0,
        SQUARE,
        START,
        {"bounds": {"x": {"lower": START["x"], "upper": START["x"]}}},
    ),
    "differences vanish beside the value": (
        "stalled",
        0,
        "x**2 + 1e17",
        {"x": 1.0},
        {"tolerance": 1e-6, "method": "central"},
    ),
    "so do forward differences": (
        "stalled",
        0,
        "(x - 1e9)**2",
        {"x": 0.0},
        {"tolerance": 1.0, "method": "forward"},
    ),
    "a step is lost on the way": (
        "diverged",
        1,
        "-x",
        {"x": 0.0},
        {"learning_rate": 3e13, "tolerance": 1e-6, "method": "central"},
    ),
    "a step is lost on the way, on arrays": (
        "diverged",
        1,
        "-sum(x)",
        {"x": [0.0] * 700},
        {"learning_rate": 3e13, "tolerance": 1e-6, "method": "central"},
    ),
    "differences of what is a variable itself": (
        "max_steps",
        5,
        "y = x; y",
        {"x": 0.5},
        {"learning_rate": 0.1, "steps": 5, "tolerance": 1e-6, "method": "central"},
    ),
    "differences of a view of a variable": (
        "max_steps",
        5,
        "x[:1]",
        {"x": [0.5] * 700},
        {"learning_rate": 0.1, "steps": 5, "tolerance": 1e-6, "method": "central"},
    ),
    "the minimum of a root of squares is reached": (
        "converged",
        1,
        "sqrt(sum(x**2))",
        {"x": [1.0, 0.0]},
        {"learning_rate": 1.0, "tolerance": 1e-6},
    ),
    "rate 1e308": ("diverged", 0, SQUARE, START, {"learning_rate": 1e308}),
    "rate 1e308 within bounds": (
        "stalled",
        1,
        SQUARE,
        START,
        {"learning_rate": 1e308, "bounds": {"x": {"lower": -1e150, "upper": 0}}},
    ),
    "rate 1e308 with Adam": (
        "diverged",
        0,
        "tanh(x)",
        {"x": 0.5},
        {"learning_rate": 1e308, "optimizer": "adam"},
    ),
    "a value that is large from the start": (
        "max_steps",
        3,
        "1e300*x**2",
        {"x": 1.0},
        {"learning_rate": 1e-302, "steps": 3},
    ),
}


@pytest.mark.parametrize(("status", "steps", "function", "start", "options"), STATUSES.values(), ids=STATUSES)
def test_a_run_ends_as_it_should(status, steps, function, start, options):
    path = descent(function, start, **options)

    assert (path["status"], path["steps"]) == (status, steps)
    assert path["message"].endswith(".")
    assert all_finite(path)


def test_every_status_is_driven():
    assert {status for status, *_ in STATUSES.values()} == set(SENTENCES)


def all_finite(value):
    if isinstance(value, dict):
        return all(map(all_finite, value.values()))
    if isinstance(value, list):
        return all(map(all_finite, value))
    return value is None or isinstance(value, str) or bool(np.isfinite(value).all())


MESSAGES = {
    "All 7 steps were run; the value went from 25 to 18.84": STATUSES["all steps run"],
    "Converged at step 0: no element of the projected gradient is larger than": STATUSES[
        "the start is a bound, with a tolerance"
    ],
    "The deadline came after step 0; send the state": STATUSES["the time is up"],
    "Diverged at step 5: the value grew from 25 to 1.533e+14; try a learning_rate below 10": STATUSES[
        "the rate is too large"
    ],
    "Diverged at step 0: after the value 54.6 something was not finite": STATUSES["the value overflows"],
    "Stalled at step 0: beside the value 1e+17 differences of the tolerance's size": STATUSES[
        "differences vanish beside the value"
    ],
    "Stalled at step 0: the gradient is exactly zero": STATUSES["the function is constant"],
    "Stalled at step 0: an update changes no variable: it is too small, or leads out": STATUSES[
        "the start is a bound"
    ],
    "Stalled at step 0: an update is too small to change any variable; a larger learning_rate": STATUSES[
        "an update is too small"
    ],
}


def test_one_step_is_not_spoken_of_as_many():
    assert descent(SQUARE, START, steps=1)["message"].startswith(
        "The only step was run; the value went from 25"
    )


@pytest.mark.parametrize(("words", "case"), MESSAGES.items())
def test_a_message_says_what_happened_and_what_to_do(words, case):
    _, _, function, start, options = case

    assert descent(function, start, **options)["message"].startswith(words)


def test_a_diverged_run_ends_with_the_iterate_that_passed_the_bound():
    path = descent(SQUARE, START, learning_rate=10)

    assert path["value"] == 153276656445025.0 > 1e12 * 25
    assert path["variables"]["x"].tolist() == [7428297.0, -9904396.0]
    assert path["best"]["step"] == 0


@pytest.mark.parametrize("is_small", [True, False], ids=["floats", "arrays"])
def test_the_last_finite_iterate_is_found_wherever_a_chunk_ends(is_small):
    """The function falls along a line and is NaN beyond it: log of a number below zero."""
    function = "sum(log(x) + x)" if is_small else "sum(log(x) + x) + 0*sum(Y @ Y)"
    constants = {} if is_small else {"Y": np.ones((40, 40))}
    for rate in (0.1, 0.01, 0.001, 0.0001):
        path = descent(function, {"x": [1.0, 2.0]}, constants, learning_rate=rate, steps=100_000)
        x, step = np.array([1.0, 2.0]), 0
        while (x - rate * (1 / x + 1) > 0).all():
            x, step = x - rate * (1 / x + 1), step + 1

        assert (path["status"], path["steps"]) == ("diverged", step)
        np.testing.assert_allclose(path["variables"]["x"], x, rtol=1e-9)


def test_an_infinite_gradient_is_not_hidden_by_the_projection():
    """At 0 the slope of -sqrt(x) is infinite; the step from there leads back to the upper bound."""
    path = descent(
        "(x - 1)**2 * 16 - sqrt(x)", {"x": 0.0625}, learning_rate=1e9, bounds={"x": {"lower": 0, "upper": 1}}
    )
    back = descent("x - sqrt(x)", {"x": 1.0}, learning_rate=1e9, bounds={"x": {"lower": 0, "upper": 1}})

    assert path["steps"] >= 1
    assert (back["status"], back["variables"]["x"]) == ("diverged", 1.0)


def test_the_best_iterate_is_the_earliest_of_the_lowest():
    path = descent("abs(x)", {"x": 1.0}, learning_rate=1.5, steps=10, history=11)

    assert [record["value"] for record in path["history"]] == [1.0, 0.5] * 5 + [1.0]
    assert path["best"] == {"step": 1, "value": 0.5, "variables": {"x": -0.5}}


def test_last_and_best_cover_the_start():
    path = descent("abs(x)", {"x": 1.0}, learning_rate=5, steps=1)

    assert (path["value"], path["steps"], path["best"]["step"], path["best"]["value"]) == (4.0, 1, 0, 1.0)


def test_the_norm_is_that_of_the_whole_gradient_unclipped():
    path = descent("3*a + 4*b[0]", {"a": 1.0, "b": [1.0]}, clip_norm=1e-3, steps=2)

    assert path["gradient_norm"] == 5.0


@pytest.mark.parametrize("size", [2, 700], ids=["floats", "arrays"])
@pytest.mark.parametrize("clip", [1e-3, 1e-30])
def test_a_norm_that_overflows_is_clipped_as_any_other(size, clip):
    """Each element is finite; their 2-norm is not."""
    slopes = np.linspace(1.0, 1.7, size) * 1e308
    path = descent(
        "sum(c*x)", {"x": np.zeros(size)}, {"c": slopes}, clip_norm=clip, learning_rate=1.0, steps=1
    )

    unit = slopes / 1e308 / np.linalg.norm(slopes / 1e308)
    np.testing.assert_allclose(path["variables"]["x"], -clip * unit, rtol=1e-12)


def test_clipping_adds_a_millionth_to_the_norm():
    path = descent("3*a + 4*b[0]", {"a": 0.0, "b": [0.0]}, clip_norm=1, learning_rate=1, steps=1)

    scale = 1 / (5 + 1e-6)
    assert (path["variables"]["a"], path["variables"]["b"][0]) == (-3 * scale, -4 * scale)


def test_a_norm_beyond_float64_is_its_largest_number():
    path = descent("sum(c*x)", {"x": [0.0, 0.0]}, {"c": [1.5e308, 1.5e308]}, learning_rate=1e-320, steps=1)

    assert path["gradient_norm"] == LARGEST


def test_variables_of_different_shapes_go_together():
    shapes = {"a": (), "b": (1,), "c": (3,), "D": (2, 3), "E": (1, 2, 1)}
    start = {name: np.full(shape, 1.0) for name, shape in shapes.items()}
    function = "a**2 + sum(b**2) + sum(c**2) + sum(D**2) + sum(E**2)"

    path = descent(function, start, learning_rate=0.25, steps=3)

    assert {name: array.shape for name, array in path["variables"].items()} == shapes
    assert all((array == 0.125).all() for array in path["variables"].values())


def test_nothing_of_the_callers_is_changed():
    start = np.array([3.0, 4.0])
    large = np.ones((50, 50))

    descent("sum(x @ c) + sum(y**2)", {"x": start, "y": large}, {"c": np.ones(2)}, steps=3)

    assert start.tolist() == [3.0, 4.0]
    assert (large == 1).all()


NAMES = {
    "cos": "sum(cos(x)*sin(x) + cos(2*x))",
    "sqrt": "sum(sqrt(x**2 + 1))",
    "norm": "norm(x)",
    "clip": "sum(clip(x, -1, 1)**2)",
}


@pytest.mark.parametrize("function", NAMES.values(), ids=NAMES)
@pytest.mark.parametrize("schedule", SCHEDULES)
def test_the_loop_calls_nothing_of_the_functions_by_its_own_names(function, schedule):
    """Of 2,000 elements the loop runs on arrays, of two on floats; the elements are the same."""
    options = {
        "schedule": schedule,
        "schedule_rate": 0.9,
        "schedule_every": 5,
        "schedule_at": [3, 6],
        "steps": 9,
        "learning_rate": 0.01,
    }
    if function == NAMES["norm"]:
        options["learning_rate"] = 0.001

    small = descent(function, {"x": [0.3, 0.3]}, **options, optimizer="adagrad")
    large = descent(function, {"x": np.full(2000, 0.3)}, **options, optimizer="adagrad")

    rate = 2e-2 if function == NAMES["norm"] else 1e-9
    np.testing.assert_allclose(large["variables"]["x"], small["variables"]["x"][0], rtol=rate)


def test_the_loops_own_names_are_no_kernels():
    kernels = {*ARRAY_NAMES, *FLOAT_NAMES, *COMPLEX_NAMES, "h", "check", "differences"}
    own = {
        *loop.LOOP_FLOAT_NAMES,
        *loop.LOOP_ARRAY_NAMES,
        "norm_of",
        "largest",
        "Interrupted",
        "factor",
        "rate",
        "bound",
        "last",
    }

    assert not kernels & own


def test_the_example_of_the_loops_source_is_what_comes_out():
    """The module's docstring shows the source of one small loop."""
    problem = Problem("x**2", {"x": 1.0}, {}, "exact", None, DEFAULT_LIMITS, NO_DEADLINE)
    rules = read_options({"tolerance": 1e-6}, DEFAULT_LIMITS).rules()
    template = problem.kernel.template

    lines = loop_source.LoopWriter(template, rules, Layout(template, rules).names).advance()

    assert textwrap.indent("\n".join(lines), "    ") in loop_source.__doc__


def test_floats_that_raise_go_on_as_arrays():
    """Below -709 exp(-x) raises on floats; arrays give an infinity, which `where` leaves out."""
    path = descent(RAISING, {"x": -700.0}, learning_rate=1.0, steps=100)
    later = descent(RAISING, {"x": -800.0}, learning_rate=1.0, steps=100)
    far = descent(RAISING, {"x": -800.0}, learning_rate=1e13, steps=100)

    assert path["status"] == later["status"] == "max_steps"
    assert (path["variables"]["x"], later["variables"]["x"]) == (-800.0, -900.0)
    assert (far["status"], far["steps"], far["value"]) == ("diverged", 80, -800.0 - 80e13)


@pytest.mark.parametrize("method", ["central", "forward", "complex_step"])
@pytest.mark.parametrize("size", [2, 700], ids=["floats", "arrays"])
def test_numerical_methods_descend_by_their_own_gradient(method, size):
    start = np.linspace(-1, 1, size)
    path = descent("sum(x**3 + x)", {"x": start}, method=method, learning_rate=0.01, steps=1)

    slope = gradient("sum(x**3 + x)", {"x": start}, method=method)
    np.testing.assert_allclose(path["variables"]["x"], start - 0.01 * slope["gradient"]["x"], rtol=1e-15)
    assert path["evaluations"] == 2 * slope["evaluations"]


@pytest.mark.parametrize("method", ["central", "forward"])
@pytest.mark.parametrize(
    ("function", "start", "bounds", "minimum"),
    [
        ("x - log(x)", 5e-5, {"lower": 1e-5}, 1.0),
        ("x - log(1 - x)", 0.99995, {"upper": 0.99999, "lower": -3}, -3.0),
        ("sum(x - 2*sqrt(x))", [0.0, 0.5], {"lower": 0}, 1.0),
    ],
)
def test_differences_look_at_nothing_outside_the_bounds(method, function, start, bounds, minimum):
    options = {"bounds": {"x": bounds}, "method": method, "learning_rate": 1e-4, "clip_norm": 100, "steps": 3}
    path = descent(function, {"x": start}, **options)
    arrived = descent(function, {"x": start}, **options | {"optimizer": "lbfgs", "steps": 100})

    assert path["status"] == "max_steps"
    np.testing.assert_allclose(arrived["variables"]["x"], minimum, atol=2e-3)


def test_differences_within_bounds_are_those_without_where_both_points_are_inside():
    options = {"method": "central", "learning_rate": 0.1, "steps": 20}
    free = descent(SQUARE, START, **options)
    within = descent(SQUARE, START, **options, bounds={"x": {"lower": -9, "upper": 9}})

    np.testing.assert_allclose(within["variables"]["x"], free["variables"]["x"], rtol=1e-9)
    assert within["evaluations"] == free["evaluations"]


def test_a_variable_without_room_has_no_difference():
    path = descent(
        "sum(x**2)", {"x": [3.0, 4.0]}, method="central", bounds={"x": {"lower": [3, -9], "upper": 3}}
    )

    assert path["variables"]["x"][0] == 3.0


def test_evaluations_count_the_start_and_every_step():
    assert descent(SQUARE, START, steps=7)["evaluations"] == 8
    assert descent(SQUARE, START, steps=7, method="central")["evaluations"] == 8 * 5
    assert descent(SQUARE, {"x": [0, 0]}, steps=7, method="central")["evaluations"] == 5


def test_a_step_that_is_lost_in_rounding_is_refused():
    with pytest.raises(InvalidRequest) as refused:
        descent("x**2", {"x": 1e20}, method="central")

    assert refused.value.faults[0].pointer == "/h"


@pytest.mark.parametrize("function", ["log(x)", "1/x", "sqrt(x)"])
def test_a_start_that_is_not_finite_is_refused(function):
    with pytest.raises(NonFiniteResult):
        descent(function, {"x": 0.0})


REFUSED = {
    "learning_rate": [0, -1, math.inf, math.nan],
    "steps": [0, 100_001],
    "momentum": [-0.1, 1],
    "decay": [-0.1, 1],
    "beta1": [-0.1, 1],
    "beta2": [-0.1, 1],
    "epsilon": [0, -1],
    "schedule_rate": [0],
    "schedule_every": [0],
    "clip_norm": [0, -1],
    "tolerance": [0, -1],
    "history": [-1, 1001],
    "optimizer": ["sgd"],
    "schedule": ["linearly"],
    "method": ["exactly"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, each) for name, values in REFUSED.items() for each in values]
)
def test_an_option_out_of_its_range_is_refused_at_its_place(name, value):
    with pytest.raises(InvalidRequest) as refused:
        descent(SQUARE, START, **{name: value})

    assert refused.value.faults[0].pointer == f"/{name}"


@pytest.mark.parametrize(
    ("options", "pointer"),
    [
        ({"schedule": "step", "schedule_every": 2}, "/schedule_rate"),
        ({"schedule": "step", "schedule_rate": 0.5}, "/schedule_every"),
        ({"schedule": "exponential"}, "/schedule_rate"),
        ({"bounds": {"y": {"lower": 0}}}, "/bounds/y"),
        ({"bounds": {"x": {"lower": [0, 0, 0]}}}, "/bounds/x/lower"),
        ({"bounds": {"x": {"lower": [0, 2], "upper": 1}}}, "/bounds/x"),
    ],
)
def test_an_option_that_is_missing_or_does_not_fit_is_refused(options, pointer):
    with pytest.raises(InvalidRequest) as refused:
        descent(SQUARE, START, **options)

    assert refused.value.faults[0].pointer == pointer


def test_all_options_that_a_schedule_needs_are_named_together():
    with pytest.raises(InvalidRequest) as refused:
        descent(SQUARE, START, schedule="step")

    assert [fault.pointer for fault in refused.value.faults] == ["/schedule_every", "/schedule_rate"]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_options_of_other_optimizers_and_schedules_are_ignored(optimizer):
    used = {*OPTIMIZERS[optimizer].options}
    others = {name: 0.1 for name in ("momentum", "decay", "beta1", "beta2", "epsilon") if name not in used}

    plain = descent(SQUARE, START, optimizer=optimizer)
    crowded = descent(SQUARE, START, optimizer=optimizer, schedule_rate=3, schedule_every=7, h=1.0, **others)

    assert crowded["value"] == plain["value"]
    assert crowded["state"]["seal"] == plain["state"]["seal"]


def test_cosine_runs_over_all_steps_when_no_length_is_given():
    implicit = descent(SQUARE, START, schedule="cosine", steps=30)
    explicit = descent(SQUARE, START, schedule="cosine", steps=30, schedule_every=30)

    assert implicit["value"] == explicit["value"]


# Bounds.


def test_start_and_steps_are_projected():
    bounds = {"x": {"lower": [-1, 2], "upper": 3}}
    path = descent(SQUARE, {"x": [-3.0, 4.0]}, bounds=bounds, learning_rate=0.1, steps=5, history=6)

    assert path["history"][0]["variables"]["x"].tolist() == [-1.0, 3.0]
    assert path["history"][0]["value"] == 10.0
    assert all((record["variables"]["x"] >= [-1, 2]).all() for record in path["history"])
    assert path["variables"]["x"][1] == 2.0


@pytest.mark.parametrize("size", [1, 2000], ids=["floats", "arrays"])
def test_convergence_within_bounds_is_of_the_projected_gradient(size):
    start = {"x": np.full(size, 5.0)}
    path = descent("sum((x + 1)**2)", start, bounds={"x": {"lower": 0}}, learning_rate=0.25, tolerance=1e-9)

    assert path["status"] == "converged"
    assert (path["variables"]["x"] == 0).all()
    assert path["gradient_norm"] == pytest.approx(2 * math.sqrt(size))


def test_convergence_within_bounds_loses_no_small_gradient_beside_a_large_variable():
    """x - (x - g) is 0 here in float64, though g is 2."""
    path = descent(
        "2*x", {"x": 1e20}, bounds={"x": {"lower": -1e30}}, tolerance=1.0, optimizer="momentum", steps=3
    )

    assert path["status"] == "max_steps"


@pytest.mark.parametrize("bounds", [{}, {"x": {}}, {"x": {"lower": None, "upper": None}}])
def test_bounds_that_bound_nothing_change_nothing(bounds):
    assert descent(SQUARE, START, bounds=bounds)["state"]["seal"] == descent(SQUARE, START)["state"]["seal"]


# History.


@given(steps=st.integers(1, 400), count=st.integers(0, 50), has_variables=st.booleans())
def test_records_are_evenly_spaced_from_the_start_to_the_end(steps, count, has_variables):
    path = descent(
        SQUARE, START, steps=steps, history=count, learning_rate=1e-4, history_variables=has_variables
    )

    check_even(path, count, has_variables)


@given(count=st.integers(0, 50), rate=st.floats(0.01, 30), tolerance=st.sampled_from([None, 1e-3, 1.0]))
def test_records_are_evenly_spaced_after_any_end(count, rate, tolerance):
    path = descent(SQUARE, START, steps=1000, history=count, learning_rate=rate, tolerance=tolerance)

    check_even(path, count, True)
    if path["status"] != "max_steps":
        assert len(path["history"]) == min(count, path["steps"] + 1)


@given(count=st.integers(1, 50), time=st.integers(0, 200))
def test_records_are_evenly_spaced_when_the_time_is_up(count, time):
    path = descent(SQUARE, START, steps=100_000, history=count, learning_rate=1e-7, deadline=ticking(time))

    check_even(path, count, True)


def check_even(path, count, has_variables):
    steps = [record["step"] for record in path["history"]]
    gaps = np.diff(steps)
    assert len(steps) <= count
    assert steps[-1:] == [path["steps"]] * bool(count)
    assert count < 2 or steps[0] == 0
    assert not len(gaps) or max(gaps) - min(gaps) <= 1
    assert all(("variables" in record) == has_variables for record in path["history"])
    if steps:
        assert path["history"][-1]["value"] == path["value"]
        assert path["history"][-1]["gradient_norm"] == path["gradient_norm"]


def test_a_history_changes_no_number():
    plain = descent(SQUARE, START, steps=99, optimizer="adam")
    for count in (1, 2, 17, 100):
        assert (
            descent(SQUARE, START, steps=99, optimizer="adam", history=count)["state"]["seal"]
            == plain["state"]["seal"]
        )


def test_a_run_that_the_deadline_ends_keeps_a_history_worth_looking_at():
    path = descent(SQUARE, START, steps=100_000, history=1000, learning_rate=1e-7, deadline=ticking(500))

    assert path["status"] == "deadline"
    assert len(path["history"]) > 100


def test_a_history_too_large_to_answer_is_refused_before_anything_is_computed():
    large = {"x": np.zeros((100, 100))}
    with pytest.raises(OverBudget) as refused:
        descent("sum(x**2)", large, steps=1000, history=1000, answer_numbers=2_000_000)

    assert refused.value.faults[0].pointer == "/history"
    assert (
        descent("sum((x - 1)**2)", large, steps=5, history=5, history_variables=False)["status"]
        == "max_steps"
    )


def test_variables_too_large_to_answer_are_refused_before_anything_is_computed():
    with pytest.raises(OverBudget) as refused:
        descent("sum(x**2)", {"x": np.ones(1000)}, answer_numbers=600)

    assert refused.value.faults[0].pointer == "/variables"


# Time.


class Listening(Scheduler):
    """Notes what is announced."""

    def __init__(self):
        self.announced = []

    def expect(self, seconds, peak_bytes, ends_early=False):
        self.announced.append((seconds, peak_bytes))
        return True


def announced_by(**options):
    """Return the most seconds and bytes that a descent from a minimum announces."""
    scheduler = Listening()
    descent(SQUARE, {"x": [0.0, 0.0]}, **options, deadline=Deadline(60.0, monotonic, scheduler))
    return np.max(scheduler.announced, axis=0)


def test_a_descent_announces_the_time_and_memory_that_all_its_steps_may_take():
    seconds, peak_bytes = announced_by(steps=10_000)
    longer, as_much = announced_by(steps=100_000)
    _, more = announced_by(steps=100_000, history=1000)

    assert longer == pytest.approx(10 * seconds)
    assert longer > 0.01
    assert as_much == peak_bytes
    assert more >= peak_bytes + 8 * 2 * 1000


def test_a_deadline_that_passes_before_there_is_a_value_is_an_error():
    with pytest.raises(DeadlineExceeded):
        descent(
            "sum(X @ X) + y", {"y": 1.0}, {"X": np.ones((200, 200))}, deadline=ticking(0), method="central"
        )


@pytest.mark.parametrize("history", [0, 3])
def test_a_deadline_ends_runs_whose_floats_raise_at_every_step(history):
    deadline = ticking(300)
    path = descent(
        RAISING,
        {"x": -700.0},
        learning_rate=1.0,
        steps=100_000,
        history=history,
        deadline=deadline,
    )

    assert path["status"] == "deadline"
    assert path["steps"] < 1000
    assert all_finite(path)


def test_a_deadline_ends_a_line_search_that_finds_no_step():
    """At 0 every step along the gradient leads up, however short, down to the least number."""
    options = {"line_search": True, "steps": 1}
    whole = descent("x % 1", {"x": 0.0}, **options)

    cut = descent("x % 1", {"x": 0.0}, **options, deadline=ticking(60))

    assert (whole["status"], whole["evaluations"] > 1000) == ("stalled", True)
    assert (cut["status"], cut["steps"], cut["variables"]["x"]) == ("deadline", 0, 0.0)


def test_recording_again_does_not_outlast_the_deadline():
    """The run diverges near its end; to go there once more takes as long again, more than there is."""
    options = {"learning_rate": 1e-3, "steps": 100_000, "history": 3}
    whole = descent("sum(log(x) + 2*x)", {"x": [50.0]}, **options)
    reads = []
    clock = ticking(10**9)
    watched = Deadline(10**6, lambda: reads.append(1) or clock.now())
    descent("sum(log(x) + 2*x)", {"x": [50.0]}, **options, deadline=watched)

    cut = descent("sum(log(x) + 2*x)", {"x": [50.0]}, **options, deadline=ticking(len(reads) - 2))

    assert whole["status"] == cut["status"] == "diverged"
    assert [record["step"] for record in whole["history"]] == [0, whole["steps"] // 2, whole["steps"]]
    assert [record["step"] for record in cut["history"]] == [0, whole["steps"]]


def test_progress_is_told_at_the_start_and_then_ten_times_a_second():
    told = []
    descent(
        SQUARE,
        START,
        steps=100_000,
        learning_rate=1e-7,
        deadline=ticking(10_000, each=5),
        on_progress=told.append,
    )

    assert told[0] == {"step": 0, "value": 25.0, "gradient_norm": 10.0}
    steps = [record["step"] for record in told]
    assert steps == sorted(set(steps))
    assert len(told) > 2
    values = [record["value"] for record in told]
    assert values == sorted(values, reverse=True)
    assert len(set(values)) == len(values)


def test_progress_holds_the_variables_when_asked():
    told = []
    descent(SQUARE, START, ticks="variables", on_progress=told.append)

    assert told[0]["variables"]["x"].tolist() == [-3.0, 4.0]


def test_the_last_step_is_never_before_one_that_was_told():
    for time in range(20, 400, 7):
        told = []
        path = descent(
            SQUARE,
            START,
            steps=100_000,
            history=30,
            learning_rate=1e-7,
            deadline=ticking(time, each=3),
            on_progress=told.append,
        )

        assert told[-1]["step"] <= path["steps"]


def test_the_time_to_send_a_large_answer_is_kept_free():
    """Of a deadline of 10 s the run leaves 60 ns for each number of its answer."""
    still = Deadline(10.0, lambda: 0.0)
    descent("sum(x**2)", {"x": np.ones(10_000)}, steps=50, history=51, deadline=still)

    numbers = 51 * 10_000
    assert 10.0 - still.remaining() == pytest.approx(60e-9 * numbers, rel=0.1)


def peak_bytes(steps):
    tracemalloc.start()
    try:
        descent(
            "sum(x**2)", {"x": np.ones(1000)}, steps=steps, history=20, learning_rate=1e-9, optimizer="adam"
        )
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_places_are_free_before_the_state_is_sealed(monkeypatch):
    seen, size = [], 100_000

    def sealed(content):
        seen.append(tracemalloc.get_traced_memory()[0])
        return write_state(content)

    monkeypatch.setattr(descents, "write_state", sealed)
    tracemalloc.start()
    descent("sum(exp(c*x)*sin(c))", {"x": 1.0}, {"c": np.ones(size)}, steps=2)
    tracemalloc.stop()

    assert seen[0] < 2 * 8 * size  # the data and nothing as large


@pytest.mark.parametrize(
    ("function", "options", "arrays"),
    [("sum(exp(x))", {}, 8.5), ("sum(exp(x))", {"clip_norm": 1.0}, 9.5), ("sum(x**2)", {}, 7.5)],
)
def test_a_descent_frees_a_gradient_before_it_computes_the_next(function, options, arrays):
    x = np.random.default_rng(0).normal(size=100_000)
    descent(function, {"x": x}, steps=2, **options)

    tracemalloc.start()
    descent(function, {"x": x}, steps=5, learning_rate=1e-9, **options)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < arrays * x.nbytes


@pytest.mark.parametrize("function", ["sum(exp(x))", "sum(x**2)"])
def test_a_descent_goes_on_without_the_variables_before_an_update(function):
    x = np.random.default_rng(0).normal(size=100_000)
    descent(function, {"x": x}, steps=2)

    tracemalloc.start()
    descent(function, {"x": x}, steps=60, learning_rate=1e-9)  # in several chunks
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert peak < 7.5 * x.nbytes


def test_memory_does_not_grow_with_the_steps():
    peak_bytes(100)

    assert peak_bytes(5_000) < 1.5 * peak_bytes(100)
