"""Where something stands in a function's text, and how it is refused there."""

from __future__ import annotations

from typing import Any, NamedTuple, NoReturn

from lark import Token

from service.core.exceptions import Fault, InvalidFunction, KobaiError, fault

FUNCTION_POINTER = "/function"


class Place(NamedTuple):
    """A line and a column, 1-based; for what a client's function expands to, those of the call.

    `within` is then the line and column in the function's body.
    """

    line: int
    column: int
    within: tuple[int, int] | None = None


def place_of(token: Token) -> Place:
    """Return where a token begins."""
    return Place(token.line or 1, token.column or 1)


def describe(place: Place) -> str:
    """Write a place for a message."""
    text = f"column {place.column}" if place.line == 1 else f"line {place.line}, column {place.column}"
    return text + (f" (within {describe(Place(*place.within))})" if place.within else "")


def fault_at(code: str, place: Place, **values: Any) -> Fault:
    """Make a fault at a place of the text."""
    text = f"{describe(place)}: {fault(code, **values).detail}"
    return Fault(code, text, FUNCTION_POINTER, place.line, place.column, place.within)


def refuse(code: str, place: Place, error: type[KobaiError] = InvalidFunction, **values: Any) -> NoReturn:
    """Raise an error, `InvalidFunction` mostly, at a place of the text."""
    raise error(fault_at(code, place, **values))
