"""The table of losses, and the rows of the operations table that are made from it.

A row's formulas are written once: they take arrays, which gives the losses that `service.core.losses`
answers with, or terms of a program, which gives the operations of the language and their derivatives.
Adding a loss is one row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from service.core import activation_kernels, loss_kernels
from service.core.language import batching, shapes
from service.core.language.graph import INPUT, IndexRule, Term
from service.core.language.operation import Operation, ShapeFault

Rule = Callable[..., Any]

EPSILON = 1e-7
"""The seed's ε inside the logarithms."""

OPTIONS: dict[str, tuple[str, float]] = {
    "epsilon": ("non-negative", EPSILON),
    "delta": ("positive", 1.0),
    "label_smoothing": ("fraction", 0.0),
    "quantile": ("inside", 0.5),
}
"""Of each numeric option the kind of its values and the default."""


@dataclass(frozen=True, slots=True)
class Formula:
    """How a loss is computed from predictions of one kind.

    Attributes
    ----------
    terms : callable
        From predictions p, targets t and the options, in their order, to the loss of each element, or
        to the terms that a loss over the last axis adds up.
    derivative : callable
        From the same to the derivative of the loss by p.
    cause : str
        What of a prediction stops being finite first, in words.
    options : tuple of str
        Names of the options it uses. `label_smoothing`, the last one, is applied to t beforehand.
    total : callable, optional
        From the terms to the loss over the last axis.
    by_target : callable, optional
        As `derivative`, by t; in programs alone.
    """

    terms: Rule
    derivative: Rule
    cause: str
    options: tuple[str, ...] = ()
    total: Rule | None = None
    by_target: Rule | None = None

    def value(self, p: Any, t: Any, *options: float) -> Any:
        """Compute what reduction "none" gives."""
        terms = self.terms_of(p, t, *options)
        return terms if self.total is None else self.total(terms)

    def terms_of(self, p: Any, t: Any, *options: float) -> Any:
        """Compute the terms, for targets that are yet to be smoothed."""
        return self.terms(p, *self._smoothed(p, t, *options))

    def slope(self, p: Any, t: Any, *options: float) -> Any:
        """Compute the derivative by p."""
        return self.derivative(p, *self._smoothed(p, t, *options))

    def target_slope(self, p: Any, t: Any, *options: float) -> Any:
        """Compute the derivative by t."""
        if self.by_target is None:
            raise ValueError("this formula has no derivative by its targets")
        slope = self.by_target(p, *self._smoothed(p, t, *options))
        return slope * (1.0 - options[-1]) if self._is_smoothed(options) else slope

    def _smoothed(self, p: Any, t: Any, *options: float) -> tuple[Any, ...]:
        """Mix the targets with uniform ones: t (1 - s) + s / K, K the number of classes."""
        if "label_smoothing" not in self.options:
            return t, *options
        *others, smoothing = options
        if smoothing:
            classes = shapes.broadcast(p.shape, t.shape)[-1]
            t = t * (1.0 - smoothing) + smoothing / classes
        return t, *others

    def _is_smoothed(self, options: tuple[float, ...]) -> bool:
        return "label_smoothing" in self.options and options[-1] != 0.0


@dataclass(frozen=True, slots=True)
class Loss:
    """One row of the table.

    Attributes
    ----------
    name, meaning : str
        As the API calls it; one line of mathematics.
    formula : Formula
        From predictions as they are.
    from_logits : Formula, optional
        From what the activation made the predictions of.
    activation : str
        The function of the language that turns logits into predictions; with ε 0 a program that
        applies the loss to it runs the formula from logits.
    takes_logits : bool
        Whether a request may say that its predictions are logits.
    predictions, targets : str
        What predictions that are no logits, and targets, have to be: a key of the table of domains of
        `service.core.losses`.
    takes_labels : bool
        Whether class labels may stand for one-hot targets.
    kinks, cost, workspace, is_analytic
        As in the operations table.
    """

    name: str
    meaning: str
    formula: Formula
    from_logits: Formula | None = None
    activation: str = ""
    takes_logits: bool = False
    predictions: str = "number"
    targets: str = "number"
    takes_labels: bool = False
    kinks: str = ""
    cost: float = 4.0
    workspace: float = 0.0
    is_analytic: bool = True


_KERNELS: dict[str, Callable[..., Any]] = {
    "abs": np.absolute,
    "exp": np.exp,
    "log_of_cosh": loss_kernels.log_of_cosh,
    "maximum": np.maximum,
    "relu": lambda x: np.maximum(x, 0.0) + 0.0,
    "step": lambda x: np.greater(x, 0.0) + 0.0,
    "tanh": np.tanh,
    "clip": lambda x, low, high: np.minimum(np.maximum(x, low), high),
    "log": np.log,
    "minimum": np.minimum,
    "sign": np.sign,
    "square": np.square,
    "sigmoid": activation_kernels.sigmoid_kernel,
    "softplus": activation_kernels.softplus_kernel,
    "softmax": activation_kernels.softmax_kernel,
    "log_softmax": activation_kernels.log_softmax_kernel,
    "xlogy": loss_kernels.xlogy,
    "xlog_complement": loss_kernels.xlog_complement,
    "log_complement": loss_kernels.log_complement,
    "log_ratio": loss_kernels.log_ratio,
    "relative_entropy": loss_kernels.relative_entropy,
    "guarded_divide": loss_kernels.divide_weighted,
}
"""What the formulas compute arrays with, by operation."""


def _apply(name: str, first: Any, *others: Any) -> Any:
    """Apply an operation to terms, or compute it from arrays."""
    if isinstance(first, Term):
        return first.apply(name, *others)
    return _KERNELS[name](first, *others)


def _total(terms: Any) -> Any:
    """Sum over the last axis."""
    if isinstance(terms, Term):
        return terms.apply("sum", axis=-1)
    return activation_kernels.add_reduce(terms, -1)


def _minus_total(terms: Any) -> Any:
    # Subtracted from 0, a loss of nothing is 0 and not -0.
    return 0.0 - _total(terms)


def _spread_last(x: Any, shape: tuple[int, ...]) -> Any:
    """Broadcast over the last axis what a sum over it left."""
    if isinstance(x, Term):
        return x.apply("reshape", shape=(*x.shape, 1)).apply("broadcast", shape=shape)
    return np.expand_dims(x, -1)


def _ratio(weight: Any, p: Any, epsilon: float = 0.0) -> Any:
    """Divide a weight by p + ε, and give 0 where the weight is 0."""
    is_safe = not isinstance(p, Term) or p.node.operation.is_nonnegative
    if epsilon and is_safe:
        return weight / (p + epsilon)
    return _apply("guarded_divide", weight, p + epsilon if epsilon else p)


def _weigh(weight: Any, x: Any) -> Any:
    """Multiply log-probabilities by weights; in arrays they may be -inf where the weight is 0."""
    return weight * x if isinstance(x, Term) else loss_kernels.weighted(weight, x)


# Formulas of more than one expression


def _huber(p: Any, t: Any, delta: float) -> Any:
    """Square nothing, so that nothing overflows before the loss itself does."""
    distance = _apply("abs", p - t)
    near = _apply("minimum", distance, delta)
    return near * (distance - 0.5 * near)


def _binary_cross_entropy(p: Any, t: Any, epsilon: float) -> Any:
    return 0.0 - (_apply("xlogy", t, p + epsilon) + _apply("xlog_complement", 1.0 - t, p, epsilon))


def _log_softmax_slope(z: Any, t: Any) -> Any:
    """Write softmax(z) sum(t) - t."""
    return _apply("softmax", z) * _spread_last(_total(t), t.shape) - t


def _pinball_slope(p: Any, t: Any, quantile: float) -> Any:
    sign = _apply("sign", t - p)
    return (0.5 - quantile) * (sign * sign) - 0.5 * sign


def _lengths(x: Any) -> Any:
    """Return the 2-norm of each row, as often as the row has elements."""
    if isinstance(x, Term):
        return _spread_last(x.apply("norm", axis=-1), x.shape)
    return activation_kernels.norm_kernel(x, -1, True)


def _of_one_shape(p: Any, t: Any) -> Any:
    """Broadcast to the shape of both, before a row's length is taken."""
    shape = shapes.broadcast(p.shape, t.shape)
    if isinstance(p, Term):
        return p.apply("broadcast", shape=shape), t.apply("broadcast", shape=shape)
    return np.broadcast_to(p, shape), np.broadcast_to(t, shape)


def _cosine_terms(p: Any, t: Any) -> Any:
    """Write 1 minus the product of unit vectors as half the square of their distance: nothing cancels."""
    p, t = _of_one_shape(p, t)
    distance = p / _lengths(p) - t / _lengths(t)
    return 0.5 * distance * distance


def _cosine_slope(p: Any, t: Any) -> Any:
    p, t = _of_one_shape(p, t)
    length = _lengths(p)
    p, t = p / length, t / _lengths(t)
    along = _spread_last(_total(p * t), p.shape)
    return (p * along - t) / length


ERROR = "the error of"
SQUARE = "the square of the error of"
LOGARITHM = "the logarithm of"

LOSSES: dict[str, Loss] = {
    row.name: row
    for row in (
        Loss(
            "half_squared_error",
            "(p - t)**2 / 2",
            Formula(
                lambda p, t: 0.5 * (p - t) * (p - t),  # halved first, the largest squares do not overflow
                lambda p, t: p - t,
                SQUARE,
                by_target=lambda p, t: t - p,
            ),
        ),
        Loss(
            "squared_error",
            "(p - t)**2",
            Formula(
                lambda p, t: _apply("square", p - t),
                lambda p, t: 2.0 * (p - t),
                SQUARE,
                by_target=lambda p, t: -2.0 * (p - t),
            ),
        ),
        Loss(
            "absolute_error",
            "|p - t|",
            Formula(
                lambda p, t: _apply("abs", p - t),
                lambda p, t: _apply("sign", p - t),
                ERROR,
                by_target=lambda p, t: -_apply("sign", p - t),
            ),
            kinks="0 where p equals t",
            is_analytic=False,
        ),
        Loss(
            "huber",
            "(p - t)**2 / 2 up to the distance delta, then linear",
            Formula(
                _huber,
                lambda p, t, delta: _apply("clip", p - t, -delta, delta),
                ERROR,
                ("delta",),
                by_target=lambda p, t, delta: -_apply("clip", p - t, -delta, delta),
            ),
            cost=6.0,
            workspace=3.0,
            is_analytic=False,
        ),
        Loss(
            "cross_entropy",
            "-sum(t * log(p + epsilon)) over the last axis, for one-hot or soft targets t",
            Formula(
                lambda p, t, epsilon: _apply("xlogy", t, p + epsilon),
                lambda p, t, epsilon: _ratio(-t, p, epsilon),
                LOGARITHM,
                ("epsilon", "label_smoothing"),
                _minus_total,
                lambda p, t, epsilon: -_apply("log", p + epsilon),
            ),
            Formula(
                lambda z, t: _weigh(t, _apply("log_softmax", z)),
                _log_softmax_slope,
                "the log_softmax of",
                ("label_smoothing",),
                _minus_total,
            ),
            activation="softmax",
            takes_logits=True,
            predictions="probability",
            targets="non-negative",
            takes_labels=True,
            cost=12.0,
            workspace=3.0,
        ),
        Loss(
            "binary_cross_entropy",
            "-t * log(p + epsilon) - (1 - t) * log(1 - p + epsilon)",
            Formula(
                _binary_cross_entropy,
                lambda p, t, epsilon: _ratio(1.0 - t, 1.0 - p, epsilon) - _ratio(t, p, epsilon),
                LOGARITHM,
                ("epsilon",),
                by_target=lambda p, t, epsilon: (
                    _apply("log_complement", p, epsilon) - _apply("log", p + epsilon)
                ),
            ),
            # For t = 0 and t = 1 nothing cancels, neither in the loss nor in its derivative.
            Formula(
                lambda z, t: (1.0 - t) * _apply("softplus", z) + t * _apply("softplus", -z),
                lambda z, t: (1.0 - t) * _apply("sigmoid", z) - t * _apply("sigmoid", -z),
                "the log_sigmoid of",
            ),
            activation="sigmoid",
            takes_logits=True,
            predictions="probability",
            targets="probability",
            cost=20.0,
            workspace=4.0,
        ),
        Loss(
            "kl_divergence",
            "sum(t * (log(t) - log(p))) over the last axis, 0 where t is 0",
            Formula(
                lambda p, t: _apply("relative_entropy", t, p),
                lambda p, t: _ratio(-t, p),
                "the logarithm of the target or of",
                (),
                _total,
                lambda p, t: _apply("log_ratio", t, p) + 1.0,
            ),
            Formula(
                lambda z, t: _apply("xlogy", t, t) - _weigh(t, _apply("log_softmax", z)),
                _log_softmax_slope,
                "the log_softmax of",
                (),
                _total,
            ),
            activation="softmax",
            predictions="probability",
            targets="non-negative",
            cost=24.0,
            workspace=4.0,
        ),
        Loss(
            "hinge",
            "max(0, 1 - t * p) for targets 1 and -1",
            Formula(
                lambda p, t: _apply("relu", 1.0 - t * p),
                lambda p, t: -t * _apply("step", 1.0 - t * p),
                "the margin of",
                by_target=lambda p, t: -p * _apply("step", 1.0 - t * p),
            ),
            targets="sign",
            kinks="0 where t * p is 1",
            is_analytic=False,
        ),
        Loss(
            "log_cosh",
            "log(cosh(p - t)), without overflow",
            Formula(
                lambda p, t: _apply("log_of_cosh", p - t),
                lambda p, t: _apply("tanh", p - t),
                ERROR,
                by_target=lambda p, t: -_apply("tanh", p - t),
            ),
            cost=40.0,
            workspace=4.0,
            is_analytic=False,
        ),
        Loss(
            "poisson",
            "p - t * log(p + epsilon), of a rate p and a count t",
            Formula(
                lambda p, t, epsilon: p - _apply("xlogy", t, p + epsilon),
                lambda p, t, epsilon: 1.0 - _ratio(t, p, epsilon),
                LOGARITHM,
                ("epsilon",),
                by_target=lambda p, t, epsilon: -_apply("log", p + epsilon),
            ),
            Formula(
                lambda z, t: _apply("exp", z) - t * z,
                lambda z, t: _apply("exp", z) - t,
                "the exponential of",
            ),
            activation="exp",
            takes_logits=True,
            predictions="non-negative",
            targets="non-negative",
            cost=12.0,
            workspace=2.0,
        ),
        Loss(
            "pinball",
            "quantile * (t - p) where t is above p, else (1 - quantile) * (p - t)",
            Formula(
                lambda p, t, quantile: _apply("maximum", quantile * (t - p), (quantile - 1.0) * (t - p)),
                _pinball_slope,
                ERROR,
                ("quantile",),
                by_target=lambda p, t, quantile: -_pinball_slope(p, t, quantile),
            ),
            kinks="0 where p equals t",
            workspace=2.0,
            is_analytic=False,
        ),
        Loss(
            "cosine_distance",
            "1 - sum(p * t) / (norm(p) * norm(t)) over the last axis",
            Formula(
                _cosine_terms,
                _cosine_slope,
                "the direction of",
                (),
                _total,
                lambda p, t: _cosine_slope(t, p),
            ),
            cost=16.0,
            workspace=4.0,
            is_analytic=False,
        ),
    )
}
"""The losses by name."""


def _read(p: Term, t: Term) -> tuple[Term, Term]:
    """Refuse targets that neither have the predictions' shape nor, of their rank or none, broadcast to it."""
    sizes = zip(t.shape, p.shape, strict=False)
    if len(t.shape) not in (0, len(p.shape)) or any(size not in (1, other) for size, other in sizes):
        raise ShapeFault("targets have the shape of the predictions, or sizes of 1, or are a number")
    return p, t


def _read_labels(p: Term, t: Term) -> tuple[Term, Term]:
    """Read a constant of the predictions' shape without the last axis as class labels."""
    node = t.node
    is_constant = node.operation is INPUT and not node.options[1]
    is_single = len(p.shape) == 1 and t.shape == (1,) != p.shape
    if not is_constant or not p.shape or not (t.shape == p.shape[:-1] or is_single):
        return _read(p, t)
    classes = p.shape[-1]
    t.graph.rules.append(IndexRule(node.options[0], 0, classes - 1, is_label=True))
    return p, t.apply("reshape", shape=p.shape[:-1]).apply("one_hot", classes=classes)


def _operation(row: Loss) -> Operation:
    """Make a loss's row of the operations table."""
    formula = row.formula
    is_over_rows = formula.total is not None

    def spread(g: Term, p: Term, t: Term) -> Any:
        return _spread_last(g, shapes.broadcast(p.shape, t.shape)) if is_over_rows else g

    def by_prediction(g: Term, y: Term, p: Term, t: Term, *options: float) -> Any:
        return spread(g, p, t) * formula.slope(p, t, *options)

    def by_target(g: Term, y: Term, p: Term, t: Term, *options: float) -> Any:
        return spread(g, p, t) * formula.target_slope(p, t, *options)

    arguments = "".join(f", {{{option}}}" for option in formula.options)
    return Operation(
        row.name,
        ("p", "t"),
        row.meaning,
        shape=shapes.last_axis if is_over_rows else shapes.elementwise,
        read=_read_labels if row.takes_labels else _read,
        array=f"{row.name}_kernel({{0}}, {{1}}{arguments})",
        derivatives=(by_prediction, by_target),
        options=tuple((option, *OPTIONS[option]) for option in formula.options),
        batch=batching.again(row.name),
        definition=formula.value,
        fused=_from_logits(row),
        kinks=row.kinks,
        cost=row.cost,
        workspace=row.workspace,
        is_elementwise=not is_over_rows,
        is_analytic=row.is_analytic,
    )


def _from_logits(row: Loss) -> Rule | None:
    """Make the rule that writes the loss of an activation by what it was applied to.

    So no probability is rounded to 0 before its logarithm is taken.
    """
    formula = row.from_logits
    if formula is None:
        return None

    def fused(p: Term, t: Term, *options: float) -> Any:
        given = dict(zip(row.formula.options, options, strict=True))
        logits = p.made_by(row.activation)
        is_other_axis = row.activation == "softmax" and p.node.options not in ((-1,), (len(p.shape) - 1,))
        if logits is None or given.get("epsilon") or is_other_axis:
            return None
        return formula.value(logits, t, *(given[option] for option in formula.options))

    return fused


LOSS_OPERATIONS: tuple[Operation, ...] = tuple(map(_operation, LOSSES.values()))
"""Rows of the operations table: the losses, with reduction "none"."""

LOSS_KERNELS: dict[str, Rule] = {f"{name}_kernel": row.formula.value for name, row in LOSSES.items()}
"""What computes them on arrays, by the name that generated source calls."""
