"""Rows of the operations table: laying out, as NumPy does.

Most are written in terms of slices, reshaping and joining, which have derivatives and rules already.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from service.core.arrays import Shape
from service.core.language import batching, shapes
from service.core.language.axes import flattened, one_axis, sliced
from service.core.language.graph import Graph, Node, Term
from service.core.language.operation import REQUIRED, Operation, ShapeFault
from service.core.language.rows import AXIS, macro
from service.core.language.shapes import WHOLE_SLICE

# joining


def _joined_shape(*arguments: Any) -> Shape:
    *operands, axis = arguments
    if not operands:
        raise ShapeFault("there is nothing to join")
    parts = [shape or (1,) for shape in operands]
    if len({len(part) for part in parts}) > 1:
        raise ShapeFault("all have the same rank")
    place = one_axis(axis, len(parts[0]))
    if len({part[:place] + part[place + 1 :] for part in parts}) > 1:
        raise ShapeFault(f"sizes differ beside axis {axis}")
    return (*parts[0][:place], sum(part[place] for part in parts), *parts[0][place + 1 :])


def _stacked_shape(*arguments: Any) -> Shape:
    *operands, axis = arguments
    if not operands or len(set(operands)) > 1:
        raise ShapeFault("all have the same shape")
    place = one_axis(axis, len(operands[0]) + 1)
    return (*operands[0][:place], len(operands), *operands[0][place:])


def _concatenate(*arguments: Any) -> Term:
    """Join in pairs, pairs of pairs and so on: each element is copied only a few times."""
    *terms, axis = arguments
    parts: list[Term] = [term if term.shape else term.apply("reshape", shape=(1,)) for term in terms]
    place = one_axis(axis, len(parts[0].shape))
    while len(parts) > 1:
        pairs = [parts[position : position + 2] for position in range(0, len(parts), 2)]
        parts = [pair[0].apply("join", pair[1], axis=place) if len(pair) > 1 else pair[0] for pair in pairs]
    return parts[0]


def _stack(*arguments: Any) -> Term:
    *terms, axis = arguments
    place = one_axis(axis, len(terms[0].shape) + 1)
    shape = (*terms[0].shape[:place], 1, *terms[0].shape[place:])
    return _concatenate(*(term.apply("reshape", shape=shape) for term in terms), place)


def _join_elements(graph: Graph, node: Node, a: Any, b: Any) -> Any:
    return np.concatenate((a, b), axis=node.options[0])


# moving


def _rolls(shift: int | tuple[int, ...], axis: shapes.Axes, rank: int) -> list[tuple[int, int | None]]:
    """Return by how much to roll along which axis; one shift or axis goes with all of the others."""
    shifts = shift if isinstance(shift, tuple) else (shift,)
    if axis is None:
        return [(sum(shifts), None)]
    places = tuple([one_axis(each, rank) for each in (axis if isinstance(axis, tuple) else (axis,))])
    count = len(places) if len(shifts) == 1 else len(shifts)
    if len(places) not in (1, count):
        raise ShapeFault(f"{len(shifts)} shifts do not go with {len(places)} axes")
    return list(zip(_times(shifts, count), _times(places, count), strict=True))


def _times(numbers: tuple[int, ...], count: int) -> tuple[int, ...]:
    return numbers * count if len(numbers) == 1 else numbers


def _rolled_shape(x: Shape, shift: int | tuple[int, ...], axis: shapes.Axes) -> Shape:
    _rolls(shift, axis, len(x))
    return x


def _roll(x: Term, shift: int | tuple[int, ...], axis: shapes.Axes) -> Term:
    for each, place in _rolls(shift, axis, len(x.shape)):
        x = _rolled(x, each, place)
    return x


def _rolled(x: Term, shift: int, axis: int | None) -> Term:
    flat, place = flattened(x, axis)
    size = flat.shape[place]
    cut = -shift % size if size else 0
    if not cut:
        return x
    moved = sliced(flat, place, cut, None).apply("join", sliced(flat, place, None, cut), axis=place)
    return moved.apply("reshape", shape=x.shape)


def flip(x: Term, axis: shapes.Axes) -> Term:
    """Reverse the order along axes."""
    axes = shapes.axes_of(axis, len(x.shape))
    items = tuple((None, None, -1) if place in axes else WHOLE_SLICE for place in range(len(x.shape)))
    return x.apply("index", items=items)


def _repeated_shape(x: Shape, repeats: int, axis: int | None) -> Shape:
    if axis is None:
        return (math.prod(x) * repeats,)
    place = one_axis(axis, len(x))
    return (*x[:place], x[place] * repeats, *x[place + 1 :])


def _repeat(x: Term, repeats: int, axis: int | None) -> Term:
    flat, place = flattened(x, axis)
    before, after = flat.shape[: place + 1], flat.shape[place + 1 :]
    wide = flat.apply("reshape", shape=(*before, 1, *after)).apply(
        "broadcast", shape=(*before, repeats, *after)
    )
    return wide.apply("reshape", shape=_repeated_shape(x.shape, repeats, axis))


def _tiling(x: Shape, reps: int | tuple[int, ...]) -> tuple[Shape, Shape]:
    """Return the shape with as many axes as repetitions, and the repetitions of each."""
    counts = reps if isinstance(reps, tuple) else (reps,)
    if any(count < 0 for count in counts):
        raise ShapeFault("repetitions are at least 0")
    rank = max(len(x), len(counts))
    return (1,) * (rank - len(x)) + x, (1,) * (rank - len(counts)) + counts


def _tiled_shape(x: Shape, reps: int | tuple[int, ...]) -> Shape:
    return tuple(size * count for size, count in zip(*_tiling(x, reps), strict=True))


def _tile(x: Term, reps: int | tuple[int, ...]) -> Term:
    sizes, counts = _tiling(x.shape, reps)
    parted = tuple(each for size in sizes for each in (1, size))
    repeated = tuple(each for pair in zip(counts, sizes, strict=True) for each in pair)
    wide = x.apply("reshape", shape=parted).apply("broadcast", shape=repeated)
    return wide.apply("reshape", shape=_tiled_shape(x.shape, reps))


def _target(x: Shape, shape: int | tuple[int, ...]) -> Shape:
    target = shape if isinstance(shape, tuple) else (shape,)
    if any(size < 0 for size in target) or shapes.broadcast(x, target) != target:
        raise ShapeFault(f"this does not broadcast to {target}")
    return target


def _squeezed(x: Shape, axis: shapes.Axes) -> Shape:
    axes = shapes.axes_of(axis, len(x)) if axis is not None else [i for i, size in enumerate(x) if size == 1]
    if any(x[place] != 1 for place in axes):
        raise ShapeFault(f"axis {axis} has other sizes than 1")
    return tuple(size for place, size in enumerate(x) if place not in axes)


def _expanded(x: Shape, axis: shapes.Axes) -> Shape:
    count = len(axis) if isinstance(axis, tuple) else 1
    axes, sizes = shapes.axes_of(axis if axis is not None else (), len(x) + count), iter(x)
    return tuple(1 if place in axes else next(sizes) for place in range(len(x) + count))


ARRANGEMENT: tuple[Operation, ...] = (
    macro(
        "concatenate",
        ("a", "b", "..."),
        "arrays one behind the other; a number is an array of one element",
        _concatenate,
        shape=_joined_shape,
        options=(("axis", "axis", 0),),
        is_variadic=True,
        example="concatenate(arange(2), 7, ones(2))",
    ),
    macro(
        "stack",
        ("a", "b", "..."),
        "arrays or numbers of one shape along a new axis",
        _stack,
        shape=_stacked_shape,
        options=(("axis", "axis", 0),),
        is_variadic=True,
        example="stack(arange(2), ones(2), axis=1)",
    ),
    macro(
        "roll",
        ("x",),
        "elements moved along the axis, those from the end to the beginning",
        _roll,
        shape=_rolled_shape,
        options=(("shift", "wholes", REQUIRED), AXIS),
        example="roll(arange(4), 1)",
    ),
    macro(
        "flip",
        ("x",),
        "elements in reversed order",
        flip,
        shape=lambda x, axis: shapes.axes_of(axis, len(x)) and x,
        options=(AXIS,),
        example="flip(arange(3))",
    ),
    macro(
        "repeat",
        ("x",),
        "each element so many times",
        _repeat,
        shape=_repeated_shape,
        options=(("repeats", "size", REQUIRED), AXIS),
        example="repeat(arange(2), 3)",
    ),
    macro(
        "tile",
        ("x",),
        "the whole array so many times",
        _tile,
        shape=_tiled_shape,
        options=(("reps", "shape", REQUIRED),),
        example="tile(arange(2), 3)",
    ),
    macro(
        "broadcast_to",
        ("x",),
        "repeated along new axes and those of size 1",
        lambda x, shape: x.apply("broadcast", shape=_target(x.shape, shape)),
        shape=_target,
        options=(("shape", "shape", REQUIRED),),
        example="broadcast_to(arange(2), (3, 2))",
    ),
    macro(
        "squeeze",
        ("x",),
        "without axes of size 1",
        lambda x, axis: x.apply("reshape", shape=_squeezed(x.shape, axis)),
        shape=_squeezed,
        options=(AXIS,),
        example="squeeze(ones((1, 3)))",
    ),
    macro(
        "expand_dims",
        ("x",),
        "with a new axis of size 1",
        lambda x, axis: x.apply("reshape", shape=_expanded(x.shape, axis)),
        shape=_expanded,
        options=(("axis", "axis", REQUIRED),),
        example="expand_dims(arange(2), 1)",
    ),
    # internal: the rows above are written in it
    Operation(
        "join",
        ("a", "b"),
        "one behind the other",
        shape=_joined_shape,
        array="concatenate(({0}, {1}), {axis})",
        options=(("axis", "axis", 0),),
        derivatives=(
            lambda g, y, a, b, axis: sliced(g, axis, None, a.shape[axis]),
            lambda g, y, a, b, axis: sliced(g, axis, a.shape[axis], None),
        ),
        batch=batching.along("join"),
        lower=_join_elements,
        is_public=False,
    ),
)
