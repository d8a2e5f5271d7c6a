"""Rules of the operations table: a cheaper term of the same value.

A rule takes the result's shape, the operands and the options; it returns a term, or None where there is
nothing cheaper. So numbers are folded, what changes nothing is left out, and signs move outward through
products until a sum, or a number that is a factor, takes them in.
"""

from __future__ import annotations

import math

from service.core.arrays import Shape
from service.core.language.graph import Graph, Term
from service.core.language.shapes import permutation


def _same(shape: Shape, term: Term) -> Term | None:
    return term if term.shape == shape else None


def add(shape: Shape, a: Term, b: Term) -> Term | None:
    """Add two literals, or subtract what has a sign."""
    if a.value is not None and b.value is not None:
        return _folded(a.graph, a.value + b.value)
    first, second = _opposite(a), _opposite(b)
    if second is not None:
        return a.apply("subtract", second)
    return None if first is None else b.apply("subtract", first)


def sum_of_multiples(known: Term, more: Term) -> Term | None:
    """Multiply the sum of two products by the number that begins both; nothing else needs the second.

    That rounds no more often. What the number no longer multiplies may overflow or underflow sooner, so that
    it is neither very small nor large.
    """
    if known.is_guarded or more.is_guarded:
        return None
    for first, second in ((known, more), (more, known)):
        number, others = without_number(first)
        factor = number.value if number is not None else None
        if number is None or factor is None or abs(factor) == 1.0 or abs(factor) > LARGEST_TAKEN_OUT:
            continue
        rest = _over(second, factor)
        if rest is not None:
            return number * (others + rest)
    return None


SMALLEST_TAKEN_OUT, LARGEST_TAKEN_OUT = 2.0**-30, 16.0
"""Numbers that multiply a sum of derivatives in place of its terms. 1/n of a mean is one, whose value is
summed before it is divided, too."""


def may_be_taken_out(value: float | None) -> bool:
    """Tell whether a number may multiply a sum in place of its terms."""
    return value is not None and SMALLEST_TAKEN_OUT <= abs(value) <= LARGEST_TAKEN_OUT


def without_number(term: Term) -> tuple[Term | None, Term]:
    """Part a product into the number that begins it, if it may multiply a sum, and the rest."""
    number = term.made_by("multiply")
    if term.is_guarded or number is None or abs(number.value or 0.0) < SMALLEST_TAKEN_OUT:
        return None, term
    return number, term.operands[1]


def _over(term: Term, number: float) -> Term | None:
    """Divide a product by the number that begins it, or that begins its first factor."""
    if term.made_by("multiply") is None:
        return None
    first, second = term.operands
    if first.value is not None:
        return _known_multiple(first.value / number, second)
    rest = _over(first, number) if first.is_scaled() else None
    return None if rest is None else rest * second


def _known_multiple(factor: float, term: Term) -> Term | None:
    """Multiply by a number where the product is there already, or is the term itself but for its sign."""
    if abs(factor) == 1.0:
        return term if factor > 0.0 else -term
    number = term.graph.number(factor)
    count = len(term.graph.nodes)
    found = number * term
    return found if found.index < count else None


def subtract(shape: Shape, a: Term, b: Term) -> Term | None:
    """Subtract a literal from another, or add what has a sign."""
    if a.value is not None and b.value is not None:
        return _folded(a.graph, a.value - b.value)
    opposite = _opposite(b)
    return None if opposite is None else a.apply("add", opposite)


def multiply(shape: Shape, a: Term, b: Term) -> Term | None:
    """Multiply two literals, or by 1."""
    first, second = a.source().value, b.source().value
    if first is None and second is None:
        return None
    if a.value is not None and b.value is not None:
        return _folded(a.graph, a.value * b.value)
    if first == 1.0:
        return _same(shape, b)
    return _same(shape, a) if second == 1.0 else None


def product(shape: Shape, a: Term, b: Term) -> Term | None:
    """Multiply by a number once, which stands first: the sign of what it multiplies goes into it."""
    if a.index == b.index and a.value is None and not (a.is_guarded or b.is_guarded):
        return a.apply("square")
    found = multiply(shape, a, b)
    if found is None and a.value is not None and b.is_scaled() and not b.is_guarded:
        found = _scaled(a.value, b)
    if found is None and b.value is not None and a.value is None:
        return b.apply("multiply", a)
    if found is None:
        found = _divided(a, b) or _divided(b, a)
    return _outward("multiply", a, b) if found is None else found


def _divided(a: Term, b: Term) -> Term | None:
    """Divide at once by what a reciprocal divides by."""
    one = a.made_by("divide")
    is_reciprocal = one is not None and one.value == 1.0 and not (a.is_guarded or b.is_guarded)
    return _divided_as(a, b) if is_reciprocal and b.value is None else None


def _divided_as(quotient: Term, dividend: Term) -> Term:
    """Divide another term by a quotient's divisor; a division by 0 is reported at the quotient's place."""
    graph, node = quotient.graph, quotient.node
    outer = graph.place, graph.called
    graph.place, graph.called = node.place, node.called
    found = dividend / quotient.operands[1]
    graph.place, graph.called = outer
    return found


def _outward(name: str, a: Term, b: Term) -> Term | None:
    """Put the sign of a factor before the product or quotient, or into a number that begins it."""
    first, second = _opposite(a), _opposite(b)
    if second is not None:
        return (-a).apply(name, second) if a.value is not None else -a.apply(name, second)
    return None if first is None else -first.apply(name, b)


def _opposite(term: Term) -> Term | None:
    """Return what a sign stands before, None where there is none or zeros are final."""
    return None if term.is_guarded else term.made_by("negative")


def _scaled(factor: float, b: Term) -> Term | None:
    """Multiply what begins with a number by a power of two, or the other way round: nothing is rounded."""
    first, second = b.operands
    if first.value is None or 0.5 not in (abs(math.frexp(factor)[0]), abs(math.frexp(first.value)[0])):
        return None
    number = _folded(b.graph, factor * first.value)
    if number is None or not number.value:
        return None
    return number * second if b.node.operation.name == "multiply" else _divided_as(b, number)


def divide(shape: Shape, a: Term, b: Term) -> Term | None:
    """Divide two literals, or by 1."""
    if a.value is not None and b.value:
        return _folded(a.graph, a.value / b.value)
    return _same(shape, a) if b.value == 1.0 else _outward("divide", a, b)


def negative(shape: Shape, a: Term) -> Term | None:
    """Put the sign into a literal, or into one that is a factor; drop the second of two."""
    if a.value is not None:
        return a.graph.number(-a.value)
    first = a.made_by("multiply")
    if first is None or first.value is None or a.is_guarded:
        return _opposite(a)
    return a.graph.number(-first.value).apply("multiply", a.operands[1])


def power(shape: Shape, a: Term, b: Term) -> Term | None:
    """Small whole powers by multiplication, which is faster and at most one rounding worse."""
    if b.value == 1.0:
        return _same(shape, a)
    if b.value == 2.0:
        return a.apply("square")
    if b.value == 3.0:
        return a.apply("multiply", a.apply("square"))
    return None


def magnitude(shape: Shape, a: Term) -> Term | None:
    """Leave out a sign."""
    opposite = a.made_by("negative")
    return None if opposite is None else opposite.apply("abs")


def broadcast(shape: Shape, a: Term, target: Shape) -> Term | None:
    """Repeat once, or not at all."""
    source = a.source()
    return _same(target, a) if source is a else source.apply("broadcast", shape=target)


def reshape(shape: Shape, a: Term, target: Shape) -> Term | None:
    """Lay out in the same shape, or repeat a number."""
    if a.shape == shape:
        return a
    source = a.source()
    return source.apply("broadcast", shape=shape) if source is not a and not source.shape else None


def transpose(shape: Shape, a: Term, axes: tuple[int, ...] | None) -> Term | None:
    """Put axes in another order once; those of a matrix product where a factor has another already."""
    order = permutation(axes, len(shape))
    if order == (1, 0) and a.made_by("matrix_product") is not None:
        first, second = a.operands
        if first.made_by("transpose") is not None or second.made_by("transpose") is not None:
            return second.apply("transpose", axes=order) @ first.apply("transpose", axes=order)
    before = a.made_by("transpose")
    if before is not None:
        inner = permutation(a.node.options[0], len(shape))
        return before.apply("transpose", axes=tuple(inner[axis] for axis in order))
    return a if order == tuple(range(len(shape))) else None


def _folded(graph: Graph, value: float) -> Term | None:
    return graph.number(value) if math.isfinite(value) else None
