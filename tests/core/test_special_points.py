"""Points where a formula is finite though a part of it is not: minima, tiny bases, undefined conditions."""

import numpy as np
import pytest

from service.core import descent, gradient, gradient_field
from service.core.exceptions import NonFiniteResult

SUMS_OF_SQUARES = [
    "sqrt(sum(x**2))",
    "sqrt(mean(x**2))",
    "sqrt(x[0]**2 + x[1]**2)",
    "sqrt(3*x[0]**2 + x[1]**4/7)",
    "sqrt(sum(x*x))",
    "sqrt(x @ x)",
    "sqrt(dot(x, x) + 0)",
    "sqrt(max(x**2))",
    "sqrt(maximum(x[0]**2, x[1]**6))",
    "sum(x**2)**0.5",
    "sum((x**2)**0.75)",
    "sum((x**4)**0.3)",
    "sum(x**2)**0.25",
    "sum((x**2)**0.01)",
    "sum(abs(x)**1.5)**0.5",
    "sum(square(x))**p",
    "1 - cos(2*pi*sqrt(sum(x**2))) + 0.1*sqrt(sum(x**2))",
    "-20*exp(-0.2*sqrt(sum(x**2)/2)) - exp(sum(cos(2*pi*x))/2) + 20 + e",
    "-(1 + cos(12*sqrt(x[0]**2 + x[1]**2))) / (0.5*(x[0]**2 + x[1]**2) + 2)",
    "sqrt((x[0] - x[1])**2)",
    "sum(sqrt(x**2))",
    "sum(cbrt(x**2))",
    "sum(abs(x)**3)**(1/3)",
    "sqrt(x[0]**2 + x[1]**2 - x[0]*x[1])",
    "4/3*(x[1]**2 + x[0]**2 - x[0]*x[1])**0.75",
    "sqrt(x[0]**2 + x[1]**2 + x[0]*x[1])",
    "sqrt(mean(squared_error(x, 0)))",
    "sqrt(2*mean(half_squared_error(x, 0)))",
    "sqrt(sum(huber(x, 0)))",
    "sqrt(sum(log_cosh(x, 0)))",
    "sqrt(abs(sum(x**2)))",
    "sqrt(relu(sum(x**2)))",
    "sqrt(clip(sum(x**2), 0, 4))",
    "sqrt(sum(where(x > 0, x**2, 3*x**4)))",
    "sqrt(sum(sort(x**2)))",
    "sqrt(cumsum(x**2)[1])",
    "sqrt(sum(concatenate(x**2, abs(x)**3)))",
    "sqrt(prod(x**2))",
    "y = reshape(x, (-1, 1)); sqrt(y.T @ y)",
    "sqrt(tensordot(x, x, 1))",
]


@pytest.mark.parametrize("text", SUMS_OF_SQUARES)
@pytest.mark.parametrize("repeat", [1, 300])
def test_the_gradient_at_the_minimum_of_a_root_of_squares_is_zero(text, repeat):
    x = np.zeros(2 * repeat)

    answer = gradient(text, {"x": x}, {"p": 0.3})

    assert np.array_equal(answer["gradient"]["x"], x)


@pytest.mark.parametrize("text", [text for text in SUMS_OF_SQUARES if "**p" not in text])
def test_a_rule_for_roots_of_squares_changes_no_other_gradient(text):
    answer = gradient(text, {"x": [0.3, -0.7]}, verify=True)

    assert answer["verification"]["max_relative_error"] < 1e-6


@pytest.mark.parametrize(
    "text",
    [
        "cbrt(sum(x))", "sqrt(sum(x))", "sum(x)**0.5", "sqrt(sum(x**3))", "sqrt(sum(x**2) - sum(x**2))",
        "sqrt(abs(x[0])*x[1]**2)", "sqrt(abs(x[0])*abs(x[1]))", "sqrt(x[0]**2 - x[0]*x[1])",
        "sqrt(x[0]**2 + x[0]**2 - x[0]*x[1])", "sqrt(x[0]**2 + x[1] - x[0]*x[1])",
        "sqrt(sum(absolute_error(x, 0)))", "sqrt(abs(sum(x)))", "sqrt(relu(sum(x)))",
        "sqrt(clip(sum(x), 0, 1))",
        "sqrt(sum(where(x > 0, x**2, x)))", "sqrt(cumsum(x)[1])", "sqrt(sum(concatenate(x, x**2)))",
        "sqrt(sum(x[:, None] @ x[None]))", "sqrt(reshape(x, (1, -1)) @ reshape(x + 0*x, (-1, 1)))",
    ],
)  # fmt: skip
def test_a_root_of_anything_else_has_no_derivative_at_zero(text):
    with pytest.raises(NonFiniteResult, match=r"norm\(x\)"):
        gradient(text, {"x": [0.0, 0.0]})


CUSPS = [
    ("Bukin06", "100*sqrt(abs(x[1] - 0.01*x[0]**2)) + 0.01*abs(x[0] + 10)", [-10, 1], "column 5: .* at sqrt"),
    ("Csendes", "sum(x**6*(2 + sin(1/x)))", [0, 0], "column 20: .* at /"),
    ("Damavandi", "abs(sin(pi*(x[0] - 2))/(pi*(x[0] - 2)))**5*(2 + x[1]**2)", [2, 2], "column 23: .* at /"),
    ("XinSheYang04", "sum(x**2)*exp(-sum(sin(sqrt(abs(x)))**2))", [0, 0], "column 24: .* at sqrt"),
]


@pytest.mark.parametrize(("text", "x", "place"), [row[1:] for row in CUSPS], ids=[row[0] for row in CUSPS])
def test_a_minimum_at_a_cusp_or_a_division_by_zero_is_refused_at_its_place(text, x, place):
    with pytest.raises(NonFiniteResult, match=place):
        gradient(text, {"x": x})


def test_a_descent_may_start_at_the_minimum_of_a_root_of_squares():
    answer = descent("sqrt(x[0]**2 + x[1]**2)", {"x": [0.0, 0.0]}, tolerance=1e-9)

    assert answer["status"] == "converged"


@pytest.mark.parametrize(
    ("text", "variables", "expected"),
    [
        ("x**x", {"x": 1e-310}, {"x": 1 + np.log(1e-310)}),
        ("a**b", {"a": 1e-309, "b": 1e-3}, {"a": 4.90907876152603e305}),
        ("x**0.001", {"x": 1e-309}, {"x": 4.90907876152603e305}),
    ],
)
@pytest.mark.parametrize("size", [1, 600])
def test_the_derivative_of_a_power_of_a_tiny_base_is_finite(text, variables, expected, size):
    arrays = {name: np.full(size, value) for name, value in variables.items()}

    answer = gradient(f"sum({text})", arrays)

    for name, value in expected.items():
        assert answer["gradient"][name] == pytest.approx(value, rel=1e-12)


CONDITIONS = [
    ("where(log(x) < 0, 1, 2)*x", 7),
    ("where(0 > sqrt(x), x, 2*x)", 11),
    ("where(x/0*0 == x, x, 2*x)", 8),
    ("where(x > 1, x, 3)*where(arcsin(x - 1) != x, x, 3*x)", 26),
]


@pytest.mark.parametrize(("text", "column"), CONDITIONS)
@pytest.mark.parametrize("size", [1, 600])
def test_a_condition_that_compares_with_nan_is_not_finite(text, column, size):
    with pytest.raises(NonFiniteResult) as caught:
        gradient(f"sum({text})", {"x": np.full(size, -1.0)})

    assert caught.value.faults[0].column == column + 4


def test_one_undefined_condition_of_a_field_is_not_finite():
    with pytest.raises(NonFiniteResult):
        gradient_field("where(log(x) < 0, 1, 2)*x", {"x": [0.5, -1.0]})


@pytest.mark.parametrize(
    "text", ["where(x < 0, x, 2*x)", "where(exp(x**2) > 1, x, 2*x)", "where(log(x) < 0, x, 2*x)"]
)
def test_a_condition_that_is_defined_chooses_as_before(text):
    expected = 1.0 if "log" in text or "exp" in text else 2.0

    assert gradient(text, {"x": 0.5})["gradient"]["x"] == expected


def test_a_condition_in_the_branch_not_taken_may_be_undefined():
    answer = gradient("where(x > 0, x, where(log(x - 9) < 0, 1, 2)*x)", {"x": 0.5})

    assert answer["value"] == 0.5
    assert answer["gradient"]["x"] == 1.0
