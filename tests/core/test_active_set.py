"""The generalized Cauchy point, against the quadratic model written out as a dense matrix."""

import math

import numpy as np
import pytest

from service.core.descent.active_set import Box, Model

SIZE = 6


def drawn(seed):
    """Draw pairs of a convex quadratic, a point within bounds, and a gradient."""
    random = np.random.default_rng(seed)
    half = random.normal(size=(SIZE, SIZE))
    steps = random.normal(size=(3, SIZE))
    changes = steps @ (half @ half.T + np.eye(SIZE))
    pairs = tuple(
        (step, change, 1.0 / float(step @ change)) for step, change in zip(steps, changes, strict=True)
    )
    x = random.normal(size=SIZE)
    box = Box(x - random.exponential(0.3, SIZE), x + random.exponential(0.3, SIZE))
    return Model(pairs, SIZE), box, x, random.normal(size=SIZE)


def first_minimum(hessian, box, x, g):
    """Go along the projected path from bend to bend, to the first minimum of the model."""
    with np.errstate(divide="ignore"):
        bends = np.where(g < 0, (x - box.high) / g, (x - box.low) / g)
    at = 0.0
    for end in [*np.unique(bends), math.inf]:
        way = np.where(bends > at, -g, 0.0)
        begun = np.clip(x - at * g, box.low, box.high) - x
        slope, curvature = (g + hessian @ begun) @ way, way @ hessian @ way
        if not way.any() or slope >= 0:
            return begun + x, at
        best = at - slope / curvature
        if best < end:
            return np.clip(x - best * g, box.low, box.high), best
        at = end
    raise AssertionError


@pytest.mark.parametrize("seed", range(40))
def test_the_cauchy_point_is_the_first_minimum_on_the_projected_path(seed):
    model, box, x, g = drawn(seed)
    hessian = model.theta * np.eye(SIZE) - model.W @ model.M @ model.W.T
    expected, _ = first_minimum(hessian, box, x, g)

    found = box.cauchy_point(model, x, g)

    np.testing.assert_allclose(found.point, expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(found.c, model.W.T @ (expected - x), rtol=1e-7, atol=1e-9)


def test_several_bounds_are_met_on_the_way_to_some_of_them():
    """The sums that are carried from bend to bend matter only then."""
    held = []
    for seed in range(40):
        model, box, x, g = drawn(seed)
        point = box.cauchy_point(model, x, g).point
        held.append(int(((point == box.low) | (point == box.high)).sum()))

    assert sum(each >= 2 for each in held) >= 10
