"""What an evaluation really holds, traced, beside what the quote planned for it: of every operation."""

import tracemalloc

import numpy as np
import pytest

from service.core import gradient, value
from service.core.calculus.gradient import quote
from service.core.calculus.value import quote_value
from tests.core.operation_cases import CASES

ELEMENTS = 100_000
OBJECTS = 100_000
"""Bytes for the objects of a call, and for NumPy's own buffers."""

SMALL = {"diag", "expand_dims", "eye", "ones", "zeros", "arange", "linspace", "one_hot"}
"""Operations whose cases are not about arrays of any length."""

OF_ROWS = {
    case.operation: case
    for case in reversed(CASES)
    if {*case.shapes.values()} == {(3,)} and case.operation not in SMALL
}
"""By operation, its first case of which all variables have three elements, for which others may stand."""


def held_by(function, *arguments):
    function(*arguments)
    tracemalloc.start()
    function(*arguments)
    _, held = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held


@pytest.mark.parametrize(("evaluate", "price"), [(gradient, quote), (value, quote_value)])
@pytest.mark.parametrize("case", OF_ROWS.values(), ids=OF_ROWS)
def test_an_operation_holds_no_more_than_its_quote(case, evaluate, price):
    random = np.random.default_rng(0)
    variables = {name: random.uniform(case.low, case.high, ELEMENTS) for name in case.shapes}
    function, there = f"sum({case.expression})", 8 * ELEMENTS * len(variables)

    planned = price(function, variables)["peak_bytes"] - there

    assert held_by(evaluate, function, variables) <= planned + OBJECTS


def test_what_a_program_needs_no_more_it_does_not_hold():
    x = np.random.default_rng(0).uniform(0.1, 0.9, ELEMENTS)
    waves = " + ".join(f"sum(sin({k}*x)*cos(x + {k}))" for k in range(1, 9))

    assert held_by(value, waves, {"x": x}) <= 4 * x.nbytes
    assert held_by(value, "sum(x)", {"x": x}) <= OBJECTS
