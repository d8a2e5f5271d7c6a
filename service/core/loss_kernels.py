"""Kernels of the losses and of their derivatives by the predictions: fast, stable, unchecked.

A loss kernel takes predictions p (or logits z) and targets t, float64 or complex128, broadcasts them
like any NumPy operation, and returns what reduction `none` gives: one loss for each element, or for
each row of the last axis. The public functions of `losses` and the function language, its complex
step among them, share them. A term whose weight t is exactly 0 is 0, whatever its logarithm.

A slope is the derivative of the summed loss by p or z, of the shape of p and t, which are equal then.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from service.core.activation_kernels import (
    add_reduce,
    log1p_kernel,
    log_softmax_kernel,
    sigmoid_kernel,
    softmax_kernel,
    softplus_kernel,
)

Array = NDArray[Any]

EPSILON = 1e-7
"""The seed's ε inside the logarithms."""


# Losses


def squared_error_kernel(p: Array, t: Array) -> Array:
    """(p - t)**2."""
    result: Array = np.square(p - t)
    return result


def half_squared_error_kernel(p: Array, t: Array) -> Array:
    """(p - t)**2 / 2; halving first keeps the largest results from overflowing."""
    difference = p - t
    result: Array = 0.5 * difference * difference
    return result


def absolute_error_kernel(p: Array, t: Array) -> Array:
    """|p - t|."""
    result: Array = np.absolute(p - t)
    return result


def huber_kernel(p: Array, t: Array, delta: float = 1.0) -> Array:
    """(p - t)**2 / 2 up to the distance delta, then delta (|p - t| - delta / 2); nothing is squared."""
    distance = np.absolute(p - t)
    near = np.minimum(distance, delta)
    result: Array = near * (distance - 0.5 * near)
    return result


def smoothed(t: Array, label_smoothing: float, classes: int) -> Array:
    """Compute t (1 - s) + s / K."""
    result: Array = t * (1.0 - label_smoothing) + label_smoothing / classes
    return result


def _weighted(t: Array, logarithms: Array) -> Array:
    """Compute t * logarithms, 0 where t is 0."""
    product: Array = t * logarithms
    if np.isfinite(add_reduce(product, None)):
        return product
    return np.where(t == 0.0, 0.0, product)


def cross_entropy_terms(p: Array, t: Array, epsilon: float, label_smoothing: float) -> Array:
    """Compute t' log(p + ε), the terms that a cross entropy sums."""
    logarithms = np.log(p + epsilon)
    if label_smoothing:
        t = smoothed(t, label_smoothing, np.broadcast(logarithms, t).shape[-1])
    return _weighted(t, logarithms)


def cross_entropy_kernel(p: Array, t: Array, epsilon: float = EPSILON, label_smoothing: float = 0.0) -> Array:
    """-sum(t' log(p + ε)) over the last axis, t' the smoothed targets."""
    # Subtracted from 0, a loss of nothing is 0 and not -0.
    result: Array = 0.0 - add_reduce(cross_entropy_terms(p, t, epsilon, label_smoothing), -1)
    return result


def binary_cross_entropy_kernel(p: Array, t: Array, epsilon: float = EPSILON) -> Array:
    """-t log(p + ε) - (1 - t) log(1 - p + ε)."""
    on = _weighted(t, np.log(p + epsilon))
    off = _weighted(1.0 - t, np.log((1.0 - p) + epsilon))
    result: Array = 0.0 - (on + off)
    return result


def kl_divergence_terms(p: Array, t: Array) -> Array:
    """Compute t (log t - log p), by log1p((t - p) / p) where they are close and the logarithms cancel."""
    logarithms = (t - p) / p
    is_near = (np.absolute(logarithms) < 0.5) & (np.real(p) > 0.0)
    # One name, so that no more arrays are held than are needed.
    logarithms = log1p_kernel(np.where(is_near, logarithms, 0.0))
    logarithms = np.where(is_near, logarithms, np.log(t) - np.log(p))
    return _weighted(t, logarithms)


def kl_divergence_kernel(p: Array, t: Array) -> Array:
    """sum(t (log t - log p)) over the last axis."""
    result: Array = add_reduce(kl_divergence_terms(p, t), -1)
    return result


def cross_entropy_logits_terms(z: Array, t: Array, label_smoothing: float) -> Array:
    """Compute t' log(softmax(z)), the terms that a cross entropy from logits sums."""
    if label_smoothing:
        t = smoothed(t, label_smoothing, z.shape[-1])
    return _weighted(t, log_softmax_kernel(z, -1))


def cross_entropy_logits_kernel(z: Array, t: Array, label_smoothing: float = 0.0) -> Array:
    """-sum(t' log(softmax(z))) over the last axis."""
    result: Array = 0.0 - add_reduce(cross_entropy_logits_terms(z, t, label_smoothing), -1)
    return result


def binary_cross_entropy_logits_kernel(z: Array, t: Array) -> Array:
    """-t log(sigmoid(z)) - (1 - t) log(sigmoid(-z)) = max(z, 0) - z t + log(1 + exp(-|z|)).

    Written for |z|, where each of the two parts is a distance to the target that saturates.
    """
    is_positive = np.real(z) > 0.0
    magnitude = np.where(is_positive, z, -z)
    missing = np.where(is_positive, 1.0 - t, t)
    return missing * magnitude + softplus_kernel(-magnitude)


# Slopes


def squared_error_slope(p: Array, t: Array) -> Array:
    """2 (p - t)."""
    result: Array = 2.0 * (p - t)
    return result


def half_squared_error_slope(p: Array, t: Array) -> Array:
    """Compute p - t."""
    result: Array = p - t
    return result


def absolute_error_slope(p: Array, t: Array) -> Array:
    """Compute the sign of p - t, 0 where they are equal."""
    result: Array = np.sign(p - t)
    return result


def huber_slope(p: Array, t: Array, delta: float) -> Array:
    """Compute p - t, clipped to -delta ... delta."""
    result: Array = np.minimum(np.maximum(p - t, -delta), delta)
    return result


def _ratio(t: Array, argument: Array) -> Array:
    """Compute t / argument, 0 where t is 0."""
    return np.where(t == 0.0, 0.0, t / argument)


def cross_entropy_slope(p: Array, t: Array, epsilon: float, label_smoothing: float) -> Array:
    """-t' / (p + ε)."""
    if label_smoothing:
        t = smoothed(t, label_smoothing, p.shape[-1])
    result: Array = 0.0 - _ratio(t, p + epsilon)
    return result


def binary_cross_entropy_slope(p: Array, t: Array, epsilon: float) -> Array:
    """(1 - t) / (1 - p + ε) - t / (p + ε)."""
    result: Array = _ratio(1.0 - t, (1.0 - p) + epsilon) - _ratio(t, p + epsilon)
    return result


def kl_divergence_slope(p: Array, t: Array) -> Array:
    """-t / p."""
    result: Array = 0.0 - _ratio(t, p)
    return result


def cross_entropy_logits_slope(z: Array, t: Array, label_smoothing: float) -> Array:
    """softmax(z) sum(t') - t'."""
    if label_smoothing:
        t = smoothed(t, label_smoothing, z.shape[-1])
    result: Array = softmax_kernel(z, -1) * add_reduce(t, -1, None, None, True) - t
    return result


def binary_cross_entropy_logits_slope(z: Array, t: Array) -> Array:
    """sigmoid(z) - t, as (1 - t) sigmoid(z) - t sigmoid(-z): nothing cancels at t = 0 and t = 1."""
    result: Array = (1.0 - t) * sigmoid_kernel(z) - t * sigmoid_kernel(-z)
    return result
