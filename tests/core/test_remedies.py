"""What the message of an end advises: `lbfgs` where it is a remedy, and nowhere else."""

import numpy as np
import pytest

from service.core import descent

VALLEY = "100*(x[1] - x[0]**2)**2 + (1 - x[0])**2"
ENDS = {
    "max_steps": (VALLEY, {"x": [-1.2, 1.0]}, {"learning_rate": 1e-4}),
    "diverged": (VALLEY, {"x": [-1.2, 1.0]}, {"learning_rate": 1.0}),
    "stalled": ("1e-30*x[0]**2 + x[0]", {"x": [1e20]}, {}),
}


@pytest.mark.parametrize(("status", "end"), ENDS.items(), ids=ENDS)
def test_a_rule_that_does_not_arrive_is_told_of_lbfgs(status, end):
    function, start, options = end
    path = descent(function, start, **options)

    assert path["status"] == status
    assert "optimizer lbfgs" in path["message"]


@pytest.mark.parametrize("status", ["max_steps", "diverged"])
@pytest.mark.parametrize(
    "more",
    [{"project": {"x": {"onto": "l2_ball", "radius": 1e200}}}, {"batch": {"size": 1, "of": ["c"]}}],
    ids=["projected", "by batches"],
)
def test_what_lbfgs_cannot_do_is_not_advised(status, more):
    function, start, options = ENDS[status]
    path = descent(f"{function} + 0*mean(c)", start, {"c": [1.0, 2.0]}, **options, **more)

    assert path["status"] == status
    assert "lbfgs" not in path["message"]


def test_who_has_arrived_is_advised_nothing():
    path = descent("x**2", {"x": 1.0}, steps=2_000, learning_rate=0.1, optimizer="momentum")

    assert path["status"] in ("max_steps", "stalled")
    assert "lbfgs" not in path["message"]


@pytest.mark.parametrize("optimizer", ["lbfgs", "newton"])
def test_a_rate_constant_arrives_by_its_logarithm(optimizer):
    data = {"R": 8.314, "T": [300.0, 310.0, 320.0, 330.0, 340.0], "k": [1e-3, 2.8e-3, 7.1e-3, 1.7e-2, 4e-2]}
    slope, intercept = np.polyfit(1 / (8.314 * np.array(data["T"])), np.log(data["k"]), 1)
    residual = "sum((log(k) - %s + E/(R*T))**2)"

    itself = descent(residual % "log(A)", {"A": 1e10, "E": 5e4}, data, optimizer=optimizer, steps=1_000)
    path = descent(residual % "a", {"a": 20.0, "E": 5e4}, data, optimizer=optimizer, steps=1_000)

    assert itself["status"] == path["status"] == "converged"
    assert itself["value"] > 10 * path["value"]
    assert path["variables"]["a"] == pytest.approx(intercept, rel=1e-6)
    assert path["variables"]["E"] == pytest.approx(-slope, rel=1e-6)
