"""Nonlinear regressions of NIST's Statistical Reference Datasets: both minimizers find the certified minima.

Data, models, both starts and certified sums of squares: www.itl.nist.gov/div898/strd, in the public domain.
"""

import json
from pathlib import Path

import numpy as np
import pytest

from service.core import descent

REGRESSIONS = json.loads(Path(__file__).with_suffix(".json").with_stem("nist_regressions").read_text())
ELSEWHERE = [
    ("lbfgs", "BoxBOD", 1),
    ("lbfgs", "Hahn1", 0),
    ("lbfgs", "Nelson", 0),
    ("lbfgs", "Rat43", 0),
    ("newton", "MGH17", 0),
]
"""Starts from which a descent goes into another valley; SciPy's L-BFGS-B does so from all of them."""
CASES = [
    (optimizer, name, start)
    for name in REGRESSIONS
    for start in (0, 1)
    for optimizer in ("lbfgs", "newton")
    if (optimizer, name, start) not in ELSEWHERE
]


def descend(name, start, **options):
    posed = REGRESSIONS[name]
    return descent(posed["function"], {"b": start}, posed["constants"], **options)


@pytest.mark.parametrize(("optimizer", "name", "start"), CASES)
def test_the_certified_minimum_is_reached(optimizer, name, start):
    posed = REGRESSIONS[name]

    path = descend(name, posed["starts"][start], optimizer=optimizer, steps=3_000)

    assert path["value"] == pytest.approx(posed["minimum"], rel=1e-6)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("name", ["BoxBOD", "Chwirut2", "Misra1d", "Roszman1"])
def test_a_run_ends_when_only_rounding_is_left(name, seed):
    """No tolerance is met; the means of few squares are noisy enough for steps to lead round and round."""
    posed = REGRESSIONS[name]
    random = np.random.default_rng(seed)
    start = np.array(posed["starts"][1]) * random.uniform(0.9, 1.1, len(posed["starts"][1]))
    mean = posed["function"].replace("sum", "mean", 1)

    path = descent(mean, {"b": start}, posed["constants"], optimizer="lbfgs", steps=3_000, tolerance=1e-300)

    assert path["status"] in {"converged", "stalled"}
    assert path["evaluations"] < 1_500
