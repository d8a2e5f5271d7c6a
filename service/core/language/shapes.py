"""Shape rules: from the operands' shapes and the options to the result's shape, as NumPy has them."""

from __future__ import annotations

import math

from service.core.arrays import Shape
from service.core.language.operation import ShapeFault

Axes = int | tuple[int, ...] | None
IndexItem = int | tuple[int | None, int | None, int | None]
WHOLE_SLICE = (None, None, None)
"""The slice of a whole axis."""


def broadcast(*shapes: Shape) -> Shape:
    """Return the shape that all broadcast to."""
    first = shapes[0]
    for shape in shapes:
        if shape and shape != first:
            break
    else:
        return first
    result: list[int] = []
    for position in range(-max(map(len, shapes)), 0):
        sizes = {shape[position] for shape in shapes if len(shape) >= -position} - {1}
        if len(sizes) > 1:
            raise ShapeFault(f"sizes {' and '.join(map(str, sorted(sizes)))} differ")
        result.append(sizes.pop() if sizes else 1)
    return tuple(result)


def elementwise(*arguments: object) -> Shape:
    """Broadcast the operands; options do not matter."""
    return broadcast(*[argument for argument in arguments if type(argument) is tuple])


def axes_of(axis: Axes, rank: int) -> tuple[int, ...]:
    """Return the axes as non-negative numbers, all of them for None."""
    if axis is None:
        return tuple(range(rank))
    given = axis if isinstance(axis, tuple) else (axis,)
    found = []
    for each in given:
        if not -rank <= each < rank:
            allowed = f"use {-rank} to {rank - 1}" if rank else "a scalar has no axis"
            raise ShapeFault(f"axis {each} does not exist; {allowed}")
        if each % rank in found:
            raise ShapeFault(f"axis {each} stands twice")
        found.append(each % rank)
    return tuple(found)


def reduced(shape: Shape, axis: Axes = None, keepdims: bool = False) -> Shape:
    """Remove the axes, or leave them with size 1."""
    axes = axes_of(axis, len(shape))
    if keepdims:
        return tuple(1 if position in axes else size for position, size in enumerate(shape))
    return tuple(size for position, size in enumerate(shape) if position not in axes)


def reduced_not_empty(shape: Shape, axis: Axes = None, keepdims: bool = False) -> Shape:
    """Reduce by an operation that has no value for no elements."""
    if any(shape[each] == 0 for each in axes_of(axis, len(shape))):
        raise ShapeFault("there is no element to reduce")
    return reduced(shape, axis, keepdims)


def along(shape: Shape, axis: Axes = -1) -> Shape:
    """Keep the shape; the axes must exist and have elements."""
    if not shape and axis is not None:
        raise ShapeFault("a scalar has no axis")
    reduced_not_empty(shape, axis)
    return shape


def last_axis(*arguments: object) -> Shape:
    """Broadcast the operands and reduce the last axis."""
    shape = elementwise(*arguments)
    if not shape:
        raise ShapeFault("a scalar has no last axis")
    return reduced_not_empty(shape, -1)


def matrix_product(first: Shape, second: Shape) -> Shape:
    """Multiply matrices, stacks of them, or vectors, as `numpy.matmul`."""
    if not first or not second:
        raise ShapeFault("a scalar is no matrix; multiply with *")
    inner = second[-2] if len(second) > 1 else second[0]
    if first[-1] != inner:
        raise ShapeFault(f"inner sizes {first[-1]} and {inner} differ")
    stack = broadcast(first[:-2], second[:-2])
    return stack + first[-2:-1] + (second[-1:] if len(second) > 1 else ())


def dot_product(first: Shape, second: Shape) -> Shape:
    """Multiply as `numpy.dot`: over the first's last axis and the second's last but one."""
    if not first or not second:
        return first or second
    inner = second[-2] if len(second) > 1 else second[0]
    if first[-1] != inner:
        raise ShapeFault(f"inner sizes {first[-1]} and {inner} differ")
    return first[:-1] + (second[:-2] + second[-1:] if len(second) > 1 else ())


def permuted(shape: Shape, axes: tuple[int, ...] | None = None) -> Shape:
    """Permute the axes; None reverses them."""
    return tuple(shape[axis] for axis in permutation(axes, len(shape)))


def permutation(axes: tuple[int, ...] | None, rank: int) -> tuple[int, ...]:
    """Return the axes as non-negative numbers, each once."""
    if axes is None:
        return tuple(reversed(range(rank)))
    found = axes_of(axes, rank)
    if len(found) != rank:
        raise ShapeFault(f"axes {axes} do not name each of the {rank} axes once")
    return found


def reshaped(shape: Shape, target: int | tuple[int, ...]) -> Shape:
    """Lay the elements out anew; one size may be -1."""
    sizes = target if isinstance(target, tuple) else (target,)
    count = math.prod(shape)
    if any(size < -1 for size in sizes) or sizes.count(-1) > 1:
        raise ShapeFault("a size is at least 0, and one alone may be -1")
    known = math.prod(size for size in sizes if size != -1)
    if -1 in sizes and known and count % known == 0:
        sizes = tuple(count // known if size == -1 else size for size in sizes)
    if -1 in sizes or math.prod(sizes) != count:
        raise ShapeFault(f"an array of size {count} does not fill the shape {target}")
    return sizes


def broadcast_to(shape: Shape, target: Shape) -> Shape:
    """Return the target; only ever used with one that fits."""
    return target


def indexed(shape: Shape, items: tuple[IndexItem, ...]) -> Shape:
    """Index with integers and slices from the first axis on."""
    if len(items) > len(shape):
        raise ShapeFault(f"too many indices for rank {len(shape)}: {len(items)}")
    kept = []
    for axis, (size, item) in enumerate(zip(shape, items, strict=False)):
        if isinstance(item, tuple):
            if item[2] == 0:
                raise ShapeFault("a slice's step cannot be zero")
            kept.append(len(range(*slice(*item).indices(size))))
        elif not -size <= item < size:
            raise ShapeFault(
                f"index {item} is out of range for axis {axis} of size {size}; indices begin at 0"
            )
    return (*kept, *shape[len(items) :])
