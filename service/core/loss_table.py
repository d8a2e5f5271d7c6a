"""The table of losses, and a row at work on checked arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from service.core import loss_kernels as kernels
from service.core.arrays import (
    FRACTION,
    NON_NEGATIVE,
    POSITIVE,
    Float,
    check_same_shape,
    choice,
    float_array,
    non_finite,
    number,
    shown,
    where_not,
)
from service.core.exceptions import InvalidRequest, NonFiniteResult, fault, pointer_to

OPTIONS = {"epsilon": NON_NEGATIVE, "delta": POSITIVE, "label_smoothing": FRACTION}
"""The rule of each numeric option."""


@dataclass(frozen=True, slots=True)
class Formula:
    """How a loss is computed from predictions of one kind.

    Attributes
    ----------
    kernel : callable
        From predictions, targets and the options, in their order, to the losses.
    slope : callable
        From the same to the derivative of their sum by the predictions.
    operation : str
        What of a prediction stops being finite first, in words.
    options : tuple of str
        Names of the options it uses; all others are ignored.
    terms : callable, optional
        The terms that a loss over the last axis sums.
    """

    kernel: Callable[..., Any]
    slope: Callable[..., Any]
    operation: str
    options: tuple[str, ...] = ()
    terms: Callable[..., Any] | None = None


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
        From logits, where the loss knows them.
    takes_probabilities : bool
        Whether predictions that are no logits lie in [0, 1].
    takes_labels : bool
        Whether class labels may stand for one-hot targets.
    """

    name: str
    meaning: str
    formula: Formula
    from_logits: Formula | None = None
    takes_probabilities: bool = False
    takes_labels: bool = False


LOSSES: dict[str, Loss] = {
    row.name: row
    for row in (
        Loss(
            "half_squared_error",
            "(p - t)**2 / 2",
            Formula(
                kernels.half_squared_error_kernel,
                kernels.half_squared_error_slope,
                "the square of the error of",
            ),
        ),
        Loss(
            "squared_error",
            "(p - t)**2",
            Formula(kernels.squared_error_kernel, kernels.squared_error_slope, "the square of the error of"),
        ),
        Loss(
            "absolute_error",
            "|p - t|",
            Formula(kernels.absolute_error_kernel, kernels.absolute_error_slope, "the error of"),
        ),
        Loss(
            "huber",
            "(p - t)**2 / 2 where |p - t| is at most delta, else delta * (|p - t| - delta / 2)",
            Formula(kernels.huber_kernel, kernels.huber_slope, "the error of", ("delta",)),
        ),
        Loss(
            "cross_entropy",
            "-sum(t * log(p + epsilon)) over the last axis",
            Formula(
                kernels.cross_entropy_kernel,
                kernels.cross_entropy_slope,
                "the logarithm of",
                ("epsilon", "label_smoothing"),
                kernels.cross_entropy_terms,
            ),
            Formula(
                kernels.cross_entropy_logits_kernel,
                kernels.cross_entropy_logits_slope,
                "the log_softmax of",
                ("label_smoothing",),
                kernels.cross_entropy_logits_terms,
            ),
            takes_probabilities=True,
            takes_labels=True,
        ),
        Loss(
            "binary_cross_entropy",
            "-t * log(p + epsilon) - (1 - t) * log(1 - p + epsilon)",
            Formula(
                kernels.binary_cross_entropy_kernel,
                kernels.binary_cross_entropy_slope,
                "the logarithm of",
                ("epsilon",),
            ),
            Formula(
                kernels.binary_cross_entropy_logits_kernel,
                kernels.binary_cross_entropy_logits_slope,
                "the log_sigmoid of",
            ),
            takes_probabilities=True,
        ),
        Loss(
            "kl_divergence",
            "sum(t * (log(t) - log(p))) over the last axis",
            Formula(
                kernels.kl_divergence_kernel,
                kernels.kl_divergence_slope,
                "the logarithm of the target or of",
                terms=kernels.kl_divergence_terms,
            ),
            takes_probabilities=True,
        ),
    )
}
"""The losses by name."""


@dataclass(frozen=True, slots=True)
class Task:
    """A loss with its checked arguments."""

    formula: Formula
    predictions: Float
    targets: Float
    options: tuple[float, ...]

    def losses(self, is_reduced: bool) -> Float:
        """Return what reduction "none" gives, one vector's loss as rank 0; all finite."""
        losses: Float = np.asarray(self.formula.kernel(self.predictions, self.targets, *self.options))
        for at in where_not(np.isfinite(losses)):
            output = "/loss" if is_reduced else "/losses" + pointer_to(*(at or (0,)))
            place, operation = self._cause(at)
            raise NonFiniteResult(non_finite(f"/{place}", output, losses[at], f"{operation} {place}"))
        return losses

    def _cause(self, at: tuple[int, ...]) -> tuple[str, str]:
        """Find the prediction that made a loss infinite or NaN, and how."""
        if self.formula.terms is not None:
            terms = self.formula.terms(self.predictions[at], self.targets[at], *self.options)
            column = next(where_not(np.isfinite(terms)), None)
            if column is None:
                return "predictions" + pointer_to(*at), "the sum over"
            at = at + column
        return "predictions" + pointer_to(*at), self.formula.operation

    def gradient(self, count: int) -> Float:
        """Return the derivative of the losses' sum, divided by a count."""
        slope: Float = self.formula.slope(self.predictions, self.targets, *self.options)
        result = slope if count == 1 else slope / count
        for at in where_not(np.isfinite(result)):
            place = pointer_to(*at)
            operation = f"the derivative by predictions{place}"
            raise NonFiniteResult(
                non_finite(f"/predictions{place}", f"/gradient{place}", result[at], operation)
            )
        return result


def prepare(
    name: str, predictions: ArrayLike, targets: ArrayLike, from_logits: bool, options: dict[str, Any]
) -> Task:
    """Check and cast the arguments of a loss."""
    row = LOSSES[choice(name, "/loss", list(LOSSES))]
    formula = row.from_logits if from_logits and row.from_logits else row.formula
    # An absent epsilon is the seed's.
    given = ((option, options[option]) for option in formula.options)
    values = tuple(
        kernels.EPSILON
        if value is None and option == "epsilon"
        else number(value, f"/{option}", OPTIONS[option])
        for option, value in given
    )
    p, t = float_array(predictions, "/predictions"), float_array(targets, "/targets")
    if formula.terms is not None and p.ndim == 0:
        raise InvalidRequest(fault("not-an-array", "/predictions", got="a number"))
    if row.takes_probabilities and formula is row.formula:
        _check_probabilities(p)
    return Task(formula, p, _targets(row, p, t), values)


def _check_probabilities(p: Float) -> None:
    wrong = [
        fault("not-a-probability", "/predictions" + pointer_to(*at), got=shown(p[at]))
        for at in where_not((p >= 0.0) & (p <= 1.0))
    ]
    if wrong:
        raise InvalidRequest(*wrong)


def _targets(row: Loss, p: Float, t: Float) -> Float:
    """Return targets of the predictions' shape; labels become one-hot."""
    rule = "targets have the shape of predictions"
    if row.takes_labels and t.shape != p.shape:
        if t.shape == p.shape[:-1] or (p.ndim == 1 and t.shape == (1,)):
            return _one_hot(t, p.shape)
        rule += f", or {p.shape[:-1] or (1,)} as class labels"
    check_same_shape("predictions", p.shape, "targets", t.shape, rule)
    return t


def _one_hot(labels: Float, shape: tuple[int, ...]) -> Float:
    classes = shape[-1]
    is_label = (labels == np.floor(labels)) & (labels >= 0) & (labels < classes)
    wrong = [
        fault("bad-label", "/targets" + pointer_to(*at), high=classes - 1, got=shown(labels[at]))
        for at in where_not(is_label)
    ]
    if wrong:
        raise InvalidRequest(*wrong)
    result = np.zeros(shape)
    places = labels.astype(np.intp).reshape(*shape[:-1], 1)
    np.put_along_axis(result, places, 1.0, axis=-1)
    return result
