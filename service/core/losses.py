"""Losses and their derivatives: `loss`, and a function for each row of the table of losses.

`squared_error(p, t)`, `huber(p, t, delta=1.0)` and so on return what reduction "none" gives, a vector's
loss as rank 0; `cross_entropy_from_logits(z, t)` and its like take logits. The formulas stand in
`service.core.language.losses`, whose rows these functions are made from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from service.core.arrays import (
    FRACTION,
    INSIDE,
    NON_NEGATIVE,
    POSITIVE,
    Array,
    Mask,
    check_same_shape,
    choice,
    float_array,
    mask_array,
    non_finite,
    number,
    shown,
    where_not,
)
from service.core.exceptions import InvalidRequest, NonFiniteResult, fault, pointer_to
from service.core.language.constants import DOMAINS
from service.core.language.formula import EPSILON, OPTIONS, Formula, Loss
from service.core.language.losses import LOSSES
from service.core.loss_kernels import weighted

__all__ = ["EPSILON", "LOSSES", "REDUCTIONS", "RULES", "loss"]

REDUCTIONS = ["sum", "mean", "none"]
"""What becomes of the losses of several elements or samples."""

RULES = {"inside": INSIDE, "non-negative": NON_NEGATIVE, "positive": POSITIVE, "fraction": FRACTION}
"""The rule of each kind of numeric option."""


@np.errstate(all="ignore")
def loss(
    name: str,
    predictions: ArrayLike,
    targets: ArrayLike,
    *,
    from_logits: bool = False,
    reduction: str = "sum",
    gradient: bool = False,
    weights: ArrayLike | None = None,
    class_weights: ArrayLike | None = None,
    mask: ArrayLike | None = None,
    **options: float | None,
) -> dict[str, Any]:
    """Compute a loss, and on request its gradient by the predictions.

    Parameters
    ----------
    name : str
        A row of `LOSSES`.
    predictions : array_like
        Values; probabilities in [0, 1] for the losses with a logarithm, which need not sum to 1;
        or logits, any finite numbers.
    targets : array_like
        The same shape, nothing is broadcast. For `cross_entropy` also class labels, one rank lower
        (``[2]`` for predictions of rank 1); an array of the same shape is never labels.
    from_logits : bool, default False
        Predictions are logits: softmax (`cross_entropy`) or sigmoid (`binary_cross_entropy`) is
        part of the loss. Ignored by the other losses.
    reduction : {"sum", "mean", "none"}
        What becomes of the losses: of all elements, or with `cross_entropy` and `kl_divergence` of
        all rows of the last axis.
    gradient : bool, default False
        Whether to add the derivative of the reduced loss, with "none" of the sum.
    weights : array_like, optional
        Numbers of at least 0, of the shape of what reduction "none" gives or broadcast to it. Each loss is
        multiplied by its weight; "mean" divides by the sum of the weights.
    class_weights : array_like, optional
        K numbers of at least 0, for `cross_entropy` alone: the terms of class k are multiplied by the k-th.
        "mean" divides by the sum of the weights of the labels, as PyTorch does; of soft targets by their
        number.
    mask : array_like of bool, optional
        Of the shape of what reduction "none" gives. Where False a loss and its gradient are 0, and "mean"
        does not count it.
    **options : float
        Those of the loss, by the names in its row; others are ignored. `epsilon`, at least 0 and
        1e-7 when absent or None, stands inside the logarithms of both cross entropies, from
        probabilities alone. `delta`, above 0 and 1 when absent, is where `huber` turns linear. With
        `label_smoothing` s in [0, 1), 0 when absent, `cross_entropy` takes t (1 - s) + s / K for t,
        K the number of classes. `quantile`, above 0 and below 1, 0.5 when absent, is what `pinball`
        estimates.

    Returns
    -------
    dict
        ``"loss"``, a float, or with "none" ``"losses"``, an array of at least rank 1; and
        ``"gradient"``, an array of the shape of predictions.

    Raises
    ------
    InvalidRequest
        An argument of the wrong type, range or shape.
    NonFiniteResult
        The loss or its gradient is infinite or undefined, such as log(0) with epsilon 0.

    Notes
    -----
    A term with target exactly 0 is 0, whatever its logarithm. Where `absolute_error` has its kink
    the derivative is 0. From logits nothing overflows and saturated losses keep their digits. The
    gradients are closed forms: no further evaluation of the loss.

    References
    ----------
    Saito, Deep Learning from Scratch (O'Reilly Japan, 2016), section 4.2.

    Examples
    --------
    >>> loss("cross_entropy", [[0.0, 0.0], [9.0, 9.0]], [0, 1], from_logits=True, reduction="mean")
    {'loss': 0.6931471805599453}
    >>> loss("squared_error", [1, 2], [1, 4], reduction="none", gradient=True)
    {'losses': array([0., 4.]), 'gradient': array([ 0., -4.])}
    """
    kind = choice(reduction, "/reduction", REDUCTIONS)
    task = _prepare(name, predictions, targets, from_logits, options)
    if class_weights is not None and LOSSES[name].takes_labels:
        task = task.with_class_weights(class_weights)
    if weights is not None or mask is not None:
        task = task.with_weights(weights, mask)
    losses = task.losses(is_reduced=kind != "none")
    count = task.count(losses) if kind == "mean" else 1.0
    answer: dict[str, Any] = {"losses": losses.reshape(losses.shape or (1,))}
    if kind != "none":
        answer = {"loss": _reduced(losses, count)}
    if gradient:
        answer["gradient"] = task.gradient(count)
    return answer


def _reduced(losses: Array, count: float) -> float:
    result = float(np.add.reduce(losses, axis=None))
    # A mean of finite losses is finite, also where their sum is not.
    result = result / count if np.isfinite(result) else float(np.add.reduce(losses / count, axis=None))
    if not np.isfinite(result):
        raise NonFiniteResult(non_finite("/predictions", "/loss", result, "the sum of the losses"))
    return result


@dataclass(frozen=True, slots=True)
class _Task:
    """A loss with its checked arguments.

    Attributes
    ----------
    formula, predictions, targets, options
        The targets have the shape of the predictions, and hold the weights of the classes.
    labels : ndarray, optional
        The class labels that the targets were made of.
    weights, counts : ndarray, optional
        What each loss is multiplied by, and what it counts in a mean, where that is not 1.
    """

    formula: Formula
    predictions: Array
    targets: Array
    options: tuple[float, ...]
    labels: NDArray[np.intp] | None
    weights: Array | None = None
    counts: Array | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of what reduction "none" gives; of one vector's loss (1,)."""
        shape = self.predictions.shape
        return shape if self.formula.total is None else shape[:-1] or (1,)

    def with_class_weights(self, class_weights: ArrayLike) -> _Task:
        """Multiply the terms of each class by its weight."""
        given = float_array(class_weights, "/class_weights")
        classes = self.predictions.shape[-1]
        rule = "there is a weight for each class"
        check_same_shape("classes", (classes,), "class_weights", given.shape, rule)
        _check_domain("non-negative", given, "/class_weights")
        options = dict(zip(self.formula.options, self.options, strict=True))
        smoothing = options.pop("label_smoothing", 0.0)
        targets = self.targets * (1.0 - smoothing) + smoothing / classes
        counts = None if self.labels is None else given[self.labels].reshape(self.shape)
        options = {name: options.get(name, 0.0) for name in self.formula.options}
        return replace(self, targets=targets * given, options=(*options.values(),), counts=counts)

    def with_weights(self, weights: ArrayLike | None, mask: ArrayLike | None) -> _Task:
        """Multiply losses by weights, and leave out what a mask does."""
        factors = np.ones(self.shape)
        if weights is not None:
            given = float_array(weights, "/weights")
            _check_domain("non-negative", given, "/weights")
            _check_broadcast(given.shape, self.shape)
            factors = factors * given
        if mask is not None:
            factors = factors * _mask(mask, self.shape)
        return replace(
            self, weights=factors, counts=factors if self.counts is None else factors * self.counts
        )

    def count(self, losses: Array) -> float:
        """Return what a mean divides by."""
        if self.counts is None:
            return float(losses.size)
        total = float(np.add.reduce(self.counts, axis=None))
        if not total > 0.0:
            raise InvalidRequest(
                fault("no-weight", "/weights" if self.weights is not None else "/class_weights")
            )
        return total

    def losses(self, is_reduced: bool) -> Array:
        """Return what reduction "none" gives, one vector's loss as rank 0; all finite."""
        losses: Array = np.asarray(self.formula.value(self.predictions, self.targets, *self.options))
        losses = np.asarray(losses + 0.0)  # -0 becomes 0
        if self.weights is not None:
            losses = np.asarray(weighted(self.weights.reshape(losses.shape), losses))
        for at in where_not(np.isfinite(losses)):
            output = "/loss" if is_reduced else "/losses" + pointer_to(*(at or (0,)))
            place, operation = self._cause(at)
            raise NonFiniteResult(non_finite(f"/{place}", output, losses[at], f"{operation} {place}"))
        return losses

    def _cause(self, at: tuple[int, ...]) -> tuple[str, str]:
        """Find the prediction that made a loss infinite or NaN, and how."""
        if self.formula.total is not None:
            terms = self.formula.terms_of(self.predictions[at], self.targets[at], *self.options)
            column = next(where_not(np.isfinite(terms)), None)
            if column is None:
                return "predictions" + pointer_to(*at), "the sum over"
            at = at + column
        return "predictions" + pointer_to(*at), self.formula.cause

    def gradient(self, count: float) -> Array:
        """Return the derivative of the losses' sum, divided by a count."""
        derivative: Array = self.formula.derivative(self.predictions, self.targets, *self.options)
        if self.weights is not None:
            factors = self.weights if self.formula.total is None else np.expand_dims(self.weights, -1)
            derivative = weighted(factors.reshape(derivative.shape[:-1] + factors.shape[-1:]), derivative)
        # The sum turns -0 into 0.
        result = derivative / count + 0.0
        for at in where_not(np.isfinite(result)):
            place = pointer_to(*at)
            operation = f"the derivative by predictions{place}"
            raise NonFiniteResult(
                non_finite(f"/predictions{place}", f"/gradient{place}", result[at], operation)
            )
        return result


def _prepare(
    name: str,
    predictions: ArrayLike,
    targets: ArrayLike,
    from_logits: bool,
    options: Mapping[str, float | None],
) -> _Task:
    """Check and cast the arguments of a loss."""
    if unknown := options.keys() - OPTIONS:
        raise TypeError(f"no loss has the option {min(unknown)!r}")
    row = LOSSES[choice(name, "/loss", list(LOSSES))]
    formula = row.from_logits if from_logits and row.takes_logits and row.from_logits else row.formula
    values = tuple(_option(option, options) for option in formula.options)
    p, t = float_array(predictions, "/predictions"), float_array(targets, "/targets")
    if formula.total is not None and p.ndim == 0:
        raise InvalidRequest(fault("not-an-array", "/predictions", got="a number"))
    if formula is row.formula:
        hint = ' For logits write "from_logits": true.' if row.takes_logits and row.from_logits else ""
        _check_domain(row.predictions, p, "/predictions", hint)
    aims, labels = _targets(row, p, t)
    return _Task(formula, p, aims, values, labels)


def _option(name: str, given: Mapping[str, float | None]) -> float:
    kind, default = OPTIONS[name]
    value = given.get(name, default)
    # An absent epsilon is the seed's.
    return default if value is None and name == "epsilon" else number(value, f"/{name}", RULES[kind])


def _check_domain(kind: str, x: Array, pointer: str, hint: str = "") -> None:
    if kind not in DOMAINS:
        return
    code, is_right = DOMAINS[kind]
    places = where_not(is_right(x))
    wrong = [fault(code, pointer + pointer_to(*at), got=shown(x[at]), hint=hint) for at in places]
    if wrong:
        raise InvalidRequest(*wrong)


def _targets(row: Loss, p: Array, t: Array) -> tuple[Array, NDArray[np.intp] | None]:
    """Return targets of the predictions' shape, and the labels where they were labels."""
    rule = "targets have the shape of predictions"
    if row.takes_labels and t.shape != p.shape:
        if t.shape == p.shape[:-1] or (p.ndim == 1 and t.shape == (1,)):
            labels = _labels(t, p.shape[-1])
            one_hot = np.zeros(p.shape)
            np.put_along_axis(one_hot, labels.reshape(*p.shape[:-1], 1), 1.0, axis=-1)
            return one_hot, labels
        rule += f", or {p.shape[:-1] or (1,)} as class labels"
    check_same_shape("predictions", p.shape, "targets", t.shape, rule)
    _check_domain(row.targets, t, "/targets")
    return t, None


def _labels(labels: Array, classes: int) -> NDArray[np.intp]:
    is_label = (labels == np.floor(labels)) & (labels >= 0) & (labels < classes)
    wrong = [
        fault("bad-label", "/targets" + pointer_to(*at), high=classes - 1, got=shown(labels[at]))
        for at in where_not(is_label)
    ]
    if wrong:
        raise InvalidRequest(*wrong)
    return labels.astype(np.intp)


def _check_broadcast(weights: tuple[int, ...], losses: tuple[int, ...]) -> None:
    pairs = zip(weights[::-1], losses[::-1], strict=False)
    if len(weights) > len(losses) or any(size not in (1, other) for size, other in pairs):
        rule = "weights have the shape of the losses, or broadcast to it"
        check_same_shape("losses", losses, "weights", weights, rule)


def _mask(mask: ArrayLike, shape: tuple[int, ...]) -> Mask:
    kept = mask_array(mask, "losses", shape, "a mask has the shape of the losses")
    if not kept.any():
        raise InvalidRequest(fault("nothing-counts", "/mask"))
    return kept


LossFunction = Callable[..., Array]


def _function_of(row: Loss, from_logits: bool) -> LossFunction:
    """Make the function of a row that returns its losses unreduced."""

    @np.errstate(all="ignore")
    def function(predictions: ArrayLike, targets: ArrayLike, **options: float) -> Array:
        return _prepare(row.name, predictions, targets, from_logits, options).losses(is_reduced=False)

    function.__name__ = function.__qualname__ = row.name + ("_from_logits" if from_logits else "")
    kind = f"from logits, the arguments of the {row.activation}" if from_logits else "from predictions"
    function.__doc__ = f"Compute {row.meaning}, {kind}; see `loss`."
    return function


FUNCTIONS: dict[str, LossFunction] = {
    function.__name__: function
    for row in LOSSES.values()
    for function in [_function_of(row, False), *([_function_of(row, True)] if row.takes_logits else [])]
}
"""A function for each loss, and for each that takes logits."""


def __getattr__(name: str) -> LossFunction:
    """Return the function of a loss: `from service.core.losses import huber`."""
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
