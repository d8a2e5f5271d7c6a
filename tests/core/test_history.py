"""Which steps a history shows: even ones, whatever was recorded."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core import descent
from service.core.descent.history import grid, thinned


@given(steps=st.integers(0, 100_000), count=st.integers(0, 1_000))
def test_a_grid_is_even_and_whole(steps, count):
    chosen = grid(steps, count)

    assert len(chosen) == min(count, steps + 1)
    assert chosen[-1:] == [steps] * bool(count)
    assert count < 2 or chosen[0] == 0
    assert len(set(np.diff(chosen))) < 2 or np.ptp(np.diff(chosen)) == 1


@given(known=st.sets(st.integers(1, 300), max_size=40), last=st.integers(1, 301))
def test_what_is_left_of_uneven_records_is_even(known, last):
    there = sorted({0, last} | {step for step in known if step < last})

    chosen = thinned(there, last)

    assert set(chosen) <= set(there)
    assert (chosen[0], chosen[-1]) == (0, last)
    assert np.ptp(np.diff(chosen)) <= 1


def test_as_much_is_left_as_can_be():
    assert thinned([0, 3, 6, 9, 12], 12) == [0, 3, 6, 9, 12]
    assert thinned([0, 2, 4, 6, 7], 7) == [0, 2, 4, 6, 7]
    assert thinned([0, 2, 4, 6, 8, 9], 9) == [0, 2, 4, 6, 8, 9]
    assert thinned([0, 10, 20, 23], 23) == [0, 23]
    assert thinned([0], 0) == [0]


@pytest.mark.parametrize("optimizer", ["gradient_descent", "adam"])
@pytest.mark.parametrize("size", [2, 3_000], ids=["floats", "arrays"])
def test_every_array_of_an_answer_is_the_callers_own(size, optimizer):
    start = {"x": np.ones(size), "y": np.full(size, 2.0)}

    path = descent("sum((x + y)**2)", start, steps=5, history=3, optimizer=optimizer)

    records = [start, path["variables"], path["best"]["variables"]]
    records += [record["variables"] for record in path["history"]]
    arrays = [array for record in records for array in record.values()]
    assert len(arrays) == 12
    assert not any(np.shares_memory(*pair) for pair in itertools.combinations(arrays, 2))
    assert all((array == value).all() for array, value in zip(start.values(), (1.0, 2.0), strict=True))
