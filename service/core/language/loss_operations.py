"""Rows of the operations table that are made from the table of losses."""

from __future__ import annotations

from typing import Any

from service.core.arrays import shown
from service.core.language import batching, shapes
from service.core.language.constants import DOMAINS, DomainRule, IndexRule
from service.core.language.formula import OPTIONS, Loss, LossRule
from service.core.language.graph import Term
from service.core.language.losses import LOSSES, spread_last
from service.core.language.operation import Operation, ShapeFault
from service.core.language.places import refuse

LAID_OUT = frozenset({"reshape", "transpose", "broadcast"})
"""Operations whose result has all elements of a constant and no others."""

TARGETS = "targets have the shape of the predictions, or sizes of 1, or are a number"


def _read(p: Term, t: Term, rule: str = TARGETS) -> tuple[Term, Term]:
    """Refuse targets but a number and arrays of the predictions' rank that broadcast to their shape."""
    sizes = zip(t.shape, p.shape, strict=False)
    if len(t.shape) not in (0, len(p.shape)) or any(size not in (1, other) for size, other in sizes):
        raise ShapeFault(rule)
    return p, t


def _check_targets(row: Loss, t: Term) -> None:
    """Refuse a literal that is no valid target; note the rule for a constant that holds the targets."""
    if row.targets not in DOMAINS:
        return
    graph = t.graph
    code, is_right = DOMAINS[row.targets]
    if t.value is not None and not is_right(t.value):
        refuse(code, graph.place, got=shown(t.value), hint="")
    name = _constant_of(t)
    if name is not None:
        graph.rules.append(DomainRule(name, row.targets, graph.place.line, graph.place.column))


def _constant_of(t: Term) -> str | None:
    """Return the name of the constant whose elements these are, all of them."""
    graph, node = t.graph, t.node
    while node.operation.name in LAID_OUT:
        node = graph.nodes[node.operands[0]]
    return node.constant


def _read_labels(p: Term, t: Term) -> tuple[Term, Term]:
    """Read a constant of the predictions' shape without the last axis as class labels."""
    name = t.node.constant
    is_single = len(p.shape) == 1 and t.shape == (1,) != p.shape
    if name is None or not p.shape or not (t.shape == p.shape[:-1] or is_single):
        return _read(p, t, f"{TARGETS}; class labels are a constant of shape {p.shape[:-1]}")
    classes = p.shape[-1]
    t.graph.rules.append(IndexRule(name, 0, classes - 1, is_label=True))
    return p, t.apply("reshape", shape=p.shape[:-1]).apply("one_hot", classes=classes)


def _operation(row: Loss) -> Operation:
    """Make a loss's row of the operations table."""
    formula = row.formula
    is_over_rows = formula.total is not None

    def read(p: Term, t: Term) -> tuple[Term, Term]:
        p, t = _read_labels(p, t) if row.takes_labels else _read(p, t)
        _check_targets(row, t)
        return p, t

    def spread(g: Term, p: Term, t: Term) -> Any:
        return spread_last(g, shapes.broadcast(p.shape, t.shape)) if is_over_rows else g

    def by_prediction(g: Term, y: Term, p: Term, t: Term, *options: float) -> Any:
        return spread(g, p, t) * formula.derivative(p, t, *options)

    def by_target(g: Term, y: Term, p: Term, t: Term, *options: float) -> Any:
        return spread(g, p, t) * formula.target_derivative(p, t, *options)

    arguments = "".join(f", {{{option}}}" for option in formula.options)
    return Operation(
        row.name,
        ("p", "t"),
        row.meaning,
        shape=shapes.last_axis if is_over_rows else shapes.elementwise,
        read=read,
        array=f"{row.name}_kernel({{0}}, {{1}}{arguments})",
        derivatives=(by_prediction, by_target),
        options=tuple((option, *OPTIONS[option]) for option in formula.options),
        batch=batching.again(row.name),
        definition=formula.value,
        on_arrays=row.formula.value,
        fused=_from_logits(row),
        kinks=row.kinks,
        example=row.example,
        cost=row.cost,
        workspace=row.workspace,
        is_elementwise=not is_over_rows,
        is_analytic=row.is_analytic,
    )


def _from_logits(row: Loss) -> LossRule | None:
    """Make the rule that computes the loss of an activation from its logits.

    So no probability is rounded to 0 before its logarithm is taken.
    """
    formula = row.from_logits
    if formula is None:
        return None

    def fused(p: Term, t: Term, *options: float) -> Any:
        given = dict(zip(row.formula.options, options, strict=True))
        logits = p.made_by(row.activation)
        if logits is not None and row.of_labels is not None and (name := _constant_of(t)) is not None:
            p.graph.labels.add(name)
            if p.graph.has_labels:
                return row.of_labels(logits, t, *options)
        is_other_axis = row.activation == "softmax" and p.node.options not in ((-1,), (len(p.shape) - 1,))
        if logits is None or given.get("epsilon") or is_other_axis:
            return None
        return formula.value(logits, t, *(given[option] for option in formula.options))

    return fused


LOSS_OPERATIONS: tuple[Operation, ...] = tuple(map(_operation, LOSSES.values()))
"""Rows of the operations table: the losses, with reduction "none"."""

LOSS_KERNELS: dict[str, LossRule] = {f"{name}_kernel": row.formula.value for name, row in LOSSES.items()}
"""What computes them on arrays, by the name that generated source calls."""
