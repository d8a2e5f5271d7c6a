"""Names that a request or a statement may bind."""

from __future__ import annotations

import re

from service.core.exceptions import Fault, fault, quote_text

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}", re.ASCII)
RESERVED = frozenset({"True", "False", "None", "and", "or", "not"})
"""Words of the grammar. Names of functions are not among them: calls have a parenthesis, names have none."""


def name_faults(name: str, pointer: str) -> list[Fault]:
    """Return what is wrong with a name, nothing mostly."""
    if not NAME.fullmatch(name):
        return [fault("bad-name", pointer, got=quote_text(name))]
    return [fault("name-is-reserved", pointer, got=quote_text(name))] if name in RESERVED else []
