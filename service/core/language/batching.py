"""Rules of the operations table: what an operation becomes when its operands get a leading axis.

A rule takes every operand with the leading axis in front, and the options as they were; it returns the
result with the leading axis. An operand that is the same for the whole batch comes as a broadcast, which
costs nothing and which `Term.source` looks through. Ranks are not aligned: a rule that needs it says so.
"""

from __future__ import annotations

import math
from typing import Any

from service.core.language import shapes
from service.core.language.graph import Term, TermFunction
from service.core.language.shapes import WHOLE_SLICE


def aligned(term: Term, rank: int) -> Term:
    """Put axes of size 1 behind the leading one, up to a rank, so that NumPy broadcasts the rest."""
    missing = rank - len(term.shape)
    if missing <= 0:
        return term
    return term.apply("reshape", shape=(term.shape[0], *(1,) * missing, *term.shape[1:]))


def align(*terms: Term) -> list[Term]:
    """Align operands to the highest rank among them."""
    rank = max(len(term.shape) for term in terms)
    return [aligned(term, rank) for term in terms]


def again(name: str) -> TermFunction:
    """Make the rule of an operation on the last axes, or element by element: nothing of it changes."""

    def rule(*arguments: Any) -> Term:
        terms = align(*(argument for argument in arguments if isinstance(argument, Term)))
        named = terms[0].graph.table[name].named(arguments[len(terms) :])
        return terms[0].apply(name, *terms[1:], **named)

    return rule


def along(name: str) -> TermFunction:
    """Make the rule of an operation with an `axis` option on operands of one rank: the axis moves by one."""

    def rule(*arguments: Any) -> Term:
        first, *others = (argument for argument in arguments if isinstance(argument, Term))
        named = first.graph.table[name].named(arguments[1 + len(others) :])
        return first.apply(name, *others, **named | {"axis": later(named["axis"], first)})

    return rule


def later(axis: shapes.Axes, x: Term) -> shapes.Axes:
    """Move axes by one, for an operand that got a leading axis."""
    axes = tuple(each + 1 for each in shapes.axes_of(axis, len(x.shape) - 1))
    return axes[0] if isinstance(axis, int) else axes


def matrix_product(a: Term, b: Term) -> Term:
    """Multiply with few calls: a factor shared by the batch is multiplied with the whole batch at once."""
    first, second = a.source(), b.source()
    if len(second.shape) == 2 < len(b.shape) and second is not b:
        rows = a.apply("reshape", shape=(math.prod(a.shape[:-1]), a.shape[-1]))
        return (rows @ second).apply("reshape", shape=(*a.shape[:-1], second.shape[-1]))
    if len(first.shape) == 2 < len(a.shape) and first is not a and len(b.shape) == 3 and b.shape[-1] == 1:
        rows = b.apply("reshape", shape=b.shape[:-1]) @ first.apply("transpose", axes=(1, 0))
        return rows.apply("reshape", shape=(*rows.shape, 1))
    return again("matrix_product")(a, b)


def transpose(x: Term, axes: tuple[int, ...] | None) -> Term:
    """Leave the leading axis in front."""
    order = shapes.permutation(axes, len(x.shape) - 1)
    return x.apply("transpose", axes=(0, *(axis + 1 for axis in order)))


def reshape(x: Term, shape: int | tuple[int, ...]) -> Term:
    """Reshape each array of the batch."""
    return x.apply("reshape", shape=(x.shape[0], *shapes.reshaped(x.shape[1:], shape)))


def broadcast(x: Term, shape: tuple[int, ...]) -> Term:
    """Broadcast each array of the batch."""
    return aligned(x, 1 + len(shape)).apply("broadcast", shape=(x.shape[0], *shape))


def index(x: Term, items: tuple[Any, ...]) -> Term:
    """Index each array of the batch alike."""
    return x.apply("index", items=(WHOLE_SLICE, *items))


def scatter(x: Term, shape: tuple[int, ...], items: tuple[Any, ...]) -> Term:
    """Put each array of the batch at the same index."""
    return x.apply("scatter", shape=(x.shape[0], *shape), items=(WHOLE_SLICE, *items))


def add_at(base: Term, x: Term, items: tuple[Any, ...]) -> Term:
    """Add each array of the batch at the same index."""
    return base.apply("add_at", x, items=(WHOLE_SLICE, *items))
