"""Every operation's derivative, in random directions, on arrays, on floats and over points."""

import dataclasses
import math
import re

import numpy as np
import pytest

from service.core import descent
from service.core.calculus.compiler import Compiled, compile_anew
from service.core.calculus.costs import POINT_NODES
from service.core.calculus.differences import LEVELS, METHODS, RICHARDSON, differences
from service.core.calculus.field import gradient_field
from service.core.calculus.gradient import gradient
from service.core.calculus.hessian import hessian
from service.core.calculus.kernel import bind_on_arrays, bind_on_floats
from service.core.calculus.verification import compare
from service.core.exceptions import InvalidFunction
from service.core.language.operations import FUNCTIONS, OPERATIONS, SECOND_KINKS, describe_operations
from service.core.limits import DEFAULT_LIMITS
from tests.core import tolerances
from tests.core.operation_cases import CASES, Case

CONDITIONS = {"less", "less_equal", "greater", "greater_equal", "equal", "not_equal"}


def scalar_text(case: Case) -> str:
    """Weigh the elements of the expression's value, so that each has a cotangent of its own."""
    return f"y = {case.expression}; sum(y * (1 + 0.5 * sin(3 * y)))"


def compiled(case: Case, method: str = "exact", most: int = POINT_NODES) -> Compiled:
    return compile_anew(scalar_text(case), case.shapes, {}, METHODS[method], False, DEFAULT_LIMITS, most)


def on_arrays(function: Compiled, point: dict[str, np.ndarray]) -> tuple[float, dict[str, np.ndarray]]:
    with np.errstate(all="ignore"):
        kernel = bind_on_arrays(function, {}, None, lambda: None)
        value, slots = kernel.evaluate_on_arrays(kernel.pack(point))
        return value, kernel.unpack(slots)


def assert_close(got: np.ndarray, expected: np.ndarray, tolerance: float) -> None:
    scale = max(1.0, float(np.max(np.abs(expected), initial=0.0)))
    assert np.max(np.abs(got - expected), initial=0.0) <= tolerance * scale


def test_every_operation_has_a_case():
    covered = {case.operation for case in CASES}

    public = {row.name for row in OPERATIONS.values() if row.is_public}

    assert public - CONDITIONS - covered == set()
    assert set(FUNCTIONS) <= covered


@pytest.mark.parametrize("case", CASES, ids=str)
def test_exact_gradient_agrees_with_central_differences_in_random_directions(case: Case):
    function = compiled(case)
    value_of = function.emitted.value_on_arrays(check=lambda: None)
    for seed in range(3):
        point, random = case.point(seed), np.random.default_rng(seed)
        direction = {name: random.normal(size=shape) for name, shape in case.shapes.items()}

        def along(step: float, point=point, direction=direction) -> float:
            moved = [point[name] + step * direction[name] for name in point]
            return float(np.asarray(value_of(*moved)).item())

        h = 1e-4
        wide, narrow = (along(h) - along(-h)) / (2 * h), (along(h / 2) - along(-h / 2)) / h
        expected = (4 * narrow - wide) / 3

        _, slopes = on_arrays(function, point)

        got = sum(float(np.sum(slopes[name] * direction[name])) for name in point)
        assert got == pytest.approx(expected, rel=tolerances.CENTRAL, abs=tolerances.CENTRAL)


ANALYTIC = [
    case
    for case in CASES
    if OPERATIONS[case.operation].is_analytic
    and "where" not in case.expression
    and "abs" not in case.expression
]


@pytest.mark.parametrize("case", ANALYTIC, ids=str)
def test_exact_gradient_agrees_with_the_complex_step(case: Case):
    point = case.point()
    function = compiled(case, "complex_step")
    _, expected = on_arrays(function, point)

    _, slopes = on_arrays(compiled(case), point)

    for name in point:
        assert_close(slopes[name], expected[name], tolerances.COMPLEX_STEP)


CORNERED = [
    case
    for case in CASES
    if not OPERATIONS[case.operation].is_analytic
    and re.match(f"{case.operation}\\([xa][^(]*$", case.expression)
]
"""Calls of what is not analytic, on a variable, with nothing else in them."""


@pytest.mark.parametrize("case", CORNERED, ids=str)
def test_the_complex_step_is_refused_by_the_name_of_what_is_not_analytic(case: Case):
    name = OPERATIONS[case.operation].name

    with pytest.raises(InvalidFunction, match=f"'{name}' is not complex-analytic"):
        gradient(scalar_text(case), case.point(), method="complex_step")


ON_ARRAYS_ALONE = {
    "sort", "median", "quantile", "inv", "solve", "solve_triangular", "det", "logdet", "cholesky",
}  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_points_give_the_same_numbers_as_arrays(case: Case):
    point = case.point()
    value, slopes = on_arrays(compiled(case), point)
    batch = {name: np.stack([array, array, array]) for name, array in point.items()}

    field = gradient_field(scalar_text(case), batch)

    assert field["values"][2] == pytest.approx(value, rel=tolerances.KERNELS, abs=tolerances.KERNELS)
    for name in point:
        assert_close(field["gradient"][name][1], slopes[name], tolerances.KERNELS * 10)


@pytest.mark.parametrize("case", [case for case in CASES if case.operation not in ON_ARRAYS_ALONE], ids=str)
def test_floats_and_arrays_give_the_same_numbers(case: Case):
    function, point = compiled(case), case.point()
    value, slopes = on_arrays(function, point)
    assert function.emitted.lowered is not None

    kernel = bind_on_floats(function, {}, None, lambda: None)
    float_value, slots = kernel.evaluate(kernel.pack(point))
    float_slopes = kernel.unpack(slots)

    assert kernel.is_on_floats
    assert float_value == pytest.approx(value, rel=tolerances.KERNELS, abs=tolerances.KERNELS)
    for name in point:
        assert_close(float_slopes[name], slopes[name], tolerances.KERNELS * 10)


@pytest.mark.parametrize("case", CASES[::3], ids=str)
def test_a_point_has_the_same_bits_in_a_gradient_and_in_a_descent(case: Case):
    text, point = scalar_text(case), case.point()

    single = gradient(text, point)
    path = descent(text, point, steps=1, history=2, learning_rate=1e-12)

    assert path["history"][0]["value"] == single["value"]
    moved = {name: point[name] - 1e-12 * slope for name, slope in single["gradient"].items()}
    for name, array in path["variables"].items():
        assert array.tobytes() == moved[name].tobytes()


SMALL = [case for case in CASES if sum(math.prod(shape) for shape in case.shapes.values()) <= 4]


@pytest.mark.parametrize("method", ["central", "forward"])
@pytest.mark.parametrize("case", SMALL, ids=str)
def test_differences_on_floats_are_those_on_arrays(case: Case, method: str):
    point = case.point()
    function = compiled(case, method)
    _, expected = on_arrays(function, point)

    kernel = bind_on_floats(function, {}, None, lambda: None)
    _, slots = kernel.evaluate(kernel.pack(point))

    for name, slope in kernel.unpack(slots).items():
        assert_close(slope, expected[name], tolerances.CENTRAL if method == "central" else tolerances.FORWARD)


def test_the_gradient_check_fails_on_a_rule_that_is_wrong_by_a_thousandth(monkeypatch):
    wrong = dataclasses.replace(OPERATIONS["exp"], derivatives=(lambda g, y, x: g * y * 1.001,))
    monkeypatch.setitem(OPERATIONS, "exp", wrong)
    monkeypatch.setitem(FUNCTIONS, "exp", wrong)
    case = next(case for case in CASES if case.operation == "exp")

    with pytest.raises(AssertionError):
        test_exact_gradient_agrees_with_central_differences_in_random_directions(case)


KINKS = [
    ("abs(x)", 0.0, 0.0),
    ("norm(x)", 0.0, 0.0),
    ("relu(x)", 0.0, 0.0),
    ("clip(x, 0, 1)", 0.0, 1.0),
    ("clip(x, -1, 0)", 0.0, 1.0),
    ("clip(x, 1, 2)", 0.0, 0.0),
    ("minimum(x, 0)", 0.0, 0.5),
    ("maximum(0, x)", 0.0, 0.5),
    ("maximum(x, x)", 0.0, 1.0),
    ("absolute_error(x, 0)", 0.0, 0.0),
    ("huber(x, 1)", 0.0, -1.0),
    ("x**0", 0.0, 0.0),
    ("x**1", 0.0, 1.0),
    ("x**2", 0.0, 0.0),
    ("0**x", 1.0, 0.0),
    ("where(x > 0, log(x), x)", 0.0, 1.0),
    ("where(x > 0, sqrt(x), 2*x)", 0.0, 2.0),
    ("where(x > 0, 1/x, x)", 0.0, 1.0),
    ("where(x < 1, exp(x), exp(1000*x))", 0.5, math.exp(0.5)),
    ("where(x > 0, x, where(x < 0, log(-x), 3*x))", 0.0, 3.0),
    ("where(x > 0, sum(x**-1), x)", 0.0, 1.0),
    ("where(x > 0, norm(1/x), 2*x)", 0.0, 2.0),
    ("where(x > 0, logsumexp(1/x), 2*x)", 0.0, 2.0),
    ("where(x > 0, prod(1/x), 2*x)", 0.0, 2.0),
    ("where(x > 0, x**x, 2*x)", 0.0, 2.0),
    ("y = log(x); where(x > 0, y*y, 2*x)", 0.0, 2.0),
]


@pytest.mark.parametrize(("text", "x", "expected"), KINKS, ids=[text for text, _, _ in KINKS])
def test_kinks_and_branches_not_taken_have_the_documented_derivative(text: str, x: float, expected: float):
    function = compile_anew(text, {"x": ()}, {}, METHODS["exact"], False, DEFAULT_LIMITS, POINT_NODES)
    point = {"x": np.array(x)}

    _, arrays = on_arrays(function, point)
    with np.errstate(all="ignore"):
        kernel = bind_on_floats(function, {}, None, lambda: None)
        floats = kernel.unpack(kernel.evaluate(kernel.pack(point))[1])
    points = gradient_field(text, {"x": [x, x]})["gradient"]

    assert arrays["x"] == pytest.approx(expected, rel=1e-15)
    assert floats["x"] == pytest.approx(expected, rel=1e-15)
    assert points["x"] == pytest.approx([expected, expected], rel=1e-15)


SECOND_AT_ZERO = {
    "abs": ("abs(x)", 0.0),
    "relu": ("relu(x)", 0.0),
    "sign": ("x*sign(x)", 0.0),
    "floor": ("x*floor(x)", 0.0),
    "%": ("x % 1", 0.0),
    "minimum": ("minimum(x, 0)", 0.0),
    "maximum": ("maximum(x, -x)", 0.0),
    "clip": ("clip(x, 0, 1)", 0.0),
    "hypot": ("hypot(x, 0)", 0.0),
    "norm": ("norm(x)", 0.0),
    "max": ("max(stack(x, 2*x))", 0.0),
    "sort": ("sort(stack(x, -x))[0]", 0.0),
    "hinge": ("hinge(x + 1, 1)", 0.0),
    "leaky_relu": ("leaky_relu(x)", 0.0),
    "elu": ("elu(x, alpha=0.5)", 0.5),
    "where": ("where(x >= 0, x**2, log(x))", 2.0),
}


@pytest.mark.parametrize("name", SECOND_AT_ZERO)
def test_second_derivatives_at_kinks_are_the_documented_ones(name: str):
    text, expected = SECOND_AT_ZERO[name]
    says_zero = next(row["kinks"] for row in describe_operations() if row["name"] == name).endswith(
        SECOND_KINKS
    )

    assert hessian(text, {"x": 0.0})["hessian"]["x"]["x"] == expected
    assert says_zero is (expected == 0.0)


def test_extreme_elements_share_the_derivative_among_ties():
    point = {"x": [[1.0, 2.0, 2.0], [0.0, 0.0, 0.0]]}

    slope = gradient_field("sum(max(x)) + 0*sum(min(x))", {"x": list(point["x"])})["gradient"]["x"]

    assert slope.tolist() == [[0.0, 0.5, 0.5], [1 / 3, 1 / 3, 1 / 3]]


def test_the_gradient_of_a_matrix_product_in_a_branch_not_taken_is_zero():
    text = "where(x[0, 0] > 0, sum((1/x) @ (1/x)), sum(x))"

    for most in (0, POINT_NODES):
        function = compile_anew(text, {"x": (2, 2)}, {}, METHODS["exact"], False, DEFAULT_LIMITS, most)
        _, slopes = on_arrays(function, {"x": np.zeros((2, 2))})
        assert slopes["x"].tolist() == [[1.0, 1.0], [1.0, 1.0]]


def test_differences_evaluate_the_function_as_often_as_they_say():
    calls = []

    def function(x):
        calls.append(x.copy())
        return np.sum(x**2)

    for method, times in (
        (METHODS["central"], 7),
        (METHODS["forward"], 4),
        (METHODS["complex_step"], 4),
        (RICHARDSON, 1 + 3 * 4 * LEVELS),
    ):
        calls.clear()
        value, (slope,) = differences(function, [np.array([1.0, 2.0, 3.0])], method, None, lambda: None)
        assert len(calls) == times == method.evaluations_for(3)
        assert value == 14.0
        assert (slope[:, 0] if method is RICHARDSON else slope) == pytest.approx([2.0, 4.0, 6.0], rel=1e-6)


@pytest.mark.parametrize("size", [1, 2000], ids=["floats", "arrays"])
def test_a_step_is_ignored_by_the_exact_method(size):
    x = np.full(size, 3.0)

    at_a_point = gradient("sum(x**2)", {"x": x}, h=1.0)
    at_points = gradient_field("sum(x**2)", {"x": np.stack([x, x])}, h=1.0)

    assert (at_a_point["gradient"]["x"] == 6).all()
    assert (at_points["gradient"]["x"] == 6).all()


LARGE = [
    Case("", text, {"x": (3_000,), "y": (3_000,)})
    for text in ("x + y", "x*y", "2*x*y", "(x + y)**2", "(x - y)**2")
]


@pytest.mark.parametrize("case", CASES + LARGE, ids=str)
def test_a_gradient_is_the_callers_own(case: Case):
    point, text = case.point(), f"sum(reshape({case.expression}, -1))"
    first, second = gradient(text, point)["gradient"], gradient(text, point)["gradient"]
    others = [*point.values(), *second.values()]
    expected = {name: array.copy() for name, array in second.items()}

    for array in first.values():
        assert not any(np.shares_memory(array, other) for other in others)
        others.append(array)
        array[...] = 7.0

    third = gradient(text, point)["gradient"]
    assert all((third[name] == expected[name]).all() for name in third)
    assert all((array == case.point()[name]).all() for name, array in point.items())


def test_the_complex_step_beside_the_smallest_normal_number_is_a_number():
    found = gradient("a**2 + a", {"a": -2.2250738585072014e-308}, method="complex_step")

    assert found["gradient"]["a"] == 1.0


def test_the_judges_relative_error_stays_a_number_beside_a_tiny_derivative():
    tiny, one = {"g": np.array([1e-300])}, {"g": np.array([1e10])}

    found = compare(tiny, tiny, one, "central")

    assert found["estimated_error"] == np.finfo(float).max
