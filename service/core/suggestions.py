"""What a misspelt or foreign name may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

LIKENESS = 0.8
"""Minimum similarity for a suggestion: 1 is equal, and at 0.67 `asin` is still like `sin`."""

LONGEST = 64


def hint_for(name: str, known: Iterable[str], aliases: Mapping[str, str] | None = None) -> str:
    """Say what a name may have meant: what others call so, else a known name that is much alike.

    A known name of the same letters is alike however short it is.

    >>> hint_for("softmx", ["softmax", "sum"]), hint_for("tahn", ["tan", "tanh"])
    (' Did you mean softmax?', ' Did you mean tanh?')
    >>> hint_for("lr", ["learning_rate"], {"lr": "learning_rate"})
    ' Write learning_rate.'
    >>> hint_for("asin", ["sin"], {"asin": "arcsin(x)"})
    ' Write arcsin(x).'
    >>> hint_for("power", ["where"])
    ''
    """
    foreign = (aliases or {}).get(name, (aliases or {}).get(name.lower()))
    if foreign is not None:
        return f" Write {foreign}." if foreign else ""
    names = list(known)
    folded = name[:LONGEST].lower()
    same = [each for each in names if each.lower() == folded]
    swapped = same or [each for each in names if sorted(each.lower()) == sorted(folded)]
    close = swapped or difflib.get_close_matches(name[:LONGEST], names, 1, LIKENESS)
    return f" Did you mean {close[0]}?" if close else ""
