"""Newton's method: where it arrives, how fast, that it leaves saddles, and that bounds hold."""

import numpy as np
import pytest

from service.core import descent
from service.core.calculus.kernel import Kernel
from service.core.descent.problem import Problem
from tests.core.standard_functions import FUNCTIONS
from tests.core.test_lbfgs import BOUNDED

ROSENBROCK = "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)"


def arrive(function, start, **options):
    return descent(function, {"x": start}, optimizer="newton", **{"steps": 500, **options})


@pytest.mark.parametrize("size", [2, 5, 20, 40])
def test_it_arrives_in_the_valley(size):
    path = arrive(ROSENBROCK, np.full(size, 0.5))

    assert path["status"] == "converged"
    np.testing.assert_allclose(path["variables"]["x"], 1.0, rtol=1e-7)


def test_a_quadratic_takes_one_step_of_the_inverse_hessian():
    matrix = np.array([[2.0, 0.5], [0.5, 1.0]])
    path = descent(
        "dot(x, A @ x)/2 - dot(b, x)", {"x": [0.1, 0.2]}, {"A": matrix, "b": [0.3, 0.4]}, optimizer="newton"
    )

    assert path["steps"] <= 2
    np.testing.assert_allclose(path["variables"]["x"], np.linalg.solve(matrix, [0.3, 0.4]), rtol=1e-10)


def test_the_last_steps_square_the_error():
    path = arrive("sum(exp(x) - x)", [1.0, -0.5], history=500, tolerance=1e-14)
    errors = [np.abs(record["variables"]["x"]).max() for record in path["history"]]

    last = [error for error in errors if 1e-9 < error < 0.1]
    for error, following in zip(last, errors[errors.index(last[0]) + 1 :], strict=False):
        assert following <= 2 * error**2 + 1e-15


@pytest.mark.parametrize("start", [[1.0, 0.0], [0.0, 0.0], [1e-9, 0.0], [-3.0, 0.0]])
@pytest.mark.parametrize("steps", [200, 1])
def test_a_saddle_is_left_by_negative_curvature(start, steps):
    """Along x[1] = 0 the gradient never points away from the saddle at 0."""
    function = "x[0]**2 - x[1]**2 + x[1]**4"
    path, taken = arrive(function, start, steps=steps), steps
    while path["status"] == "max_steps" and taken < 200:
        path = arrive(function, start, steps=steps, state=path["state"])
        taken += steps

    assert path["status"] == "converged"
    assert path["value"] == pytest.approx(-0.25)


@pytest.mark.parametrize(("lower", "upper"), [(0.0, 1.0), (-1.0, 0.0)])
def test_a_saddle_at_a_bound_is_left_to_the_other_side(lower, upper):
    bounds = {"x": {"lower": [-5.0, lower], "upper": [5.0, upper]}}
    path = arrive("x[0]**2 - x[1]**2", [1.0, 0.0], bounds=bounds)

    assert path["status"] == "converged"
    assert path["value"] == -1.0


ENDS = {
    "the start is the minimum": ("converged", "x**2", 0.0, {}),
    "the start is flat": ("converged", "0*x + 5", 3.0, {}),
    "no minimum": ("diverged", "-x", 0.0, {}),
    "few steps": ("max_steps", ROSENBROCK, [-1.2, 1.0], {"steps": 3}),
    "a logarithm's wall": ("converged", "x - log(x)", 1e-5, {}),
    "from far": ("converged", "x - log(x)", 700.0, {}),
    "an exponential's wall": ("converged", "exp(x) - x", 100.0, {}),
    "rounding hides what is left": ("converged", "(x - 0.1)**2 + 1e3", 3.0, {"tolerance": 1e-300}),
}


@pytest.mark.parametrize(("status", "function", "start", "options"), ENDS.values(), ids=ENDS)
def test_a_run_ends_as_it_should(status, function, start, options):
    path = arrive(function, start, **options)

    assert path["status"] == status
    assert np.isfinite(path["value"])


@pytest.mark.parametrize(("function", "start", "low", "high", "solution"), BOUNDED.values(), ids=BOUNDED)
def test_a_bounded_problem_ends_at_a_stationary_point_within(function, start, low, high, solution):
    lower = np.array([-1e300 if side is None else side for side in low], dtype=float)
    upper = np.array([1e300 if side is None else side for side in high], dtype=float)
    path = arrive(function, start, bounds={"x": {"lower": lower, "upper": upper}}, history=500)

    assert path["status"] == "converged"
    for record in path["history"]:
        assert ((lower <= record["variables"]["x"]) & (record["variables"]["x"] <= upper)).all()
    if function not in (BOUNDED["Hock and Schittkowski 1"][0], BOUNDED["concave, at a corner"][0]):
        np.testing.assert_allclose(path["variables"]["x"], solution, rtol=1e-6, atol=1e-6)


def test_rounding_leads_no_iterate_out_of_the_bounds():
    for lower in np.random.default_rng(0).normal(size=(50, 3)):
        start = lower + np.array([0.1, 0.7, 1.9])
        path = arrive("sum((x + 5)**2) + sum(x**4)", start, bounds={"x": {"lower": lower}}, history=500)

        assert all((record["variables"]["x"] >= lower).all() for record in path["history"])


def test_what_is_at_a_bound_already_is_held_before_what_meets_one():
    """Both parts of x - z would fall together; held together too they would allow tiny steps alone."""
    row = [-1.0, 25_600.0, -0.6]
    start = {"x": [-0.7, 0.7, 0.2], "z": [0.2, 0.3, 0.9]}
    path = descent(
        "sum((A @ (x - z) + 2.3)**2)/2 + sum(x + z)/2", start, {"A": [row]},
        optimizer="newton", steps=100, bounds={"x": {"lower": 0}, "z": {"lower": 0}},
    )  # fmt: skip

    assert path["status"] == "converged"
    assert path["value"] == pytest.approx(2.3 / 25_600 / 2, rel=1e-3)


@pytest.mark.parametrize("bounds", [{}, {"x": {"lower": 0}}])
def test_where_curvature_is_infinite_the_gradient_leads_on(bounds):
    path = arrive("sum(x**1.5) - sum(x)", [0.0, 3.0], bounds=bounds)

    assert path["status"] == "converged"
    np.testing.assert_allclose(path["variables"]["x"], 4 / 9, rtol=1e-6)


@pytest.mark.parametrize("steps", [3, 500])
@pytest.mark.parametrize(
    ("function", "bounds"),
    [
        (ROSENBROCK, {}),
        (ROSENBROCK, {"lower": [-2.0, -2.0, 0.1], "upper": [0.5, 0.7, 2.0]}),
        ("sum(x**4) - sum(x**2) + x[0]", {"upper": 0.2}),
        ("sum(abs(x - 0.3)) + sum(x**2)", {}),
    ],
)
def test_every_evaluation_and_product_is_counted(function, bounds, steps, monkeypatch):
    counted = []

    def counting(call):
        return lambda *arguments: counted.append(1) or call(*arguments)

    evaluate, product_of = Kernel.evaluate, Problem.hessian_product
    monkeypatch.setattr(Kernel, "evaluate", counting(evaluate))
    monkeypatch.setattr(Problem, "hessian_product", lambda problem: counting(product_of(problem)))
    path = arrive(function, [-1.2, 1.0, 0.3], steps=steps, bounds={"x": bounds} if bounds else None)

    assert path["evaluations"] == len(counted)


def test_variables_of_several_shapes_go_together():
    start = {"A": np.ones((2, 3)), "b": 2.0, "c": [0.5]}
    path = descent("sum((A - 2)**4) + (b - sum(A))**2 + exp(c[0]) - c[0]", start, optimizer="newton")

    assert path["status"] == "converged"
    np.testing.assert_allclose(path["variables"]["c"], 0.0, atol=1e-8)


def test_sixty_steps_and_forty_are_a_hundred():
    whole = arrive(ROSENBROCK, [-1.2, 1.0, 0.3], steps=12)
    half = arrive(ROSENBROCK, [-1.2, 1.0, 0.3], steps=7)
    rest = arrive(ROSENBROCK, [-1.2, 1.0, 0.3], steps=5, state=half["state"])

    assert rest["variables"]["x"].tolist() == whole["variables"]["x"].tolist()
    assert rest["state"]["seal"] == whole["state"]["seal"]


def test_it_arrives_at_a_stationary_point_of_most_test_functions():
    found = 0
    for function in FUNCTIONS[::4]:
        path = descent(
            function.text, {"x": function.start()}, function.constants,
            optimizer="newton", steps=200, gradient=True,
        )  # fmt: skip
        assert np.isfinite(path["value"])
        found += np.abs(path["gradient"]["x"]).max() <= 1e-5 * max(1.0, abs(path["value"]))

    assert found >= 0.75 * len(FUNCTIONS[::4])
