"""Indexing as NumPy's: by integers, slices, new axes, and constants of whole numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from service.core.language.constants import IndexRule
from service.core.language.graph import Term
from service.core.language.operation import ShapeFault
from service.core.language.shapes import WHOLE_SLICE
from service.core.language.values import Slice


def index(base: Term, items: Sequence[Any]) -> Term:
    """Index a term.

    Parameters
    ----------
    base : Term
        What is indexed.
    items : sequence
        Whole numbers, `Slice`, None, an ellipsis, and terms that `constant_of` knows.

    Raises
    ------
    ShapeFault
        The items do not fit the shape.
    """
    items = _without_ellipsis(items, len(base.shape))
    if any(isinstance(item, Term) for item in items):
        return _by_constants(base, items)
    if not any(item is None for item in items):
        return base.apply("index", items=tuple(map(_plain, items)))
    plain = tuple(_plain(item) for item in items if item is not None)
    is_whole = set(plain) <= {WHOLE_SLICE} and len(plain) <= len(base.shape)
    found = base if is_whole else base.apply("index", items=plain)
    return found.apply("reshape", shape=_with_new_axes(items, found.shape))


def constant_of(term: Term) -> str | None:
    """Return the name of the constant whose elements a term is, None for anything computed."""
    node = term.node
    while node.operation.is_view and node.operands:
        node = term.graph.nodes[node.operands[0]]
    return node.constant


def _plain(item: Any) -> Any:
    return tuple(item) if isinstance(item, Slice) else item


def _without_ellipsis(items: Sequence[Any], rank: int) -> list[Any]:
    """Write whole slices for an ellipsis."""
    places = [position for position, item in enumerate(items) if item is ...]
    if not places:
        return list(items)
    if len(places) > 1:
        raise ShapeFault("an index has one ... at most")
    missing = rank - sum(item is not None and item is not ... for item in items)
    whole = [Slice(*WHOLE_SLICE)] * missing
    return [*items[: places[0]], *whole, *items[places[0] + 1 :]]


def _with_new_axes(items: Sequence[Any], shape: tuple[int, ...]) -> tuple[int, ...]:
    """Put axes of size 1 where None stands into the shape that the other items left."""
    result, position = [], 0
    for item in items:
        if item is None:
            result.append(1)
        elif not isinstance(item, int):
            result.append(shape[position])
            position += 1
    return (*result, *shape[position:])


def _by_constants(base: Term, items: list[Any]) -> Term:
    """Take elements by index arrays: the axes that they index become one, which is taken from."""
    places = [position for position, item in enumerate(items) if isinstance(item, (Term, int))]
    first, last = places[0], places[-1]
    if places != list(range(first, last + 1)):
        raise ShapeFault("index arrays stand side by side, not parted by slices")
    before, arrays, after = items[:first], items[first : last + 1], items[last + 1 :]
    slices = [
        Slice(*WHOLE_SLICE) if isinstance(item, (Term, int)) else item for item in items if item is not None
    ]
    if slices:
        base = base.apply("index", items=tuple(map(_plain, slices)))
    axis = sum(item is not None for item in before)
    shape = base.shape
    sizes = shape[axis : axis + len(arrays)]
    places_term = _flat_places(base, arrays, sizes)
    merged = base.apply("reshape", shape=(*shape[:axis], math.prod(sizes), *shape[axis + len(arrays) :]))
    taken = merged.apply("take", places_term.apply("integers"), axis=axis)
    if None not in before and None not in after:
        return taken
    outside = [*before, *[Slice(*WHOLE_SLICE)] * len(places_term.shape), *after]
    return taken.apply("reshape", shape=_with_new_axes(outside, taken.shape))


def _flat_places(base: Term, arrays: Sequence[Any], sizes: Sequence[int]) -> Term:
    """Return the places in the merged axes, in row-major order."""
    total: Any = None
    for array, size in zip(arrays, sizes, strict=True):
        place = _place(base, array, size)
        total = place if total is None else total * float(size) + place
    return total if isinstance(total, Term) else base.graph.number(float(total))


def _place(base: Term, array: Any, size: int) -> Any:
    """Count negative places from the end."""
    if isinstance(array, int):
        if not -size <= array < size:
            raise ShapeFault(f"index {array} is out of range for an axis of size {size}")
        return base.graph.number(float(array % size))
    name = constant_of(array)
    if name is None:
        raise ShapeFault("only constants index")
    base.graph.rules.append(IndexRule(name, -size, size - 1, is_label=False))
    return array.apply("less", 0.0).apply("where", array + float(size), array)
