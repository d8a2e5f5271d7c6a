"""L-BFGS: where it arrives, how it ends, what it counts, and that bounds hold."""

import math

import numpy as np
import pytest

from service.core import descent, gradient
from service.core.descent import line_search, vectors
from service.core.descent.line_search import CURVATURE, DECREASE, Trial, search_line
from service.core.descent.problem import Problem
from service.core.descent.vectors import Arrays, tuples_of
from service.core.limits import DEFAULT_LIMITS, NO_DEADLINE

ROSENBROCK = "sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)"


def arrive(function, start, **options):
    return descent(function, {"x": start}, optimizer="lbfgs", **{"steps": 1000, **options})


@pytest.mark.parametrize("size", [2, 5, 30, 300])
def test_it_arrives_in_the_valley_without_a_learning_rate(size):
    path = arrive(ROSENBROCK, np.full(size, 0.5))

    assert path["status"] == "converged"
    np.testing.assert_allclose(path["variables"]["x"], 1.0, rtol=1e-7)


@pytest.mark.parametrize("optimizer", ["lbfgs", "newton"])
@pytest.mark.parametrize("scale", [1e-10, 1e20, 1e100, 1e150])
@pytest.mark.parametrize("size", [2, 30])
def test_a_factor_of_the_function_changes_nothing(optimizer, scale, size):
    start = np.linspace(-2.0, 3.0, size)
    options = {"optimizer": optimizer, "steps": 1000}
    usual = descent(ROSENBROCK, {"x": start}, tolerance=1e-8, **options)

    path = descent(f"({ROSENBROCK})*c", {"x": start}, {"c": scale}, tolerance=1e-8 * scale, **options)

    assert path["status"] == usual["status"] == "converged"
    assert path["steps"] <= 1.2 * usual["steps"]


@pytest.mark.parametrize("size", [2, 600])
@pytest.mark.parametrize("scale", [1.0, 1e8, 1e10, 1e100, 1e200])
@pytest.mark.parametrize("optimizer", ["lbfgs", "newton"])
def test_a_factor_of_the_function_changes_nothing_within_bounds(optimizer, scale, size):
    """The distance of a bound is not the gradient's size: it met a tolerance relative to a large value."""
    path = descent(
        "c*sum((x - 1)**2 + (y - 1)**2)",
        {"x": np.full(size, 3.0), "y": np.full(size, 3.0)},
        {"c": scale},
        optimizer=optimizer,
        bounds={"x": {"lower": 0.0, "upper": 5.0}, "y": {"lower": 2.0}},
        steps=50,
    )

    assert path["status"] == "converged"
    assert path["variables"]["x"] == pytest.approx(1.0, abs=1e-6)
    assert path["variables"]["y"].tolist() == [2.0] * size


@pytest.mark.parametrize("scale", [1.0, 1e160, 1e200, 1e250])
def test_a_gradient_whose_square_overflows_is_followed_within_bounds(scale):
    path = descent(
        "c*sum((x - 1)**2*(1 + 0.1*x))",
        {"x": [3.0, 0.2, 2.0]},
        {"c": scale},
        optimizer="lbfgs",
        bounds={"x": {"lower": 0.1}},
        steps=50,
    )

    assert path["status"] == "converged"
    assert path["variables"]["x"] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("optimizer", ["lbfgs", "newton"])
@pytest.mark.parametrize("size", [2, 30])
@pytest.mark.parametrize("function", ["sum(cosh(x))", "sum(exp(x**2))", "sum(x**2)*1e280"])
def test_a_gradient_whose_square_overflows_is_followed(optimizer, size, function):
    start = np.full(size, 26.0) if "**" in function else np.full(size, 650.0)

    path = descent(function, {"x": start}, optimizer=optimizer, steps=1000)

    assert path["value"] < 1e-10 * path["state"]["start_value"]
    assert path["status"] in ("converged", "max_steps")


@pytest.mark.parametrize("size", [2, 30])
@pytest.mark.parametrize("scale", [1e30, 1e200, 1e280])
def test_backtracking_finds_a_short_step(scale, size):
    path = descent("sum(x**4)*c", {"x": np.full(size, 3.0)}, {"c": scale}, line_search=True, steps=50)

    assert path["value"] < 1e-2 * path["state"]["start_value"]
    assert path["steps"] == 50


@pytest.mark.parametrize("size", [1, 30])
@pytest.mark.parametrize(
    ("function", "start"),
    [("exp(10*x) + (x - 1)**2", 5.0), ("exp(10*x) + (x - 1)**2", 8.0), ("x**10 + (x - 1)**2", 1e5)],
)
def test_backtracking_is_not_done_when_a_steep_place_has_left_its_step_too_short(function, start, size):
    start = np.full(size, start)

    path = descent(f"sum({function})", {"x": start}, line_search=True, steps=1000, tolerance=1e-7)

    assert path["status"] == "converged"
    assert path["gradient_norm"] < 1e-6


ENDS = {
    "the gradient is small": ("converged", "x**2 + exp(x)", 3.0, {}),
    "the start is the minimum": ("converged", "x**2", 0.0, {}),
    "the start is flat": ("converged", "0*x + 5", 3.0, {}),
    "a tolerance of the value": ("converged", "x**4", 3.0, {"tolerance": 1e-300, "tolerance_value": 1e-9}),
    "a tolerance of the step": ("converged", "x**4", 3.0, {"tolerance": 1e-300, "tolerance_step": 1e-3}),
    "a target": ("converged", "x**4", 3.0, {"target": 1e-3}),
    "rounding hides what is left": ("converged", "(x - 0.1)**2 + 1e3", 3.0, {"tolerance": 1e-300}),
    "few steps": ("max_steps", ROSENBROCK, [-1.2, 1.0], {"steps": 3}),
    "no minimum": ("diverged", "-x", 0.0, {}),
    "no minimum, and faster": ("diverged", "-exp(x)", 0.0, {}),
    "a kink beside the minimum": ("stalled", "abs(x[0]) + 100*abs(x[1] - x[0])", [3.0, 4.0], {}),
}


@pytest.mark.parametrize(("status", "function", "start", "options"), ENDS.values(), ids=ENDS)
def test_a_run_ends_as_it_should(status, function, start, options):
    path = arrive(function, start, **options)

    assert path["status"] == status
    assert path["message"].endswith(".")
    assert np.isfinite(path["value"])
    assert path["best"]["value"] == path["value"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tolerance": 1e-3}, "no element of the gradient is larger than the tolerance 0.001"),
        ({}, "no element of the gradient is larger than the tolerance 1e-08·max(1, |value|)"),
        ({"tolerance_value": 1e-3}, "the last step lowered the value within tolerance_value 0.001"),
        ({"tolerance_step": 0.1}, "the last step moved every variable within tolerance_step 0.1"),
        ({"target": 0.5}, "is at most the target 0.5"),
    ],
)
def test_the_message_says_by_which_tolerance_it_converged(options, words):
    assert words in arrive(ROSENBROCK, [-1.2, 1.0], **options)["message"]


def test_the_value_never_rises():
    path = arrive(ROSENBROCK, [-1.2, 1.0], history=1000)

    values = [record["value"] for record in path["history"]]
    assert values == sorted(values, reverse=True)


@pytest.mark.parametrize(
    ("function", "start", "minimum"),
    [
        ("x - log(x)", 1e-5, 1.0),
        ("x - log(x)", 700.0, 1.0),
        ("1/x + x", 1e-3, 1.0),
        ("exp(x) - x", 30.0, 0.0),
        ("x**2 - sqrt(1 - x)", 0.9, -0.2258),
        ("where(x > -1, (x - 3)**2 + log(x + 1), log(x))", 100.0, 2.8708),
        ("sum((x - 1e5)**2)/1e4", 0.0, 1e5),
    ],
)
def test_a_trial_that_is_not_finite_is_a_step_too_long(function, start, minimum):
    path = arrive(function, start)

    assert path["status"] == "converged"
    assert path["variables"]["x"] == pytest.approx(minimum, abs=2e-4)


def test_steps_count_iterations_and_evaluations_evaluations():
    """The same problem by SciPy's L-BFGS-B (1.17.1, ftol 0, gtol 1e-8): 38 iterations, 46 evaluations."""
    path = arrive(ROSENBROCK, [-1.2, 1.0])
    numerical = arrive(ROSENBROCK, [-1.2, 1.0], method="complex_step")

    assert (path["steps"], path["evaluations"]) == (38, 46)
    assert numerical["evaluations"] == 46 * 3


def test_more_memory_never_hurts_a_quadratic():
    curvatures = np.logspace(0, 4, 20)
    counts = [
        arrive("sum(c*x**2)", np.ones(20), memory=memory, constants={"c": curvatures})["evaluations"]
        for memory in (1, 5, 20)
    ]

    assert counts == sorted(counts, reverse=True)


BOUNDED = {
    "Hock and Schittkowski 1": (
        "100*(x[1] - x[0]**2)**2 + (1 - x[0])**2", [-2, 1], [None, -1.5], [None, None], [1, 1],
    ),
    "Hock and Schittkowski 2": (
        "100*(x[1] - x[0]**2)**2 + (1 - x[0])**2", [-2, 1], [None, 1.5], [None, None], [-1.2210262, 1.5],
    ),
    "Hock and Schittkowski 3": ("x[1] + 1e-5*(x[1] - x[0])**2", [10, 1], [None, 0], [None, None], [0, 0]),
    "Hock and Schittkowski 4": ("(x[0] + 1)**3/3 + x[1]", [1.125, 0.125], [1, 0], [None, None], [1, 0]),
    "Hock and Schittkowski 5": (
        "sin(x[0] + x[1]) + (x[0] - x[1])**2 - 1.5*x[0] + 2.5*x[1] + 1",
        [0, 0], [-1.5, -3], [4, 3], [0.5 - np.pi / 3, -0.5 - np.pi / 3],
    ),
    "Hock and Schittkowski 38": (
        "100*(x[1] - x[0]**2)**2 + (1 - x[0])**2 + 90*(x[3] - x[2]**2)**2 + (1 - x[2])**2"
        " + 10.1*((x[1] - 1)**2 + (x[3] - 1)**2) + 19.8*(x[1] - 1)*(x[3] - 1)",
        [-3, -1, -3, -1], [-10] * 4, [10] * 4, [1] * 4,
    ),
    "Hock and Schittkowski 45": (
        "2 - x[0]*x[1]*x[2]*x[3]*x[4]/120", [2] * 5, [0] * 5, [1, 2, 3, 4, 5], [1, 2, 3, 4, 5],
    ),
    "Hock and Schittkowski 110": (
        "sum(log(x - 2)**2 + log(10 - x)**2) - prod(x)**0.2",
        [9] * 10, [2.001] * 10, [9.999] * 10, [9.350265836156803] * 10,
    ),
    "linear, every bound active": ("sum(x)", [3] * 4, [-1, 0, 1, 2], [9] * 4, [-1, 0, 1, 2]),
    "concave, at a corner": ("-sum(x**2)", [0.3, -0.2], [-2, -3], [1.5, 2], [1.5, -3]),
    "the minimum inside": ("sum((x - 1)**4 + (x - 1)**2)", [3, -3], [-5, -5], [5, 5], [1, 1]),
    "a start outside": ("sum((x - 1)**2)", [30, -30], [2, -5], [5, 0], [2, 0]),
    "a fixed variable": ("sum((x - 1)**2) + x[0]*x[1]", [3, 3], [2, -9], [2, 9], [2, 0]),
    "Rosenbrock, cut off": (ROSENBROCK, [-1.2, 1], [-2, -2], [0.5, 2], [0.5, 0.25]),
    "a singularity at a bound": ("sum(x - 2*sqrt(x))", [5, 0.1], [0, 0], [9, 0.5], [1, 0.5]),
    "logarithms": ("sum(x*log(x))", [0.9, 3], [1e-9, 1], [1, 9], [np.exp(-1), 1]),
}  # fmt: skip
"""Function, start, bounds and solution; W. Hock and K. Schittkowski, Test Examples for Nonlinear Programming
Codes, Springer 1981, for those of that name."""


@pytest.mark.parametrize(("function", "start", "low", "high", "solution"), BOUNDED.values(), ids=BOUNDED)
def test_a_bounded_problem_ends_at_its_solution(function, start, low, high, solution):
    wide = 1e300
    lower = np.array([-wide if side is None else side for side in low], dtype=float)
    upper = np.array([wide if side is None else side for side in high], dtype=float)
    path = arrive(function, start, bounds={"x": {"lower": lower, "upper": upper}}, history=1000)

    assert path["status"] == "converged"
    if function != BOUNDED["Hock and Schittkowski 2"][0] or low[1] != 1.5:  # it has two minima
        np.testing.assert_allclose(path["variables"]["x"], solution, rtol=1e-7, atol=1e-7)
    for record in path["history"]:
        assert ((lower <= record["variables"]["x"]) & (record["variables"]["x"] <= upper)).all()


KINKED_VALLEYS = {
    "Rosenbrock's with kinks": ("abs(1 - x[0]) + 100*abs(x[1] - x[0]**2)", [-1.2, 1.0]),
    "Mifflin": ("-x[0] + 2*(x[0]**2 + x[1]**2 - 1) + 1.75*abs(x[0]**2 + x[1]**2 - 1)", [-1.0, -1.0]),
}
"""Functions and starts from which all searches get stuck at a kink, above the minima 0 and -1."""


KINKED = (
    "abs(x)", "relu(x)", "max(x)", "min(x)", "maximum(x, 1)", "minimum(x, 1)", "clip(x, 0, 1)", "sort(x)[1:]",
    "median(x)", "quantile(x, 0.3)", "norm(x)", "leaky_relu(x)", "where(x > 1, x, 0)", "pinball(x, 0*x)",
    "absolute_error(x, 0*x)", "hinge(x, 1 + 0*x)", "sqrt(x**2)",
)  # fmt: skip
SMOOTH = "x**2", "exp(x)", "erf(x)", "lgamma(x)", "gelu(x)", "huber(x, 0*x)", "logsumexp(x)", "softmax(x)[0]"


@pytest.mark.parametrize("function", [*KINKED, *SMOOTH])
def test_a_function_is_known_to_have_kinks(function):
    problem = Problem(
        f"sum({function})", {"x": np.array([3.0, 1.0, 2.0])}, {}, "exact", None, DEFAULT_LIMITS, NO_DEADLINE
    )

    assert problem.compiled.has_kinks == (function in KINKED)


@pytest.mark.parametrize("options", [{"optimizer": "lbfgs"}, {"line_search": True}, {"optimizer": "newton"}])
@pytest.mark.parametrize(("function", "start"), KINKED_VALLEYS.values(), ids=KINKED_VALLEYS)
def test_who_is_stuck_at_a_kink_has_not_arrived(function, start, options):
    path = descent(function, {"x": start}, steps=3_000, **options)

    assert path["status"] == "stalled"
    assert "at a kink" in path["message"]


@pytest.mark.parametrize("bounds", [None, {"x": {"lower": -10}}])
@pytest.mark.parametrize("start", [[0.6, 2.1], [0.5, 2.0]])
def test_a_kink_where_two_lines_meet_is_no_fault(start, bounds):
    """Halves of steps there make no parabola, and pairs that depend on each other."""
    path = descent("abs(x[0]) + abs(x[1] - 1)", {"x": start}, optimizer="lbfgs", bounds=bounds)

    assert path["status"] == "stalled"
    assert path["value"] < 1e-15


def test_bounds_on_some_variables_and_shapes():
    function = "sum((A - 2)**2) + (b - 3)**2 + b*sum(A)/10"
    start = {"A": np.zeros((2, 3)), "b": 1.0}
    path = descent(function, start, optimizer="lbfgs", bounds={"A": {"upper": 1.0}}, steps=100)

    assert path["status"] == "converged"
    np.testing.assert_allclose(path["variables"]["A"], 1.0)
    assert path["variables"]["b"] == pytest.approx(2.7)


@pytest.mark.parametrize("size", [1, 2, 7, 16])
def test_operations_on_tuples_are_those_on_arrays(size):
    """The generated directions against the readable ones on arrays."""
    random = np.random.default_rng(size)
    tuples = tuples_of(size)
    pairs = []
    for _ in range(4):
        step = random.normal(size=size)
        change = step * random.uniform(0.5, 2, size)
        pairs.append((step, change, 1.0 / float(step @ change)))
    g = random.normal(size=size)
    plain = tuple((tuple(step.tolist()), tuple(change.tolist()), scale) for step, change, scale in pairs)

    for count in (0, 1, 4):
        expected = Arrays.two_loops(tuple(pairs[:count]), g)
        np.testing.assert_allclose(tuples.two_loops(plain[:count], tuple(g.tolist())), expected, rtol=1e-12)
    assert tuples.dot(plain[0][0], plain[1][0]) == pytest.approx(pairs[0][0] @ pairs[1][0])
    np.testing.assert_allclose(tuples.along(plain[0][0], plain[1][0], 0.3), pairs[0][0] + 0.3 * pairs[1][0])


def test_the_direction_of_exact_pairs_is_newtons():
    """n independent pairs of a quadratic give its inverse Hessian."""
    random = np.random.default_rng(0)
    hessian = np.diag([1.0, 4.0, 9.0])
    steps = np.eye(3)
    pairs = tuple((step, hessian @ step, 1.0 / float(step @ hessian @ step)) for step in steps)
    g = random.normal(size=3)

    np.testing.assert_allclose(Arrays.two_loops(pairs, g), -np.linalg.solve(hessian, g), rtol=1e-12)


LINES = {
    "a parabola": (lambda t: ((t - 3) ** 2, 2 * (t - 3)), 0.1),
    "a long way": (lambda t: ((t - 1000) ** 2, 2 * (t - 1000)), 0.1),
    "a short way": (lambda t: ((1e4 * t - 3) ** 2, 2e4 * (1e4 * t - 3)), 1.0),
    "a quartic": (lambda t: (t**4 - 5 * t**2 - 3 * t, 4 * t**3 - 10 * t - 3), 0.3),
    "waves": (lambda t: (np.cos(5 * t) - t, -5 * np.sin(5 * t) - 1), 2.0),
    "Moré and Thuente's first": (lambda t: (-t / (t**2 + 2), (t**2 - 2) / (t**2 + 2) ** 2), 1e-3),
    "Moré and Thuente's second": (
        lambda t: ((t + 0.004) ** 5 - 2 * (t + 0.004) ** 4, 5 * (t + 0.004) ** 4 - 8 * (t + 0.004) ** 3),
        10.0,
    ),
    "a wall of NaN": (
        lambda t: (-np.sqrt(1 - t) - t, 0.5 / np.sqrt(1 - t) - 1) if t < 1 else (np.nan, np.nan),
        50.0,
    ),
}


@pytest.mark.parametrize(("function", "first"), LINES.values(), ids=LINES)
def test_a_search_ends_where_the_strong_wolfe_conditions_hold(function, first):
    start = Trial(0.0, *function(0.0))

    trial = search_line(lambda t: Trial(t, *function(t)), start, first, np.inf)

    assert trial.value <= start.value + DECREASE * trial.step * start.derivative
    assert abs(trial.derivative) <= CURVATURE * abs(start.derivative)


def more_thuente_third(t, width=0.01, waves=39):
    """A valley with waves on both sides (5.3)."""
    value, slope = (abs(t - 1), math.copysign(1.0, t - 1))
    if abs(t - 1) < width:
        value, slope = (t - 1) ** 2 / (2 * width) + width / 2, (t - 1) / width
    scale, angle = 2 * (1 - width) / (waves * math.pi), waves * math.pi / 2
    return value + scale * math.sin(angle * t), slope + scale * angle * math.cos(angle * t)


def slowing_waves(t):
    return -math.log1p(t) - 0.3 * math.sin(t), -1 / (1 + t) - 0.3 * math.cos(t)


DCSRCH = [
    (LINES["Moré and Thuente's first"][0], [0.001, 0.005, 0.021, 0.085, 0.341, 1.365], (0.001, 0.1)),
    (LINES["Moré and Thuente's first"][0], [0.1, 0.5, 1.44137207909], (0.001, 0.1)),
    (
        LINES["Moré and Thuente's second"][0],
        [0.001, 0.005, 0.021, 0.085, 0.341, 1.365, 5.461, 2.10702476688, 1.55169263448, 1.5975830449,
         1.59586114821, 1.59600000019],
        (0.001, 0.1),
    ),
    (
        LINES["Moré and Thuente's second"][0],
        [10.0, 2.30698995804, 0.687286712788, 1.56614135362, 1.61237380594, 1.59506812625, 1.5960001388,
         1.59599999976],
        (0.001, 0.1),
    ),
    (
        more_thuente_third,
        [0.1, 0.5, 2.1, 0.651872263766, 0.948370206317, 1.52418510316, 1.06776473572, 0.985851928078,
         0.999809877713, 0.999964277492, 1.03386450661, 0.999998803355],
        (0.001, 0.1),
    ),
    (
        more_thuente_third,
        [1000.0, 4.88337142148, 0.0159422419991, 0.507704730254, 2.69553807587, 0.573170739341,
         1.07308833464, 1.04407744398, 0.927969946056, 1.01179275019, 0.998440023789, 1.00019554023,
         0.999999901715],
        (0.001, 0.1),
    ),
    (slowing_waves, [50.0, 14.2174532102], (0.1, 0.2)),
]  # fmt: skip
"""The steps that MINPACK-2's dcsrch tries, in SciPy 1.17.1, with its ftol and gtol. Of those by Moré and
Thuente they are as many as in tables I to III of their paper (1994).
"""


@pytest.mark.parametrize(("function", "steps", "conditions"), DCSRCH)
def test_a_search_tries_the_steps_of_minpack(monkeypatch, function, steps, conditions):
    for name, condition in zip(("DECREASE", "CURVATURE"), conditions, strict=True):
        monkeypatch.setattr(line_search, name, condition)
    tried = []

    search_line(
        lambda t: tried.append(t) or Trial(t, *function(t)), Trial(0.0, *function(0.0)), steps[0], 1e10
    )

    assert tried == pytest.approx(steps, rel=1e-9)


def test_behind_a_wall_half_of_what_was_too_far_is_the_farthest():
    tried = []

    def wall(t):
        tried.append(t)
        return Trial(t, -t if t < 4 else np.nan, -1.0)

    trial = search_line(wall, Trial(0.0, 0.0, -1.0), 6.0, np.inf)

    assert tried == pytest.approx([6.0, 0.6, 3.0])
    assert trial.step == tried[-1]


def test_a_search_that_finds_nothing_lower_says_so():
    tried = []

    def uphill(t):
        tried.append(t)
        return Trial(t, 5.0 + abs(t), -1.0)  # a derivative that is wrong

    assert search_line(uphill, Trial(0.0, 5.0, -1.0), 1.0, np.inf) is None
    assert len(tried) <= line_search.MOST_TRIALS


def test_large_variables_go_as_arrays_and_give_the_same(monkeypatch):
    small = arrive(ROSENBROCK, [-1.2, 1.0, 0.3])
    monkeypatch.setattr(vectors, "FEW", 0)
    large = arrive(ROSENBROCK, [-1.2, 1.0, 0.3])

    assert (small["steps"], small["evaluations"]) == (large["steps"], large["evaluations"])
    np.testing.assert_allclose(small["variables"]["x"], large["variables"]["x"], rtol=1e-9)


def test_the_gradient_at_the_end_is_as_small_as_said():
    path = arrive("sum(cosh(x - 1)) + prod(x)", [3.0, -2.0, 0.5], tolerance=1e-10)

    slope = gradient("sum(cosh(x - 1)) + prod(x)", path["variables"])["gradient"]["x"]
    assert path["status"] == "converged"
    assert np.abs(slope).max() <= 1e-10


@pytest.mark.parametrize("optimizer", ["lbfgs", "newton"])
def test_differences_beside_a_large_value_meet_a_tolerance_that_grows_with_it(optimizer):
    path = descent(
        "sum(log(x**2 + 1)) + 1e6", {"x": [0.5, -0.3]}, method="central", optimizer=optimizer, gradient=True
    )

    assert path["status"] == "converged"
    assert np.abs(path["gradient"]["x"]).max() <= 1e-8 * path["value"]


@pytest.mark.parametrize(
    ("function", "start", "options", "hint"),
    [
        ("x @ x + 3", [0.7, -0.2], {"optimizer": "lbfgs", "method": "forward"}, "use method exact"),
        ("x @ x + 3", [0.7, -0.2], {"optimizer": "newton", "method": "forward"}, "use method exact"),
        ("sum(abs(x)) + 3", [0.7, -0.2], {"optimizer": "lbfgs", "method": "forward"}, "at a kink"),
        ("sum(abs(x)) + 3", [0.7, -0.2], {"optimizer": "lbfgs", "method": "forward"}, "adam with schedule"),
        ("log(x)", 1.0, {"optimizer": "lbfgs"}, "at the edge of where the function is finite"),
    ],
)  # fmt: skip
def test_a_stall_says_what_is_in_the_way(function, start, options, hint):
    path = descent(function, {"x": start}, **options)

    assert path["status"] == "stalled"
    assert hint in path["message"]
