"""What the API says of a request's fields: a table beside that of the core."""

from __future__ import annotations

from service.core import exceptions as core
from service.core.exceptions import Fault, fill

MESSAGES: dict[str, str] = core.MESSAGES | {
    "missing-field": "This field is required.",
    "null-field": "Must not be null.",
    "unknown-field": "There is no such field.{hint}",
    "unknown-choice": "Must be one of {choices}, got {got}.{hint}",
    "not-a-boolean": "Must be true or false, got {got}.",
    "not-a-string": "Must be a string, got {got}.",
    "not-an-object": "Must be an object, got {got}.",
    "not-a-tensor": "Must be a number or an array of numbers, got {got}.",
    "not-an-array-of-booleans": "Must be an array of true and false, got {got}.",
    "not-a-number": "Must be a JSON number, got {got}.",
    "ragged-array": "Must be rectangular: expected length {expected} here as in the first row, got {got}.",
    "mixed-depth": "Must be rectangular: expected {expected} here as in the first row, got {got}.",
    "rank-too-high": "Has rank {rank}; the highest rank is {limit}.",
    "too-many-names": "Has {count} names; at most {limit} are allowed.",
    "no-names": "Needs at least one name.",
    "mask-with-log": "A masked position has no finite logarithm; send mask or log, not both.",
}
"""Every message of a refused request, by its code."""


def too_large(limit: int) -> tuple[str, str]:
    """Return code and detail of the refusal of a body, whatever worker reads it."""
    most = f"at most {limit:,} bytes (setting KOBAI_BODY_BYTES)"
    return "body-too-large", f"The body may have {most}; GET /limits lists all limits."


def truncated(rest: str) -> str:
    """Say that a body ended too soon, whatever worker reads it."""
    return f"The body is truncated: it ended before {rest} had come."


def fault(code: str, pointer: str = "", **values: object) -> Fault:
    """Make a fault from its row in `MESSAGES`."""
    return Fault(code, fill(MESSAGES[code], values), pointer)
