"""Rows of the operations table: the loss functions, as `service.core.losses` computes them."""

from __future__ import annotations

from typing import Any

from service.core.language import batching, shapes
from service.core.language.graph import Term
from service.core.language.operation import Operation

EPSILON = ("epsilon", "non-negative", 1e-7)
DELTA = ("delta", "positive", 1.0)
SMOOTHING = ("label_smoothing", "fraction", 0.0)


def _spread_last(g: Term, p: Term, t: Term) -> Term:
    """Broadcast a cotangent over the last axis, which the loss reduced."""
    shape = shapes.broadcast(p.shape, t.shape)
    return g.apply("reshape", shape=(*g.shape, 1)).apply("broadcast", shape=shape)


def _log_term(t: Term, argument: Term) -> Term:
    """Write t * log(argument), which is 0 where t is 0 whatever the argument."""
    is_zero = t.apply("equal", 0.0)
    return is_zero.apply("where", 0.0, t * is_zero.apply("where", 1.0, argument).apply("log"))


def _log_slope(t: Term, p: Term, epsilon: float = 0.0) -> Term:
    """Write t / (p + epsilon), the slope of t * log(p + epsilon), which is 0 where t is 0."""
    if epsilon and p.node.operation.is_nonnegative:
        return t / (p + epsilon)
    return t.apply("guarded_divide", p + epsilon if epsilon else p)


def _smoothed(t: Term, size: int, smoothing: float) -> Term:
    return t * (1.0 - smoothing) + smoothing / size if smoothing else t


def _cross_entropy(p: Term, t: Term, epsilon: float, smoothing: float) -> Term:
    classes = shapes.broadcast(p.shape, t.shape)[-1]
    return -_log_term(_smoothed(t, classes, smoothing), p + epsilon).apply("sum", axis=-1)


def _binary_cross_entropy(p: Term, t: Term, epsilon: float) -> Term:
    return -(_log_term(t, p + epsilon) + _log_term(1.0 - t, (1.0 - p) + epsilon))


def _kl_divergence(p: Term, t: Term) -> Term:
    return (_log_term(t, t) - _log_term(t, p)).apply("sum", axis=-1)


def _fused_cross_entropy(p: Term, t: Term, epsilon: float, smoothing: float) -> Term | None:
    """Write the loss of a softmax by its scores: no probability is rounded to 0 before its logarithm."""
    classes = p.made_by("softmax")
    if classes is None or epsilon or p.node.options[0] not in (-1, len(p.shape) - 1):
        return None
    targets = _smoothed(t, shapes.broadcast(p.shape, t.shape)[-1], smoothing)
    return -(targets * p.apply("log")).apply("sum", axis=-1)


def _fused_binary_cross_entropy(p: Term, t: Term, epsilon: float) -> Term | None:
    """Write the loss of a sigmoid by its score, as `_fused_cross_entropy`."""
    score = p.made_by("sigmoid")
    if score is None or epsilon:
        return None
    return -(t * p.apply("log") + (1.0 - t) * (-score).apply("log_sigmoid"))


def _fused_kl_divergence(p: Term, t: Term) -> Term | None:
    """Write the divergence from a softmax by its scores, as `_fused_cross_entropy`."""
    if p.made_by("softmax") is None:
        return None
    return (_log_term(t, t) - t * p.apply("log")).apply("sum", axis=-1)


def _huber(p: Term, t: Term, delta: float) -> Term:
    distance = (p - t).apply("abs")
    near = distance.apply("minimum", delta)
    return near * (distance - 0.5 * near)


def _loss(name: str, meaning: str, prediction: Any, target: Any, definition: Any, **fields: Any) -> Operation:
    options = fields.get("options", ())
    fields.setdefault("is_elementwise", "shape" not in fields)
    fields.setdefault("batch", batching.again(name))
    fields.setdefault("shape", shapes.elementwise)
    fields.setdefault("cost", 4.0)
    arguments = "".join(f", {{{option}}}" for option, _, _ in options)
    return Operation(
        name,
        ("p", "t"),
        meaning,
        array=f"{name}_kernel({{0}}, {{1}}{arguments})",
        derivatives=(prediction, target),
        definition=definition,
        **fields,
    )


LOSS_OPERATIONS: tuple[Operation, ...] = (
    _loss(
        "squared_error",
        "(p - t)**2",
        lambda g, y, p, t: g * 2.0 * (p - t),
        lambda g, y, p, t: g * -2.0 * (p - t),
        lambda p, t: (p - t).apply("square"),
    ),
    _loss(
        "half_squared_error",
        "(p - t)**2 / 2",
        lambda g, y, p, t: g * (p - t),
        lambda g, y, p, t: -g * (p - t),
        lambda p, t: 0.5 * (p - t) * (p - t),
    ),
    _loss(
        "absolute_error",
        "|p - t|",
        lambda g, y, p, t: g * (p - t).apply("sign"),
        lambda g, y, p, t: -g * (p - t).apply("sign"),
        lambda p, t: (p - t).apply("abs"),
        kinks="0 where p equals t",
        is_analytic=False,
    ),
    _loss(
        "huber",
        "(p - t)**2 / 2 up to the distance delta, then linear",
        lambda g, y, p, t, delta: g * (p - t).apply("clip", -delta, delta),
        lambda g, y, p, t, delta: -g * (p - t).apply("clip", -delta, delta),
        _huber,
        options=(DELTA,),
        cost=6.0,
        workspace=3.0,
        is_analytic=False,
    ),
    _loss(
        "cross_entropy",
        "-sum(t * log(p + epsilon)) over the last axis, for one-hot or soft targets t",
        lambda g, y, p, t, epsilon, smoothing: (
            -_spread_last(g, p, t)
            * _log_slope(_smoothed(t, shapes.broadcast(p.shape, t.shape)[-1], smoothing), p, epsilon)
        ),
        lambda g, y, p, t, epsilon, smoothing: (
            _spread_last(g, p, t) * (smoothing - 1.0) * (p + epsilon).apply("log")
        ),
        _cross_entropy,
        fused=_fused_cross_entropy,
        options=(EPSILON, SMOOTHING),
        shape=lambda p, t, epsilon, smoothing: shapes.last_axis(p, t),
        cost=12.0,
        workspace=3.0,
    ),
    _loss(
        "binary_cross_entropy",
        "-t * log(p + epsilon) - (1 - t) * log(1 - p + epsilon)",
        lambda g, y, p, t, epsilon: g * (_log_slope(1.0 - t, 1.0 - p, epsilon) - _log_slope(t, p, epsilon)),
        lambda g, y, p, t, epsilon: g * (((1.0 - p) + epsilon).apply("log") - (p + epsilon).apply("log")),
        _binary_cross_entropy,
        fused=_fused_binary_cross_entropy,
        options=(EPSILON,),
        cost=20.0,
        workspace=4.0,
    ),
    _loss(
        "kl_divergence",
        "sum(t * (log(t) - log(p))) over the last axis, 0 where t is 0",
        lambda g, y, p, t: -_spread_last(g, p, t) * _log_slope(t, p),
        lambda g, y, p, t: _spread_last(g, p, t) * (t.apply("log") - p.apply("log") + 1.0),
        _kl_divergence,
        fused=_fused_kl_divergence,
        shape=shapes.last_axis,
        cost=24.0,
        workspace=4.0,
    ),
)
