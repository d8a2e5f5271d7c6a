"""The door for arrays and options: float64, finite and in range, or a refusal that says where."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from numbers import Real
from typing import TypeGuard

import numpy as np
from numpy.lib import introspect
from numpy.typing import ArrayLike, NDArray

from service.core.exceptions import MOST_FAULTS, Fault, InvalidRequest, fault, pointer_to, quote_text

Array = NDArray[np.float64]
"""float64 from the door on; kernels also see the complex numbers of the complex step."""

Mask = NDArray[np.bool_]
Shape = tuple[int, ...]
Axis = int | tuple[int, ...] | None

FLOAT64 = np.dtype(np.float64)

DTYPE_WORDS = {"b": "booleans", "c": "complex numbers", "U": "text", "S": "bytes"}
"""What arrays of other kinds hold, by NumPy's letter."""


def float_array(value: ArrayLike, pointer: str) -> Array:
    """Return an argument as a float64 array in C order, possibly the caller's own.

    Parameters
    ----------
    value : array_like
        Numbers of any rank, at least one and all of them finite.
    pointer : str
        JSON Pointer of the argument, for the refusal.

    Raises
    ------
    InvalidRequest
        Not numbers, ragged, empty, infinite or NaN.

    Examples
    --------
    >>> float_array([3, 4], "/x")
    array([3., 4.])
    """
    array = _numbers(value, pointer)
    if array.size == 0:
        raise InvalidRequest(fault("empty-array", pointer))
    if not is_finite(array):
        places = where_not(np.isfinite(array))
        raise InvalidRequest(*(fault("not-finite", pointer + pointer_to(*at)) for at in places))
    return array


def mask_array(mask: ArrayLike, owner: str, shape: Shape, rule: str) -> Mask:
    """Return a mask as an array of booleans of its owner's shape.

    Raises
    ------
    InvalidRequest
        Not booleans, ragged, or of another shape; the rule says why that is wrong.
    """
    try:
        kept = np.asarray(mask)
    except ValueError:
        raise InvalidRequest(fault("not-booleans", "/mask")) from None
    if kept.dtype.kind != "b":
        raise InvalidRequest(fault("not-booleans", "/mask"))
    check_same_shape(owner, shape, "mask", kept.shape, rule)
    return kept


def is_finite(array: Array) -> bool:
    """Tell whether no element is infinite or NaN.

    A sum of squares takes half the time of a look at every element, and is finite when they all are;
    where it is not, it may have overflowed.

    >>> is_finite(np.array([1e300, -1e300])), is_finite(np.array([0.0, np.nan]))
    (True, False)
    """
    if type(array) is not np.ndarray or not array.ndim:
        return math.isfinite(array)
    flat = array.ravel("K")  # in the order in which the elements stand, without a copy
    return math.isfinite(np.vdot(flat, flat)) or bool(np.isfinite(array).all())


def is_vectorised(name: str) -> bool:
    """Tell whether NumPy computes a function by instructions on several numbers at once on this processor."""
    found = introspect.opt_func_info(func_name=f"^{name}$", signature="float64").get(name, {})
    return any(not each["current"].startswith("baseline") for each in found.values())


def is_ready(value: ArrayLike) -> TypeGuard[Array]:
    """Tell whether `float_array` would return the argument itself."""
    if type(value) is not np.ndarray or value.dtype != FLOAT64:
        return False
    return value.size > 0 and value.flags.c_contiguous and is_finite(value)


def _numbers(value: ArrayLike, pointer: str) -> Array:
    try:
        array = np.asarray(value)
    except ValueError:
        raise InvalidRequest(fault("not-an-array", pointer, got="rows of unequal length")) from None
    if array.dtype == FLOAT64:
        return np.asarray(array, order="C")
    if array.dtype.kind == "O" and all(type(each) in (int, float) for each in array.flat):
        return _large_integers(array, pointer)
    if array.dtype.kind not in "fiu":
        raise InvalidRequest(fault("not-an-array", pointer, got=DTYPE_WORDS.get(array.dtype.kind, "objects")))
    with np.errstate(over="ignore"):
        return np.asarray(array, dtype=np.float64, order="C")


def _large_integers(array: NDArray[np.object_], pointer: str) -> Array:
    """Cast what NumPy keeps as Python objects: integers beyond 64 bits."""
    try:
        return array.astype(np.float64)
    except OverflowError:
        raise InvalidRequest(fault("not-finite", pointer)) from None


def spans_of(shapes: Iterable[Shape]) -> list[slice]:
    """Return where the elements of each array stand in the vector of all arrays, one after the other.

    >>> spans_of([(2,), (), (2, 2)])
    [slice(0, 2, None), slice(2, 3, None), slice(3, 7, None)]
    """
    ends = itertools.accumulate([math.prod(shape) for shape in shapes], initial=0)
    return [slice(start, end) for start, end in itertools.pairwise(ends)]


def where_not(condition: Mask) -> Iterator[tuple[int, ...]]:
    """Yield the first indices at which a condition fails, at most `MOST_FAULTS`."""
    if condition.all():
        return
    for position in np.flatnonzero(~condition)[:MOST_FAULTS].tolist():
        yield tuple(int(each) for each in np.unravel_index(position, condition.shape))


def check_same_shape(first: str, first_shape: object, second: str, second_shape: object, rule: str) -> None:
    """Refuse shapes that differ, at the second argument; nothing is ever broadcast.

    Raises
    ------
    InvalidRequest
        Naming both arguments, both shapes and the rule.
    """
    if first_shape != second_shape:
        raise InvalidRequest(
            fault(
                "shape-mismatch",
                pointer_to(second),
                first=first,
                first_shape=first_shape,
                second=second,
                second_shape=second_shape,
                rule=rule,
            )
        )


def check_axis(axis: object, rank: int) -> Axis:
    """Return an axis of an array of the rank: None, an integer, or a tuple of different integers.

    Raises
    ------
    InvalidRequest
        It does not exist, or stands twice.
    """
    if axis is None or (type(axis) is int and -rank <= axis < rank):
        return axis
    given = axis if isinstance(axis, tuple) else (axis,)
    axes = tuple(_integer(each) for each in given)
    for each in axes:
        if not -rank <= each < rank:
            raise InvalidRequest(
                fault("bad-axis", "/axis", axis=shown(each), rank=rank, low=-rank, high=rank - 1)
            )
    places = [each % rank for each in axes]
    for position, place in enumerate(places):
        if place in places[:position]:
            raise InvalidRequest(fault("repeated-axis", "/axis", axis=axes[position]))
    return axes if isinstance(axis, tuple) else axes[0]


def _integer(value: object) -> int:
    try:
        if not isinstance(value, bool):
            return operator.index(value)  # type: ignore[arg-type]  # what has no index raises TypeError
    except TypeError:
        pass
    raise InvalidRequest(
        fault("out-of-range", "/axis", rule="an integer, or null for all axes", got=shown(value))
    )


@dataclass(frozen=True, slots=True)
class NumberRule:
    """What a numeric option has to be, in words and as a test."""

    words: str
    holds: Callable[[float], bool]


POSITIVE = NumberRule("a finite number above 0", lambda value: value > 0)
NON_NEGATIVE = NumberRule("a finite number, 0 or above", lambda value: value >= 0)
INSIDE = NumberRule("a number above 0 and below 1", lambda value: 0 < value < 1)
FRACTION = NumberRule("a number from 0 to below 1", lambda value: 0 <= value < 1)


def number(value: object, pointer: str, rule: NumberRule) -> float:
    """Return a numeric option as a float.

    Raises
    ------
    InvalidRequest
        It is no number, not finite, or breaks the rule.
    """
    if isinstance(value, Real) and not isinstance(value, bool):
        try:
            result = float(value)
        except OverflowError:
            result = math.inf
        if math.isfinite(result) and rule.holds(result):
            return result
    raise InvalidRequest(fault("out-of-range", pointer, rule=rule.words, got=shown(value)))


def choice(value: object, pointer: str, names: list[str]) -> str:
    """Return one of the names, or refuse what is none of them.

    Raises
    ------
    InvalidRequest
        It is none of them; they are listed.
    """
    if isinstance(value, str) and value in names:
        return value
    raise InvalidRequest(fault("out-of-range", pointer, rule=f"one of {', '.join(names)}", got=shown(value)))


def shown(value: object) -> str:
    """Write a value for a message: numbers as they are, anything else quoted and shortened.

    >>> shown(3.0), shown(1.5), shown("x")
    ('3', '1.5', "'x'")
    """
    if isinstance(value, str):
        return quote_text(value)
    if isinstance(value, (float, np.floating)):
        return repr(float(value)).removesuffix(".0")
    return str(value) if isinstance(value, bool | None) else quote_text(repr(value)).strip("'\"")


def non_finite(pointer: str, output: str, value: float, operation: str) -> Fault:
    """Make the fault of a result that float64 cannot hold.

    Parameters
    ----------
    pointer, output : str
        JSON Pointers of the responsible input and of the place in the answer.
    value : float
        What it became.
    operation : str
        Where, in words.
    """
    return fault("non-finite", pointer, output=output, value=repr(float(value)), operation=operation)
