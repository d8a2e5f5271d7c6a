"""Value and gradient of a compiled function at many points, by the cheaper of two ways.

Over points, where every float of the program on floats becomes an array; or as one batched program on arrays,
in blocks that fit the memory.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from service.core.arrays import Array, Shape, spans_of
from service.core.calculus.blocks import Block, blocks_of, make_block
from service.core.calculus.budget import Price, price_of
from service.core.calculus.buffers import limit_buffers
from service.core.calculus.compiler import Compiled
from service.core.calculus.costs import MICROSECONDS_TO_COMPILE, microseconds_on_arrays
from service.core.calculus.differences import differences
from service.core.calculus.inputs import array_data, float_data
from service.core.calculus.schedule import ELEMENT_BYTES
from service.core.calculus.template import Derivatives
from service.core.limits import Check, Limits, timed_by

FIELD_ELEMENTS = 32_000
"""Most numbers in the intermediate results of a block, some of which exist at a time: larger blocks save
little time and take much memory."""


@dataclass(frozen=True)
class Points:
    """Where to evaluate: by variable an array whose first axis counts the points, and the data.

    Attributes
    ----------
    variables, constants : mapping of str to ndarray
        The points, and what is the same for all.
    h : float or None
        The step of the numerical methods.
    """

    variables: Mapping[str, Array]
    constants: Mapping[str, Array]
    h: float | None = None

    @property
    def count(self) -> int:
        """Number of points."""
        return len(next(iter(self.variables.values())))


@dataclass(frozen=True)
class Way:
    """One way to evaluate at many points, with what it would take: processor time, and memory at a time."""

    microseconds: float
    peak_bytes: float
    run: Callable[[Compiled, Points, Limits, Check], tuple[Array, Derivatives]]


@np.errstate(all="ignore")
def evaluate_points(
    compiled: Compiled, points: Points, limits: Limits, check: Check
) -> tuple[Array, Derivatives]:
    """Compute value and gradient at every point; infinities and NaN are results here.

    Parameters
    ----------
    compiled : Compiled
        The function for one point.
    points : Points
        Where.
    limits : Limits
        Bounds the memory of a block.
    check : callable
        Called between blocks and costly operations; raises when the time is up.

    Returns
    -------
    values : ndarray
        Of shape (points,).
    gradient : dict of str to ndarray
        In the shapes of the points; of `RICHARDSON` with an axis for derivative and estimated error behind
        the first.
    """
    limit_buffers()
    return _way(compiled, points.count, limits).run(compiled, points, limits, check)


def price_of_points(compiled: Compiled, count: int, limits: Limits) -> Price:
    """Return the price of value and gradient at so many points.

    Parameters
    ----------
    compiled, count, limits
        As `evaluate_points` takes them, by their number.
    """
    return price_of(compiled, math.ceil(_way(compiled, count, limits).peak_bytes), count)


def _way(compiled: Compiled, count: int, limits: Limits) -> Way:
    return min(_ways(compiled, count, limits), key=lambda way: way.microseconds)


def _ways(compiled: Compiled, count: int, limits: Limits) -> list[Way]:
    emitted, plan = compiled.emitted, compiled.plan
    size, kinds = compiled.size, math.prod(compiled.method.kinds)
    results = ELEMENT_BYTES * count * (size + kinds * size + 1)  # the points themselves included
    calls = len(plan.body) * compiled.evaluations
    blocks = blocks_of(plan, count, limits, FIELD_ELEMENTS)
    took = microseconds_on_arrays(calls * len(blocks), compiled.operations * count)
    a_row = compiled.peak_bytes + ELEMENT_BYTES * (compiled.method.arrays + size)  # a filled block is a copy
    held = results + blocks[0].size * a_row
    ways = [Way(took + MICROSECONDS_TO_COMPILE * len(plan.body), held, _batched)]
    if emitted.lowered is not None:
        nodes = len(emitted.lowered.graph.nodes)
        at_once = _columns_at_once(nodes, limits)
        calls = nodes * math.ceil(count / at_once)
        took = microseconds_on_arrays(calls, nodes * count) + MICROSECONDS_TO_COMPILE * nodes
        held = 2 * results + ELEMENT_BYTES * nodes * min(at_once, count)
        ways.append(Way(took, held, _over_points))
    return ways


POINT_ELEMENTS = 1_000_000
"""Numbers that a block of points may hold in all its intermediate results."""


def _columns_at_once(nodes: int, limits: Limits) -> int:
    most = min(POINT_ELEMENTS, limits.peak_bytes // (2 * ELEMENT_BYTES))
    return max(1, most // max(nodes, 1))


def _over_points(
    compiled: Compiled, points: Points, limits: Limits, check: Check
) -> tuple[Array, Derivatives]:
    emitted, count = compiled.emitted, points.count
    data = float_data(emitted.floats, compiled.program, points.constants, points.h)
    run = emitted.over_points(**data, check=check)
    block = _columns_at_once(len(emitted.floats.graph.nodes), limits)
    columns = [
        np.ascontiguousarray(column)
        for name, shape in compiled.shapes.items()
        for column in points.variables[name].reshape(count, math.prod(shape)).T
    ]
    results = np.empty((len(emitted.points_source.outputs), count))
    for start in range(0, count, block):
        check()
        part = slice(start, start + block)
        for row, result in zip(results, run(*(column[part] for column in columns)), strict=True):
            row[part] = result
    return results[0].copy(), _by_name(compiled.shapes, results[1:], count)


def _by_name(shapes: Mapping[str, Shape], rows: Array, count: int) -> Derivatives:
    """Lay the derivatives of elements out as those of variables."""
    return {
        name: np.ascontiguousarray(rows[span].T).reshape(count, *shape)
        for (name, shape), span in zip(shapes.items(), spans_of(shapes.values()), strict=True)
    }


def _batched(compiled: Compiled, points: Points, limits: Limits, check: Check) -> tuple[Array, Derivatives]:
    parts = blocks_of(compiled.plan, points.count, limits, FIELD_ELEMENTS)
    with timed_by(check):
        block = block_for(compiled, parts[0].size)
        evaluate = block.maker(**array_data(block.program, points.constants, check))
    arrays = [points.variables[name] for name in compiled.shapes]
    values = np.empty(points.count)
    kinds = compiled.method.kinds
    derivatives = {name: np.empty((points.count, *kinds, *shape)) for name, shape in compiled.shapes.items()}
    for part in parts:
        check()
        rows = [part.of(array) for array in arrays]
        value, found = _evaluate_block(compiled, evaluate, rows, points.h, part.size, check)
        values[part.slice] = value[: part.used]
        for name, derivative in zip(derivatives, found, strict=True):
            derivatives[name][part.slice] = derivative[: part.used]
    return values, derivatives


def _evaluate_block(
    compiled: Compiled,
    evaluate: Callable[..., tuple[Array, ...]],
    rows: list[Array],
    h: float | None,
    size: int,
    check: Check,
) -> tuple[Array, list[Array]]:
    """Return the values of a block, and the gradient by variable with the points as its first axis."""
    shapes = list(compiled.shapes.values())
    if compiled.gradient:
        value, *derivatives = evaluate(*rows)
        return np.reshape(value, size), [
            np.broadcast_to(derivative, (size, *shape))
            for derivative, shape in zip(derivatives, shapes, strict=True)
        ]
    value, found = differences(lambda *moved: evaluate(*moved)[0], rows, compiled.method, h, check, size)
    kinds = compiled.method.kinds
    return np.reshape(value, size), [
        each.reshape(len(each), -1, size).T.reshape(size, *kinds, *shape)
        for each, shape in zip(found, shapes, strict=True)
    ]


def block_for(compiled: Compiled, size: int) -> Block:
    """Return the batched program of a compiled function, kept with it."""
    outputs = [compiled.program.value, *compiled.gradient.values()]
    names = list(compiled.program.variables)
    return compiled.blocks.get_or_make(
        size, make_block, compiled.program, outputs, names, size, compiled.namespace
    )
