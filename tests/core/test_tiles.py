"""Regions that run tile by tile: the same numbers as whole, in less memory, with a look at the clock."""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose

from service.core import gradient
from service.core.calculus import buffers, schedule, tiles
from service.core.calculus.inputs import array_data
from service.core.calculus.kernel import bind_on_arrays
from service.core.calculus.maps import compile_map
from service.core.calculus.source import CHECKED_OPERATIONS
from service.core.calculus.tiles import Region
from service.core.limits import DEFAULT_LIMITS, NO_DEADLINE
from tests.core.compiled import compiled_for
from tests.core.operation_cases import CASES

CHAIN = "a = 0.5*x + 1; b = a*a + x; c = b/(1 + b*b); d = c - 0.1*x; sum(sqrt(d*d + 1))"
LAST_DIGITS = {"rtol": 1e-13, "atol": 1e-13}
"""Sums over tiles add in another order."""
OBJECTS = 50_000
"""Bytes of Python's own objects while a function runs."""


@pytest.fixture
def small(monkeypatch):
    """Cut and place small arrays too."""
    monkeypatch.setattr(buffers, "SMALLEST", 2)
    monkeypatch.setattr(schedule, "REUSED_SIZE", 2)
    monkeypatch.setattr(tiles, "LARGE", 2)
    monkeypatch.setattr(tiles, "TILE", 3)


def nothing():
    """Stand for the clock."""


def evaluated(function, point, times=2):
    """Evaluate on arrays, at other points first."""
    kernel = bind_on_arrays(compiled_for(function, point), {}, None, nothing)
    with np.errstate(all="ignore"):
        for scale in range(times, 0, -1):
            slots = kernel.pack({name: np.asarray(array) * scale for name, array in point.items()})
            value, slopes = kernel.function(*slots)
    return [value, *slopes]


def regions_of(known):
    """Return the regions of a body, in order."""
    found = {id(step.region): step.region for step in known.plan.body if step.region is not None}
    return list(found.values())


@pytest.mark.parametrize("case", CASES, ids=str)
def test_results_by_tiles_are_those_of_the_whole(case, small, monkeypatch):
    function, point = f"y = {case.expression}; sum(y * y + sqrt(y * y + 1))", case.point()
    found = evaluated(function, point)
    monkeypatch.setattr(tiles, "LARGE", 10**9)

    expected = evaluated(function, point)

    for mine, theirs in zip(found, expected, strict=True):
        assert_allclose(mine, theirs, **LAST_DIGITS)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_products_by_tiles_are_those_of_the_whole(case, small, monkeypatch):
    function, point = f"y = {case.expression}; sum(y * y + sqrt(y * y + 1))", case.point()
    shapes = {name: np.shape(array) for name, array in point.items()}
    random = np.random.default_rng(5)
    vectors = {f"tangent/{name}": random.normal(size=shape) for name, shape in shapes.items()}
    results = []
    for large in (2, 10**9):
        monkeypatch.setattr(tiles, "LARGE", large)
        text = f"{function}{' ' * (large > 2)}"  # which is another function for the cache
        known = compile_map("hessian product", text, shapes, {}, DEFAULT_LIMITS, NO_DEADLINE)
        results.append(known.evaluate({**point, **vectors}, {}, nothing))

    for mine, theirs in zip(*results, strict=True):
        assert_allclose(mine, theirs, **LAST_DIGITS)


def test_what_waits_for_a_region_runs_after_it(small):
    x = np.linspace(-1.0, 1.0, 10)
    point = {"x": x}
    function = "u = x*x; v = exp(u); m = max(v); w = sin(x)*v; sum(w/m + u) + min(w - u)"

    known = compiled_for(function, point)
    value, slope = evaluated(function, point, times=1)

    assert len(regions_of(known)) >= 2
    u, v, w = x * x, np.exp(x * x), np.sin(x) * np.exp(x * x)
    assert value == pytest.approx(np.sum(w / v.max() + u) + np.min(w - u), rel=1e-13)
    assert_allclose(slope, gradient(function, point, verify=True)["gradient"]["x"], **LAST_DIGITS)


def test_what_a_region_reads_stands_until_its_last_tile(small, monkeypatch):
    random = np.random.default_rng(2)
    point = {"A": random.normal(size=(12, 3)), "B": random.normal(size=(3, 4))}
    function = "h = A @ B; a = exp(h/9); b = cos(a); c = sin(b)*a; sum(sqrt(c*b + 2)*c)"
    product = next(step for step in compiled_for(function, point).plan.body if step.region is None)
    found = evaluated(function, point)
    monkeypatch.setattr(tiles, "LARGE", 10**9)

    expected = evaluated(function, point)

    assert product.start is not None
    for mine, theirs in zip(found, expected, strict=True):
        assert_allclose(mine, theirs, **LAST_DIGITS)


@pytest.mark.parametrize("shape", [(10,), (1, 10), (5, 2), (2, 5), (3, 1), (1, 1, 7)])
def test_tiles_cover_the_whole_once(shape, small):
    region = Region(shape, (0, 1), (1,), frozenset([0]))
    covered, place = np.zeros(shape), np.zeros(region.tile_shape)

    for tile, own in region.tiles():
        covered[tile] += 1.0
        assert place[own].shape == covered[tile].shape

    assert (covered == 1.0).all()


def test_equal_requests_give_equal_bytes_by_tiles(small):
    point = {"x": np.random.default_rng(0).normal(size=1_000)}

    first, again = evaluated(CHAIN, point, times=1), evaluated(CHAIN, point, times=3)

    assert first[0] == again[0]
    assert first[1].tobytes() == again[1].tobytes()


def test_large_arrays_need_less_memory_and_no_more_than_quoted(monkeypatch):
    point = {"x": np.linspace(-1.0, 1.0, 2 * tiles.LARGE)}
    known = compiled_for(CHAIN, point)
    kernel = bind_on_arrays(known, {}, None, nothing)

    tracemalloc.start()
    kernel.function(*kernel.pack(point))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    monkeypatch.setattr(tiles, "LARGE", 10**9)

    assert peak + point["x"].nbytes <= known.plan.peak_bytes + OBJECTS
    assert known.plan.peak_bytes < compiled_for(CHAIN, point).plan.peak_bytes / 2


def test_an_array_that_only_a_region_reads_is_written_over():
    A, B = np.ones((1_000, 20)), np.ones((20, 600))

    plan = compiled_for("sum(tanh(A @ B))", {"A": A, "B": B}).plan

    # the product, over which its derivative is written, beside a few tiles, inputs and derivatives
    assert plan.memory + 2 * (A.size + B.size) < 1.5 * 600_000
    assert plan.peak_bytes < 1.5 * 8 * 600_000


@pytest.mark.parametrize("repeats", [1, 200])
def test_the_clock_is_looked_at_between_tiles_and_within_long_ones(repeats):
    x = np.linspace(-1.0, 1.0, tiles.LARGE)
    looks = []

    known = compiled_for(f"y = x; for k in range({repeats}): y = y*y + x\nsum(y)", {"x": x})
    with np.errstate(all="ignore"):
        known.emitted.on_arrays.maker(**array_data(known.program, {}, lambda: looks.append(1)))(x)

    assert len(looks) >= max(x.size // tiles.TILE, known.plan.operations // (2 * CHECKED_OPERATIONS))


def test_products_with_the_hessian_are_quoted_for_tiles(monkeypatch):
    shapes, quoted = {"x": (2 * tiles.LARGE,)}, []
    for large in (tiles.LARGE, 10**9):
        monkeypatch.setattr(tiles, "LARGE", large)
        text = f"{CHAIN}{' ' * len(quoted)}"  # which is another function for the cache
        known = compile_map("hessian product", text, shapes, {}, DEFAULT_LIMITS, NO_DEADLINE)
        quoted.append(known.plan.peak_bytes)

    assert quoted[0] < quoted[1] / 2
