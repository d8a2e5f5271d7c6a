"""Strict Marshmallow fields. Arrays are taken in one step: no work of Marshmallow's for each element.

A field's errors are `Fault`s whose pointers are relative to the field; `schemas` adds where it stands.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from typing import Any

import numpy as np
from marshmallow import ValidationError
from marshmallow.fields import Field
from numpy.typing import NDArray

from service.api.arrays import array_of, booleans_of, kind_of, wrong
from service.api.hints import hint_for_choice, unknown_fields
from service.api.messages import fault
from service.core.exceptions import (
    MOST_FAULTS,
    Fault,
    InvalidFunction,
    pointer_to,
    quote_text,
)
from service.core.language.names import bad_name
from service.core.limits import Limits

LARGEST_WHOLE = 2**63 - 1
"""Larger ones no answer could repeat."""

LONGEST_NAME = 64
"""Characters of the names that the function language takes."""


class StrictField(Field[Any]):
    """What all fields share: the messages for a field that is missing or null."""

    default_error_messages: dict[str, Any] = {  # noqa: RUF012 - Marshmallow's own declaration
        "required": [fault("missing-field")],
        "null": [fault("null-field")],
    }


class Number(StrictField):
    """A JSON number, computed in float64.

    Parameters
    ----------
    low, high : float, optional
        The range.
    is_open : bool
        Whether `low` itself is outside.
    is_below : bool
        Whether `high` itself is outside.
    """

    def __init__(
        self,
        low: float | None = None,
        high: float | None = None,
        *,
        is_open: bool = False,
        is_below: bool = False,
        **more: Any,
    ) -> None:
        super().__init__(**more)
        self.low, self.high, self.is_open, self.is_below = low, high, is_open, is_below

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> float:
        if type(value) not in (int, float):
            raise wrong("not-a-number", got=kind_of(value))
        self.check_range(value)
        return float(value)

    def check_range(self, value: float) -> None:
        """Refuse what is outside."""
        too_low = self.low is not None and (value <= self.low if self.is_open else value < self.low)
        too_high = self.high is not None and (value >= self.high if self.is_below else value > self.high)
        if too_low or too_high:
            raise wrong("out-of-range", rule=self.rule, got=value)

    @property
    def rule(self) -> str:
        """The range in words."""
        parts = []
        if self.low is not None:
            parts.append(f"{'above' if self.is_open else 'at least'} {self.low:,}")
        if self.high is not None:
            parts.append(f"{'below' if self.is_below else 'at most'} {self.high:,}")
        return " and ".join(parts)


def positive(**more: Any) -> Number:
    """Make the field of a number above 0."""
    return Number(low=0, is_open=True, **more)


class WholeNumber(Number):
    """A whole number: 5 and 5.0, not 5.5."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> int:
        if type(value) not in (int, float):
            raise wrong("not-a-number", got=kind_of(value))
        if value != math.floor(value):
            raise wrong("out-of-range", rule="a whole number", got=value)
        if abs(value) > LARGEST_WHOLE:
            raise wrong("out-of-range", rule="a whole number of at most 64 bits", got=float(value))
        self.check_range(value)
        return int(value)


class Flag(StrictField):
    """True or false."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> bool:
        if type(value) is not bool:
            raise wrong("not-a-boolean", got=kind_of(value))
        return value


class Text(StrictField):
    """A string."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if type(value) is not str:
            raise wrong("not-a-string", got=kind_of(value))
        return value


class Choice(StrictField):
    """One of several words."""

    def __init__(self, choices: Iterable[str], **more: Any) -> None:
        super().__init__(**more)
        self.choices = tuple(choices)

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> str:
        if type(value) is not str:
            raise wrong("not-a-string", got=kind_of(value))
        if value not in self.choices:
            raise wrong(
                "unknown-choice",
                choices=", ".join(self.choices),
                got=quote_text(value),
                hint=hint_for_choice(self.name, value, self.choices),
            )
        return value


class LimitedField(StrictField):
    """What all fields of arrays share: the limits of rank, elements and names."""

    def __init__(self, limits: Limits, **more: Any) -> None:
        super().__init__(**more)
        self.limits = limits


class ArrayField(LimitedField):
    """An array of numbers, rank 1 to the limit, taken in one step."""

    lowest_rank = 1

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> NDArray[np.float64]:
        return array_of(value, self.limits, self.lowest_rank)


class Tensor(ArrayField):
    """An array, or a bare number as an array of rank 0."""

    lowest_rank = 0


class TensorMap(LimitedField):
    """An object from names to tensors; the names themselves are the function language's to judge."""

    def __init__(self, limits: Limits, lowest_rank: int = 0, *, least: int = 0, **more: Any) -> None:
        super().__init__(limits, **more)
        self.lowest_rank, self.least = lowest_rank, least

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, NDArray[np.float64]]:
        _check_map(value, self.least, self.limits.names)
        _check_names(value, self.name)
        return collect(value.items(), lambda item: array_of(item, self.limits, self.lowest_rank))


class TensorOrMap(LimitedField):
    """A tensor for all names, or an object from names to tensors."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> Any:
        if type(value) is not dict:
            return array_of(value, self.limits, 0)
        _check_map(value, 0, self.limits.names)
        return collect(value.items(), lambda item: array_of(item, self.limits, 0))


class BoundsMap(LimitedField):
    """An object from names to their lower and upper bounds."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, dict[str, NDArray[np.float64]]]:
        _check_map(value, 0, self.limits.names)
        _check_names(value, self.name)
        return collect(value.items(), self._pair)

    def _pair(self, value: Any) -> dict[str, NDArray[np.float64]]:
        if type(value) is not dict:
            raise wrong("not-an-object", got=kind_of(value))
        unknown = unknown_fields(value, ("lower", "upper"))
        if unknown:
            raise ValidationError(unknown)
        given = [(key, item) for key, item in value.items() if item is not None]
        return collect(given, self._side)

    def _side(self, value: Any) -> NDArray[np.float64]:
        try:
            return array_of(value, self.limits, 0)
        except ValidationError as error:
            found: list[Any] = list(error.messages)  # our own faults, whatever Marshmallow's types say
            raise ValidationError([_with_unbounded(each) for each in found]) from None


def _with_unbounded(found: Fault) -> Fault:
    """Say what an element without a bound has, where something else than a number stands for it."""
    if found.code != "not-a-number":
        return found
    return dataclasses.replace(
        found, detail=f"{found.detail} An element without a bound has 1e300, as lower -1e300."
    )


class BooleanArray(LimitedField):
    """An array of booleans."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> NDArray[np.bool_]:
        return booleans_of(value, self.limits)


class NumberList(StrictField):
    """A list of numbers in a range, of a bounded length."""

    def __init__(self, item: Number, most: int, **more: Any) -> None:
        super().__init__(**more)
        self.item, self.most = item, most

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> list[float]:
        if type(value) not in (list, np.ndarray):
            raise wrong("not-an-array", got=kind_of(value))
        if not len(value):
            raise wrong("empty-array")
        if len(value) > self.most:
            raise wrong("too-many-elements", count=len(value), limit=self.most)
        items = value.tolist() if isinstance(value, np.ndarray) else value
        return list(collect(enumerate(items), self.item.deserialize).values())


class NameList(StrictField):
    """A list of names, of a bounded length; the names themselves are the function language's to judge."""

    def __init__(self, most: int, **more: Any) -> None:
        super().__init__(**more)
        self.most = most

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> list[str]:
        if type(value) not in (list, np.ndarray):
            raise wrong("not-a-list-of-names", got=kind_of(value))
        if len(value) > self.most:
            raise wrong("too-many-elements", count=len(value), limit=self.most)
        items = value.tolist() if isinstance(value, np.ndarray) else value
        bad = [(place, name) for place, name in enumerate(items) if type(name) is not str]
        if bad:
            raise ValidationError(
                [fault("not-a-string", pointer_to(place), got=kind_of(name)) for place, name in bad]
            )
        return list(items)


class Object(StrictField):
    """A JSON object that the core reads."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise wrong("not-an-object", got=kind_of(value))
        return value


class MapOf(StrictField):
    """An object from names to what another field takes."""

    def __init__(self, member: Field[Any], most: int, **more: Any) -> None:
        super().__init__(**more)
        self.member, self.most = member, most

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Any]:
        _check_map(value, 0, self.most)
        _check_names(value, self.name)
        return collect(value.items(), self.member.deserialize)


class Group(StrictField):
    """An object of fields of its own; null stands for one that is absent."""

    def __init__(self, members: Mapping[str, Field[Any]], **more: Any) -> None:
        super().__init__(**more)
        self.members = members

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise wrong("not-an-object", got=kind_of(value))
        unknown = unknown_fields(value, tuple(self.members))
        missing = [
            fault("missing-field", pointer_to(name))
            for name, member in self.members.items()
            if member.required and value.get(name) is None
        ]
        if unknown or missing:
            raise ValidationError([*unknown, *missing])
        given = [(name, (self.members[name], item)) for name, item in value.items() if item is not None]
        return collect(given, lambda pair: pair[0].deserialize(pair[1]))


def collect(items: Iterable[tuple[Any, Any]], make: Callable[[Any], Any]) -> dict[Any, Any]:
    """Make a value of every item, and raise all faults together, each at its key."""
    values, faults = {}, []
    for key, item in items:
        try:
            values[key] = make(item)
        except ValidationError as error:
            found: list[Any] = list(error.messages)  # our own faults, whatever Marshmallow's types say
            faults += [at(each, pointer_to(key)) for each in found]
    if faults:
        raise ValidationError(faults)
    return values


def at(found: Fault, pointer: str) -> Fault:
    """Put a pointer before a fault's own."""
    return dataclasses.replace(found, pointer=pointer + found.pointer)


def _check_map(value: Any, least: int, most: int) -> None:
    if type(value) is not dict:
        raise wrong("not-an-object", got=kind_of(value))
    if len(value) < least:
        raise wrong("no-names")
    if len(value) > most:
        raise wrong("too-many-names", count=len(value), limit=most)


def _check_names(value: dict[str, Any], field: str | None) -> None:
    """Refuse a name that the language does not know before anything below it is looked at."""
    long = (name for name in value if len(name) > LONGEST_NAME)
    faults = [bad_name(name, pointer_to(field or "", name)) for name in islice(long, MOST_FAULTS)]
    if faults:
        raise InvalidFunction(*faults)
