"""The order of operations: less memory than as the graph has them, and the same numbers."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from service.core.calculus import buffers, order, schedule
from service.core.calculus.kernel import bind_on_arrays
from tests.core.compiled import compiled, compiled_for
from tests.core.operation_cases import CASES

PLACES = {
    # the first sum's derivative, one array, is ready before the second sum begins
    "sum(exp(exp(x))) + sum(sinh(sqrt(x)))": 2,
    "sum(sinh(log1p(x)) * erf(erf(y)))": 2,
    # arcsinh(x), which is held to the end, waits for what needs more
    "a = arcsinh(x); b = exp(x)*square(exp(x)); sum(a) + sum(b*b)": 2,
}
"""Arrays of places, by function; in the graph's order each takes one more. None has a sine, which is computed
in one way or the other as the processor is."""


def as_the_graph_has_them(graph, ordered, outputs):
    """Stand for `arrange`."""
    return [*ordered]


@pytest.mark.parametrize("function", PLACES)
def test_operations_wait_for_memory_and_free_it_soon(function, monkeypatch):
    point = {name: np.ones(1_000) for name in ("x", "y") if f"({name})" in function}

    arranged = compiled_for(function, point).plan
    monkeypatch.setattr(schedule, "arrange", as_the_graph_has_them)
    plain = compiled_for(function, point).plan

    assert arranged.memory == 1_000 * PLACES[function]
    assert plain.memory == arranged.memory + 1_000
    assert plain.peak_bytes > arranged.peak_bytes


def test_the_graphs_order_stays_where_it_needs_less(monkeypatch):
    function, point = "sum(arctan(exp(x))) + sum(arcsinh(sqrt(x)))", {"x": np.ones(1_000)}

    known = compiled_for(function, point).plan
    monkeypatch.setattr(schedule, "arrange", as_the_graph_has_them)

    assert known == compiled_for(function, point).plan
    assert known.memory == 2_000


@pytest.mark.parametrize("names", ["AB", "BA"])
def test_derivatives_are_computed_from_the_last_layer_to_the_first(names):
    shapes = {"A": (20, 64), "B": (64, 3)}
    function = "h = tanh(X @ A); mean(cross_entropy(softmax(h @ B), t))"
    data = {"X": (1_000, 20), "t": (1_000, 3)}

    variables = {name: shapes[name] for name in names}
    plan = compiled(function, variables, data).plan

    # two of the hidden layer's size, since it is free before the derivative of tanh is computed
    assert 1_000 * 2 * 64 <= plan.memory < 1_000 * 3 * 64


@pytest.mark.parametrize("case", CASES, ids=str)
def test_the_order_changes_no_digit(case, monkeypatch):
    for module, name in ((buffers, "SMALLEST"), (order, "SMALLEST"), (schedule, "REUSED_SIZE")):
        monkeypatch.setattr(module, name, 2)
    function, point = f"y = {case.expression}; sum(y * y + sqrt(y * y + 1))", case.point()

    def numbers():
        kernel = bind_on_arrays(compiled_for(function, point), {}, None, lambda: None)
        with np.errstate(all="ignore"):
            value, slopes = kernel.evaluate(kernel.pack(point))
        return [value, *slopes]

    arranged = numbers()
    monkeypatch.setattr(schedule, "arrange", as_the_graph_has_them)

    for one, other in zip(arranged, numbers(), strict=True):
        assert_array_equal(one, other)


def test_places_in_the_text_are_those_of_the_first_of_equal_operations():
    plan = compiled_for(
        "a = exp(x); b = exp(y); sum(a*a) + sum(sin(b))", {"x": np.ones(900), "y": np.ones(900)}
    ).plan

    assert plan.widest.column == 5
