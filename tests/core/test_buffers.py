"""Places of results: the same numbers as without, nothing of them handed out, no more memory than needed."""

import itertools
import threading
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from service.core import descent, gradient, gradient_field, hvp, sweep, value
from service.core.activation_kernels import chosen
from service.core.calculus import buffers, order, schedule
from service.core.calculus.buffers import Arena, packed
from service.core.calculus.inputs import array_data
from service.core.calculus.kernel import bind_on_arrays
from service.core.calculus.maps import compile_map
from service.core.calculus.points import block_for
from service.core.limits import DEFAULT_LIMITS, NO_DEADLINE, Deadline, Limits
from tests.core.array_functions import array_function
from tests.core.compiled import compiled, compiled_for
from tests.core.operation_cases import CASES

POINTS = (0, 1, 0)
"""Seeds: at the third point, everything was written over by the second."""

LAST_DIGITS = {"rtol": 1e-14, "atol": 1e-14}
"""A place is in C order where NumPy may choose another for a new array; sums over it add in another order."""


@pytest.fixture
def small(monkeypatch):
    """Give places to small arrays too."""
    monkeypatch.setattr(buffers, "SMALLEST", 2)
    monkeypatch.setattr(order, "SMALLEST", 2)
    monkeypatch.setattr(schedule, "REUSED_SIZE", 2)


def nothing():
    """Stand for the clock."""


def memory_of(function):
    """Return the places that a bound function writes into."""
    defaults = function.__defaults__ or ()
    return [each for each in defaults if isinstance(each, np.ndarray) and each.flags.writeable]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_results_in_places_are_those_without(case, small):
    function = f"y = {case.expression}; sum(y * y + sqrt(y * y + 1))"
    known = compiled_for(function, case.point())
    kernel = bind_on_arrays(known, {}, None, nothing)
    outputs = [known.program.value, *known.gradient.values()]
    plain = array_function(known.program, outputs)(**array_data(known.program, {}, nothing))
    found = []

    with np.errstate(all="ignore"):
        for seed in POINTS:
            slots = kernel.pack(case.point(seed))
            before = [array.copy() for array in slots]
            value, slopes = kernel.evaluate(slots)
            found.append((value, slopes, [np.array(slope) for slope in slopes]))
            wanted = plain(*slots)
            assert_allclose(value, np.ravel(wanted[0])[0], **LAST_DIGITS)
            for slope, other in zip(slopes, wanted[1:], strict=True):
                assert_allclose(slope, other, **LAST_DIGITS)
            for array, kept in zip(slots, before, strict=True):
                assert_array_equal(array, kept)

    for _, slopes, copies in found:
        for slope, copy in zip(slopes, copies, strict=True):
            assert_array_equal(slope, copy)
            assert not any(np.may_share_memory(slope, place) for place in memory_of(kernel.function))


def test_most_operations_write_into_places(small):
    x = np.random.default_rng(0).normal(size=6)
    known = compiled_for("a = x*x + 1; b = exp(-a)/a; sum(b*sin(b))", {"x": x})

    written = known.emitted.on_arrays.source

    fresh = [line for line in written.body if "out=" not in line and "reduce" not in line]
    assert len(written.places) > 2
    assert len(fresh) <= 2


GAPS = {
    "sum(exp(x[1:] - x[:-1]**2) + (1 - x[:-1])**2)": 1,
    "sum(exp(x[::2])*x[::2])": 1,
    "sum(sin(x[2:4]*x[3:5]))": 1,  # the other is added to it
    "sum(sin(x[1:] + x[:-1]))": 0,  # its derivative is needed in two places
}


@pytest.mark.parametrize(("function", "count"), GAPS.items(), ids=list(GAPS))
def test_a_derivative_by_a_part_is_written_into_that_of_the_whole(function, count, small):
    x = np.linspace(-1.0, 1.0, 8)
    known = compiled_for(function, {"x": x})
    outputs = [known.program.value, *known.gradient.values()]
    (expected,) = array_function(known.program, outputs)(**array_data(known.program, {}, nothing))(x)[1:]

    kernel = bind_on_arrays(known, {}, None, nothing)

    assert sum("frame(" in line for line in kernel.template.source.body) == count
    for _ in range(2):
        assert_allclose(kernel.evaluate([x])[1][0], expected, **LAST_DIGITS)


def test_memory_belongs_to_one_bound_function():
    x = np.linspace(1.0, 2.0, 1_000)
    known = compiled_for("sum(sin(x)*exp(x)*cos(x))", {"x": x})
    one, other = (bind_on_arrays(known, {}, None, nothing) for _ in range(2))

    assert memory_of(one.function)
    assert not any(
        np.may_share_memory(a, b) for a in memory_of(one.function) for b in memory_of(other.function)
    )


def test_threads_compute_the_same_function_side_by_side():
    function, wrong = "sum(exp(sin(x)*cos(x)) + x*x)", []
    points = [np.full(20_000, 0.1 * k) for k in range(4)]
    wanted = [gradient(function, {"x": x})["value"] for x in points]

    def work(x, value):
        wrong.extend(1 for _ in range(30) if gradient(function, {"x": x})["value"] != value)

    threads = [threading.Thread(target=work, args=pair) for pair in zip(points, wanted, strict=True)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert not wrong


def test_records_of_a_descent_are_not_written_over():
    x = np.linspace(-1.0, 1.0, 2_000)

    path = descent("sum(cosh(x) + x)", {"x": x}, steps=6, history=7, history_variables=True, gradient=True)

    for record in path["history"]:
        again = gradient("sum(cosh(x) + x)", record["variables"])
        assert record["value"] == again["value"]
    assert_array_equal(path["gradient"]["x"], again["gradient"]["x"])


def test_blocks_of_a_field_write_into_the_same_places(small, monkeypatch):
    monkeypatch.setattr("service.core.calculus.points.FIELD_ELEMENTS", 1_000)
    function, x = "sum(sin(x)*exp(x)*cos(x))", np.linspace(-1.0, 1.0, 1_000).reshape(50, 20)
    block = block_for(compiled_for(function, {"x": x[0]}), 5)

    field = gradient_field(function, {"x": x})

    assert memory_of(block.maker(check=nothing))
    for row, number, slope in zip(x, field["values"], field["gradient"]["x"], strict=True):
        one = gradient(function, {"x": row})
        assert_allclose(number, one["value"], **LAST_DIGITS)
        assert_allclose(slope, one["gradient"]["x"], **LAST_DIGITS)


def test_products_with_second_derivatives_share_work_as_gradients_do():
    shapes = {"x": (1_000,)}
    known = compile_map("hessian product", "sum(sigmoid(x)**2)", shapes, {}, DEFAULT_LIMITS, NO_DEADLINE)

    names = [step.node.operation.name for step in known.plan.body]

    assert names.count("exp") == 1
    assert not any(name.startswith("sigmoid") for name in names)


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 6)), min_size=1, max_size=60))
def test_places_in_use_never_overlap(requests):
    arena, alive = Arena(), []
    for now, (size, lifetime) in enumerate(requests):
        for start, length, _ in [place for place in alive if place[2] <= now]:
            arena.give_back(start, length)
        alive = [place for place in alive if place[2] > now]
        start = arena.take(size)
        assert all(start + size <= other or other + length <= start for other, length, _ in alive)
        assert start + size <= arena.size
        alive.append((start, size, now + lifetime))
        assert arena.taken == sum(length for _, length, _ in alive)


@given(st.lists(st.tuples(st.integers(0, 20), st.integers(0, 20), st.integers(1, 40)), min_size=1))
def test_packed_places_never_overlap(requests):
    lives = {array: (min(life), max(life)) for array, (*life, _) in enumerate(requests)}
    sizes = {array: size for array, (_, _, size) in enumerate(requests)}

    memory, starts = packed(lives, sizes)

    for array, other in itertools.combinations(lives, 2):
        if lives[array][0] <= lives[other][1] and lives[other][0] <= lives[array][1]:
            low, high = sorted((array, other), key=starts.__getitem__)
            assert starts[low] + sizes[low] <= starts[high]
    assert memory == max(starts[array] + sizes[array] for array in lives)


def test_arrays_of_several_sizes_leave_no_gaps(monkeypatch):
    sizes = {"X": (2_000, 20), "A": (20, 64), "B": (64, 32), "C": (32, 40), "a": (64,), "b": (32,)}
    point = {name: np.ones(shape) for name, shape in sizes.items()}
    function = "h = tanh(X @ A + a); k = relu(h @ B + b); mean((k @ C)**2)"

    packed_by_size = compiled_for(function, point).plan.memory
    monkeypatch.setattr(buffers, "MOST_PACKED", 0)

    # two of 64 columns, two of 32 and one of 40 at once
    assert packed_by_size == 2_000 * (2 * 64 + 2 * 32 + 40)
    assert compiled_for(function, point).plan.memory > packed_by_size


def test_a_result_is_written_over_in_another_shape():
    X, w = np.ones((1_000, 20)), np.ones(20)

    plan = compiled_for("sum((X @ w - 1)**2)", {"X": X, "w": w}).plan

    assert plan.memory == 1_000  # the product is a column, the difference is not


def test_a_result_is_not_written_over_in_another_order():
    function, x = "sum(exp(arctan(x).T))", np.random.default_rng(0).normal(size=(40, 40))

    plan, found = compiled_for(function, {"x": x}, method="central").plan, gradient(function, {"x": x})

    assert plan.memory == 2 * x.size  # NumPy would need a copy of the arctangent
    assert_allclose(found["gradient"]["x"], np.exp(np.arctan(x)) / (1 + x**2), **LAST_DIGITS)


def test_memory_is_part_of_the_quote():
    x = np.zeros(100_000)
    known = compiled_for("sum(sin(x)*exp(x)*cos(x))", {"x": x})

    assert known.plan.memory >= x.size
    assert known.plan.peak_bytes >= 8 * (x.size + known.plan.memory)
    assert known.plan.peak_bytes <= Limits().peak_bytes


@pytest.mark.parametrize("size", [600, 1_000, 20_000, 100_001])
def test_every_place_begins_with_a_line_of_the_cache(size):
    known = compiled_for("sum(sqrt(exp(x) + 1))", {"x": np.zeros(size)})

    bound = [bind_on_arrays(known, {}, None, nothing).function for _ in range(3)]

    places = [place for function in bound for place in memory_of(function) if place.ndim]
    assert len(places) == 3
    assert {place.ctypes.data % 64 for place in places} == {0}


@pytest.mark.parametrize("compute", [gradient, value, hvp, gradient_field, descent, sweep])
def test_numpy_has_small_buffers_of_its_own_while_a_function_runs(compute):
    x, before, seen = np.zeros((2, 100_000)), np.getbufsize(), []
    options = {
        hvp: {"vectors": {"x": x}},
        descent: {"steps": 2},
        sweep: {"steps": 2, "learning_rates": [0.1, 0.2]},
    }

    def clock():
        seen.append(np.getbufsize())
        return 0.0

    compute("sum(exp(x)*sin(x)*exp(-x))", {"x": x}, deadline=Deadline(1.0, clock), **options.get(compute, {}))

    assert buffers.BUFFERED in seen
    assert np.getbufsize() == before


LENT = {
    "sum(clip(x, -0.05, 0.05)*sin(x) + abs(x))": 3,
    "sum(maximum(x, 0.1*x)**2 + minimum(exp(x), 1 + x))": 5,
}
"""Arrays of places, by function; without memory lent by the derivative each takes one more."""


@pytest.mark.parametrize("function", LENT)
def test_memory_of_the_derivative_does_for_a_place_before(function, monkeypatch):
    x = np.linspace(-1.0, 1.0, 1_000)
    lent = compiled_for(function, {"x": x}).plan
    (slope,) = gradient(function, {"x": x})["gradient"].values()
    monkeypatch.setattr(buffers, "_lend", lambda steps: Counter())

    plain = compiled_for(function, {"x": x})

    assert lent.memory == LENT[function] * x.size
    assert plain.plan.memory == lent.memory + x.size
    assert lent.peak_bytes < plain.plan.peak_bytes
    assert_array_equal(slope, bind_on_arrays(plain, {}, None, nothing).evaluate([x])[1][0])


def test_what_leads_to_constants_is_not_held():
    x, k = np.ones((1_000, 1)), np.ones(20)
    shapes = {"w": (20,)}, {"x": x.shape, "k": k.shape}
    known = compiled("sum(exp(sin(x*k)**2)*w)", *shapes)

    # the products with w and their constant factor, and once a place for the rest of the constants
    assert known.plan.peak_bytes < 8 * 1_000 * 20 * 2.5


CHOICES = (((600,), (600,), ()), ((30, 20), (20,), (30, 1)), ((30, 20), (), (30, 20)), ((20,), (30, 20), ()))


@pytest.mark.parametrize("shapes", CHOICES, ids=str)
def test_choices_written_into_a_place_are_those_of_numpy(shapes):
    rng = np.random.default_rng(0)
    condition, a, b = rng.normal(size=shapes[0]) > 0.0, *(rng.normal(size=shape) for shape in shapes[1:])
    expected = np.where(condition, a, b)

    assert_array_equal(chosen(condition, a, b, np.full(expected.shape, np.nan)), expected)


@pytest.mark.parametrize("size", [2, 600])
@pytest.mark.parametrize(("a", "b"), [("2", "0"), ("0", "3"), ("1", "-0.0"), ("-1", "0"), ("5", "4")])
def test_choices_of_numbers_keep_their_signs(a, b, size):
    x = np.tile([-1.0, 1.0], size // 2)

    found = value(f"where(x > 0, {a}, {b})", {"x": x})["value"]

    expected = np.where(x > 0.0, float(a), float(b))
    assert_array_equal(found, expected)
    assert_array_equal(np.signbit(found), np.signbit(expected))


def test_a_choice_of_repeated_numbers_has_the_shape_of_all():
    x = np.tile([[-1.0], [1.0]], (300, 1))

    assert value("sum(where(x > 0, ones((1, 3)), 0))", {"x": x})["value"] == 900
