"""Names that a request or a statement may bind."""

from __future__ import annotations

import re

from service.core.exceptions import Fault, fault, quote_text

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)
RESERVED = frozenset({"True", "False", "None", "and", "or", "not"})
"""Words of the grammar. Names of functions are not among them: calls have a parenthesis, names have none."""
_ELEMENT = re.compile(r"[A-Za-z][A-Za-z0-9_]*[\[(][0-9]+[\])]", re.ASCII)


def bad_name(name: str, pointer: str) -> Fault:
    """Make the fault of what is not a name; an element of an array is none."""
    hint = (
        ' Elements stand in an array under its name, as in "x": [3, 4].' if _ELEMENT.fullmatch(name) else ""
    )
    return fault("bad-name", pointer, got=quote_text(name), hint=hint)


def name_faults(name: str, pointer: str) -> list[Fault]:
    """Return what is wrong with a name, nothing mostly."""
    if not NAME.fullmatch(name):
        return [bad_name(name, pointer)]
    return [fault("name-is-reserved", pointer, got=quote_text(name))] if name in RESERVED else []
