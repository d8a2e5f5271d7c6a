"""Cheaper forms: what a function is written with does not count, nor do its values change."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from service.core import gradient, value
from service.core.calculus.derivative_kernels import scatter
from service.core.exceptions import NonFiniteResult
from tests.core.compiled import compiled
from tests.fuzz.arithmetic import mp

SIZE = 1_000
"""Elements from which sums are written in parts."""

FORMS = [
    ("sum(exp(-x*y + y))", "sum(exp(y - x*y))"),
    ("sum(exp(-x + y))", "sum(exp(y - x))"),
    ("sum(exp(y - -x))", "sum(exp(y + x))"),
    ("sum(exp(x*-y))", "sum(exp(-(x*y)))"),
    ("sum(exp(-x/y))", "sum(exp(-(x/y)))"),
    ("sum(exp(x/-y))", "sum(exp(-(x/y)))"),
    ("sum(exp(-(-x)*y))", "sum(exp(x*y))"),
    ("sum(1/y*x)", "sum(x/y)"),
    ("sum(exp(x*(1/y)))", "sum(exp(x/y))"),
    ("sum(sum(reshape(exp(x*y), (1000, 1)), axis=1))", "sum(reshape(exp(x*y), (1000, 1)))"),
    ("sum(100*x**2 + y**2)", "100*sum(x**2) + sum(y**2)"),
    ("sum(0 - exp(x*y))", "0 - sum(exp(x*y))"),
    ("sum(2*exp(x*y))", "2*sum(exp(x*y))"),
]


MATRICES = [
    ("sum(exp((X.T @ Y).T))", "sum(exp(Y.T @ X))"),
    ("sum(exp((X @ Y.T).T))", "sum(exp(Y @ X.T))"),
]


def names_of(function):
    """Return the variables of a function."""
    return [name for name in "xy" if name in function.replace("exp", "")]


def operations(function):
    """Count what runs at every evaluation."""
    shapes = dict.fromkeys(names_of(function), (SIZE,))
    return len(compiled(function, shapes).plan.body)


@pytest.mark.parametrize(("written", "cheaper"), FORMS, ids=[written for written, _ in FORMS])
def test_a_form_costs_what_the_cheapest_does_and_has_its_value(written, cheaper):
    random = np.random.default_rng(0)
    point = {"x": random.normal(size=SIZE), "y": random.uniform(0.5, 2.0, SIZE)}

    found, expected = gradient(written, point), gradient(cheaper, point)

    assert operations(written) == operations(cheaper)
    assert found["value"] == pytest.approx(expected["value"], rel=1e-13)
    for name in point:
        assert_allclose(found["gradient"][name], expected["gradient"][name], rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(("function", "factor"), [("sum(A @ B)", 1.0), ("3*sum(A @ B)", 3.0)])
def test_the_derivative_of_a_sum_of_a_product_sums_the_other_factor(function, factor):
    random = np.random.default_rng(0)
    point = {"A": random.normal(size=(40, 30)), "B": random.normal(size=(30, 50))}
    shapes = {name: array.shape for name, array in point.items()}

    found = gradient(function, point)["gradient"]
    body = compiled(function, shapes).plan.body

    assert sum(step.node.operation.name == "matrix_product" for step in body) == 1
    rows, columns = point["B"].sum(axis=1), point["A"].sum(axis=0)[:, np.newaxis]
    assert_allclose(found["A"], np.broadcast_to(factor * rows, (40, 30)), rtol=1e-13, atol=1e-13)
    assert_allclose(found["B"], np.broadcast_to(factor * columns, (30, 50)), rtol=1e-13, atol=1e-13)


MULTIPLES = [
    ("sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)", 15),
    ("sum((1 - x[:-1])**2 + 100*(x[1:] - x[:-1]**2)**2)", 15),
    ("sum((x**2 + y - 11)**2 + (x + y**2 - 7)**2)", 16),
    ("sum(8*x**2 + x**16)", 12),
    ("sum(100*(y - x**2)**2 + (1 - x)**2 + 90*(exp(y) - x**2)**2)", 22),
    ("sum(16*x**2 + x**32)", 9),  # a power alone may underflow sooner than so large a multiple
    ("sum((x + y)**2 + (x + exp(y))**2)", 11),  # the derivative by y needs both multiples
]


@pytest.mark.parametrize(("function", "count"), MULTIPLES, ids=[function for function, _ in MULTIPLES])
def test_a_number_that_parts_of_a_derivative_share_multiplies_their_sum(function, count):
    draw = np.random.default_rng(3).normal
    point = {name: draw(size=SIZE) for name in names_of(function)}

    found, expected = gradient(function, point), gradient(function, point, method="complex_step")

    assert operations(function) == count
    for name in point:
        assert_allclose(found["gradient"][name], expected["gradient"][name], rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("weight", [1, 3])
def test_a_number_is_taken_out_of_a_sum_where_no_digit_changes(weight):
    x = np.random.default_rng(3).normal(size=SIZE)
    head, difference = x[:-1], x[1:] - x[:-1] ** 2
    function = f"sum(100*(x[1:] - x[:-1]**2)**2 + {weight}*(1 - x[:-1])**2)"

    found = gradient(function, {"x": x})["gradient"]["x"]

    expected = np.append(-400 * difference * head + -2 * weight * (1 - head), 0.0)
    expected[1:] += 200 * difference
    assert np.array_equal(found, expected)


@pytest.mark.parametrize(("written", "cheaper"), MATRICES, ids=[written for written, _ in MATRICES])
def test_a_product_is_not_turned_when_its_factors_are(written, cheaper):
    random = np.random.default_rng(1)
    point = {"X": random.normal(size=(20, 30)), "Y": random.normal(size=(20, 30))}
    shapes = {name: array.shape for name, array in point.items()}

    programs = [compiled(function, shapes) for function in (written, cheaper)]

    assert len(programs[0].plan.body) == len(programs[1].plan.body)
    assert gradient(written, point)["value"] == pytest.approx(gradient(cheaper, point)["value"], rel=1e-13)


def test_a_number_multiplies_the_product_where_that_is_smaller_than_a_factor():
    draw = np.random.default_rng(2).normal
    point = {"A": draw(size=(50, 3)), "B": draw(size=(3, 40)), "C": draw(size=(50, 40))}
    shapes = {name: array.shape for name, array in point.items()}
    error = point["A"] @ point["B"] - point["C"]

    known = compiled("sum((A @ B - C)**2)", shapes)
    found = gradient("sum((A @ B - C)**2)", point)["gradient"]

    multiplied = [step.node.size for step in known.plan.body if step.node.operation.name == "multiply"]
    assert multiplied.count(error.size) == 1  # the derivative by C itself
    assert_allclose(found["A"], 2.0 * error @ point["B"].T, rtol=1e-13, atol=1e-13)
    assert_allclose(found["B"], 2.0 * point["A"].T @ error, rtol=1e-13, atol=1e-13)


@pytest.mark.parametrize(
    ("function", "names", "of_rows"),
    [("mean((X @ w - y)**2)", "w", 0), ("z = X @ w + b; mean(softplus(z) - y*z)", "wb", 1)],
)
def test_a_number_multiplies_derivatives_and_not_what_they_sum(function, names, of_rows):
    random = np.random.default_rng(5)
    point = {name: random.normal(size=20 if name == "w" else ()) for name in names}
    data = {"X": random.normal(size=(SIZE, 20)), "y": random.normal(size=SIZE)}
    shapes, sizes = ({name: np.shape(array) for name, array in each.items()} for each in (point, data))

    body = compiled(function, shapes, sizes).plan.body
    found = gradient(function, point, data)["gradient"]

    assert [step.node.operation.name for step in body if step.node.size == SIZE].count("multiply") == of_rows
    for name, slope in gradient(function, point, data, method="complex_step")["gradient"].items():
        assert_allclose(found[name], slope, rtol=1e-12)


def test_a_product_of_a_multiple_overflows_no_sooner():
    X = np.full((20, 30), 1e154)

    assert np.isfinite(gradient("sum((1e-6*X) @ Y)", {"X": X, "Y": X.T})["value"])


def test_a_reciprocal_that_overflows_is_a_quotient_that_does_not():
    assert value("x*(1/y)", {"x": 1e-300, "y": 1e-310})["value"] == pytest.approx(1e10)


@pytest.mark.parametrize("function", ["sum(1e-10*x)", "sum(x - 2*x + x)"])
def test_a_sum_in_parts_overflows_no_sooner(function):
    x = np.full(SIZE, 1e306)

    assert np.isfinite(gradient(function, {"x": x})["value"])


@pytest.mark.parametrize(
    "item",
    [slice(1, None), slice(None, -1), slice(2, 5), slice(1, 7, 2), slice(5, 2), slice(None, None, -1), 3],
)
def test_what_is_put_into_an_array_stands_among_zeros(item):
    expected = np.zeros((8, 2))
    x = np.ones(expected[item].shape)
    expected[item] = x

    assert np.array_equal(scatter(x, (8, 2), (item,)), expected)
    assert np.array_equal(scatter(x[..., 0], (8, 2), (item, 1))[..., 1], expected[..., 1])


EXPONENTS = [-15, -12, -7, -3, -2, -1, -2.5, -0.5, 0.5, 1.5, 2.5, 4, 5, 6, 7, 8, 15, 16]


@pytest.mark.parametrize("exponent", EXPONENTS)
def test_a_small_power_is_made_of_products_about_as_exact_as_its_rounded_base(exponent):
    x = np.random.default_rng(0).uniform(0.05, 20.0, SIZE)
    function = f"sum(x**{exponent})"

    source = compiled(function, {"x": (SIZE,)}).emitted
    values = gradient(f"sum(w*x**{exponent})", {"w": np.ones(SIZE)}, {"x": x})["gradient"]["w"]
    slopes = gradient(function, {"x": x})["gradient"]["x"]

    assert not [line for line in source.on_arrays.source.body if "power" in line]
    with mp.workdps(40):
        exact = [(power := mp.mpf(each) ** exponent, exponent * power / each) for each in x.tolist()]
    roundings = abs(exponent) * (2 if exponent < 0 else 1) + 2  # the derivative multiplies by a number, too
    allowed = roundings * 2.0**-53
    assert_allclose(values, [float(each) for each, _ in exact], rtol=allowed)
    assert_allclose(slopes, [float(each) for _, each in exact], rtol=allowed)


@pytest.mark.parametrize("x", [-0.0, 0.0, 1e-310, 1e-160, 1e160, -3.0])
@pytest.mark.parametrize("exponent", [-2, -1, 0.5, 1.5, 4, 5, 16])
def test_a_small_power_of_large_arrays_is_that_of_a_number(exponent, x):
    def of(count):
        try:
            found = value(f"x**{exponent}", {"x": [x] * count})["value"]
        except NonFiniteResult as fault:
            return str(fault)
        assert np.all(found == found[0])
        return pytest.approx(found[0], rel=1e-14, abs=0)

    assert of(SIZE) == of(2)
