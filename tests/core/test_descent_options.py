"""One table of options: every row is checked at its place, used by somebody, and listed for clients."""

import math

import pytest

from service.core import descent
from service.core.descent import OPTIMIZERS, OPTIONS, SCHEDULES, describe_options
from service.core.exceptions import InvalidRequest
from service.core.limits import DEFAULT_LIMITS

SQUARE, START = "x[0]**2 + x[1]**2", {"x": [-3.0, 4.0]}
NUMBERS = [row for row in OPTIONS.values() if row.kind in ("number", "integer")]


def outside(row):
    """Return values just outside an option's range."""
    high = row.highest(DEFAULT_LIMITS)
    low = [] if row.low is None else [row.low if row.is_open else row.low - 1]
    beyond = [] if high is None else [high if row.is_below else high + 1]
    return [*low, *beyond, math.nan, math.inf]


@pytest.mark.parametrize(
    ("name", "value"), [(row.name, value) for row in NUMBERS for value in outside(row)], ids=str
)
def test_a_number_outside_its_range_is_refused_at_its_place(name, value):
    with pytest.raises(InvalidRequest) as refused:
        descent(SQUARE, START, **{name: value})

    assert refused.value.faults[0].pointer == f"/{name}"


@pytest.mark.parametrize("row", NUMBERS, ids=lambda row: row.name)
def test_a_closed_end_of_a_range_is_inside_it(row):
    if row.low is not None and not row.is_open:
        assert descent(SQUARE, START, **{"steps": 1, row.name: row.low})["steps"] == 1


@pytest.mark.parametrize("row", [*OPTIMIZERS.values(), *SCHEDULES.values()], ids=lambda row: row.name)
def test_optimizers_and_schedules_use_options_that_there_are(row):
    assert set(row.options) <= OPTIONS.keys()
    assert all(row.name in OPTIONS[name].used_by for name in row.options)


@pytest.mark.parametrize("row", OPTIMIZERS.values(), ids=lambda row: row.name)
def test_a_default_of_an_optimizers_own_is_of_an_option_that_it_uses(row):
    assert row.defaults.keys() <= set(row.options)


def test_an_option_that_there_is_not_is_a_programmers_error():
    with pytest.raises(TypeError, match="no option 'rate'"):
        descent(SQUARE, START, rate=0.1)


def test_the_tables_for_clients_hold_every_row_and_every_default():
    tables = describe_options()

    assert [row["name"] for row in tables["optimizers"]] == list(OPTIMIZERS)
    assert [row["name"] for row in tables["schedules"]] == list(SCHEDULES)
    assert [row["name"] for row in tables["options"]] == list(OPTIONS)
    defaults = {row["name"]: row["defaults"] for row in tables["optimizers"]}
    assert defaults["adagrad"] == {"epsilon": 1e-10, "weight_decay": 0.0}
    assert defaults["adamw"]["weight_decay"] == 0.01
    assert defaults["adam"] == {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.0}
