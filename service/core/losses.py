"""Losses and their derivatives: `loss`, and a function for each row of its table.

The functions stand in `loss_functions`, the table in `loss_table`, the formulas in `loss_kernels`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from service.core.arrays import Float, choice, non_finite
from service.core.exceptions import NonFiniteResult
from service.core.loss_functions import (
    absolute_error,
    binary_cross_entropy,
    binary_cross_entropy_from_logits,
    cross_entropy,
    cross_entropy_from_logits,
    half_squared_error,
    huber,
    kl_divergence,
    squared_error,
)
from service.core.loss_kernels import (
    EPSILON,
    absolute_error_kernel,
    binary_cross_entropy_kernel,
    cross_entropy_kernel,
    half_squared_error_kernel,
    huber_kernel,
    kl_divergence_kernel,
    squared_error_kernel,
)
from service.core.loss_table import LOSSES, prepare

__all__ = [
    "EPSILON",
    "LOSSES",
    "REDUCTIONS",
    "absolute_error",
    "absolute_error_kernel",
    "binary_cross_entropy",
    "binary_cross_entropy_from_logits",
    "binary_cross_entropy_kernel",
    "cross_entropy",
    "cross_entropy_from_logits",
    "cross_entropy_kernel",
    "half_squared_error",
    "half_squared_error_kernel",
    "huber",
    "huber_kernel",
    "kl_divergence",
    "kl_divergence_kernel",
    "loss",
    "squared_error",
    "squared_error_kernel",
]

REDUCTIONS = ["sum", "mean", "none"]
"""What becomes of the losses of several elements or samples."""


@np.errstate(all="ignore")
def loss(
    name: str,
    predictions: ArrayLike,
    targets: ArrayLike,
    *,
    from_logits: bool = False,
    epsilon: float | None = None,
    delta: float = 1.0,
    label_smoothing: float = 0.0,
    reduction: str = "sum",
    gradient: bool = False,
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
    epsilon : float, default 1e-7
        At least 0; stands inside the logarithms of both cross entropies, from probabilities alone.
    delta : float, default 1.0
        Above 0; where `huber` turns linear.
    label_smoothing : float, default 0.0
        In [0, 1); `cross_entropy` takes t (1 - s) + s / K for t, K the number of classes.
    reduction : {"sum", "mean", "none"}
        What becomes of the losses: of all elements, or with `cross_entropy` and `kl_divergence` of
        all rows of the last axis.
    gradient : bool, default False
        Whether to add the derivative of the reduced loss, with "none" of the sum.

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
    options = {"epsilon": epsilon, "delta": delta, "label_smoothing": label_smoothing}
    task = prepare(name, predictions, targets, from_logits, options)
    losses = task.losses(is_reduced=kind != "none")
    answer: dict[str, Any] = {"losses": losses.reshape(losses.shape or (1,))}
    if kind != "none":
        answer = {"loss": _reduced(losses, kind)}
    if gradient:
        answer["gradient"] = task.gradient(losses.size if kind == "mean" else 1)
    return answer


def _reduced(losses: Float, kind: str) -> float:
    result = float(np.add.reduce(losses, axis=None))
    if kind == "mean":
        # A mean of finite losses is finite, also where their sum is not.
        is_finite = np.isfinite(result)
        result = result / losses.size if is_finite else float(np.add.reduce(losses / losses.size, axis=None))
    if not np.isfinite(result):
        raise NonFiniteResult(non_finite("/predictions", "/loss", result, "the sum of the losses"))
    return result
