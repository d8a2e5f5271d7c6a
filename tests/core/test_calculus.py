"""Gradients of real functions, their quotes and verification, fields, the cache and the source."""

import dataclasses
import math
import re
import threading

import numpy as np
import pytest

from service.core.calculus import points
from service.core.calculus.cache import BoundedCache
from service.core.calculus.compiler import compile_function, function_cache
from service.core.calculus.costs import POINT_NODES
from service.core.calculus.differences import METHODS
from service.core.calculus.field import gradient_field, quote_field
from service.core.calculus.gradient import gradient, quote
from service.core.calculus.kernel import bind_on_arrays
from service.core.calculus.source import CHECKED_OPERATIONS
from service.core.exceptions import (
    DeadlineExceeded,
    InvalidFunction,
    InvalidRequest,
    NonFiniteResult,
    OverBudget,
)
from service.core.language.operations import FUNCTIONS, OPERATIONS
from service.core.limits import NO_DEADLINE, Deadline, Limits

SEED = "x[0]**2 + x[1]**2"
ROSENBROCK = "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)"
REGRESSION = "mean(cross_entropy(softmax(X @ W + b), t))"
NETWORK = "h = sigmoid(X @ W1 + b1); mean(cross_entropy(softmax(h @ W2 + b2), t))"


def one_hot(random: np.random.Generator, samples: int, classes: int) -> np.ndarray:
    return np.eye(classes)[random.integers(0, classes, samples)]


def rosenbrock_gradient(x: np.ndarray) -> np.ndarray:
    """Return the gradient by the formula in every textbook."""
    slope = np.zeros_like(x)
    slope[1:] += 200 * (x[1:] - x[:-1] ** 2)
    slope[:-1] += -400 * x[:-1] * (x[1:] - x[:-1] ** 2) - 2 * (1 - x[:-1])
    return slope


@pytest.mark.parametrize("n", [2, 3, 10, 100, 1000])
def test_the_gradient_of_rosenbrocks_function_is_the_textbooks(n):
    x = np.random.default_rng(n).normal(size=n)

    answer = gradient(ROSENBROCK, {"x": x})

    assert answer["gradient"]["x"] == pytest.approx(rosenbrock_gradient(x), rel=1e-12, abs=1e-10)
    assert answer["evaluations"] == 1


def test_central_differences_give_the_textbooks_digits():
    answer = gradient(SEED, {"x": [3, 4]}, method="central", h=1e-4)

    assert answer["gradient"]["x"].tolist() == [6.00000000000378, 7.999999999999119]
    assert answer["evaluations"] == 5


@pytest.mark.parametrize(
    ("method", "evaluations"), [("exact", 1), ("central", 5), ("forward", 3), ("complex_step", 3)]
)
def test_whole_numbers_are_cast_and_the_arguments_are_not_changed(method, evaluations):
    x = np.array([3, 4])

    answer = gradient(SEED, {"x": x}, method=method)

    assert answer["gradient"]["x"] == pytest.approx([6.0, 8.0], rel=1e-7)
    assert answer["evaluations"] == evaluations
    assert x.tolist() == [3, 4]
    assert x.dtype == np.int64


@pytest.mark.parametrize("function", [REGRESSION, NETWORK])
def test_networks_agree_with_verification_by_the_complex_step(function):
    random = np.random.default_rng(3)
    X, t = random.normal(size=(9, 6)), one_hot(random, 9, 4)
    regression = {"W": random.normal(size=(6, 4)), "b": random.normal(size=4)}
    network = {
        "W1": random.normal(size=(6, 5)),
        "b1": random.normal(size=5),
        "W2": random.normal(size=(5, 4)),
        "b2": random.normal(size=4),
    }
    variables = regression if function == REGRESSION else network

    answer = gradient(function, variables, {"X": X, "t": t}, verify=True)

    assert answer["verification"]["method"] == "complex_step"
    assert answer["verification"]["max_relative_error"] < 1e-11
    assert answer["evaluations"] == 2 + sum(array.size for array in variables.values())
    assert {name: array.shape for name, array in answer["gradient"].items()} == {
        name: array.shape for name, array in variables.items()
    }


def test_regression_has_the_gradient_of_the_formula():
    random = np.random.default_rng(5)
    X, t, W, b = random.normal(size=(20, 7)), one_hot(random, 20, 3), random.normal(size=(7, 3)), np.zeros(3)

    answer = gradient(REGRESSION.replace(", t)", ", t, epsilon=0)"), {"W": W, "b": b}, {"X": X, "t": t})

    scores = np.exp(X @ W + b)
    error = (scores / scores.sum(axis=1, keepdims=True) - t) / 20
    assert answer["gradient"]["W"] == pytest.approx(X.T @ error, rel=1e-12, abs=1e-15)
    assert answer["gradient"]["b"] == pytest.approx(error.sum(axis=0), rel=1e-12, abs=1e-15)


LARGE = 600
"""Elements of arrays whose results overwrite one another."""


def test_results_that_one_variable_makes_are_overwritten_by_the_complex_step_of_another():
    draw, function = np.random.default_rng(7).uniform, "sum((x**2 + y - 11)**2 + (x + log(y) - 7)**2)"
    point = {"x": draw(size=LARGE), "y": draw(1.0, 2.0, LARGE)}

    answer = gradient(function, point, verify=True)
    field = gradient_field(
        function, {name: array[None] for name, array in point.items()}, method="complex_step"
    )

    assert answer["verification"]["method"] == "complex_step"
    assert answer["verification"]["max_relative_error"] < 1e-11
    for name, slope in answer["gradient"].items():
        assert field["gradient"][name][0] == pytest.approx(slope, rel=1e-11, abs=1e-11)


def test_a_complex_step_of_large_arrays_that_is_not_finite_says_where():
    point = {"x": np.zeros(LARGE), "y": np.ones(LARGE)}

    with pytest.raises(NonFiniteResult, match="column 9: the derivative by x/0 became"):
        gradient("sum(y**2/(x*x + 1))", point, method="complex_step", h=1.0)


def test_a_power_that_is_no_real_number_has_no_complex_step():
    with pytest.raises(NonFiniteResult, match="column 2: the value became nan"):
        gradient("x**0.7", {"x": -2.0}, method="complex_step")


@pytest.mark.parametrize("method", ["central", "forward", "complex_step"])
def test_a_numerical_gradient_is_verified_by_the_exact_one(method):
    answer = gradient(ROSENBROCK, {"x": [0.5, -1.0, 2.0]}, method=method, verify=True)

    assert answer["verification"]["method"] == "exact"
    assert answer["verification"]["max_relative_error"] < 1e-5
    assert answer["verification"]["worst"].startswith("/x/")


def test_verification_names_the_worst_element():
    answer = gradient("sum(x**3)", {"x": [10.0, 1.0]}, method="central", h=0.1, verify=True)

    assert answer["verification"]["worst"] == "/x/1"
    assert answer["verification"]["max_relative_error"] == pytest.approx(0.01 / 3, rel=0.01)
    assert answer["verification"]["max_absolute_error"] == pytest.approx(0.01, rel=1e-6)


QUOTED = [
    (SEED, {"x": (2,)}, {}, {"x": (2,), "value": ()}),
    (
        "h = X @ W; y = sum(h, axis=0)\nsum(y)",
        {"W": (3, 2)},
        {"X": (5, 3)},
        {"W": (3, 2), "X": (5, 3), "h": (5, 2), "y": (2,), "value": ()},
    ),
]


@pytest.mark.parametrize(("function", "variables", "constants", "shapes"), QUOTED)
def test_a_quote_lists_the_shape_of_every_name(function, variables, constants, shapes):
    answer = quote(
        function,
        {name: np.ones(shape) for name, shape in variables.items()},
        {name: np.ones(shape) for name, shape in constants.items()},
    )

    assert answer["shapes"] == shapes
    assert answer["within_limits"] is True
    assert answer["operations"] > 0
    assert answer["peak_bytes"] > 0


def test_a_quote_counts_evaluations_and_grows_with_the_method():
    exact, central = (quote(ROSENBROCK, {"x": np.ones(50)}, method=method) for method in ("exact", "central"))

    assert (exact["evaluations"], central["evaluations"]) == (1, 101)
    assert central["operations"] > 20 * exact["operations"]
    assert quote(ROSENBROCK, {"x": np.ones(50)}, verify=True)["evaluations"] == 52


def test_a_quote_beyond_the_limits_says_so_and_the_run_is_refused():
    W1, X = np.broadcast_to(0.0, (784, 50)), np.broadcast_to(0.0, (100, 784))
    variables = {"W1": W1, "b1": np.zeros(50), "W2": np.zeros((50, 10)), "b2": np.zeros(10)}
    constants = {"X": X, "t": np.zeros((100, 10))}

    answer = quote(NETWORK, variables, constants, method="central")

    assert answer["within_limits"] is False
    assert answer["evaluations"] == 1 + 2 * (784 * 50 + 50 + 500 + 10)
    with pytest.raises(OverBudget, match="KOBAI_OPERATIONS"):
        gradient(NETWORK, variables, constants, method="central")


def test_a_step_lost_in_rounding_is_refused_at_h():
    for method in ("central", "forward"):
        with pytest.raises(InvalidRequest, match="lost in rounding") as caught:
            gradient(SEED, {"x": [3, 4]}, method=method, h=1e-50)
        assert caught.value.faults[0].pointer == "/h"
    with pytest.raises(InvalidRequest):
        gradient("x**2", {"x": 1e13}, method="central")
    assert gradient("x**2", {"x": 1e13}, method="forward")["gradient"]["x"] == pytest.approx(2e13, rel=1e-6)
    assert gradient(SEED, {"x": [3, 4]}, method="complex_step", h=1e-50)["gradient"]["x"].tolist() == [6, 8]


NOT_ANALYTIC = [
    ("abs(x)", "'abs'", 1),
    ("1 + min(x)", "'min'", 5),
    ("max(x)", "'max'", 1),
    ("minimum(x, 1)", "'minimum'", 1),
    ("x + maximum(x, 1)", "'maximum'", 5),
    ("relu(x)", "'relu'", 1),
    ("y = x\n  where(y > 0, y, 1)", "'where'", 3),
    ("where(x > 0, 1, 0)", "'where'", 1),
    ("clip(x, 0, 1)", "'clip'", 1),
    ("norm(x)", "'norm'", 1),
    ("absolute_error(x, 1)", "'absolute_error'", 1),
    ("huber(x, 1)", "'huber'", 1),
]


@pytest.mark.parametrize(("function", "name", "column"), NOT_ANALYTIC)
def test_the_complex_step_refuses_what_is_not_analytic(function, name, column):
    with pytest.raises(InvalidFunction, match=name) as caught:
        gradient(function, {"x": 2.0}, method="complex_step")

    assert caught.value.faults[0].column == column


COMPLEX_POWERS = [
    ("x**2", -3.0, -6.0),
    ("x**3.0", -3.0, 27.0),
    ("x**-1", -2.0, -0.25),
    ("x**101", -1.0, 101.0),
    ("x**y", 2.0, 12.0),
    ("x**2", 0.0, 0.0),
]


@pytest.mark.parametrize(("function", "x", "slope"), COMPLEX_POWERS)
def test_the_complex_step_keeps_its_digits_through_powers(function, x, slope):
    answer = gradient(function + " + 0*y", {"x": x}, {"y": 3.0}, method="complex_step")

    assert answer["gradient"]["x"] == pytest.approx(slope, rel=1e-12, abs=1e-12)


NON_FINITE = [
    ("log(x)", 0.0, "the value became -inf at log", 1, 1),
    ("y = 1e308 * x\n10*y", 1.0, "the value became inf at *", 2, 3),
    ("sqrt(x)", 0.0, "the derivative by x became inf at sqrt", 1, 1),
    ("1 + 1/x", 0.0, "the value became inf at /", 1, 6),
    ("where(x > 0, 1, log(x))", -1.0, "the value became nan at log", 1, 17),
    ("where(x > 0, log(x), 0*exp(-1000*x))", -1.0, "the value became nan, from inf at exp", 1, 24),
    ("where(x > 0 or not x < 5, log(x), 0*exp(-1000*x))", -1.0, "became nan, from inf at exp", 1, 37),
    ("exp(x) - exp(x)", 1000.0, "the value became nan, from inf at exp", 1, 1),
    ("x**0.5", 0.0, "the derivative by x became inf at **", 1, 2),
    ("cbrt(x)", 0.0, "at cbrt. At 0 a root has no finite derivative", 1, 1),
    ("x**x", -2.0, "became nan at **. A negative base has no derivative by its exponent", 1, 2),
    ("x + 1/0", 1.0, "the value became inf at /", 1, 6),
    ("x * (0/0)", 1.0, "the value became nan at /", 1, 7),
    ("x + 0**-1", 1.0, "the value became inf at **", 1, 6),
    ("x**6*(2 + sin(1/x))", 0.0, "the value became nan, from inf at /", 1, 16),
    ("log(x) - log(x)", 0.0, "the value became nan, from -inf at log", 1, 1),
    ("(1/x)*(x + 1)", 0.0, "the value became inf at /", 1, 3),
    ("y = 1/x\nz = y*2; z - z", 0.0, "the value became nan, from inf at /", 1, 6),
]


@pytest.mark.parametrize("size", [2, 700])
@pytest.mark.parametrize(
    ("function", "method", "h", "where"),
    [
        ("sum(sqrt(x))", "central", None, "column 5: the derivative by x/0 became nan at sqrt"),
        ("sum(1/(x - 1))", "forward", 1.0, "column 6: the derivative by x/0 became inf at /"),
        ("sum(log(x + 1))", "central", 1.0, "column 5: the derivative by x/0 became inf, from -inf at log"),
        ("sum(x/(x*x + 1))", "complex_step", 1.0, "column 6: the derivative by x/0 became "),
    ],
)
def test_a_difference_that_is_not_finite_says_where_the_function_is_not(function, method, h, where, size):
    with pytest.raises(NonFiniteResult) as caught:
        gradient(function, {"x": np.zeros(size)}, method=method, h=h)

    assert caught.value.faults[0].detail.startswith(where)


@pytest.mark.parametrize("method", ["central", "forward"])
def test_a_step_that_leads_beyond_float64_is_what_is_not_finite(method):
    with pytest.raises(NonFiniteResult) as caught:
        gradient("x", {"x": 1.7e308}, method=method, h=1e308)

    assert caught.value.faults[0].detail.endswith(" at x + h.")


@pytest.mark.parametrize("x", [1e-320, 5e-324])
def test_a_complex_step_is_above_0_beside_subnormal_numbers(x):
    stepped = gradient("sqrt(x)", {"x": x}, method="complex_step")
    verified = gradient("3*x", {"x": x}, verify=True)

    assert stepped["gradient"]["x"] == pytest.approx(0.5 / x**0.5, rel=0.2)
    assert verified["verification"]["max_relative_error"] == 0.0


@pytest.mark.parametrize("most", [0, POINT_NODES])
@pytest.mark.parametrize(("function", "x", "detail", "line", "column"), NON_FINITE)
def test_a_result_that_is_not_finite_says_which_and_where_it_began(
    monkeypatch, function, x, detail, line, column, most
):
    monkeypatch.setattr("service.core.calculus.compiler.compile_function.__defaults__", (most, NO_DEADLINE))

    with pytest.raises(NonFiniteResult) as caught:
        gradient(function, {"x": x})

    fault = caught.value.faults[0]
    assert detail in fault.detail
    assert (fault.line, fault.column) == (line, column)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("count", [1, 1000])
def test_numbers_alone_divide_by_zero_as_arrays_do(method, count):
    with pytest.raises(NonFiniteResult, match=r"column 11: the value became inf at /"):
        gradient("sum(x) + 1/0", {"x": np.ones(count)}, method=method)
    with pytest.raises(NonFiniteResult, match=r"column 6: the value at point 0 became inf at /"):
        gradient_field("x + 1/0", {"x": np.ones(count)}, method=method)


@pytest.mark.parametrize("count", [1, 500])
def test_a_field_says_at_which_point_a_result_is_not_finite(count):
    points = np.ones((3, count))
    points[1] = 0

    with pytest.raises(NonFiniteResult, match="the value at point 1 became -inf at log"):
        gradient_field("sum(log(x))", {"x": points})


RIGHT_GRADIENTS = [
    ("log(x)", 1e-6, "complex_step", 1e-14),
    ("sin(x)", 1e9, "complex_step", 1e-14),
    ("1/x", 1e-6, "complex_step", 1e-14),
    ("sqrt(x)", 1e-30, "complex_step", 1e-14),
    ("abs(log(x))", 1e-6, "central", 1e-9),
    ("abs(sin(x))", 1e9, "central", 1e-6),
    ("where(x > 0, 1/x, x)", 1e-6, "central", 1e-9),
    ("where(x > 0, log(x), 0)", 1e-150, "central", 1e-9),
    ("relu(x)*0", 0.5, "central", 0.0),
    ("norm(x)", 1e200, "central", 1e-9),
    ("floor(x)*2", 4.97, "central", 0.0),  # the wider steps cross the jump, or the kink
    ("round(x)*x", 1.4999, "central", 1e-9),
    ("x % 1", 2.995, "central", 1e-9),
    ("maximum(x, 1.001)", 1.0, "central", 1e-9),
    ("min(stack(x, -4.647))", -4.641, "central", 1e-9),
    ("minimum(x, 1)", 1.0000001, "central", 0.0),
    ("maximum(1, x)", 1 - 1e-9, "central", 1e-9),
    ("clip(x, 0, 1)", 1.00001, "central", 0.0),
    ("max(stack(x, 1))", 1 + 1e-8, "central", 1e-9),
    ("sinc(x)", 1e6, "central", 1e-7),  # whole steps would lead from zero to zero
    ("trunc(x)", 1000.0000001, "central", 0.0),
    ("x**3", 1e-150, "complex_step", 1.0),  # the imaginary part of the step's value is no number any more
    ("x**4", 1e-90, "complex_step", 1.0),
]


@pytest.mark.parametrize("is_field", [False, True])
@pytest.mark.parametrize(("function", "x", "method", "tolerance"), RIGHT_GRADIENTS)
def test_a_right_gradient_is_verified_wherever_it_is(function, x, method, tolerance, is_field):
    if is_field:
        found = gradient_field(function, {"x": [x, x * 1.5]}, verify=True)["verification"]
    else:
        found = gradient(function, {"x": x}, verify=True)["verification"]

    assert found["method"] == method
    assert found["max_relative_error"] <= tolerance
    assert found["max_relative_error"] <= 10 * found["estimated_error"]


def test_verification_notices_a_rule_that_is_wrong(monkeypatch):
    for name in ("sin", "abs"):
        right = OPERATIONS[name].derivatives[0]
        wrong = dataclasses.replace(
            OPERATIONS[name], derivatives=(lambda *a, right=right: right(*a) * 1.001,)
        )
        monkeypatch.setitem(OPERATIONS, name, wrong)
        monkeypatch.setitem(FUNCTIONS, name, wrong)
        function_cache().clear()

        found = gradient(f"{name}(x)", {"x": 0.5}, verify=True)["verification"]

        function_cache().clear()
        assert found["max_relative_error"] == pytest.approx(1e-3, rel=0.01)
        assert found["estimated_error"] < 1e-7


@pytest.mark.parametrize("method", ["exact", "central"])
def test_a_value_that_is_no_number_has_no_gradient(method):
    with pytest.raises(InvalidFunction) as refused:
        gradient("y = x; y*2", {"x": [1.0, 2.0]}, method=method)

    assert [found.code for found in refused.value.faults] == ["not-scalar"]


OWN_DATA = [
    ("u = x; c", {"c": 7.0}, 7.0, 0.0),
    ("u = x; c*1", {"c": 7.0}, 7.0, 0.0),
    ("u = x; +c", {"c": 7.0}, 7.0, 0.0),
    ("u = x; c**1", {"c": 7.0}, 7.0, 0.0),
    ("u = x; c[0]", {"c": [7.0, 8.0]}, 7.0, 0.0),
    ("u = x; reshape(c, (1,))", {"c": 7.0}, 7.0, 0.0),
    ("u = x; transpose(c)", {"c": [[7.0]]}, 7.0, 0.0),
    ("u = x; 7", {}, 7.0, 0.0),
    ("c*sum(x)", {"c": 7.0}, None, 7.0),
    ("x", {}, None, 1.0),
    ("+x", {}, None, 1.0),
    ("x*1", {}, None, 1.0),
    ("x**1", {}, None, 1.0),
    ("y = x; y", {}, None, 1.0),
    ("reshape(x, (1, 1))", {}, None, 1.0),
    ("x[:1]", {}, None, 1.0),
    ("x[0]", {}, None, 1.0),
    ("max(x)", {}, None, 1.0),
    ("-x", {}, None, -1.0),
]


@pytest.mark.parametrize("size", [1, 600])
@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
@pytest.mark.parametrize(
    ("function", "constants", "value", "slope", "method"),
    [
        (*case, method)
        for case in OWN_DATA
        for method in METHODS
        if not (method == "complex_step" and "max" in case[0])  # not analytic
    ],
)
def test_a_value_may_be_an_input_or_a_view_of_one(function, constants, value, slope, method, shape, size):
    is_indexed = "[" in function and "x[" in function
    x = np.full((size,) if is_indexed else shape, 0.5)

    answer = gradient(function, {"x": x}, constants, method=method, verify=True)
    field = gradient_field(function, {"x": np.stack([x, 2 * x])}, constants, method=method)

    expected = np.zeros(x.shape)
    expected.reshape(-1)[:1] = slope
    assert answer["value"] == pytest.approx(slope * 0.5 if value is None else value, rel=1e-15)
    assert answer["gradient"]["x"] == pytest.approx(expected, rel=1e-7)
    assert answer["verification"]["max_absolute_error"] < 1e-7
    assert field["values"] == pytest.approx([slope * 0.5, slope] if value is None else [value] * 2, rel=1e-15)
    assert field["gradient"]["x"] == pytest.approx(np.stack([expected, expected]), rel=1e-7)


@pytest.mark.parametrize(
    "function", ["sum((a + b)**2)", "sum(a + b)", "sum(a*c) + sum(b*c)", "x = a + b; sum(x*x)"]
)
@pytest.mark.parametrize("size", [3, 5000])
def test_no_two_gradients_share_memory(function, size):
    point = {"a": np.ones(size), "b": np.full(size, 2.0)}
    constants = {"c": np.arange(1.0, size + 1)} if "c" in function else {}

    slopes = gradient(function, point, constants)["gradient"]

    arrays = [slopes["a"], slopes["b"], *point.values(), *constants.values()]
    for position, array in enumerate(arrays[:2]):
        assert array.flags.writeable
        assert not any(np.shares_memory(array, other) for other in arrays[position + 1 :])


STEPS_TAKEN = [
    ("2*x", 1e11, "central", None, 2.0),
    ("2*x", 3e10, "central", None, 2.0),
    ("2*x", 1e6, "central", None, 2.0),
    ("2*x", -1e9, "forward", 1e-5, 2.0),
    ("2*x", 1.0, "forward", 1.5e-16, 2.0),
    ("2*x", 1e9, "forward", None, 2.0),
    ("log(x)", 1e-20, "complex_step", None, 1e20),
    ("sqrt(x)", 1e-30, "complex_step", None, 5e14),
    ("1/x", 1e-100, "complex_step", None, -1e200),
    ("exp(-x**2)*1e-300", 1.0, "complex_step", None, -7.357588823428847e-301),
    ("x*log(x)", 1e-300, "complex_step", None, -689.7755278982137),
    ("x", 0.0, "complex_step", None, 1.0),
]


@pytest.mark.parametrize("size", [1, 700])
@pytest.mark.parametrize(("function", "x", "method", "h", "slope"), STEPS_TAKEN)
def test_a_difference_is_divided_by_the_step_that_was_taken(function, x, method, h, slope, size):
    text = f"y = {function}; y[0]"

    single = gradient(text, {"x": np.full(size, x)}, method=method, h=h)["gradient"]["x"][0]
    field = gradient_field(text, {"x": np.full((2, size), x)}, method=method, h=h)["gradient"]["x"][1, 0]

    assert single == pytest.approx(slope, rel=1e-12)
    assert field == pytest.approx(slope, rel=1e-12)


def test_a_complex_step_that_the_client_gives_stays():
    slope = gradient("log(x)", {"x": 1e-20}, method="complex_step", h=1e-20)["gradient"]["x"]

    assert slope == pytest.approx(math.pi / 4 * 1e20, rel=1e-14)  # the angle of 1e-20 + 1e-20i over h


@pytest.mark.parametrize(
    ("points", "constants", "pointer"),
    [
        ({"x": [1], "y": [2]}, {}, "/points/y"),
        ({"x": [1], "1y": [2]}, {}, "/points/1y"),
        ({"x": [1], "exp": [2]}, {}, "/points/exp"),
        ({"x": [1]}, {"x": 2}, "/points/x"),
    ],
)
def test_a_field_points_at_its_points(points, constants, pointer):
    with pytest.raises(InvalidFunction) as caught:
        gradient_field("x", points, constants)

    assert [fault.pointer for fault in caught.value.faults] == [pointer]


def test_a_step_is_lost_where_the_method_takes_it():
    x = -(2.0**53)  # x + 1 is a float64, x - 1 is not

    assert gradient("x", {"x": x}, method="forward", h=1.0)["gradient"]["x"] == 1.0
    with pytest.raises(InvalidRequest, match="lost in rounding"):
        gradient("x", {"x": x}, method="central", h=1.0)
    with pytest.raises(InvalidRequest, match="lost in rounding: /points/x/0"):
        gradient_field("x", {"x": [-x]}, method="forward", h=1.0)
    with pytest.raises(InvalidRequest, match="lost in rounding: /points/x/1"):
        gradient_field("x", {"x": [3.0, -x]}, method="forward", h=1.0)
    with pytest.raises(InvalidRequest, match="lost in rounding: /variables/x/1/0"):
        gradient("sum(x)", {"x": [[1.0, 2.0], [x, x]]}, method="central", h=1.0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("statement", ["", "unused = exp(c) + sum(C); "])
def test_a_constant_that_the_value_does_not_need_changes_nothing(method, statement):
    function, constants = statement + "sum(x**2)", {"c": 2.0, "C": np.ones((100, 50))}

    for x in ([3.0, 4.0], np.ones(1000)):
        with_, without = (
            gradient(text, {"x": x}, given, method=method)
            for text, given in ((function, constants), ("sum(x**2)", None))
        )
        assert with_["gradient"]["x"].tolist() == without["gradient"]["x"].tolist()
        assert gradient_field(function, {"x": [x]}, constants, method=method)["values"] == [without["value"]]


@pytest.mark.parametrize("value", ["1.5", True, [True], [1, "2"], [1, None], 1j, [[]], [[1], [2, 3]], np.nan])
def test_what_is_no_array_of_finite_numbers_is_no_variable(value):
    for call in (
        lambda: gradient("sum(x)", {"x": value}),
        lambda: gradient("sum(x) + y", {"y": 1}, {"x": value}),
        lambda: quote("sum(x)", {"x": value}),
    ):
        with pytest.raises(InvalidRequest) as caught:
            call()
        assert re.match("/(variables|constants)/x", caught.value.faults[0].pointer)


def test_an_infinity_on_the_way_to_a_finite_result_is_no_error():
    assert gradient("1/(1 + exp(c)) + x", {"x": 1.0}, {"c": 1000.0})["value"] == 1.0
    assert gradient("1/(1/c) + x", {"x": 2.0}, {"c": 0.0})["value"] == 2.0


def test_a_field_is_the_gradient_at_every_point():
    random = np.random.default_rng(1)
    points = {"x": random.normal(size=(50, 3)), "s": random.normal(size=50)}
    function = "s * sum(x**2) + exp(x[0])"

    field = gradient_field(function, points)

    for k in range(50):
        single = gradient(function, {"x": points["x"][k], "s": points["s"][k]})
        assert field["values"][k] == pytest.approx(single["value"], rel=1e-13)
        assert field["gradient"]["x"][k] == pytest.approx(single["gradient"]["x"], rel=1e-13)
        assert field["gradient"]["s"][k] == pytest.approx(single["gradient"]["s"], rel=1e-13)
    assert field["evaluations"] == 50


@pytest.mark.parametrize("method", ["exact", "central", "forward", "complex_step"])
def test_a_field_of_a_large_function_goes_point_by_point(method):
    random = np.random.default_rng(1)
    X, t = random.normal(size=(40, 10)), one_hot(random, 40, 5)
    weights = random.normal(size=(3, 10, 5))

    field = gradient_field(
        "mean(cross_entropy(softmax(X @ W), t))", {"W": weights}, {"X": X, "t": t}, method=method
    )

    assert field["gradient"]["W"].shape == (3, 10, 5)
    single = gradient(
        "mean(cross_entropy(softmax(X @ W), t))", {"W": weights[2]}, {"X": X, "t": t}, method=method
    )
    assert field["values"][2] == single["value"]
    assert field["gradient"]["W"][2] == pytest.approx(single["gradient"]["W"], rel=1e-12)


def test_a_field_of_a_large_function_says_nothing_of_infinities_on_the_way():
    constants = {"many": np.zeros(4000)}

    field = gradient_field("x + 0*sum(where(many > 1, log(many), many))", {"x": [1.0, 2.0]}, constants)

    assert field["values"].tolist() == [1.0, 2.0]


def test_a_field_by_central_differences_has_the_textbooks_digits_at_every_point():
    field = gradient_field(SEED, {"x": [[3, 4], [3, 4]]}, method="central", h=1e-4, verify=True)

    assert field["gradient"]["x"].tolist() == [[6.00000000000378, 7.999999999999119]] * 2
    assert field["verification"]["max_relative_error"] < 1e-12


def test_a_field_needs_as_many_points_for_every_name():
    with pytest.raises(InvalidRequest) as caught:
        gradient_field("sum(x) + y", {"x": [[1, 2], [3, 4]], "y": [1, 2, 3]})
    assert caught.value.faults[0].pointer == "/points/y"

    with pytest.raises(InvalidRequest):
        gradient_field("x", {"x": 3.0})


def test_the_quote_of_a_field_counts_every_point():
    answer = quote_field(SEED, {"x": np.ones((1000, 2))}, method="central")

    assert answer["evaluations"] == 5000
    assert answer["shapes"] == {"x": (2,), "value": ()}


def test_a_bad_point_of_a_field_is_explained():
    with pytest.raises(NonFiniteResult, match="log"):
        gradient_field("log(x)", {"x": [1.0, 2.0, 0.0]})


def test_a_deadline_stops_a_long_gradient():
    ticks = iter(range(1_000_000))
    deadline = Deadline(50.0, lambda: float(next(ticks)))

    with pytest.raises(DeadlineExceeded, match="The deadline passed"):
        gradient("sum(sin(x) @ cos(x))", {"x": np.ones((40, 40))}, method="central", deadline=deadline)


def test_the_same_request_gives_the_same_bits_whatever_ran_before():
    function, x = "sum(exp(sin(x)) / (1 + x**2))", np.linspace(0.1, 3, 9)
    first = gradient(function, {"x": x})["gradient"]["x"].tobytes()

    for n in range(1, 40):
        gradient(f"sum(x * {n})", {"x": x})
    function_cache().clear()

    assert gradient(function, {"x": x})["gradient"]["x"].tobytes() == first


def test_the_cache_is_bounded_by_number_and_bytes():
    cache: BoundedCache[str] = BoundedCache(3, 100, len)

    for key in range(10):
        cache.get_or_make(key, lambda key=key: str(key) * 10)
    cache.get_or_make("large", lambda: "x" * 1000)

    assert len(cache) == 3
    assert cache.held_bytes <= 100
    assert cache.get_or_make(9, lambda: "made anew") == "9" * 10
    assert (cache.hits, cache.misses) == (1, 11)


def test_a_hundred_functions_in_threads_change_no_answer():
    function_cache().clear()
    wrong = []

    def work(offset: int) -> None:
        for n in range(100):
            k = (n * 7 + offset) % 100 + 1
            if gradient(f"{k}*x**2", {"x": 3.0})["gradient"]["x"] != 6.0 * k:
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []


@pytest.mark.parametrize("verify", [False, True])
@pytest.mark.parametrize("name", ["operations", "operations_at_once", "peak_bytes"])
def test_what_is_asked_may_be_the_limit_of_the_quote_and_no_more(name, verify):
    work = {"function": "sum(exp(x))", "variables": {"x": np.ones(1000)}, "verify": verify}

    with pytest.raises(OverBudget) as refused:
        gradient(**work, limits=Limits(**{name: 10}))
    asked = int(re.search(r"asked (\d+)", refused.value.faults[0].detail)[1])

    for limit, is_within in ((asked, True), (asked - 1, False)):
        limits = Limits(**{name: limit})
        assert quote(**work, limits=limits)["within_limits"] is is_within
    assert gradient(**work, limits=Limits(**{name: asked}))["value"] > 0


def test_an_unknown_method_or_an_array_that_is_none_is_refused():
    with pytest.raises(InvalidRequest, match="one of exact"):
        gradient("x", {"x": 1.0}, method="backward")
    with pytest.raises(InvalidRequest):
        gradient("sum(x)", {"x": [[1, 2], [3]]})
    with pytest.raises(InvalidRequest):
        gradient("x", {"x": float("nan")})


@pytest.mark.parametrize("stack", [(), (1, 2)], ids=["a matrix", "a stack of them"])
@pytest.mark.parametrize(
    "function",
    ["sum(det(A))", "sum(logdet(A))", "sum(inv(A))", "sum(cholesky(A))", "sum(solve(A, B))", "sum(A @ A)"],
)
def test_the_quote_of_linear_algebra_grows_with_the_cube(function, stack):
    small, large = (
        quote(
            function,
            {"A": np.ones((*stack, size, size))},
            {"B": np.ones((*stack, size, 2))} if "B" in function else {},
        )["operations"]
        for size in (100, 400)
    )

    assert 40 * small < large < 70 * small


class Ticking:
    """A clock that moves on by a second at every look."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self) -> float:
        self.looks += 1
        return float(self.looks)


CHAIN = (
    "y = x; "
    + "; ".join(f"y{k} = exp(sin({'x' if not k else f'y{k - 1}'}))" for k in range(10))
    + "; sum(y9)"
)


@pytest.mark.parametrize("method", ["exact", "central"])
def test_the_clock_is_looked_at_between_the_operations_of_one_evaluation(method):
    x, clock = np.linspace(0.0, 1.0, 200_000), Ticking()
    compiled = compile_function(CHAIN, {"x": x.shape}, {}, METHODS[method], False, Limits())
    check = Deadline(1e9, clock).check
    before = clock.looks

    if method == "exact":
        kernel = bind_on_arrays(compiled, {}, None, check)
        kernel.evaluate(kernel.pack({"x": x}))
    else:
        compiled.emitted.value_on_arrays(check=check)(x)

    assert clock.looks - before >= compiled.plan.operations / CHECKED_OPERATIONS / 3 >= 8


def test_a_deadline_ends_an_evaluation_between_two_operations():
    clock = Ticking()
    deadline = Deadline(10.0 + 8, clock)

    with pytest.raises(DeadlineExceeded):
        gradient(CHAIN, {"x": np.linspace(0.0, 1.0, 200_000)}, deadline=deadline)


@pytest.mark.parametrize(
    ("function", "method"), [("x**2", "exact"), ("sum(X @ x)", "exact"), ("x**2", "central")]
)
def test_the_clock_is_looked_at_between_the_blocks_of_a_field(monkeypatch, function, method):
    monkeypatch.setattr("service.core.calculus.points.POINT_ELEMENTS", 100)
    monkeypatch.setattr("service.core.calculus.points.FIELD_ELEMENTS", 100)
    constants = {"X": np.ones((40, 3))} if "X" in function else {}
    x, clock = np.ones((2000, 3) if constants else 2000), Ticking()

    gradient_field(function, {"x": x}, constants, method=method, deadline=Deadline(1e9, clock))
    looks = clock.looks
    with pytest.raises(DeadlineExceeded):
        gradient_field(function, {"x": x}, constants, method=method, deadline=Deadline(looks / 2, Ticking()))

    assert looks >= 40


@pytest.mark.parametrize("way", ["_batched", "_over_points"])
def test_the_clock_is_looked_at_whichever_way_a_field_is_computed(monkeypatch, way):
    ways = vars(points)["_ways"]
    monkeypatch.setattr(
        points, "_way", lambda *given: next(each for each in ways(*given) if each.run.__name__ == way)
    )
    monkeypatch.setattr(points, "POINT_ELEMENTS", 100)
    monkeypatch.setattr("service.core.calculus.points.FIELD_ELEMENTS", 100)
    clock = Ticking()

    field = gradient_field("exp(x)*sin(x)", {"x": np.ones(2000)}, deadline=Deadline(1e9, clock))

    assert clock.looks >= 40
    assert field["values"] == pytest.approx(math.e * math.sin(1.0), rel=1e-15)


def _sech_squared(x: float) -> float:
    return 4 * math.exp(-2 * abs(x)) / (1 + math.exp(-2 * abs(x))) ** 2


def _logistic_slope(x: float) -> float:
    return math.exp(-abs(x)) / (1 + math.exp(-abs(x))) ** 2


TAILS = [
    ("tanh(x)", x, _sech_squared(x)) for x in (-300.0, -40.0, -9.0, 9.0, 20.0, 300.0)
] + [
    ("sigmoid(x)", x, _logistic_slope(x)) for x in (-700.0, -40.0, 9.0, 40.0, 700.0)
] + [
    ("softplus(x)", -40.0, math.exp(-40) / (1 + math.exp(-40))),
    ("log_sigmoid(x)", 40.0, math.exp(-40) / (1 + math.exp(-40))),
    ("exp(x)", -700.0, math.exp(-700)),
    ("1/x", 1e100, -1e-200),
    ("arctan(x)", 1e100, 1e-200),
    ("log1p(x)", 1e200, 1e-200),
    ("sqrt(x)", 1e200, 5e-101),
    ("softmax(stack)[1]", -40.0, math.exp(-40) / (1 + math.exp(-40)) ** 2),
    ("logsumexp(stack)", -40.0, math.exp(-40) / (1 + math.exp(-40))),
    ("log_softmax(stack)[0]", -40.0, -math.exp(-40) / (1 + math.exp(-40))),
]  # fmt: skip


@pytest.mark.parametrize("size", [1, 700])
@pytest.mark.parametrize(("function", "x", "slope"), TAILS)
def test_derivatives_keep_their_digits_in_the_tails(function, x, slope, size):
    if "stack" in function:
        text, start = f"y = x[:1]; {function.replace('stack', 'x[:2]')}", np.zeros(size + 1)
        start[1], place = x, 1
    else:
        text, start, place = f"y = {function}; y[0]", np.full(size, x), 0

    found = gradient(text, {"x": start})["gradient"]["x"][place]

    assert found == pytest.approx(slope, rel=1e-14, abs=0.0)
