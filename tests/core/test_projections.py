"""Projections: against quadratic programmes solved by SciPy, in every rule, with everything else."""

import json
import math

import numpy as np
import pytest
from scipy.optimize import Bounds, LinearConstraint, NonlinearConstraint, minimize

from service.core import descent, gradient, sweep
from service.core.descent import OPTIMIZERS
from service.core.descent.projections import SETS, Projection
from service.core.exceptions import InvalidRequest

RULES = [name for name, row in OPTIMIZERS.items() if row.stepper == "rule"]
RANDOM = np.random.default_rng(3)
HALF = RANDOM.normal(size=(5, 5))
DATA = {"A": HALF @ HALF.T / 5 + np.eye(5), "c": 3 * RANDOM.normal(size=5)}
QUADRATIC = "dot(x, A @ x)/2 - dot(c, x)"
START = {"x": [0.3, 0.1, -0.4, 0.2, 0.9]}


def inside(onto, size):
    """Write a set as SciPy's constraints and bounds, on x or, for the l1 ball, on its two parts."""
    least = size**2 if onto == "sphere" else 0.0
    norm = NonlinearConstraint(lambda x: x @ x, least, size**2, jac=lambda x: 2 * x)
    total = LinearConstraint(np.ones(5), size, size)
    parts = LinearConstraint(np.ones(10), -np.inf, size)
    return {
        "simplex": (total, Bounds(0, np.inf)),
        "l2_ball": (norm, None),
        "l1_ball": (parts, Bounds(0, np.inf)),
        "sphere": (norm, None),
    }[onto]


def solved(function, slope, onto, size, start):
    """Minimise within a set by SciPy; the l1 ball by x = p - q with p and q of at least 0."""
    constraint, bounds = inside(onto, size)
    options = {"method": "SLSQP", "constraints": [constraint], "options": {"ftol": 1e-15, "maxiter": 500}}
    if onto != "l1_ball":
        return minimize(function, start, jac=slope, bounds=bounds, **options).x

    def split(z):
        g = slope(z[:5] - z[5:])
        return function(z[:5] - z[5:]), np.concatenate([g, -g])

    found = minimize(split, np.full(10, size / 20), jac=True, bounds=bounds, **options).x
    return found[:5] - found[5:]


def is_inside(x, onto, size, slack=1e-12):
    return {
        "simplex": np.all(x >= 0) and abs(np.sum(x) - size) <= slack * size,
        "l2_ball": np.linalg.norm(x) <= size * (1 + slack),
        "l1_ball": np.abs(x).sum() <= size * (1 + slack),
        "sphere": abs(np.linalg.norm(x) - size) <= slack * size,
    }[onto]


@pytest.mark.parametrize("size", [0.3, 1.0, 7.0])
@pytest.mark.parametrize("onto", SETS)
def test_a_projection_is_the_nearest_point_as_scipy_finds_it(onto, size):
    projection = Projection(SETS[onto], size)
    for y in RANDOM.normal(size=(12, 5)) * np.repeat([[0.1], [1.0], [5.0]], 4, axis=0):
        ours = projection.project(y)

        start = y / np.linalg.norm(y) * size if onto == "sphere" else np.full(5, size / 5)
        theirs = solved(lambda x, y=y: (x - y) @ (x - y) / 2, lambda x, y=y: x - y, onto, size, start)
        assert is_inside(ours, onto, size)
        np.testing.assert_allclose(ours, theirs, atol=2e-6 * max(1.0, size))


@pytest.mark.parametrize("onto", SETS)
def test_each_slice_of_the_last_axis_is_projected_and_a_point_of_the_set_stays(onto):
    project = Projection(SETS[onto], 2.0).project
    x = RANDOM.normal(size=(3, 4, 5)) * 4

    found = project(x)

    for place in np.ndindex(3, 4):
        np.testing.assert_array_equal(found[place], project(x[place]))
        assert is_inside(found[place], onto, 2.0)
    np.testing.assert_allclose(project(found), found, rtol=1e-14, atol=1e-15)


@pytest.mark.parametrize("scale", [1e-300, 1e-9, 1e200, 1e307])
@pytest.mark.parametrize("onto", SETS)
def test_no_size_of_elements_overflows_or_vanishes(onto, scale):
    for size in (1e-150, 1.0, 1e150):
        with np.errstate(all="ignore"):
            found = Projection(SETS[onto], size).project(np.array([3.0, -4.0, 0.0, 1.0, 1.0]) * scale)

        assert is_inside(found / size, onto, 1.0)
        assert not np.signbit(found[found == 0.0]).any()


def test_the_projection_onto_a_sphere_of_its_middle_is_a_point_of_it():
    found = Projection(SETS["sphere"], 3.0).project(np.zeros((2, 4)))

    np.testing.assert_allclose(found, 1.5)


def momentum(x, v, g, k):
    return x - 0.05 * (0.9 * v + g), 0.9 * v + g


def plain(x, v, g, k):
    return x - 0.05 * g, v


def adam(x, v, g, k):
    m, s = 0.9 * v[0] + 0.1 * g, 0.999 * v[1] + 0.001 * g * g
    return x - 0.05 * (m / (1 - 0.9**k)) / (np.sqrt(s / (1 - 0.999**k)) + 1e-8), np.array([m, s])


@pytest.mark.parametrize(
    ("optimizer", "rule"), [("gradient_descent", plain), ("momentum", momentum), ("adam", adam)]
)
@pytest.mark.parametrize("onto", SETS)
def test_an_iterate_is_the_projected_update(optimizer, rule, onto):
    projection = Projection(SETS[onto], 0.8)
    options = {"optimizer": optimizer, "learning_rate": 0.05, "steps": 40, "history": 41}

    path = descent(QUADRATIC, START, DATA, project={"x": projection.plain}, **options)

    x, v = projection.project(np.array(START["x"])), 0.0 if rule is not adam else np.zeros((2, 5))
    for record in path["history"]:
        np.testing.assert_allclose(record["variables"]["x"], x, rtol=1e-11, atol=1e-13)
        x, v = rule(x, v, DATA["A"] @ x - DATA["c"], record["step"] + 1)
        x = projection.project(x)


def optimum(onto, size):
    A, c = DATA.values()
    best = solved(lambda x: x @ A @ x / 2 - c @ x, lambda x: A @ x - c, onto, size, np.full(5, size / 5))
    return best, best @ A @ best / 2 - c @ best


@pytest.mark.parametrize("optimizer", RULES)
@pytest.mark.parametrize("onto", SETS)
def test_a_rule_stays_in_the_set_and_finds_its_optimum_or_says_why_not(onto, optimizer):
    rates = {"rprop": 0.01, "adadelta": 1.0, "lion": 0.02}
    options = {"learning_rate": rates.get(optimizer, 0.1), "steps": 1_000, "history": 100, "momentum": 0.8}
    options |= {"schedule": "cosine", "optimizer": optimizer}
    options |= {"project": {"x": {"onto": onto, "sum": 0.8, "radius": 0.8}}}

    path = descent(QUADRATIC, START, DATA, **options)

    assert all(is_inside(record["variables"]["x"], onto, 0.8) for record in path["history"])
    lowest = optimum(onto, 0.8)[1]
    assert path["value"] >= lowest - 1e-9
    if OPTIMIZERS[optimizer].is_euclidean:
        assert path["value"] <= lowest + 1e-6
        assert "scale" not in path["message"]
    elif path["value"] > lowest + 1e-3:
        assert "rules that scale elements end elsewhere" in path["message"]
        assert descent(QUADRATIC, START, DATA, **options, tolerance=1e-6)["status"] != "converged"


@pytest.mark.parametrize("onto", SETS)
def test_a_tolerance_is_about_the_projected_gradient(onto):
    request = {"project": {"x": {"onto": onto}}, "learning_rate": 0.1, "steps": 10_000, "tolerance": 1e-10}
    path = descent(QUADRATIC, START, DATA, **request)

    best, _ = optimum(onto, 1.0)
    assert path["status"] == "converged"
    assert "projected gradient" in path["message"]
    assert path["steps"] < 3_000
    np.testing.assert_allclose(path["variables"]["x"], best, atol=2e-6)
    assert np.abs(gradient(QUADRATIC, path["variables"], DATA)["gradient"]["x"]).max() > 0.1


def test_a_variable_that_is_not_projected_keeps_the_digits_of_its_tolerance():
    path = descent(
        "sum(w*c) + 1e-12*(b - 3e8)**2",
        {"w": [0.2, 0.8], "b": 2e8},
        {"c": [1.0, 2.0]},
        project={"w": {"onto": "simplex"}},
        tolerance=1e-5,
        steps=500,
        learning_rate=0.1,
    )

    assert path["status"] == "max_steps"
    assert path["gradient_norm"] > 1e-4


@pytest.mark.parametrize("optimizer", RULES)
def test_two_parts_give_the_same_as_the_whole(optimizer):
    options = {"optimizer": optimizer, "project": {"x": {"onto": "simplex"}}, "learning_rate": 0.02}
    whole = descent(QUADRATIC, START, DATA, steps=90, **options)

    state = json.loads(
        json.dumps(descent(QUADRATIC, START, DATA, steps=37, **options)["state"], default=np.ndarray.tolist)
    )
    rest = descent(QUADRATIC, START, DATA, steps=53, state=state, **options)

    assert np.array_equal(rest["variables"]["x"], whole["variables"]["x"])
    assert rest["state"]["seal"] == whole["state"]["seal"]
    with pytest.raises(InvalidRequest, match="state belongs to"):
        descent(
            QUADRATIC, START, DATA, state=state, **options | {"project": {"x": {"onto": "simplex", "sum": 2}}}
        )
    same = {"project": {"x": {"onto": "simplex", "sum": 1.0, "radius": 5}}}
    assert descent(QUADRATIC, START, DATA, state=state, **options | same)["status"] == "max_steps"


@pytest.mark.parametrize("onto", SETS)
def test_a_run_goes_on_from_a_point_whose_projection_rounds_it(onto):
    request = {"function": "sum((x - c)**2)", "project": {"x": {"onto": onto}}, "learning_rate": 0.1}
    differing = 0
    for start in RANDOM.normal(size=(100, 3)):
        request |= {"variables": {"x": start}, "constants": {"c": 3.0 * start[::-1]}}
        whole, part = descent(**request, steps=2), descent(**request, steps=1)
        rest = descent(**request, steps=1, state=part["state"])
        differing += not np.array_equal(rest["variables"]["x"], whole["variables"]["x"])

    assert differing == 0


def test_batches_bounds_methods_and_sweeps_go_with_it():
    data = {"X": RANDOM.normal(size=(30, 4)), "y": RANDOM.normal(size=30)}
    request = {
        "function": "mean((X @ w + b - y)**2)",
        "variables": {"w": np.ones(4), "b": 4.0},
        "constants": data,
    }
    more = {
        "project": {"w": {"onto": "l1_ball", "radius": 0.5}},
        "bounds": {"b": {"lower": -0.1, "upper": 0.1}},
    }

    for extra in (
        {"batch": {"size": 7, "of": ["X", "y"]}},
        {"method": "central"},
        {"method": "complex_step"},
    ):
        path = descent(**request, **more, **extra, steps=50, learning_rate=0.1, history=51)
        for record in path["history"]:
            assert np.abs(record["variables"]["w"]).sum() <= 0.5 + 1e-12
            assert abs(record["variables"]["b"]) <= 0.1

    starts = {"w": RANDOM.normal(size=(3, 4)), "b": [0.0, 1.0, -1.0]}
    outcome = sweep(**request, **more, starts=starts, steps=2_000, learning_rate=0.1, tolerance=1e-9)
    assert {run["status"] for run in outcome["runs"]} == {"converged"}
    assert np.ptp([run["value"] for run in outcome["runs"]]) < 1e-9
    outcome = sweep(**request, **more, learning_rates=[0.01, 0.1], steps=300)
    alone = descent(**request, **more, learning_rate=0.1, steps=300)
    np.testing.assert_allclose(outcome["runs"][1]["variables"]["w"], alone["variables"]["w"], rtol=1e-12)


@pytest.mark.parametrize(
    "options", [{"optimizer": "lbfgs"}, {"optimizer": "newton"}, {"line_search": True}], ids=str
)
def test_a_search_along_a_line_takes_no_projections(options):
    with pytest.raises(InvalidRequest, match="project does not go with") as refused:
        descent(QUADRATIC, START, DATA, project={"x": {"onto": "simplex"}}, **options)

    assert refused.value.faults[0].pointer == "/project"
    assert descent(QUADRATIC, START, DATA, project={}, **options)["steps"] > 0


@pytest.mark.parametrize(
    ("project", "pointer"),
    [
        ({"z": {"onto": "simplex"}}, "/project/z"),
        ({"b": {"onto": "sphere"}}, "/project/b"),
        ({"x": {}}, "/project/x/onto"),
        ({"x": {"onto": "cube"}}, "/project/x/onto"),
        ({"x": {"onto": 3}}, "/project/x/onto"),
        ({"x": {"onto": "simplex", "sum": 0}}, "/project/x/sum"),
        ({"x": {"onto": "sphere", "radius": -1.0}}, "/project/x/radius"),
        ({"x": {"onto": "sphere", "radius": math.inf}}, "/project/x/radius"),
        ({"x": {"onto": "sphere", "radius": True}}, "/project/x/radius"),
        ({"x": {"onto": "sphere", "side": 1}}, "/project/x/side"),
        ({"y": {"onto": "simplex"}}, "/project/y"),
    ],
    ids=str,
)
def test_projections_that_do_not_fit_are_refused_at_their_place(project, pointer):
    variables, bounds = {"x": [1.0, 2.0], "y": [1.0, 2.0], "b": 1.0}, {"y": {"lower": 0}}

    with pytest.raises(InvalidRequest) as refused:
        descent("sum(x*x) + sum(y*y) + b*b", variables, project=project, bounds=bounds)

    assert refused.value.faults[0].pointer == pointer
