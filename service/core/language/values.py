"""What an instruction of a program may stand for: a term, a whole number, a condition or a literal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from service.core.language.graph import NUMBER, Term

LARGEST_WHOLE = 2**53
"""Whole numbers up to it are exact in float64; what goes beyond is a number like any other."""


class Condition(NamedTuple):
    """A condition: its term, and what it compares, which may turn out to have no order."""

    term: Term
    compared: tuple[Term, ...]


class Literal(NamedTuple):
    """True, False, None, an ellipsis, a slice, or a tuple of values."""

    value: Any


class Slice(NamedTuple):
    """The literal bounds and step of a slice."""

    start: int | None
    stop: int | None
    step: int | None


Value = Term | int | Condition | Literal


class NotLiteral(Exception):
    """A value that is known only when the function runs."""


def literal_of(value: Value) -> Any:
    """Return a literal's value: a number, a flag, None, or a tuple of whole numbers."""
    if isinstance(value, int):
        return value
    if isinstance(value, Term) and value.node.operation is NUMBER:
        return value.value
    if not isinstance(value, Literal):
        raise NotLiteral
    if type(value.value) is tuple and any(type(each) is not int for each in value.value):
        raise NotLiteral
    return value.value


WHOLE_OPERATORS: dict[str, Callable[[int, int], int]] = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
}
"""Operators that keep whole numbers whole."""


def whole_result(operator: str, a: int, b: int) -> int | None:
    """Compute with whole numbers; None where the result is not one, or too large to be exact."""
    if operator not in WHOLE_OPERATORS or (operator in ("//", "%") and b == 0):
        return None
    result = WHOLE_OPERATORS[operator](a, b)
    return result if abs(result) <= LARGEST_WHOLE else None
