"""The table of losses.

A row's formulas are written once: they take arrays, which gives the losses that `service.core.losses`
answers with, or terms of a program, which gives the operations of the language and their derivatives.
Adding a loss is one row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from service.core import activation_kernels, loss_kernels, reduction_kernels
from service.core.language import shapes
from service.core.language.formula import Formula, Loss
from service.core.language.graph import Term

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
"""The functions that formulas call on arrays, by operation."""


def _apply(name: str, first: Any, *others: Any) -> Any:
    """Apply an operation to terms, or compute it from arrays."""
    if isinstance(first, Term):
        return first.apply(name, *others)
    return _KERNELS[name](first, *others)


def _total(terms: Any) -> Any:
    """Sum over the last axis."""
    if isinstance(terms, Term):
        return terms.apply("sum", axis=-1)
    return reduction_kernels.sums(terms, -1)[..., 0]


def _minus_total(terms: Any) -> Any:
    # Subtracted from 0, a loss of nothing is 0 and not -0.
    return 0.0 - _total(terms)


def spread_last(x: Any, shape: tuple[int, ...]) -> Any:
    """Broadcast the result of a sum over the last axis back over that axis."""
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


def _binary_cross_entropy_of_labels(z: Term, t: Term, epsilon: float) -> Term:
    """Write the loss by one logarithm, of the negative margin: the score, or -score where the label is 1."""
    sign = 1.0 - 2.0 * t
    return z.apply("logistic_loss", sign, epsilon) if epsilon else (sign * z).apply("softplus")


def _log_softmax_derivative(z: Any, t: Any) -> Any:
    """Write softmax(z) sum(t) - t."""
    return _apply("softmax", z) * spread_last(_total(t), t.shape) - t


def _pinball_derivative(p: Any, t: Any, quantile: float) -> Any:
    sign = _apply("sign", t - p)
    return (0.5 - quantile) * (sign * sign) - 0.5 * sign


def _lengths(x: Any) -> Any:
    """Return the 2-norm of each row, repeated for each of its elements."""
    if isinstance(x, Term):
        return spread_last(x.apply("norm", axis=-1), x.shape)
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


def _cosine_derivative(p: Any, t: Any) -> Any:
    p, t = _of_one_shape(p, t)
    length = _lengths(p)
    p, t = p / length, t / _lengths(t)
    along = spread_last(_total(p * t), p.shape)
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
            example="half_squared_error(stack(1, 4), 2)",
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
            example="squared_error(stack(1, 4), 2)",
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
            example="absolute_error(stack(1, 4), 2)",
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
            example="huber(stack(1.5, 5), 1)",
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
                _log_softmax_derivative,
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
            example="cross_entropy(softmax(stack(1, 2, 3)), stack(0, 0, 1), epsilon=0)",
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
            of_labels=_binary_cross_entropy_of_labels,
            cost=20.0,
            workspace=4.0,
            example="binary_cross_entropy(sigmoid(stack(-2, 2)), stack(0, 1), epsilon=0)",
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
                _log_softmax_derivative,
                "the log_softmax of",
                (),
                _total,
            ),
            activation="softmax",
            predictions="probability",
            targets="non-negative",
            cost=24.0,
            workspace=4.0,
            example="kl_divergence(stack(0.5, 0.5), stack(0.25, 0.75))",
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
            example="hinge(stack(0.5, 2), stack(1, -1))",
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
            example="log_cosh(stack(1, 1000), 0)",
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
            example="poisson(2, 3)",
        ),
        Loss(
            "pinball",
            "quantile * (t - p) where t is above p, else (1 - quantile) * (p - t)",
            Formula(
                lambda p, t, quantile: _apply("maximum", quantile * (t - p), (quantile - 1.0) * (t - p)),
                _pinball_derivative,
                ERROR,
                ("quantile",),
                by_target=lambda p, t, quantile: -_pinball_derivative(p, t, quantile),
            ),
            kinks="0 where p equals t",
            workspace=2.0,
            is_analytic=False,
            example="pinball(stack(1, 4), 2, quantile=0.9)",
        ),
        Loss(
            "cosine_distance",
            "1 - sum(p * t) / (norm(p) * norm(t)) over the last axis",
            Formula(
                _cosine_terms,
                _cosine_derivative,
                "the direction of the target or of",
                (),
                _total,
                lambda p, t: _cosine_derivative(t, p),
            ),
            cost=16.0,
            workspace=4.0,
            is_analytic=False,
            example="cosine_distance(stack(1, 0), stack(1, 1))",
        ),
    )
}
"""The losses by name."""
