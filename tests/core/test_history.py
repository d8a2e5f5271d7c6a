"""Which steps a history shows: even ones, whatever was recorded."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

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
