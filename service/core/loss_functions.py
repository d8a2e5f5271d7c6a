"""A function for each loss: what reduction "none" gives."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from service.core.arrays import Float
from service.core.loss_kernels import EPSILON
from service.core.loss_table import prepare


@np.errstate(all="ignore")
def _each(
    name: str, predictions: ArrayLike, targets: ArrayLike, from_logits: bool = False, **options: float
) -> Float:
    """Compute the losses of a row without reducing them; a vector's loss has rank 0."""
    return prepare(name, predictions, targets, from_logits, options).losses(is_reduced=False)


def squared_error(predictions: ArrayLike, targets: ArrayLike) -> Float:
    """Compute (p - t)**2 for each element.

    Parameters
    ----------
    predictions, targets : array_like
        Finite numbers, of the same shape.

    Returns
    -------
    ndarray
        The losses, of that shape.

    Raises
    ------
    InvalidRequest
        An argument of the wrong type, range or shape.
    NonFiniteResult
        A loss overflows float64.

    Examples
    --------
    >>> squared_error([1, 2], [1, 4])
    array([0., 4.])
    """
    return _each("squared_error", predictions, targets)


def half_squared_error(predictions: ArrayLike, targets: ArrayLike) -> Float:
    """Compute (p - t)**2 / 2 for each element; its sum is the seed's mean squared error.

    Parameters
    ----------
    predictions, targets : array_like
        Finite numbers, of the same shape.

    Returns
    -------
    ndarray
        The losses, of that shape.

    Raises
    ------
    InvalidRequest
        An argument of the wrong type, range or shape.
    NonFiniteResult
        A loss overflows float64.

    Examples
    --------
    >>> half_squared_error([1, 2], [1, 4])
    array([0., 2.])
    """
    return _each("half_squared_error", predictions, targets)


def absolute_error(predictions: ArrayLike, targets: ArrayLike) -> Float:
    """Compute |p - t| for each element.

    Parameters
    ----------
    predictions, targets : array_like
        Finite numbers, of the same shape.

    Returns
    -------
    ndarray
        The losses, of that shape.

    Raises
    ------
    InvalidRequest
        An argument of the wrong type, range or shape.
    NonFiniteResult
        A loss overflows float64.

    Examples
    --------
    >>> absolute_error([1, 2], [1, 4])
    array([0., 2.])
    """
    return _each("absolute_error", predictions, targets)


def huber(predictions: ArrayLike, targets: ArrayLike, delta: float = 1.0) -> Float:
    """Compute the Huber loss of each element: quadratic near the target, linear beyond delta.

    Parameters
    ----------
    predictions, targets : array_like
        Finite numbers, of the same shape.
    delta : float, default 1.0
        Above 0; the distance at which it turns linear.

    Returns
    -------
    ndarray
        The losses, of that shape.

    Raises
    ------
    InvalidRequest
        An argument of the wrong type, range or shape.
    NonFiniteResult
        A loss overflows float64.

    Notes
    -----
    d**2 / 2 where d = |p - t| is at most delta, else delta (d - delta / 2).

    Examples
    --------
    >>> huber([0.5, 3.0], [0.0, 0.0])
    array([0.125, 2.5  ])
    """
    return _each("huber", predictions, targets, delta=delta)


def cross_entropy(
    predictions: ArrayLike, targets: ArrayLike, epsilon: float = EPSILON, label_smoothing: float = 0.0
) -> Float:
    """Compute -sum(t log(p + epsilon)) over the last axis.

    Parameters
    ----------
    predictions : array_like
        Probabilities in [0, 1], rank 1 or more; rows need not sum to 1.
    targets : array_like
        The same shape, one-hot or soft; or class labels 0 to K - 1, one rank lower.
    epsilon : float, default 1e-7
        At least 0; keeps the logarithm of 0 finite.
    label_smoothing : float, default 0.0
        s in [0, 1): the targets become t (1 - s) + s / K for K classes.

    Returns
    -------
    ndarray
        One loss for each row: one rank lower than predictions.

    Raises
    ------
    InvalidRequest
        An argument of the wrong type, range or shape.
    NonFiniteResult
        With epsilon 0, p = 0 where t > 0.

    Notes
    -----
    A term with t = 0 is 0, whatever its logarithm.

    Examples
    --------
    >>> cross_entropy([[0.5, 0.5], [0.25, 0.75]], [0, 0], epsilon=0)
    array([0.69314718, 1.38629436])
    """
    return _each("cross_entropy", predictions, targets, epsilon=epsilon, label_smoothing=label_smoothing)


def cross_entropy_from_logits(
    predictions: ArrayLike, targets: ArrayLike, label_smoothing: float = 0.0
) -> Float:
    """Compute -sum(t log(softmax(z))) over the last axis, fused.

    Parameters
    ----------
    predictions : array_like
        Logits z, rank 1 or more.
    targets : array_like
        The same shape, one-hot or soft; or class labels 0 to K - 1, one rank lower.
    label_smoothing : float, default 0.0
        s in [0, 1): the targets become t (1 - s) + s / K for K classes.

    Returns
    -------
    ndarray
        One loss for each row: one rank lower than predictions.

    Raises
    ------
    InvalidRequest
        An argument of the wrong type, range or shape.
    NonFiniteResult
        A loss overflows float64.

    Notes
    -----
    By `log_softmax`: no overflow, and no digit lost where the softmax saturates.

    Examples
    --------
    >>> cross_entropy_from_logits([[1000.0, 0.0]], [1])
    array([1000.])
    """
    return _each("cross_entropy", predictions, targets, True, label_smoothing=label_smoothing)


def binary_cross_entropy(predictions: ArrayLike, targets: ArrayLike, epsilon: float = EPSILON) -> Float:
    """Compute -t log(p + epsilon) - (1 - t) log(1 - p + epsilon) for each element.

    Parameters
    ----------
    predictions : array_like
        Probabilities in [0, 1].
    targets : array_like
        The same shape, 0, 1 or between.
    epsilon : float, default 1e-7
        At least 0; keeps the logarithm of 0 finite.

    Returns
    -------
    ndarray
        The losses, of that shape.

    Raises
    ------
    InvalidRequest
        An argument of the wrong type, range or shape.
    NonFiniteResult
        With epsilon 0, p = 0 where t > 0, or p = 1 where t < 1.

    Examples
    --------
    >>> binary_cross_entropy([0.5, 0.75], [1, 0], epsilon=0)
    array([0.69314718, 1.38629436])
    """
    return _each("binary_cross_entropy", predictions, targets, epsilon=epsilon)


def binary_cross_entropy_from_logits(predictions: ArrayLike, targets: ArrayLike) -> Float:
    """Compute -t log(sigmoid(z)) - (1 - t) log(sigmoid(-z)) for each element, fused.

    Parameters
    ----------
    predictions : array_like
        Logits z.
    targets : array_like
        The same shape, 0, 1 or between.

    Returns
    -------
    ndarray
        The losses, of that shape.

    Raises
    ------
    InvalidRequest
        An argument of the wrong type, range or shape.
    NonFiniteResult
        A loss overflows float64.

    Notes
    -----
    max(z, 0) - z t + log(1 + exp(-|z|)), written so that nothing cancels or overflows.

    Examples
    --------
    >>> binary_cross_entropy_from_logits([1000.0, -1000.0], [0, 0])
    array([1000.,    0.])
    """
    return _each("binary_cross_entropy", predictions, targets, True)


def kl_divergence(predictions: ArrayLike, targets: ArrayLike) -> Float:
    """Compute sum(t (log t - log p)) over the last axis: how far p is from t.

    Parameters
    ----------
    predictions : array_like
        Probabilities in [0, 1], rank 1 or more; rows need not sum to 1.
    targets : array_like
        The same shape; 0 or above.

    Returns
    -------
    ndarray
        One loss for each row: one rank lower than predictions.

    Raises
    ------
    InvalidRequest
        An argument of the wrong type, range or shape.
    NonFiniteResult
        p = 0 where t > 0, or t < 0.

    Notes
    -----
    A term with t = 0 is 0. Where t and p are close it is computed by log1p((t - p) / p), since
    the difference of the logarithms would cancel.

    Examples
    --------
    >>> kl_divergence([0.5, 0.5], [1.0, 0.0])
    array(0.69314718)
    """
    return _each("kl_divergence", predictions, targets)
