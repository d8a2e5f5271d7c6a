"""Programs over the whole operations table: value, gradient, field, products and descent by every method.

Each is held against its expression tree, evaluated by arithmetic of 150 digits, with a tolerance that
comes from the same tree with rounding errors put in. On floats and on arrays, at one point and at two.
Some are written with loops, functions of the caller, reassignment, conditions and index arrays.
A failure shows the request. ``FUZZ_EXAMPLES=100`` draws as many programs for every operation.
"""

import functools
from random import Random

import numpy as np
import pytest

from service.core import descent, gradient, gradient_field, hvp, jvp, value, vjp
from service.core.exceptions import InvalidFunction, InvalidRequest, NonFiniteResult
from service.core.language.operations import OPERATIONS
from tests.fuzz.arithmetic import precise
from tests.fuzz.budget import WANTED
from tests.fuzz.definitions import DEFINITIONS
from tests.fuzz.expected import Expected, Undefined
from tests.fuzz.programs import DRAWN, Draft, finished, program, words_of
from tests.fuzz.programs import number as literal

pytestmark = pytest.mark.untraced  # other tests reach the same lines, in half the time

EXAMPLES = WANTED or 2
STEPS = 3

IMAGES = {"conv2d", "max_pool2d", "avg_pool2d"}
"""Four axes are too many to draw: they are held against PyTorch's numbers in tests/core."""

each_operation = pytest.mark.parametrize("name", DRAWN)
each_width = pytest.mark.parametrize("width", ["on floats", "on arrays"])


def test_every_operation_that_a_client_can_write_has_a_definition():
    public = {row.name for row in OPERATIONS.values() if row.is_public}

    assert public - set(DEFINITIONS) - IMAGES == set()


def test_nearly_every_program_is_compared():
    drawn = [expected(name, number) for name in DRAWN for number in range(EXAMPLES)]

    assert drawn.count(None) < 0.2 * len(drawn)


def judged(x, write):
    """Return what a program of one variable must give that a function writes."""
    draft = Draft(Random(0))  # noqa: S311 - nothing is drawn
    node = write(draft.apply, draft.array("variable", "v", values=x))
    return Expected(finished(draft, node, node, False))


@pytest.mark.parametrize(
    ("x", "slope", "write"),
    [
        (0.0, 0.0, lambda apply, x: apply("square", apply("relu", x))),
        (
            2.0,
            2**-56,
            lambda apply, x: apply("cosine_distance", apply("stack", literal(1.0), literal(3.0)), x),
        ),
        (2.0, 1.0, lambda apply, x: apply("where", apply("less", x, x), literal(3.0), x)),
    ],
    ids=["the second derivative jumps", "terms cancel", "equal by what they are"],
)
def test_a_gradient_that_is_right_to_rounding_is_taken(x, slope, write):
    wanted = judged(x, write)

    assert wanted.gradient["v"].holds(slope)
    assert not wanted.gradient["v"].holds(slope + 1e-13)


@pytest.mark.parametrize(
    ("x", "write"),
    [
        (-0.5, lambda apply, x: apply("arctan2", apply("modulo", literal(0.0), x), literal(-1.0))),
        (-0.5, lambda apply, x: apply("kl_divergence", apply("stack", x), apply("stack", x))),
    ],
    ids=["the sign of a zero", "logarithms of numbers below 0"],
)
def test_a_program_without_one_value_is_not_compared(x, write):
    with pytest.raises(Undefined):
        judged(x, write)


@functools.cache
def expected(name, number) -> Expected | None:
    """Return what a program must give, None where that is a refusal, a kink or nothing."""
    drawn = program(name, number)
    try:
        return None if drawn.is_refused else Expected(drawn)
    except Undefined:
        return None


@functools.cache
def quotients(wanted, method):
    """Return the gradient that a method gives, None where a difference leaves the domain."""
    return wanted.gradient if method == "exact" else wanted.quotients(method)


@functools.cache
def path(wanted, method):
    return wanted.path(method, STEPS)


def compared(name):
    """Return the programs around an operation that have a value and a derivative."""
    pairs = [(program(name, number), expected(name, number)) for number in range(EXAMPLES)]
    return [(drawn, wanted) for drawn, wanted in pairs if wanted]


def request(drawn, width="on floats", **options):
    """Write the arguments; more work than floats are used for, and none of it counts, makes it arrays."""
    if width == "on floats":
        return {"function": drawn.function, "constants": drawn.constants, **options}
    *statements, value = drawn.function.split("\n")
    function = "\n".join([*statements, f"last = {value}", "last + 0*sum(many)"])
    return {"function": function, "constants": drawn.constants | {"many": np.zeros(4000)}, **options}


def assert_holds(wanted, got, *context):
    assert wanted.holds(got), (
        got,
        np.asarray(wanted.exact, float),
        np.asarray(wanted.tolerance, float),
        *context,
    )


def assert_all_hold(wanted, got, *context):
    assert wanted.keys() == got.keys(), context
    for name, array in got.items():
        assert_holds(wanted[name], array, name, *context)


@each_operation
def test_what_the_language_does_not_allow_is_refused(name):
    for number in range(EXAMPLES):
        drawn = program(name, number)
        if drawn.is_refused:
            with pytest.raises((InvalidFunction, InvalidRequest)):  # labels are elements of the request
                gradient(variables=drawn.variables, **request(drawn))


@each_width
@each_operation
def test_value_and_exact_gradient_are_those_of_the_tree(name, width):
    for drawn, wanted in compared(name):
        arguments = request(drawn, width, variables=drawn.variables)

        answer = gradient(**arguments)

        assert_holds(wanted.value, answer["value"], arguments)
        assert_all_hold(wanted.gradient, answer["gradient"], arguments)


def direction_of(drawn):
    """Return the direction of a program's products, of numbers that float64 holds exactly."""
    random = np.random.default_rng(len(drawn.function))
    return {name: random.integers(-8, 8, array.shape) / 4 for name, array in drawn.variables.items()}


def product(find, *arguments):
    """Return a derivative along a direction, None where there is none or rounding decides it."""
    try:
        found = find(*arguments)
    except Undefined:
        return None
    each = found.values() if isinstance(found, dict) else [found]
    return None if any(np.any(one.tolerance > abs(one.exact) + 1) for one in each) else found


@each_operation
def test_values_and_products_with_the_jacobian_are_those_of_the_tree(name):
    for drawn, wanted in compared(name):
        *statements, _ = drawn.function.split("\n")
        function = "\n".join([*statements, drawn.whole.text])
        if any(name not in words_of(function) for name in drawn.variables):
            continue
        arguments = {"function": function, "variables": drawn.variables, "constants": drawn.constants}
        direction = direction_of(drawn)
        along = product(wanted.array_along, drawn.whole, precise_each(direction))

        one = value(**arguments | {"function": drawn.function})["value"]
        assert_holds(wanted.value, one.reshape(()), arguments)
        across = vjp(**arguments | {"function": drawn.function}, cotangents=np.ones(one.shape))
        assert_all_hold(wanted.gradient, across["product"], arguments)
        if along is not None and along.exact.size:
            assert_holds(along, jvp(**arguments, tangents=direction)["product"], direction, arguments)


def precise_each(arrays):
    return {name: precise(array) for name, array in arrays.items()}


@each_width
@each_operation
def test_products_with_the_hessian_are_those_of_the_tree(name, width):
    for drawn, wanted in compared(name)[: WANTED or 1]:
        arguments, direction = request(drawn, width, variables=drawn.variables), direction_of(drawn)
        if (wishes := slopes_along(wanted, drawn)) is None:
            continue

        assert_all_hold(wishes, hvp(**arguments, vectors=direction)["product"], direction, arguments)


@functools.cache
def slopes_along(wanted, drawn):
    return product(wanted.slope_along, precise_each(direction_of(drawn)))


@each_width
@pytest.mark.parametrize("method", ["central", "forward"])
@each_operation
def test_differences_are_those_of_the_tree(name, method, width):
    for drawn, wanted in compared(name):
        arguments = request(drawn, width, variables=drawn.variables, method=method)
        if (wishes := quotients(wanted, method)) is None:
            continue

        answer = gradient(**arguments)

        assert_holds(wanted.value, answer["value"], arguments)
        assert_all_hold(wishes, answer["gradient"], arguments)


@each_operation
def test_the_complex_step_gives_the_gradient_of_the_tree_or_is_refused(name):
    for drawn, wanted in compared(name):
        arguments = request(drawn, variables=drawn.variables, method="complex_step")
        if drawn.is_analytic:
            assert_all_hold(wanted.gradient, gradient(**arguments)["gradient"], arguments)
        else:
            with pytest.raises(InvalidFunction, match="complex"):
                gradient(**arguments)


@each_width
@pytest.mark.parametrize("method", ["exact", "central", "forward"])
@each_operation
def test_a_field_has_the_gradient_of_the_tree_at_each_point(name, method, width):
    for drawn, wanted in compared(name):
        if (wishes := quotients(wanted, method)) is None:
            continue
        others = {name: array + 0.125 for name, array in drawn.variables.items()}

        answer, arguments = field(drawn, [others, drawn.variables], width, method)

        assert_holds(wanted.value, answer["values"][1], arguments)
        assert_all_hold(wishes, {name: array[1] for name, array in answer["gradient"].items()}, arguments)


def field(drawn, points, width, method):
    """Compute a field; over the last point alone where another has no value."""
    for row in (points, points[1:] * 2):
        arrays = {name: np.stack([point[name] for point in row]) for name in row[0]}
        arguments = request(drawn, width, points=arrays, method=method)
        try:
            return gradient_field(**arguments), arguments
        except NonFiniteResult:
            if row is not points:
                raise


@each_width
@pytest.mark.parametrize("method", ["exact", "central"])
@each_operation
def test_a_descent_goes_the_way_of_the_tree(name, method, width):
    for drawn, wanted in compared(name):
        if (way := path(wanted, method)) is None:
            continue
        rate, variables, value = way
        options = {"method": method, "steps": STEPS, "learning_rate": rate}
        arguments = request(drawn, width, variables=drawn.variables, **options)

        answer = descent(**arguments)

        assert_all_hold(variables, answer["variables"], answer["message"], arguments)
        assert_holds(value, answer["value"], answer["message"], arguments)
