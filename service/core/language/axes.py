"""What rows over one axis have in common: the axis meant, and slices along it."""

from __future__ import annotations

from typing import Any

from service.core.language import shapes
from service.core.language.graph import Term
from service.core.language.operation import ShapeFault
from service.core.language.shapes import WHOLE_SLICE


def sliced(x: Term, axis: int, start: int | None, stop: int | None, step: int | None = None) -> Term:
    """Slice along one axis."""
    return x.apply("index", items=(*(WHOLE_SLICE,) * axis, (start, stop, step)))


def one_axis(axis: Any, rank: int) -> int:
    """Return a single axis, counted from the first."""
    if not isinstance(axis, int):
        raise ShapeFault("one axis is meant, an integer")
    return shapes.axes_of(axis, rank)[0]


def flattened(x: Term, axis: int | None) -> tuple[Term, int]:
    """Flatten an array when no axis is given; return it with the axis."""
    if axis is None:
        return x.apply("reshape", shape=(x.size,)), 0
    return x, one_axis(axis, len(x.shape))
