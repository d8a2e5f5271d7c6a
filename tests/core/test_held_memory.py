"""What an evaluation really holds, traced, beside what the quote planned for it."""

import tracemalloc
from functools import partial

import numpy as np
import pytest

from service.core import gradient, gradient_field, hessian, value
from service.core.calculus.differences import METHODS
from service.core.calculus.field import quote_field
from service.core.calculus.gradient import quote
from service.core.calculus.hessian import quote_hessian
from service.core.calculus.kernel import bind_on_arrays
from service.core.calculus.schedule import CALL_BYTES
from service.core.calculus.value import quote_value
from tests.core.compiled import compiled
from tests.core.operation_cases import CASES

pytestmark = pytest.mark.untraced  # memory is measured

ELEMENTS = 100_000
BELOW_ELISION = 32_000
"""Elements of arrays that NumPy does not yet write over where they are temporary: that begins at 256 KiB."""

OF_NO_ROWS = {"diag", "expand_dims", "eye", "ones", "zeros", "arange", "linspace", "one_hot"}
"""Operations whose cases of three elements mean three, or make matrices of them."""

OF_ROWS = {
    case.operation: case
    for case in reversed(CASES)
    if {*case.shapes.values()} == {(3,)} and case.operation not in OF_NO_ROWS
}
"""By operation, its first case of which all variables have three elements, for which others may stand."""

OF_MATRICES = {
    "sum(inv(x + 50*eye(200)))": [(200, 200)],
    "det(x/50 + eye(200))": [(200, 200)],
    "logdet(x + 50*eye(200))": [(200, 200)],
    "sum(cholesky(x @ x.T + 300*eye(200)))": [(200, 200)],
    "sum(solve(x + 50*eye(200), y))": [(200, 200), (200,)],
    "sum(solve_triangular(x + 50*eye(200), y, lower=True))": [(200, 200), (200, 30)],
    "sum(conv2d(x, y))": [(4, 3, 64, 64), (5, 3, 3, 3)],
    "sum(triu(x))": [(40, 60, 60)],
    "sum(outer(x, y)**2)": [(300,), (300,)],
    "sum(convolve(x, y)**2)": [(10_000,), (50,)],
    "sum(max(x, axis=1)*min(x, axis=0)) + sum(norm(x, axis=0))": [(300, 300)],
    "sum(std(x, axis=1)) + sum(quantile(x, 0.3, axis=1))": [(300, 300)],
    "sum(sort(x, axis=0)*x) + trace(x @ x)": [(300, 300)],
    "sum(stack(x, x**2)) + sum(x[::2]*x[1::2])": [(300, 300)],
    "sum(x[::-1] @ y)": [(300, 300), (300,)],
    "sum(x[::2] @ y)": [(400, 300), (300,)],
    "sum(x @ ones((300, 300))*x)": [(300,)],
    "sum(x[::2]**2) + sum(x.T**2)": [(400, 300)],
    "sum(gelu(x)*median(x, axis=0))": [(300, 300)],
    "max(sort(clip(x, 0.4, 0.6), axis=0))": [(300, 200)],
    "sum(logsumexp(x*y, axis=1))": [(50_000, 2), ()],
    "sum(logsumexp(x*y, axis=0)) + sum(log_softmax(x*y, axis=0))": [(3, 50_000), ()],
    "sum(log_softmax(x, axis=1)**3)": [(50_000, 2)],
}

ALONG_AN_AXIS = (
    "sum(max(x, axis={0})**3)",
    "sum(prod(x, axis={0})**2)",
    "sum(logsumexp(x*y, axis={0})**2)",
    "sum((x - logsumexp(x, axis={0}, keepdims=True))**2)",
    "sum(norm(x*y, axis={0})**3)",
    "sum(softmax(x*y, axis={0})*x)",
    "sum(log_softmax(x*y, axis={0})**2)",
    "sum(std(x*y, axis={0}))",
    "sum(sqrt(x - min(x, axis={0}, keepdims=True) + 1))",
)
"""What is reduced along a short axis is about as large as what it is made of."""

SHORT_AXES = {
    (40_000, 1): 1,
    (1, 40_000): 0,
    (100, 1, 400): 1,
    (40_000, 1, 1): (1, 2),
    (20_000, 2): 1,
    (2, 20_000): 0,
    (2, 10_000, 2): (0, 2),
    (8_000, 5): 1,
}
"""Axes of few elements, by shape."""

PROGRAMS = (
    "sum(where(x > 0.05, sin(x)*x, where(x < -0.05, exp(x), x**3)))",
    "sum(clip(x, -0.05, 0.05)*sin(x) + abs(x))",
    "sum(maximum(x, 0.1*x)**2 + minimum(exp(x), 1 + x))",
    "sum((x**2 + 1)**1.5/(1 + x**4))",
    "sum(tanh(x)**2 + floor(x))",
    "sum(cumsum(x)**2)",
    "sum(max(reshape(x, (100, 1000)), axis=0)**2 + prod(1 + reshape(x, (100, 1000))/1000, axis=0))",
    "sum(log_softmax(reshape(x, (100, 1000)))**3)",
    "sum((x[1:] - x[:-1])**2/2 + cos(x[1:])) + sum(x**4)/4",
    "sum(sin(x)*exp(x) + x**2)",
    "sum(softmax(reshape(x, (100, 1000)))**2)",
    "prod(tanh(x))",
)


def held_by(function, *arguments):
    function(*arguments)
    tracemalloc.start()
    function(*arguments)
    _, held = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held


def planned_by(price, function, variables):
    """Return the planned bytes beside the variables, which are there already."""
    return price(function, variables)["peak_bytes"] - sum(array.nbytes for array in variables.values())


each_way = pytest.mark.parametrize(("evaluate", "price"), [(gradient, quote), (value, quote_value)])


@each_way
@pytest.mark.parametrize("size", [600, BELOW_ELISION, ELEMENTS])
@pytest.mark.parametrize("case", OF_ROWS.values(), ids=OF_ROWS)
def test_an_operation_on_rows_holds_no_more_than_its_quote(case, size, evaluate, price):
    random = np.random.default_rng(0)
    variables = {name: random.uniform(case.low, case.high, size) for name in case.shapes}
    function = f"sum({case.expression})"

    assert held_by(evaluate, function, variables) <= planned_by(price, function, variables)


@each_way
@pytest.mark.parametrize("size", [5, 50, 500, 600])
def test_many_operations_on_few_elements_hold_no_more_than_their_quote(size, evaluate, price):
    function = " + ".join(f"sum(sin({k}*x))" for k in range(1, 150))
    variables = {"x": np.random.default_rng(0).uniform(0.1, 0.9, size)}

    assert held_by(evaluate, function, variables) <= planned_by(price, function, variables)


def test_a_hessian_of_few_elements_holds_no_more_than_its_quote():
    function = "sum(x/(x**2 + 2)/((6*x*x)**2 + 2)) + sum(x**4)"
    variables = {"x": np.random.default_rng(0).normal(size=20)}

    assert held_by(hessian, function, variables) <= planned_by(quote_hessian, function, variables)


@each_way
@pytest.mark.parametrize("function", OF_MATRICES)
def test_an_operation_on_matrices_holds_no_more_than_its_quote(function, evaluate, price):
    random = np.random.default_rng(0)
    shapes = zip("xy", OF_MATRICES[function], strict=False)
    variables = {name: random.uniform(0.1, 0.9, shape) for name, shape in shapes}

    assert held_by(evaluate, function, variables) <= planned_by(price, function, variables)


@each_way
@pytest.mark.parametrize("scale", [1.0, 400.0, 1e-160], ids=["near", "far", "tiny"])
@pytest.mark.parametrize("shape", SHORT_AXES, ids=str)
@pytest.mark.parametrize("function", ALONG_AN_AXIS)
def test_what_is_reduced_along_a_short_axis_is_in_the_quote(function, shape, scale, evaluate, price):
    variables = {"x": scale * np.random.default_rng(0).uniform(0.1, 0.9, shape)}
    if "y" in function:
        variables["y"] = np.array(0.7)
    text = function.format(SHORT_AXES[shape])

    assert held_by(evaluate, text, variables) <= planned_by(price, text, variables)


@each_way
@pytest.mark.parametrize(
    "function", ["sum(logdet(reshape(x, (-1, 1, 1))))", "sum(binary_cross_entropy(sigmoid(900*x), 0.3))"]
)
def test_a_kernel_that_mends_its_result_does_so_in_place(function, evaluate, price):
    variables = {"x": np.random.default_rng(0).uniform(0.1, 0.9, 40_000)}

    assert held_by(evaluate, function, variables) <= planned_by(price, function, variables)


@pytest.mark.parametrize(
    ("function", "shape"),
    [
        ("sum(logsumexp(x, axis=1)**2)", (500, 300, 1)),
        ("sum(log_softmax(x, axis=1)**2)", (500, 100, 2)),
        ("sum(softmax(x, axis=0)*x)", (500, 1, 300)),
        ("sum(sin(x)*exp(-x**2))", (200, 300)),
    ],
)
def test_a_field_holds_no_more_than_its_quote_and_not_all_points_at_once(function, shape):
    variables = {"x": np.random.default_rng(0).uniform(0.1, 0.9, shape)}
    held = held_by(gradient_field, function, variables)

    assert held <= planned_by(quote_field, function, variables)
    assert held <= 2 * variables["x"].nbytes


@pytest.mark.parametrize("function", PROGRAMS)
def test_a_gradient_holds_what_was_planned(function):
    variables = {"x": np.random.default_rng(0).normal(size=ELEMENTS)}
    planned = planned_by(quote, function, variables)

    assert (planned - CALL_BYTES) / 2.5 < held_by(gradient, function, variables) <= planned


@pytest.mark.parametrize("verify", [False, True], ids=["alone", "verified"])
@pytest.mark.parametrize(
    ("function", "method"),
    [("sum(x**2)", method) for method in METHODS]
    + [("sum(x*log(x)) + max(1/x)", method) for method in ("exact", "central", "forward")],
)
def test_a_numerical_or_verified_gradient_holds_no_more_than_its_quote(function, method, verify):
    variables = {"x": np.random.default_rng(0).uniform(0.5, 2.0, 3_000)}
    with_options = {"method": method, "verify": verify}
    held = held_by(lambda: gradient(function, variables, **with_options))

    assert held <= planned_by(partial(quote, **with_options), function, variables)


def test_what_a_program_needs_no_more_it_does_not_hold():
    x = np.random.default_rng(0).uniform(0.1, 0.9, ELEMENTS)
    waves = " + ".join(f"sum(sin({k}*x)*cos(x + {k}))" for k in range(1, 9))

    assert held_by(value, waves, {"x": x}) <= 4 * x.nbytes
    assert held_by(value, "sum(x)", {"x": x}) <= x.nbytes / 8


@pytest.mark.parametrize("function", ["sum(x + x)", "sum(x - 2*x)", "2*sum(3*x + 1)"])
def test_a_gradient_that_is_repeated_is_written_when_the_results_are_free(function):
    x = np.ones(ELEMENTS)
    gradient(function, {"x": x})

    tracemalloc.start()
    gradient(function, {"x": x})
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()

    assert held < 1.1 * x.nbytes


@pytest.mark.parametrize("method", ["exact", "forward"])
def test_a_kernel_gives_back_its_places(method):
    function, shapes = "sum(sqrt(exp(x) + 1)*x)", {"x": (20_000,)}
    known = compiled(function, shapes, method=method)
    tracemalloc.start()
    kernel = bind_on_arrays(known, {}, None, lambda: None)
    assert callable(kernel.function)
    before = tracemalloc.get_traced_memory()[0]

    kernel.give_back()

    freed = before - tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert freed >= 8 * known.plan.memory > 0
