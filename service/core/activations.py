"""Softmax, sigmoid and their kin, stable at any finite input.

The functions cast and check their arguments, compute without warnings, and leave the caller's
arrays alone; what they compute with stands in `activation_kernels`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from service.core.activation_kernels import (
    in_blocks,
    log_sigmoid_kernel,
    log_softmax_kernel,
    logsumexp_kernel,
    norm_kernel,
    sigmoid_kernel,
    softmax_kernel,
    softplus_kernel,
)
from service.core.arrays import (
    POSITIVE,
    Array,
    Axis,
    Mask,
    check_axis,
    float_array,
    mask_array,
    non_finite,
    number,
    where_not,
)
from service.core.exceptions import MOST_FAULTS, InvalidRequest, NonFiniteResult, fault, pointer_to
from service.core.reduction_kernels import maximum_reduce, minimum_reduce


@np.errstate(all="ignore")
def softmax(
    x: ArrayLike, axis: int | None = -1, temperature: float = 1.0, mask: ArrayLike | None = None
) -> Array:
    """Turn scores into probabilities that sum to 1 along an axis.

    Parameters
    ----------
    x : array_like
        Finite scores, rank 1 or more.
    axis : int or None, default -1
        The axis along which the result sums to 1; None takes all elements together.
    temperature : float, default 1.0
        Above 0. The scores are divided by it: towards 0 the largest score takes all, towards
        infinity all are equal.
    mask : array_like of bool, optional
        Shape of x. Where False the probability is 0 and the score does not count.

    Returns
    -------
    ndarray
        Probabilities in [0, 1], shape of x.

    Raises
    ------
    InvalidRequest
        An argument of the wrong type, range or shape, or a mask that leaves a slice empty.

    Notes
    -----
    exp((x - max x) / T) / sum exp((x - max x) / T). Subtracting the maximum changes nothing
    mathematically and keeps every power in [0, 1]. The difference is taken before dividing by T,
    at half scale where it would overflow, so that every finite x and T gives the right result.

    References
    ----------
    Blanchard, Higham and Higham, Accurately computing the log-sum-exp and softmax functions, IMA
    Journal of Numerical Analysis 41 (2021), doi:10.1093/imanum/draa038.

    Examples
    --------
    >>> softmax([0.3, 2.9, 4.0])
    array([0.01821127, 0.24519181, 0.73659691])
    >>> softmax([1.0, 2.0, 3.0], mask=[True, True, False])
    array([0.26894142, 0.73105858, 0.        ])
    """
    scores, along = _scores(x, axis)
    divisor = number(temperature, "/temperature", POSITIVE)
    kept = None if mask is None else _mask(mask, scores.shape, along)
    if kept is None and divisor == 1.0:
        return softmax_kernel(scores, along)
    return softmax_kernel(_tempered(scores, along, divisor, kept), along)


@np.errstate(all="ignore")
def log_softmax(x: ArrayLike, axis: int | None = -1, temperature: float = 1.0) -> Array:
    """Compute the logarithm of the softmax, exact where probabilities are too small or near 1.

    Parameters
    ----------
    x, axis, temperature
        As `softmax` takes them.

    Returns
    -------
    ndarray
        Log-probabilities, at most 0, shape of x.

    Raises
    ------
    InvalidRequest
        An argument of the wrong type, range or shape.
    NonFiniteResult
        A log-probability below the range of float64 (x / T spans more than 1.8e308).

    Notes
    -----
    d - log(sum(exp(d))) with d = (x - max x) / T. Where one element dominates, log1p of the other
    powers takes the place of the logarithm, which would round them away; see `softmax` for the source.

    Examples
    --------
    >>> log_softmax([1000.0, 0.0])
    array([    0., -1000.])
    """
    scores, along = _scores(x, axis)
    divisor = number(temperature, "/temperature", POSITIVE)
    if divisor != 1.0:
        scores = _tempered(scores, along, divisor, None)
    result = log_softmax_kernel(scores, along)
    for at in where_not(np.isfinite(result)):
        place = pointer_to(*at)
        raise NonFiniteResult(non_finite(f"/x{place}", f"/y{place}", result[at], "log_softmax"))
    return result


def _scores(x: ArrayLike, axis: object) -> tuple[Array, Axis]:
    scores = float_array(x, "/x")
    if scores.ndim == 0:
        raise InvalidRequest(fault("not-an-array", "/x", got="a number"))
    return scores, check_axis(axis, scores.ndim)


def _mask(mask: ArrayLike, shape: tuple[int, ...], axis: Axis) -> Mask:
    """Check a mask; every slice along the axis keeps something."""
    kept = mask_array(mask, "x", shape, "a mask has the shape of x")
    has_any = np.any(kept, axis=axis, keepdims=True)
    if not has_any.all():
        places = {_slice_pointer(at, len(shape), axis): None for at in where_not(has_any)}
        raise InvalidRequest(*(fault("nothing-left", place) for place in [*places][:MOST_FAULTS]))
    return kept


def _slice_pointer(at: tuple[int, ...], rank: int, axis: Axis) -> str:
    """Point to a slice: to its first element where it is no row of the nested arrays."""
    if axis is None:
        return "/mask"
    is_row = axis in (-1, rank - 1)
    return pointer_to("mask", *(at[:-1] if is_row else at))


def _tempered(x: Array, axis: Axis, temperature: float, kept: Mask | None) -> Array:
    """(x - max) / T along the axis, -inf where masked."""
    left = x if kept is None else np.where(kept, x, -np.inf)
    high = maximum_reduce(left, axis, None, None, True)
    low = minimum_reduce(x, axis, None, None, True)
    # At full scale 1e308 - (-1e308) overflows; at half scale subnormal scores would lose a bit.
    scale = np.where(high - low < np.inf, 1.0, 0.5)
    result: Array = (left * scale - high * scale) / temperature / scale
    return result


@np.errstate(all="ignore")
def sigmoid(x: ArrayLike) -> Array:
    """Compute the logistic sigmoid 1 / (1 + exp(-x)).

    Parameters
    ----------
    x : array_like
        Finite numbers, any shape.

    Returns
    -------
    ndarray
        In [0, 1], shape of x.

    Raises
    ------
    InvalidRequest
        x is not an array of finite numbers.

    Notes
    -----
    exp(min(x, 0)) / (1 + exp(-|x|)): no power exceeds 1, and the result has full relative
    accuracy in both tails, down to the subnormal numbers below x = -708.

    References
    ----------
    Saito, Deep Learning from Scratch (O'Reilly Japan, 2016), section 3.2.4.

    Examples
    --------
    >>> sigmoid([-1000, 0, 1000])
    array([0. , 0.5, 1. ])
    """
    return in_blocks(sigmoid_kernel)(float_array(x, "/x"))


@np.errstate(all="ignore")
def log_sigmoid(x: ArrayLike) -> Array:
    """Compute the logarithm of the sigmoid, -log(1 + exp(-x)).

    Parameters
    ----------
    x : array_like
        Finite numbers, any shape.

    Returns
    -------
    ndarray
        At most 0, shape of x.

    Raises
    ------
    InvalidRequest
        x is not an array of finite numbers.

    Notes
    -----
    min(x, 0) - log1p(exp(-|x|)), of full relative accuracy in both tails.

    Examples
    --------
    >>> log_sigmoid([-1000, 1000])
    array([-1000.,     0.])
    """
    return in_blocks(log_sigmoid_kernel)(float_array(x, "/x"))


def relu(x: ArrayLike) -> Array:
    """Compute the rectifier max(x, 0).

    Parameters
    ----------
    x : array_like
        Finite numbers, any shape.

    Returns
    -------
    ndarray
        At least 0, shape of x.

    Raises
    ------
    InvalidRequest
        x is not an array of finite numbers.

    Examples
    --------
    >>> relu([-2, 0, 3])
    array([0., 0., 3.])
    """
    # The sum turns the -0 that the maximum of -0 and 0 may be into 0.
    return np.asarray(np.maximum(float_array(x, "/x"), 0.0) + 0.0)


@np.errstate(all="ignore")
def softplus(x: ArrayLike) -> Array:
    """Compute log(1 + exp(x)), the smooth rectifier.

    Parameters
    ----------
    x : array_like
        Finite numbers, any shape.

    Returns
    -------
    ndarray
        At least 0, shape of x.

    Raises
    ------
    InvalidRequest
        x is not an array of finite numbers.

    Notes
    -----
    max(x, 0) + log1p(exp(-|x|)), of full relative accuracy in both tails.

    Examples
    --------
    >>> softplus([-1000, 0, 1000])
    array([0.00000000e+00, 6.93147181e-01, 1.00000000e+03])
    """
    return in_blocks(softplus_kernel)(float_array(x, "/x"))


@np.errstate(all="ignore")
def logsumexp(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Compute log(sum(exp(x))) without overflow.

    Parameters
    ----------
    x : array_like
        Finite numbers, any shape.
    axis : int, tuple of int or None, default None
        Axes to sum over; None takes all.
    keepdims : bool, default False
        Whether those axes stay, with size 1.

    Returns
    -------
    ndarray
        Shape of x without the axes.

    Raises
    ------
    InvalidRequest
        x is not an array of finite numbers, or the axis does not exist.

    Notes
    -----
    max + log(sum(exp(x - max))), by log1p where one element dominates.

    References
    ----------
    Blanchard, Higham and Higham (2021), doi:10.1093/imanum/draa038.

    Examples
    --------
    >>> float(logsumexp([1000.0, 1000.0]))
    1000.6931471805599
    """
    array = float_array(x, "/x")
    return np.asarray(logsumexp_kernel(array, check_axis(axis, array.ndim), bool(keepdims)))


@np.errstate(all="ignore")
def norm(x: ArrayLike, axis: Axis = None, keepdims: bool = False) -> Array:
    """Compute the 2-norm, the root of the sum of squares, over all axes given.

    Parameters
    ----------
    x, axis, keepdims
        As `logsumexp` takes them.

    Returns
    -------
    ndarray
        At least 0, shape of x without the axes.

    Raises
    ------
    InvalidRequest
        x is not an array of finite numbers, or the axis does not exist.
    NonFiniteResult
        The norm itself is beyond the range of float64.

    Notes
    -----
    Elements whose squares would overflow or underflow are scaled by a power of two first.

    References
    ----------
    Blue, A portable Fortran program to find the Euclidean norm of a vector, ACM Transactions on
    Mathematical Software 4 (1978), doi:10.1145/355769.355771.

    Examples
    --------
    >>> float(norm([3.0, 4.0])), float(norm([1e-200, 0.0]))
    (5.0, 1e-200)
    """
    array = float_array(x, "/x")
    result = np.asarray(norm_kernel(array, check_axis(axis, array.ndim), bool(keepdims)))
    if not np.isfinite(result).all():
        raise NonFiniteResult(non_finite("/x", "norm", np.inf, "the square root"))
    return result
