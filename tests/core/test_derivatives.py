"""Values, Jacobians, Hessians and their products: against each other, by every method, with every refusal."""

import math
import tracemalloc
from functools import partial

import numpy as np
import pytest

from service.core import gradient, gradient_field, hessian, hvp, jacobian, jvp, value, vjp
from service.core.calculus.field import quote_field
from service.core.calculus.gradient import quote
from service.core.calculus.hessian import quote_hessian
from service.core.calculus.jacobian import quote_jacobian
from service.core.calculus.value import quote_value
from service.core.exceptions import (
    DeadlineExceeded,
    InvalidFunction,
    InvalidRequest,
    NonFiniteResult,
    OverBudget,
)
from service.core.language.operations import OPERATIONS
from service.core.limits import Deadline, Limits
from tests.core import tolerances
from tests.core.operation_cases import CASES, Case

ROSENBROCK = "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)"
NETWORK = "h = tanh(X @ W + b); h @ V"
DATA = {"X": np.random.default_rng(1).normal(size=(5, 3))}
POINT = {
    name: np.random.default_rng(2 + place).normal(size=shape)
    for place, (name, shape) in enumerate({"W": (3, 4), "b": (4,), "V": (4, 2)}.items())
}
WITH_ELEMENTS = [case for case in CASES if "5:" not in case.expression and "7:" not in case.expression]


def scaled(got, expected):
    return np.max(np.abs(got - expected), initial=0.0) / max(np.max(np.abs(expected), initial=0.0), 1e-3)


@pytest.mark.parametrize("case", WITH_ELEMENTS, ids=str)
def test_the_jacobian_of_every_operation_agrees_with_its_products(case: Case):
    point, random = case.point(), np.random.default_rng(5)
    tangents = {name: random.normal(size=shape) for name, shape in case.shapes.items()}

    whole = jacobian(case.expression, point)
    along = jvp(case.expression, point, tangents)
    weights = random.normal(size=np.shape(whole["value"]))
    across = vjp(case.expression, point, weights)

    by_parts = sum(
        np.tensordot(whole["jacobian"][name], tangents[name], axes=tangents[name].ndim) for name in point
    )
    assert scaled(along["product"], by_parts) <= tolerances.EXACT
    for name in point:
        product = np.tensordot(weights, whole["jacobian"][name], axes=weights.ndim)
        assert scaled(across["product"][name], product) <= tolerances.EXACT
        assert whole["jacobian"][name].shape == (*np.shape(whole["value"]), *case.shapes[name])


@pytest.mark.parametrize("case", WITH_ELEMENTS, ids=str)
def test_the_hessian_of_every_operation_agrees_with_its_products(case: Case):
    text, point = f"y = {case.expression}; sum(y * (1 + 0.5 * sin(3 * y)))", case.point()
    random = np.random.default_rng(6)
    vectors = {name: random.normal(size=shape) for name, shape in case.shapes.items()}

    whole = hessian(text, point)
    product = hvp(text, point, vectors)["product"]

    for name, rows in whole["hessian"].items():
        expected = sum(np.tensordot(rows[other], vectors[other], axes=vectors[other].ndim) for other in point)
        assert scaled(product[name], expected) <= 1e-11
        for other, block in rows.items():
            flat = block.reshape(point[name].size, point[other].size)
            mirrored = whole["hessian"][other][name].reshape(point[other].size, point[name].size)
            assert np.array_equal(flat, mirrored.T)
    assert whole["gradient"].keys() == point.keys()


@pytest.mark.parametrize("method", ["exact", "central", "forward", "complex_step"])
def test_every_method_gives_the_jacobian_and_its_products(method):
    tolerance = {"exact": 1e-12, "complex_step": 1e-12, "central": 1e-7, "forward": 1e-5}[method]
    random = np.random.default_rng(9)
    tangents = {name: random.normal(size=array.shape) for name, array in POINT.items()}
    weights = random.normal(size=(5, 2))
    exact = jacobian(NETWORK, POINT, DATA)

    whole = jacobian(NETWORK, POINT, DATA, method=method, verify=True)
    along = jvp(NETWORK, POINT, tangents, DATA, method=method, verify=True)
    across = vjp(NETWORK, POINT, weights, DATA, method=method, verify=True)

    for name in POINT:
        assert scaled(whole["jacobian"][name], exact["jacobian"][name]) <= tolerance
        product = np.tensordot(weights, exact["jacobian"][name], axes=2)
        assert scaled(across["product"][name], product) <= tolerance
    product = sum(
        np.tensordot(exact["jacobian"][name], tangents[name], axes=tangents[name].ndim) for name in POINT
    )
    assert scaled(along["product"], product) <= tolerance
    for answer in (whole, along, across):
        assert answer["verification"]["method"] == ("complex_step" if method == "exact" else "exact")
        assert answer["verification"]["max_relative_error"] <= 1e-2
        assert answer["value"] == pytest.approx(exact["value"], rel=1e-12)


@pytest.mark.parametrize("method", ["exact", "central"])
def test_both_methods_give_the_hessian_and_its_products(method):
    x, v = np.linspace(-1.0, 1.5, 12), np.linspace(1.0, -2.0, 12)
    expected = np.zeros((12, 12))
    for i in range(11):
        expected[i, i] += 1200 * x[i] ** 2 - 400 * x[i + 1] + 2
        expected[i + 1, i + 1] += 200
        expected[i, i + 1] = expected[i + 1, i] = -400 * x[i]

    whole = hessian(ROSENBROCK, {"x": x}, method=method, verify=True)
    product = hvp(ROSENBROCK, {"x": x}, {"x": v}, method=method, verify=True)

    tolerance = 1e-13 if method == "exact" else 1e-6
    assert scaled(whole["hessian"]["x"]["x"], expected) <= tolerance
    assert scaled(product["product"]["x"], expected @ v) <= tolerance
    assert whole["verification"]["max_absolute_error"] <= 1e-4
    assert product["verification"]["max_absolute_error"] <= 1e-2
    assert whole["gradient"]["x"] == pytest.approx(gradient(ROSENBROCK, {"x": x})["gradient"]["x"], rel=1e-13)
    assert type(whole["value"]) is float


@pytest.mark.parametrize("shape", [(), (1,), (1, 1)])
@pytest.mark.parametrize("function", ["x", "+x", "c", "u = x; c", "x*1", "reshape(x, -1)", "transpose(x)"])
def test_values_and_derivatives_have_memory_of_their_own(function, shape):
    x, c = np.full(shape, 2.0), np.full(shape, 3.0)
    text = function if "x" in function else f"u = x; {function}"

    plain = value(text, {"x": x}, {"c": c})["value"]
    whole = jacobian(text, {"x": x}, {"c": c})
    second = hessian(text, {"x": x}, {"c": c}, curvature=True)

    for array in (plain, whole["value"], whole["jacobian"]["x"], second["gradient"]["x"]):
        assert not np.shares_memory(array, x)
        assert not np.shares_memory(array, c)
        assert array.flags.writeable
    assert plain.reshape(-1).tolist() == [3.0 if "c" in function else 2.0]
    assert whole["jacobian"]["x"].reshape(-1).tolist() == [0.0 if "c" in function else 1.0]
    assert second["hessian"]["x"]["x"].reshape(-1).tolist() == [0.0]


def test_a_value_needs_no_variables():
    assert value("X @ transpose(X)", None, {"X": [[1, 2]]})["value"].tolist() == [[5.0]]
    assert value("2*pi")["value"] == 2 * math.pi
    assert value("x + 1", {"x": [1, 2]}, outputs=[])["value"].tolist() == [2.0, 3.0]


@pytest.mark.parametrize("count", [1, 7, 1000])
def test_values_at_points_are_those_one_by_one(monkeypatch, count):
    monkeypatch.setattr("service.core.calculus.blocks.BLOCK_ELEMENTS", 2_000)
    random = np.random.default_rng(4)
    points = {name: random.normal(size=(count, *array.shape)) for name, array in POINT.items()}

    batch = value(NETWORK, None, DATA, points=points, outputs=["h"])

    for row in range(0, count, max(1, count // 5)):
        single = value(NETWORK, {name: array[row] for name, array in points.items()}, DATA, outputs=["h"])
        assert scaled(batch["value"][row], single["value"]) <= tolerances.BATCHES
        assert scaled(batch["outputs"]["h"][row], single["outputs"]["h"]) <= tolerances.BATCHES


def test_points_that_are_not_finite_are_left_out_when_asked():
    found = value(
        "y = log(x); [y]".replace("[y]", "y*2"),
        points={"x": [[1, 2], [0, 1], [4, 4]]},
        outputs=["y"],
        skip_non_finite=True,
    )

    assert found["skipped"] == 1
    assert found["value"][1] is None
    assert found["outputs"]["y"][1] is None
    assert found["value"][2].tolist() == [2 * math.log(4)] * 2
    with pytest.raises(NonFiniteResult, match="the value/0 at point 1 became -inf at log"):
        value("y = log(x); y*2", points={"x": [[1, 2], [0, 1], [4, 4]]})


CURVATURES = [
    ("sum((x - 1)**2)", [1.0, 1.0], "minimum", 2.0, 2.0),
    ("-sum(x**2)", [0.0, 0.0], "maximum", -2.0, -2.0),
    ("x[0]**2 - x[1]**2", [0.0, 0.0], "saddle", -2.0, 2.0),
    ("x[0]**2 + x[1]**4", [0.0, 0.0], "flat", 0.0, 2.0),
    ("0*x[0] + 0*x[1]", [3.0, 4.0], "flat", 0.0, 0.0),
    ("sum(x**2)", [1.0, 0.0], None, 2.0, 2.0),
]


@pytest.mark.parametrize("method", ["exact", "central"])
@pytest.mark.parametrize(("function", "x", "kind", "smallest", "largest"), CURVATURES)
def test_curvature_tells_the_kind_of_a_stationary_point(function, x, kind, smallest, largest, method):
    found = hessian(function, {"x": x}, curvature=True, method=method)["curvature"]

    assert found.get("kind") == kind or (method == "central" and kind == "flat")
    assert found["smallest"] == pytest.approx(smallest, abs=1e-6)
    assert found["largest"] == pytest.approx(largest, abs=1e-6)


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (
            lambda: jacobian("sqrt(x)", {"x": [1.0, 0.0]}),
            "the derivative of value/0 by x/1 became nan at sqrt",
        ),
        (lambda: jacobian("sqrt(x)", {"x": 0.0}), "the derivative by x became inf at sqrt"),
        (lambda: jacobian("1/x", {"x": [0.0]}), "the value/0 became inf at /"),
        (
            lambda: jacobian("exp(a)*sqrt(b)", {"a": [1.0], "b": 0.0}),
            "the derivative of value/0 by b became inf at sqrt",
        ),
        (lambda: jvp("sqrt(x)", {"x": 0.0}, {"x": 1.0}), "the product became inf at sqrt"),
        (lambda: vjp("sqrt(x)", {"x": [0.0]}, [1.0]), "the product by x/0 became inf at sqrt"),
        (
            lambda: vjp("y = 1/a; sqrt(b)*y*c", {"a": 1.0, "b": 0.0, "c": 1.0}, 1.0),
            "the product by b became inf at sqrt",
        ),
        (
            lambda: hessian("sum(x**1.5)", {"x": [0.0]}),
            r"the second derivative by x/0 and x/0 became .*inf at \*\*",
        ),
        (
            lambda: hessian("sqrt(a) + b**1.5", {"a": 1.0, "b": 0.0}),
            r"column 12: the second derivative by a and b became nan, from inf at \*\*",
        ),
        (lambda: hvp("sqrt(x)", {"x": 0.0}, {"x": 1.0}), "the derivative by x became inf at sqrt"),
        (lambda: jacobian("sqrt(x)", {"x": 0.0}, method="central"), "the derivative by x became nan at sqrt"),
    ],
)
def test_a_result_that_is_not_finite_says_which_and_where(work, words):
    with pytest.raises(NonFiniteResult, match=words):
        work()


@pytest.mark.parametrize(
    ("work", "pointer"),
    [
        (lambda: jvp("x", {"x": [1, 2]}, {"x": [1]}), "/tangents/x"),
        (lambda: jvp("x", {"x": [1, 2]}, {"y": [1]}), "/tangents/y"),
        (lambda: vjp("x", {"x": [1, 2]}, [1]), "/cotangents"),
        (lambda: vjp("x", {"x": [1, 2]}, 1.0), "/cotangents"),
        (lambda: hvp("sum(x)", {"x": [1, 2]}, {"x": [[1, 2]]}), "/vectors/x"),
        (lambda: hessian("x", {"x": 1.0}, method="forward"), "/method"),
        (lambda: jacobian("x", {"x": 1e30}, method="central"), "/h"),
        (lambda: value("x", {"x": 1.0}, points={"x": [1.0]}), "/points"),
        (lambda: value("x", points={"x": [1.0], "y": [1.0, 2.0]}), "/points/y"),
    ],
)
def test_arguments_that_do_not_fit_are_refused_where_they_stand(work, pointer):
    with pytest.raises(InvalidRequest) as caught:
        work()

    assert caught.value.faults[0].pointer == pointer


@pytest.mark.parametrize(
    ("work", "pointer", "code"),
    [
        (lambda: value("x", {"x": 1.0}, outputs=["y"]), "/outputs/0", "unknown-output"),
        (lambda: value("y = x; y", {"x": 1.0}, outputs=["y", "y"]), "/outputs/1", "unknown-output"),
        (lambda: value("1", points={"x": [1.0]}), "/points/x", "unused-variable"),
        (lambda: value("x[3:]", {"x": [1.0]}), "/function", "empty-result"),
        (lambda: hessian("x", {"x": [1.0, 2.0]}), "/function", "not-scalar"),
        (lambda: jacobian("abs(x)", {"x": [1.0]}, method="complex_step"), "/function", "not-analytic"),
    ],
)
def test_functions_that_do_not_fit_are_refused_where_they_stand(work, pointer, code):
    with pytest.raises(InvalidFunction) as caught:
        work()

    assert (caught.value.faults[0].pointer, caught.value.faults[0].code) == (pointer, code)


def test_a_hessian_that_is_too_large_says_what_it_needs_and_that_products_cost_little():
    x = np.ones(10_000)
    with pytest.raises(OverBudget, match=r"asked \d+ bytes, allowed .*Products with vectors cost a few"):
        hessian("sum(x**2)", {"x": x})
    with pytest.raises(OverBudget, match="Products with tangents or cotangents cost a few"):
        jacobian("x**2", {"x": x})

    assert not quote_hessian("sum(x**2)", {"x": x})["within_limits"]
    assert quote_hessian("sum(x**2)", {"x": x}, vectors={"x": x})["within_limits"]
    assert hvp("sum(x**2)", {"x": x}, {"x": x})["product"]["x"].tolist() == [2.0] * 10_000


MEASURED = {
    "hessian": (
        lambda: hessian(ROSENBROCK, {"x": np.full(700, 0.5)}),
        lambda: quote_hessian(ROSENBROCK, {"x": np.full(700, 0.5)}),
    ),
    "jacobian by rows": (
        lambda: jacobian("A @ sin(x)", {"x": np.ones(900)}, {"A": np.ones((700, 900))}),
        lambda: quote_jacobian("A @ sin(x)", {"x": np.ones(900)}, {"A": np.ones((700, 900))}),
    ),
    "jacobian by columns": (
        lambda: jacobian("A @ sin(x)", {"x": np.ones(700)}, {"A": np.ones((900, 700))}),
        lambda: quote_jacobian("A @ sin(x)", {"x": np.ones(700)}, {"A": np.ones((900, 700))}),
    ),
    "values": (
        lambda: value("exp(sin(x))*x", points={"x": np.ones((3000, 100))}),
        lambda: quote_value("exp(sin(x))*x", points={"x": np.ones((3000, 100))}),
    ),
    "product": (
        lambda: hvp("sum(exp(sin(x))*x)", {"x": np.ones(300_000)}, {"x": np.ones(300_000)}),
        lambda: quote_hessian("sum(exp(sin(x))*x)", {"x": np.ones(300_000)}, vectors={"x": np.ones(300_000)}),
    ),
}  # fmt: skip
MEASURED["curvature"] = (
    lambda: hessian(ROSENBROCK, {"x": np.full(300, 0.5)}, curvature=True),
    lambda: quote_hessian(ROSENBROCK, {"x": np.full(300, 0.5)}, curvature=True),
)
LINE = {"x": np.linspace(0.1, 1.0, 300_000)}
WIDE = {"t": np.linspace(0.1, 1.0, 600_000)}
BESIDE = {"t": np.linspace(0.1, 1.0, 300_000)}
for method, verify in [("central", False), ("forward", False), ("complex_step", False), ("exact", True)]:
    options = {"method": method, "verify": verify}
    name = f"{method}, verified" if verify else method
    MEASURED[f"jacobian of one number, {name}"] = (
        partial(jacobian, "t**exp(a)", {"a": 0.5}, BESIDE, **options),
        partial(quote_jacobian, "t**exp(a)", {"a": 0.5}, BESIDE, **options),
    )
    MEASURED[f"product with tangents, {name}"] = (
        partial(jvp, "x**2", LINE, LINE, **options),
        partial(quote_jacobian, "x**2", LINE, tangents=LINE, **options),
    )
    MEASURED[f"product with cotangents, {name}"] = (
        partial(vjp, "t**exp(a)", {"a": 0.5}, LINE["x"], BESIDE, **options),
        partial(quote_jacobian, "t**exp(a)", {"a": 0.5}, BESIDE, cotangents=LINE["x"], **options),
    )
    MEASURED[f"gradient by an exponent, {name}"] = (
        partial(gradient, "sum(2**(a*t))", {"a": 0.5}, WIDE, **options),
        partial(quote, "sum(2**(a*t))", {"a": 0.5}, WIDE, **options),
    )
    MEASURED[f"gradient, {name}"] = (
        partial(gradient, "sum(t**exp(a))", {"a": 0.5}, BESIDE, **options),
        partial(quote, "sum(t**exp(a))", {"a": 0.5}, BESIDE, **options),
    )
    if method in ("central", "exact"):
        MEASURED[f"product with vectors, {name}"] = (
            partial(hvp, "sum(x**2)", LINE, LINE, **options),
            partial(quote_hessian, "sum(x**2)", LINE, vectors=LINE, **options),
        )
FIELDS = {
    "field of a batched program": ("sum(exp(sin(A @ x))*c)", {"x": np.ones((4000, 100))},
        {"A": np.ones((100, 100)), "c": np.ones(100)}),
    "field over points": ("x[0]**2 + x[1]**3*sin(x[0])", {"x": np.ones((200_000, 2))}, {}),
    "field of few points": ("x[0]**2 + x[1]**3*sin(x[0])", {"x": np.ones((20, 2))}, {}),
    "field of large points": ("sum(exp(sin(x))*x)", {"x": np.ones((9, 100_000))}, {}),
}  # fmt: skip
MEASURED |= {
    f"{name}, {method}{', verified' if verify else ''}": (
        partial(gradient_field, *arguments, method=method, verify=verify),
        partial(quote_field, *arguments, method=method, verify=verify),
    )
    for name, arguments in FIELDS.items()
    for method in ("exact", "central")
    for verify in (False, True)
    if not (method == "central" and "x[0]" not in arguments[0]) and not ("large" in name and verify)
}


@pytest.mark.parametrize("name", MEASURED)
@pytest.mark.untraced
def test_the_memory_measured_is_within_the_quote(name):
    work, price = MEASURED[name]
    quoted = price()["peak_bytes"]
    work()

    tracemalloc.start()
    work()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak <= quoted + 1_000_000
    assert quoted <= 40 * peak


@pytest.mark.parametrize("method", ["central", "forward", "complex_step"])
@pytest.mark.parametrize("function", ["a**3", "sin(a)*a", "x = a; for k in range(6): x = (x + a/x)/2\nx"])
def test_differences_by_one_number_at_many_points_are_within_the_quote(function, method):
    points = {"a": np.linspace(0.5, 1.5, 20_000)}
    quoted = quote_field(function, points, method=method)["peak_bytes"]
    gradient_field(function, points, method=method)

    tracemalloc.start()
    gradient_field(function, points, method=method)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak <= quoted + 20_000


def test_eigenvalues_are_in_the_quote_and_wait_for_no_deadline():
    """Their work grows with the cube of the variables, in one operation that nothing interrupts."""
    x = {"x": np.full(200, 0.5)}
    plain, curved = (quote_hessian(ROSENBROCK, x, curvature=each) for each in (False, True))
    limits = Limits(operations_at_once=200**3 // 10 - 1)
    hessian(ROSENBROCK, x)  # what compiles it looks at the clock too
    ticks = iter(range(10**6))
    looks = Deadline(1e9, lambda: float(next(ticks)))
    hessian(ROSENBROCK, x, deadline=looks)
    took = next(ticks)

    assert curved["operations"] - plain["operations"] >= 0.1 * 200**3
    assert curved["peak_bytes"] - plain["peak_bytes"] >= 2 * 8 * 200**2
    assert hessian(ROSENBROCK, x, limits=limits)
    with pytest.raises(OverBudget, match="single operation"):
        hessian(ROSENBROCK, x, curvature=True, limits=limits)
    again = iter(range(10**6))
    with pytest.raises(DeadlineExceeded):
        hessian(ROSENBROCK, x, curvature=True, deadline=Deadline(took, lambda: float(next(again))))


def test_a_deadline_ends_a_jacobian_between_its_blocks(monkeypatch):
    monkeypatch.setattr("service.core.calculus.blocks.BLOCK_ELEMENTS", 100)
    ticks = iter(range(10**6))
    looks = Deadline(1e9, lambda: float(next(ticks)))
    hessian(ROSENBROCK, {"x": np.full(50, 0.5)}, deadline=looks)
    took = next(ticks)

    with pytest.raises(DeadlineExceeded):
        ticks = iter(range(10**6))
        hessian(ROSENBROCK, {"x": np.full(50, 0.5)}, deadline=Deadline(took / 2, lambda: float(next(ticks))))

    assert took >= 50


@pytest.mark.parametrize("work", [
    lambda verify: quote_jacobian("x**2", {"x": [1.0, 2.0]}, verify=verify),
    lambda verify: quote_jacobian("x**2", {"x": [1.0, 2.0]}, tangents={"x": [1.0, 2.0]}, verify=verify),
    lambda verify: quote_jacobian("x**2", {"x": [1.0, 2.0]}, cotangents=[1.0, 2.0], verify=verify),
    lambda verify: quote_hessian("sum(x**2)", {"x": [1.0, 2.0]}, verify=verify),
    lambda verify: quote_hessian("sum(x**2)", {"x": [1.0, 2.0]}, vectors={"x": [1.0, 2.0]}, verify=verify),
])  # fmt: skip
def test_a_quote_grows_with_verification(work):
    plain, verified = work(False), work(True)

    assert plain["shapes"]["x"] == (2,)
    assert verified["evaluations"] > plain["evaluations"] >= 1
    assert verified["operations"] > plain["operations"] > 0
    assert plain["within_limits"]


def test_limits_hold_for_all_of_them():
    tight = Limits(operations=10)
    for work in (
        lambda: value("sum(exp(x))", {"x": np.ones(10)}, limits=tight),
        lambda: jacobian("exp(x)", {"x": np.ones(10)}, limits=tight),
        lambda: hessian("sum(exp(x))", {"x": np.ones(10)}, limits=tight),
    ):
        with pytest.raises(OverBudget):
            work()


def test_every_operation_stands_in_the_cases_of_second_derivatives():
    assert {case.operation for case in WITH_ELEMENTS} >= {
        row.name for row in OPERATIONS.values() if row.is_public and row.is_function
    }


@pytest.mark.parametrize("method", ["exact", "central"])
def test_a_hessian_is_finite_up_to_the_largest_number(method):
    answer = hessian("8e307*x**2", {"x": 1.0}, method=method)

    assert answer["hessian"]["x"]["x"] == pytest.approx(1.6e308, rel=1e-9)
