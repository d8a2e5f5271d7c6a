"""What an unknown field or choice may have meant, from the tables of `aliases` and `advice`."""

from __future__ import annotations

import dataclasses
import heapq
import re
from collections.abc import Iterable, Mapping, Sequence

from service.api.advice import CHOICE_ADVICE, EXAMPLES, FIELD_ADVICE, LOSS_ADVICE, Advice, members
from service.api.aliases import CHOICES, FIELDS
from service.api.messages import fault
from service.core.descent.optimizers import OPTIMIZERS
from service.core.exceptions import MOST_FAULTS, Fault, order_of_key, pointer_to
from service.core.suggestions import hint_for

FEW = 8
"""Fields that are named where nothing is known of what was meant."""

LONGEST = 64

KINDS = ("not-an-object", "not-a-string", "not-a-list-of-names")
"""Codes of faults that say which kind of value a field takes, and no more."""


_ENDING = re.compile("(?:s?methods?|optimi[sz]er|algorithm|solver)$")


def folded(word: str) -> str:
    """Write a word as it stands in the tables: its last part, in small letters and digits alone.

    >>> folded("torch.optim.Adam"), folded("L-BFGS-B"), folded("step_size")
    ('adam', 'lbfgsb', 'stepsize')
    """
    return re.sub("[^a-z0-9]", "", word[-LONGEST:].lower().rpartition(".")[2])


def unknown_fields(
    given: Iterable[str], known: Sequence[str], elsewhere: Mapping[str, str] | None = None
) -> list[Fault]:
    """Make the faults of names that are not known, the first of them: the search for a hint is slow.

    Parameters
    ----------
    known : sequence of str
        Fields that there are.
    elsewhere : mapping of str to str, optional
        Fields of other endpoints, and which those are.
    """
    unknown = (name for name in given if name not in known)
    names = heapq.nsmallest(MOST_FAULTS, unknown, key=order_of_key)
    return [
        fault("unknown-field", pointer_to(name), hint=_hint_for_field(name, known, elsewhere or {}))
        for name in names
    ]


def _hint_for_field(name: str, known: Sequence[str], elsewhere: Mapping[str, str]) -> str:
    advice = FIELD_ADVICE if "optimizer" in known else LOSS_ADVICE if "predictions" in known else ()
    return (
        _known(name, known, FIELDS)
        or _advised(name, advice)
        or (f" It is a field of {elsewhere[name]}." if name in elsewhere else "")
        or hint_for(name[:LONGEST].lower(), known)
        or (f" There are {', '.join(known)}." if len(known) <= FEW else "")
    )


def hint_for_choice(field: str | None, word: str, choices: Sequence[str]) -> str:
    """Say what a word may have meant that is none of a field's choices.

    >>> hint_for_choice("optimizer", "torch.optim.Adam", ["adam", "lbfgs"])
    ' Did you mean adam?'
    >>> hint_for_choice("schedule", "StepLR", ["constant", "step"])
    ' Write step.'
    >>> hint_for_choice("optimizer", "Newton's method", ["adam", "newton"])
    ' Did you mean newton?'
    """
    alone = _ENDING.sub("", folded(word))
    return (
        _known(word, choices, CHOICES)
        or _advised(word, CHOICE_ADVICE.get(field or "", ()))
        or _known(alone, choices, CHOICES)
        or _advised(alone, CHOICE_ADVICE.get(field or "", ()))
        or (_meant_optimizer(word) if field == "method" else "")
        or hint_for(word[:LONGEST].lower(), choices)
    )


def _meant_optimizer(word: str) -> str:
    """Say where an optimizer belongs that was given as the method of differentiation."""
    found = hint_for_choice("optimizer", word, tuple(OPTIMIZERS))
    if not found:
        return ""
    named = "" if word in OPTIMIZERS else found
    return f" Optimizers stand in the field optimizer, of /descent and /descent/sweep.{named}"


def with_example(field: str, found: Fault) -> Fault:
    """Add an example of a field to a fault that says no more than which kind of value it takes."""
    if found.code not in KINDS or field not in EXAMPLES:
        return found
    return dataclasses.replace(
        found, detail=f"{found.detail} For example {members({field: EXAMPLES[field]})}."
    )


def _known(word: str, known: Sequence[str], table: Mapping[str, str]) -> str:
    """Find a known word written otherwise, or one that other libraries call so."""
    key = folded(word)
    for name in known:
        if folded(name) == key:
            return f" Did you mean {name}?"
    for name, others in table.items():
        if name in known and key in others.split():
            return f" Write {name}."
    return ""


def _advised(word: str, rows: Iterable[Advice]) -> str:
    key = folded(word)
    return next((row.sentence for row in rows if key in row.names.split()), "")
