"""The ranges of a descent's options and their members: what a value may be, and the words that refuse it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from service.core.descent.options import Option
from service.core.exceptions import Fault, InvalidRequest, fault, pointer_to, quote_text
from service.core.limits import Limits

BEYOND_WHOLE = 2**53
"""From here on whole numbers are not exact in every JSON reader."""


def check_range(row: Option, value: Any, limits: Limits) -> None:
    """Refuse a value outside the range of its option.

    Raises
    ------
    InvalidRequest
        With the option's pointer.
    """
    if row.choices is not None and value not in row.choices:
        raise InvalidRequest(_out_of_range(row, f"one of {', '.join(row.choices)}", quote_text(str(value))))
    if row.kind == "integers" and value is not None:
        _check_list(row, value)
    if not row.is_number or value is None:
        return
    low, high = row.low, row.highest(limits)
    is_above = low is None or (value > low if row.is_open else value >= low)
    is_below = value < np.inf if high is None else value < high if row.is_below else value <= high
    if not (is_above and is_below):
        raise InvalidRequest(_out_of_range(row, _rule(row, high), value))


def _check_list(row: Option, values: Sequence[int]) -> None:
    """Refuse a list that is empty or too long, or that holds a number below the lowest."""
    if not 1 <= len(values) <= row.most:
        raise InvalidRequest(
            fault("too-many-elements", pointer_to(row.name), count=len(values), limit=row.most)
        )
    for position, value in enumerate(values):
        if row.low is not None and not row.low <= value < np.inf:
            rule = f"at least {row.low:,}"
            raise InvalidRequest(fault("out-of-range", pointer_to(row.name, position), rule=rule, got=value))


def _rule(row: Option, high: float | None) -> str:
    """Put the range into words."""
    parts = [] if row.low is None else [f"{'above' if row.is_open else 'at least'} {row.low:,}"]
    if high is not None:
        parts.append(f"{'below' if row.is_below else 'at most'} {high:,}")
    return " and ".join(parts)


def _out_of_range(row: Option, rule: str, got: Any) -> Fault:
    return fault("out-of-range", pointer_to(row.name), rule=rule, got=got)


def check_keys(given: Mapping[str, Any], known: Sequence[str], *place: str) -> None:
    """Refuse a key that an object at a place of the request has not.

    Raises
    ------
    InvalidRequest
        With the key's pointer.
    """
    for key in given:
        if key not in known:
            raise InvalidRequest(fault("unknown-key", pointer_to(*place, key), known=", ".join(known)))


def whole_number(value: Any, low: int, *place: str) -> int:
    """Return a whole number, 5 or 5.0, as an integer.

    Raises
    ------
    InvalidRequest
        It is none, below `low`, or not below 2**53; with the pointer of its place.
    """
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not low <= value < BEYOND_WHOLE or value % 1:
        rule = f"a whole number of at least {low} and below 2**53"
        raise InvalidRequest(
            fault("out-of-range", pointer_to(*place), rule=rule, got=quote_text(repr(value)))
        )
    return int(value)
