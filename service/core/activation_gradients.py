"""What a later part of a model sends back through softmax and sigmoid: derivatives of sum(upstream * y)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from service.core.activation_kernels import sigmoid_kernel
from service.core.activations import softmax
from service.core.arrays import Array, check_same_shape, float_array, non_finite, where_not
from service.core.exceptions import NonFiniteResult, pointer_to


@np.errstate(all="ignore")
def softmax_gradient(
    x: ArrayLike,
    upstream: ArrayLike,
    axis: int | None = -1,
    temperature: float = 1.0,
    mask: ArrayLike | None = None,
    *,
    log: bool = False,
) -> Array:
    """Differentiate sum(upstream * softmax(x)) by x, or that of its logarithm.

    Parameters
    ----------
    x, axis, temperature, mask
        As `softmax` takes them; a masked position has gradient 0.
    upstream : array_like
        What the later part of a model sends back, of x's shape.
    log : bool
        Whether y is the log-softmax.

    Returns
    -------
    ndarray
        Of x's shape.

    Raises
    ------
    InvalidRequest
        As `softmax` does, and for an upstream of another shape.
    NonFiniteResult
        An element beyond the range of float64.

    Notes
    -----
    With u = upstream, sums along the axis and temperature T: y (u - sum(u y)) / T, and of the logarithm
    (u - y sum(u)) / T.

    Examples
    --------
    >>> softmax_gradient([0.0, 0.0], [1.0, 0.0])
    array([ 0.25, -0.25])
    """
    y, weights = softmax(x, axis, temperature, mask), _like(x, upstream)
    if log:
        derivative = (weights - y * np.sum(weights, axis=axis, keepdims=True)) / temperature
    else:
        derivative = y * (weights - np.sum(weights * y, axis=axis, keepdims=True)) / temperature
    return _finite(derivative, "softmax")


@np.errstate(all="ignore")
def sigmoid_gradient(x: ArrayLike, upstream: ArrayLike, *, log: bool = False) -> Array:
    """Differentiate sum(upstream * sigmoid(x)) by x, or that of its logarithm.

    Parameters
    ----------
    x : array_like
        As `sigmoid` takes it.
    upstream : array_like
        What the later part of a model sends back, of x's shape.
    log : bool
        Whether y is the log-sigmoid.

    Returns
    -------
    ndarray
        Of x's shape.

    Raises
    ------
    InvalidRequest
        An argument that is no array of numbers, or an upstream of another shape.
    NonFiniteResult
        An element beyond the range of float64.

    Notes
    -----
    upstream * sigmoid(x) * sigmoid(-x), and of the logarithm upstream * sigmoid(-x); no digit is lost
    at either tail.

    Examples
    --------
    >>> sigmoid_gradient([0.0, 40.0], [1.0, 1.0])
    array([2.50000000e-01, 4.24835426e-18])
    """
    scores, weights = float_array(x, "/x"), _like(x, upstream)
    others = sigmoid_kernel(-scores)
    derivative = others if log else others * sigmoid_kernel(scores)
    return _finite(weights * derivative, "sigmoid")


def _like(x: ArrayLike, upstream: ArrayLike) -> Array:
    """Check that upstream has the shape of x."""
    weights: NDArray[np.float64] = float_array(upstream, "/upstream")
    check_same_shape("x", np.shape(x), "upstream", weights.shape, "upstream has the shape of x")
    return weights


def _finite(derivative: Array, name: str) -> Array:
    for at in where_not(np.isfinite(derivative)):
        place = pointer_to(*at)
        raise NonFiniteResult(non_finite(f"/upstream{place}", f"/gradient{place}", derivative[at], name))
    return derivative
