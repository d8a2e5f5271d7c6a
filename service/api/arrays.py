"""Arrays of a request: taken in one step, or refused with the first elements that are wrong."""

from __future__ import annotations

import math
from itertools import islice
from typing import Any

import numpy as np
from marshmallow import ValidationError
from numpy.typing import NDArray

from service.api.messages import fault
from service.core.exceptions import MOST_FAULTS, pointer_to
from service.core.limits import Limits

JSON_TYPES = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}


def kind_of(value: Any) -> str:
    """Say in a word what a JSON value is."""
    return "an array" if isinstance(value, np.ndarray) else JSON_TYPES.get(type(value), "a number")


def wrong(code: str, pointer: str = "", **values: Any) -> ValidationError:
    """Make the error of one fault."""
    return ValidationError([fault(code, pointer, **values)])


def array_of(value: Any, limits: Limits, lowest_rank: int) -> NDArray[np.float64]:
    """Take an array of numbers.

    Parameters
    ----------
    value : ndarray, list or number
        What the reader made of it: an array of JSON's when it is rectangular and numeric, or a typed array of
        CBOR's.
    limits : Limits
        Bounds rank and elements.
    lowest_rank : int
        0 when a bare number will do.
    """
    if isinstance(value, np.ndarray):
        _check_size(value.shape, limits)
        if value.dtype != np.bool_:
            return value.astype(np.float64, copy=False)
    if type(value) in (int, float):
        if lowest_rank:
            raise wrong("not-an-array", got="a number")
        return np.array(float(value))
    if type(value) not in (list, np.ndarray):
        raise wrong("not-an-array" if lowest_rank else "not-a-tensor", got=kind_of(value))
    leaves, shape = _flattened(value, limits)
    _check_leaves(leaves, shape, (int, float), "not-a-number")
    return np.array(leaves, dtype=np.float64).reshape(shape)


def booleans_of(value: Any, limits: Limits) -> NDArray[np.bool_]:
    """Take an array of booleans, or a typed array of bytes that are 0 and 1."""
    if isinstance(value, np.ndarray):
        _check_size(value.shape, limits)
        if value.dtype == np.uint8:
            _check_bytes(value)
        if value.dtype in (np.bool_, np.uint8):
            return value.astype(np.bool_, copy=False)
    if type(value) not in (list, np.ndarray):
        raise wrong("not-an-array-of-booleans", got=kind_of(value))
    leaves, shape = _flattened(value, limits)
    _check_leaves(leaves, shape, (bool,), "not-a-boolean")
    return np.array(leaves, dtype=np.bool_).reshape(shape)


def _check_leaves(leaves: list[Any], shape: tuple[int, ...], kinds: tuple[type, ...], code: str) -> None:
    """Refuse elements of another kind, the first of them by their places."""
    if set(map(type, leaves)) <= set(kinds):
        return
    bad = (position for position, leaf in enumerate(leaves) if type(leaf) not in kinds)
    raise ValidationError(
        [
            fault(code, _place(position, shape), got=kind_of(leaves[position]))
            for position in islice(bad, MOST_FAULTS)
        ]
    )


def _check_bytes(array: NDArray[np.uint8]) -> None:
    """Refuse bytes of a mask that are neither 0 nor 1, the first of them by their places."""
    bad = islice(zip(*np.nonzero(array > 1), strict=True), MOST_FAULTS)
    faults = [fault("not-a-boolean", pointer_to(*map(int, at)), got=f"the byte {array[at]}") for at in bad]
    if faults:
        raise ValidationError(faults)


def _check_size(shape: tuple[int, ...], limits: Limits) -> None:
    if 0 in shape:
        raise wrong("empty-array")
    if len(shape) > limits.rank:
        raise wrong("rank-too-high", rank=len(shape), limit=limits.rank)
    if math.prod(shape) > limits.elements:
        raise wrong("too-many-elements", count=math.prod(shape), limit=limits.elements)


def _flattened(value: Any, limits: Limits) -> tuple[list[Any], tuple[int, ...]]:
    """Flatten nested lists level by level, and refuse those that are not rectangular."""
    level: list[Any] = [_listed(value)]
    shape: list[int] = []
    while list in set(map(type, level)):
        first = next(item for item in level if type(item) is list)
        expected = len(first) if type(level[0]) is list else None
        _check_level(level, expected, tuple(shape))
        shape.append(len(level[0]))
        _check_size(tuple(shape), limits)
        level = [_listed(item) for row in level for item in row]
    return level, tuple(shape)


def _listed(item: Any) -> Any:
    """Turn an array that the reader made into lists of Python's own numbers and booleans."""
    return item.tolist() if isinstance(item, np.ndarray) else item


def _check_level(level: list[Any], expected: int | None, shape: tuple[int, ...]) -> None:
    """Refuse a level whose items are not all arrays of one length; the first of them sets it."""
    faults = []
    for position, item in enumerate(level):
        is_array = type(item) is list
        pointer = _place(position, shape)
        if is_array and not len(item):
            faults.append(fault("empty-array", pointer))
        elif is_array != (expected is not None):
            wanted = "an array" if expected is not None else "a number"
            faults.append(fault("mixed-depth", pointer, expected=wanted, got=kind_of(item)))
        elif is_array and len(item) != expected:
            faults.append(fault("ragged-array", pointer, expected=expected, got=len(item)))
        if len(faults) == MOST_FAULTS:
            break
    if faults:
        raise ValidationError(faults)


def _place(position: int, shape: tuple[int, ...]) -> str:
    """Return the pointer of a flat position in a shape."""
    return pointer_to(*(int(index) for index in np.unravel_index(position, shape))) if shape else ""
