"""Formulas that are written naively, and the functions that compute them without overflow or lost digits.

A rule looks at an operation and at what made its operands. Only what a client wrote is rewritten; where
the naive form was accurate, the value changes by a few roundings at most.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from service.core.language import shapes
from service.core.language.graph import Graph, Node, Term
from service.core.language.places import Place

LOGARITHMS = {"softmax": "log_softmax", "sigmoid": "log_sigmoid"}
"""What makes probabilities, and what makes their logarithms, which are finite wherever the scores are."""

LONGEST_WAY = 8
"""Most views and picks to follow back from probabilities to the softmax or sigmoid that made them."""


class Rewrite(NamedTuple):
    """Where a formula stood, and the function that took its place."""

    place: Place
    to: str


def _is_one(term: Term) -> bool:
    return term.value == 1.0


def _beside_one(term: Term) -> Term | None:
    """Return x of 1 + x or x + 1."""
    if term.node.operation.name != "add":
        return None
    first, second = term.operands
    return second if _is_one(first) else first if _is_one(second) else None


def _taken_from_one(term: Term) -> Term | None:
    """Return -x of 1 - x."""
    if term.node.operation.name != "subtract":
        return None
    first, second = term.operands
    return _opposite(second) if _is_one(first) else None


def _exponent_beside_one(term: Term) -> Term | None:
    """Return u of 1 + exp(u)."""
    power = _beside_one(term)
    return power.made_by("exp") if power is not None else None


def _opposite(term: Term) -> Term:
    return term.made_by("negative") or -term


def _squared(term: Term) -> Term | None:
    """Return x of x**2 or x * x."""
    first, *others = term.node.operands or (0,)
    is_product = term.node.operation.name == "multiply" and others == [first]
    return Term(term.graph, first) if is_product else term.made_by("square")


def _quotient(a: Term, b: Term) -> Term | None:
    exponent = _exponent_beside_one(b)
    if exponent is not None and _is_one(a):
        return _opposite(exponent).apply("sigmoid")
    if exponent is not None and a.made_by("exp") == exponent:
        return exponent.apply("sigmoid")
    return _share_of_powers(a, b.source()) or _picked_share(a, b.source())


def _picked_share(a: Term, b: Term) -> Term | None:
    """Write exp(x[k]) / sum(exp(x)) as what is picked of a softmax over all elements."""
    picked, powers = _origin(a)
    exponents = powers.made_by("exp")
    laid, scores = _origin(exponents) if exponents is not None else ([], a)
    total = b.made_by("reshape") or b
    summed = total.made_by("sum")
    if exponents is None or summed is None or summed.made_by("exp") != scores:
        return None
    if total.size != 1 or len(b.shape) > len(a.shape) or not scores.shape:
        return None
    return _again(scores.apply("softmax", axis=total.node.options[0]), [*picked, *laid])


def _share_of_powers(a: Term, b: Term) -> Term | None:
    """Write exp(x) / sum(exp(x), ...) as a softmax."""
    scores, total = a.made_by("exp"), b.made_by("reshape") or b
    if scores is None or total.node.operation.name != "sum" or total.node.operands[0] != a.index:
        return None
    axis = total.node.options[0]
    # A reshape leaves the order: to the shape of kept axes it keeps them, as in sum(exp(x), axis=1)[:, None].
    stretched = (1,) * (len(scores.shape) - len(b.shape)) + b.shape
    is_kept = stretched == shapes.reduced(scores.shape, axis, True)
    return scores.apply("softmax", axis=axis) if scores.shape and is_kept else None


def _logarithm(x: Term) -> Term | None:
    exponent = _exponent_beside_one(x)
    if exponent is not None:
        return exponent.apply("softplus")
    small = _beside_one(x) or _taken_from_one(x)
    if small is not None:
        return small.apply("log1p")
    return x.made_by("exp") or _logarithm_of_powers(x) or _logarithm_of_probabilities(x)


def _logarithm_of_probabilities(x: Term) -> Term | None:
    """Write the log of a softmax or sigmoid, and of what is picked of one, as log(softmax(x)[i, j])."""
    way, probabilities = _origin(x)
    name = probabilities.node.operation.name
    scores = probabilities.made_by(name) if name in LOGARITHMS else None
    if scores is None:
        return None
    return _again(scores.apply(LOGARITHMS[name], **probabilities.node.named_options), way)


def _again(term: Term, way: list[Node]) -> Term:
    """Apply the views and picks that `_origin` found behind another term, in their order, to this one."""
    for node in reversed(way):
        others = [Term(term.graph, each) for each in node.operands[1:]]
        term = term.apply(node.operation.name, *others, **node.named_options)
    return term


def _origin(term: Term) -> tuple[list[Node], Term]:
    """Follow views and picks of elements back; return them, the last one first, and where they end."""
    way: list[Node] = []
    while len(way) < LONGEST_WAY and (term.node.operation.is_view or term.node.operation.name == "take"):
        way.append(term.node)
        term = term.operands[0]
    return way, term


def _logarithm_of_powers(x: Term) -> Term | None:
    """Write log(sum(exp(x), ...)) and log(prod(exp(x), ...))."""
    for name, to in (("sum", "logsumexp"), ("prod", "sum")):
        powers = x.made_by(name)
        scores = powers.made_by("exp") if powers is not None else None
        if scores is not None and scores.size:
            axis, keepdims = x.node.options
            return scores.apply(to, axis=axis, keepdims=keepdims)
    return None


def _sum(a: Term, b: Term) -> Term | None:
    for number, other in ((a, b), (b, a)):
        power = other.made_by("exp")
        if power is not None and number.value == -1.0:
            return power.apply("expm1")
    return None


def _difference(a: Term, b: Term) -> Term | None:
    power = a.made_by("exp") if _is_one(b) else None
    if power is not None:
        return power.apply("expm1")
    power, score = (b.made_by("exp"), b.made_by("sigmoid")) if _is_one(a) else (None, None)
    if power is not None:
        return -power.apply("expm1")
    return _opposite(score).apply("sigmoid") if score is not None else None


def _root(x: Term) -> Term | None:
    alone = _squared(x)
    if alone is not None:
        return alone.apply("abs")
    squares = x.made_by("sum")
    inner = _squared(squares) if squares is not None else None
    if inner is None:
        return None
    axis, keepdims = x.node.options
    return inner.apply("norm", axis=axis, keepdims=keepdims)


REWRITES: dict[str, Callable[..., Term | None]] = {
    "divide": _quotient,
    "log": _logarithm,
    "add": _sum,
    "subtract": _difference,
}
"""By operation: what it is rewritten to, or None."""

REAL_REWRITES: dict[str, Callable[..., Term | None]] = REWRITES | {"sqrt": _root}
"""Those, and what the complex step could not pass through afterwards."""


class Rewriter:
    """Rewrites the operations of a graph while it is made from a client's text, and notes where.

    Parameters
    ----------
    is_analytic : bool
        Whether what is analytic has to stay so.
    """

    def __init__(self, is_analytic: bool) -> None:
        self.rules = REWRITES if is_analytic else REAL_REWRITES
        self.found: dict[Rewrite, None] = {}

    def __call__(self, graph: Graph, name: str, terms: tuple[Term, ...]) -> Any:
        """Return what an operation is rewritten to, None mostly."""
        rule = self.rules.get(name)
        found = rule(*terms) if rule else None
        if found is not None:
            self.found[Rewrite(graph.place, _name_of(found, terms[0]))] = None
        return found


def _name_of(found: Term, first: Term) -> str:
    """Name the function that took a formula's place, or x where nothing but its argument is left."""
    source = _origin(found)[1]
    named = source.made_by("negative") or source
    return "x" if found.index in first.node.operands else named.node.operation.name
