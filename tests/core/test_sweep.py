"""A sweep judges each learning rate by its run alone."""

import pytest

from service.core.descent import sweep


@pytest.mark.parametrize("history", [0, 1, 2, 7, 50, 101, 1000])
def test_a_verdict_does_not_depend_on_how_much_is_recorded(history):
    rates = [0.01, 0.1, 0.9, 1.0, 1.01]

    runs = sweep("x[0]**2 + x[1]**2", {"x": [-3, 4]}, learning_rates=rates, steps=100, history=history)[
        "runs"
    ]

    assert [run["verdict"] for run in runs] == ["improving"] * 3 + ["oscillating"] * 2


@pytest.mark.parametrize(("rises", "verdict"), [(24, "improving"), (25, "oscillating")])
def test_a_quarter_of_the_steps_without_a_fall_is_oscillating(rises, verdict):
    start = 100 - rises + 0.5  # down by one a step, then to and fro between 0.5 and −0.5

    run = sweep("abs(x)", {"x": start}, learning_rates=[1.0], steps=100)["runs"][0]

    assert run["verdict"] == verdict
