"""What is known of a term's values before anything runs: sums of squares, and results that are never NaN."""

from __future__ import annotations

import math
from collections.abc import Callable

from service.core.language.graph import INPUT, NUMBER, Graph, Node, Term

MOST_PARTS = 1_000
"""Most operations to look at; of a term made of more nothing is known."""

Splitting = Callable[[Graph, Node], "list[int] | None"]


def is_sum_of_squares(term: Term) -> bool:
    """Tell whether a term is at least 0, may be 0, and its derivatives are 0 wherever it is 0.

    So they are of a sum of even powers with positive factors; an outer derivative that is infinite at 0,
    as the square root's, then meets nothing but zeros.
    """
    if _is_above_zero(term):
        return False
    graph, waiting, seen = term.graph, [term.index], set[int]()
    while waiting:
        index = waiting.pop()
        if index in seen:
            continue
        seen.add(index)
        if len(seen) > MOST_PARTS:
            return False
        node = graph.nodes[index]
        parts = _PARTS[node.operation.name](graph, node) if node.operation.name in _PARTS else None
        if parts is None:
            return False
        waiting += parts
    return True


def _is_above_zero(term: Term) -> bool:
    """Tell whether a term is a sum with a positive number; the rest may be anything."""
    is_sum = term.node.operation.name == "add"
    return is_sum and max(part.value or 0.0 for part in term.operands) > 0.0


def is_positive(term: Term) -> bool:
    """Tell whether a term is the sum of a positive number and a probability."""
    return _is_above_zero(term) and any(map(_is_nonnegative, term.operands))


def _is_nonnegative(term: Term) -> bool:
    """Tell whether an operation's results are at least 0; of x / sum(x), whether those of x are."""
    part = term.made_by("divide")
    total = term.operands[1].made_by("sum") if part is not None else None
    return (part if part is not None and part == total else term).node.operation.is_nonnegative


def _all(graph: Graph, node: Node) -> list[int]:
    return list(node.operands)


def _none(graph: Graph, node: Node) -> list[int]:
    return []


def _number(graph: Graph, node: Node) -> list[int] | None:
    return [] if node.options[0] >= 0.0 else None


def _product(graph: Graph, node: Node) -> list[int]:
    first, second = node.operands
    is_cube = _is_magnitude(graph, first) and _is_square_of(graph, second, first)
    return [] if first == second or is_cube else [first, second]


def _sum(graph: Graph, node: Node) -> list[int]:
    return [] if _is_form(graph, node) else list(node.operands)


def _difference(graph: Graph, node: Node) -> list[int] | None:
    return [] if _is_form(graph, node) else None


def _is_form(graph: Graph, node: Node) -> bool:
    """Recognise a**2 + b**2 ± a*b, which is (3*(a ± b)**2 + (a ∓ b)**2) / 4."""
    total, product = (graph.nodes[each] for each in node.operands)
    if (total.operation.name, product.operation.name) != ("add", "multiply"):
        return False
    first, second = total.operands
    return any(
        _is_square_of(graph, first, a) and _is_square_of(graph, second, b)
        for a, b in (product.operands, product.operands[::-1])
    )


def _matrix_product(graph: Graph, node: Node) -> list[int] | None:
    """Recognise the product of a row with itself as a column."""
    row, column = (_laid_flat(graph, each) for each in node.operands)
    return [] if row == column and math.prod(node.shape) == 1 else None


def _laid_flat(graph: Graph, index: int) -> int:
    while graph.nodes[index].operation.name in ("reshape", "transpose"):
        index = graph.nodes[index].operands[0]
    return index


def _branches(graph: Graph, node: Node) -> list[int]:
    return list(node.operands[1:])


def _clipped(graph: Graph, node: Node) -> list[int] | None:
    highest = Term(graph, node.operands[2]).source().value
    return [node.operands[0]] if highest is not None and highest > 0.0 else None


def _quotient(graph: Graph, node: Node) -> list[int] | None:
    divisor = Term(graph, node.operands[1]).source().value
    return [node.operands[0]] if divisor is not None and divisor > 0.0 else None


def _power(graph: Graph, node: Node) -> list[int] | None:
    exponent = Term(graph, node.operands[1]).value
    if exponent is None or exponent <= 1.0:
        return None
    base = node.operands[0]
    return [] if exponent % 2.0 == 0.0 or _is_magnitude(graph, base) else [base]


def _is_magnitude(graph: Graph, index: int) -> bool:
    return graph.nodes[index].operation.name in ("abs", "norm")


def _is_square_of(graph: Graph, index: int, base: int) -> bool:
    node = graph.nodes[index]
    return node.operation.name == "square" and node.operands[0] == base


_PARTS: dict[str, Splitting] = {
    "square": _none,
    "power": _power,
    "number": _number,
    "multiply": _product,
    "matrix_product": _matrix_product,
    "add": _sum,
    "subtract": _difference,
    "divide": _quotient,
    "where": _branches,
    "clip": _clipped,
}
_PARTS |= dict.fromkeys(("squared_error", "half_squared_error", "huber", "log_cosh"), _none)
_PARTS |= dict.fromkeys(
    (
        "sum", "prod", "max", "maximum", "min", "minimum", "abs", "relu", "sorted", "running_sum", "join",
        "index", "reshape", "transpose", "broadcast",
    ), _all,
)  # fmt: skip
"""By operation: the operands that have to be sums of squares for the result to be one, or None."""


FINITE, INFINITE, UNDEFINED = range(3)
"""What the worst of a term's elements may be: finite, infinite, NaN."""


def worst_of(term: Term, known: dict[int, int]) -> int:
    """Return the worst that may become of a term whose inputs are finite: a bound, not a promise.

    What is found of its operands is kept in `known`, for other terms of the same graph.
    """
    graph = term.graph
    waiting = [term.index]
    while waiting:
        index = waiting[-1]
        if index in known:
            waiting.pop()
            continue
        node = graph.nodes[index]
        missing = [operand for operand in node.operands if operand not in known]
        if missing:
            waiting += missing
            continue
        known[waiting.pop()] = _worst(node, [known[operand] for operand in node.operands])
    return known[term.index]


def _worst(node: Node, operands: list[int]) -> int:
    name, before = node.operation.name, max(operands, default=FINITE)
    if before is UNDEFINED:
        return UNDEFINED
    if node.operation in (INPUT, NUMBER) or name in _BOUNDED:
        return FINITE
    if name in _KEEPING:
        return before
    if name in _GROWING:
        return INFINITE
    return INFINITE if before is FINITE and name in _COMBINING else UNDEFINED


_BOUNDED = {"sigmoid", "tanh", "arctan", "sign", "step"}
_KEEPING = {
    "abs", "negative", "minimum", "maximum", "clip", "relu", "min", "max", "softplus", "log_sigmoid",
    "index", "reshape", "transpose", "broadcast", "where",
}  # fmt: skip
_GROWING = {"square", "exp", "expm1", "sinh", "cosh", "norm"}
_COMBINING = {"add", "subtract", "multiply", "sum", "matrix_product", "sin", "cos"}
"""Operations with bounded results; those that make nothing infinite; those whose results are never NaN
when no operand is; those whose results are never NaN when all operands are finite."""
