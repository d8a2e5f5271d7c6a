"""Long programs in parts: Python compiles a text in one go, and meanwhile nobody looks at a clock or runs.

A part is a function of its own. What it computes for later parts it leaves in a list, and takes out what
nothing after it needs. The body of the program calls them, as here with parts of two lines:

    held = [None] * 2
    part0(held, v0)
    part1(held)
    n3 = held[1]
    held = None

    def part0(held, v0):
        n1 = sin(v0)
        n2 = multiply(n1, n1)
        held[0] = n2

    def part1(held):
        n2 = held[0]
        held[0] = None
        n3 = exp(n2)
        n2 = None
        held[1] = n3
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Sequence

LONGEST = 2_000
"""Lines of a body that are compiled in one go; Python takes 16 microseconds for each."""
PART_LINES = 1_000
"""Lines of a part, about."""

_ASSIGNED = re.compile(r"^ *(\w+) = ")


def in_parts(
    body: Sequence[str],
    known: Collection[str],
    outputs: Collection[str],
    words_of: Callable[[Sequence[str]], set[str]],
) -> tuple[list[str], dict[str, tuple[list[str], list[str]]]]:
    """Part a body.

    Parameters
    ----------
    body : sequence of str
        Its lines; those of a block begin with spaces.
    known, outputs : collection of str
        Names that are there before the body, and that are used after it.
    words_of : callable
        Returns every name in lines.

    Returns
    -------
    list of str, dict of str to tuple
        The lines of the body, and by name the arguments and the lines of each part; none of a short body.
    """
    if len(body) <= LONGEST:
        return [*body], {}
    chunks = _chunks(body)
    used = [words_of(chunk) for chunk in chunks]
    made = [{found[1] for line in chunk if (found := _ASSIGNED.match(line))} for chunk in chunks]
    later = [{*outputs}]
    for words in reversed(used[1:]):
        later.append(later[-1] | words)
    later.reverse()
    lines, parts, places = list[str](), dict[str, tuple[list[str], list[str]]](), dict[str, int]()
    for number, chunk in enumerate(chunks):
        taken = sorted(places.keys() & used[number])
        kept = sorted(made[number] & later[number])
        before = [f"{name} = held[{places[name]}]" for name in taken]
        before += [f"held[{places[name]}] = None" for name in taken if name not in later[number]]
        for name in kept:
            places.setdefault(name, len(places))
        after = [f"held[{places[name]}] = {name}" for name in kept]
        arguments = ["held", *sorted(used[number].intersection(known))]
        parts[f"part{number}"] = arguments, [*before, *chunk, *after]
        lines.append(f"part{number}({', '.join(arguments)})")
    results = [f"{name} = held[{places[name]}]" for name in sorted(places.keys() & outputs)]
    return [f"held = [None] * {len(places)}", *lines, *results, "held = None"], parts


def _chunks(body: Sequence[str]) -> list[list[str]]:
    """Cut between lines that begin no deeper than the body."""
    chunks: list[list[str]] = [[]]
    for line in body:
        if len(chunks[-1]) >= PART_LINES and not line.startswith(" "):
            chunks.append([])
        chunks[-1].append(line)
    return chunks
