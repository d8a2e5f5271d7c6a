"""Kernels on arrays that NumPy lacks and only derivatives and the complex step need."""

from __future__ import annotations

from typing import Any

import numpy as np

from service.core.activation_kernels import decay_of
from service.core.arrays import Array, Axis, is_finite
from service.core.language.shapes import axes_of


def sigmoid_derivative(x: Array) -> Array:
    """Differentiate the sigmoid as exp(-|x|) / (1 + exp(-|x|))**2: no digit is lost in a tail."""
    return _divided_by_square(decay_of(x))


def tanh_derivative(x: Array) -> Array:
    """Differentiate tanh as 4 exp(-2|x|) / (1 + exp(-2|x|))**2: no digit is lost in a tail."""
    derivative = _divided_by_square(decay_of(2.0 * x))
    derivative *= 4.0
    return derivative


def _divided_by_square(power: Array) -> Array:
    """Compute p / (1 + p)**2 in the memory of p and one array more."""
    total = 1.0 + power
    total *= total
    power /= total
    return power


def below_or_tied(a: Array, b: Array, out: Array | None = None) -> Array:
    """Return 1 where a is below b, 0.5 where they are equal, 0 elsewhere."""
    count = np.less(a, b).view(np.int8)  # in an eighth of the memory
    count += np.less_equal(a, b).view(np.int8)
    half: Array = np.multiply(count, 0.5, out=out)
    return half


def power_base_derivative(a: Array, b: Array) -> Array:
    """Differentiate a**b by a: b * a**(b - 1), 0 where b is 0.

    Where a is so small that its power overflows and the product may not, it is a**b * (b / a).
    """
    derivative: Array = np.where(b == 0.0, 0.0, b * np.power(a, b - 1.0))
    if np.isfinite(derivative).all():
        return derivative
    other = np.power(a, b) * (b / a)
    return np.where(np.isfinite(derivative) | ~np.isfinite(other), derivative, other)


def defined(x: Array, a: Array) -> Array:
    """Return x, but NaN where a is NaN: what was compared has no order."""
    return x if np.equal(a, a).all() else np.where(np.equal(a, a), x, np.nan)


def integers(x: Array) -> Array:
    """Turn whole numbers into what NumPy indexes with."""
    return np.asarray(x).astype(np.intp)


def ratio_or_zero(a: Array, b: Array) -> Array:
    """Divide a by b, and give 0 where b is 0."""
    result: Array = np.where(b == 0.0, 0.0, a / b)
    return result


SMALLEST_PRODUCT = 1e-290
"""Magnitude from which a product has lost no digits to underflow."""


def product_of_others(x: Array, axis: Axis) -> Array:
    """Multiply for each element the others along the axes, zeros among them or not.

    Where no product of the first elements leaves the range of float64, that of all is divided by each.
    """
    if not x.size:
        return x
    axes = axes_of(axis, x.ndim)
    last = tuple(range(x.ndim - len(axes), x.ndim))
    moved = np.moveaxis(x, axes, last)
    flat = moved.reshape(*moved.shape[: x.ndim - len(axes)], -1)
    products = np.cumprod(flat, axis=-1)
    sizes = np.absolute(products)
    if sizes.min() > SMALLEST_PRODUCT and sizes.max() < np.inf:
        others = np.divide(products[..., -1:], flat, out=sizes)
    else:
        others = np.ones_like(flat)
        others[..., 1:] = products[..., :-1]
        others[..., :-1] *= np.cumprod(flat[..., :0:-1], axis=-1)[..., ::-1]
    return np.moveaxis(others.reshape(moved.shape), last, axes)


def guarded_product(g: Array, x: Array) -> Array:
    """Multiply matrices so that the zeros of g make nothing but zeros, also times inf or NaN."""
    if is_finite(x):
        product: Array = np.matmul(g, x)
        return product
    finite = np.isfinite(x)
    spoiled = np.matmul((g != 0.0).astype(np.float64), (~finite).astype(np.float64)) > 0.0
    result: Array = np.where(spoiled, np.nan, np.matmul(g, np.where(finite, x, 0.0)))
    return result


def frame(shape: tuple[int, ...], items: Any, dtype: Any = np.float64) -> Array:
    """Make an array of zeros; what stands at the index may be anything."""
    first = items[0] if len(items) == 1 else None
    start, stop, step = first.indices(shape[0]) if isinstance(first, slice) else (0, 0, 1)
    if step != 1 or start >= stop:
        return np.zeros(shape, dtype)
    result: Array = np.empty(shape, dtype)
    result[:start], result[stop:] = 0.0, 0.0
    return result


def scatter(x: Array, shape: tuple[int, ...], items: Any) -> Array:
    """Put x at the index of an array of zeros."""
    result = frame(shape, items, x.dtype)
    result[items] = x
    return result


def add_at(base: Array, x: Array, items: Any) -> Array:
    """Add x to a copy of base, at the index; a sum of scalars is no array of its own."""
    result = np.array(base)
    result[items] += x
    return result


def add_onto(base: Array, x: Array, items: Any) -> Array:
    """Add x to base at the index, in its own buffer, which nothing else needs any more."""
    base[items] += x
    return base


def complex_power(z: Array, w: Array) -> Array:
    """z**w for arguments a tiny imaginary step away from real ones.

    A negative base with a whole exponent goes through its opposite, since exp(w log z) would
    bury the step under the rounding of the angle pi; base 0 follows the documented derivatives. Of real
    arguments, at which the value is taken, the power is real.
    """
    if not (np.iscomplexobj(z) or np.iscomplexobj(w)):
        return np.asarray(np.power(z, w))
    z, w = np.asarray(z), np.asarray(w)
    is_turned = (z.real < 0.0) & (w.imag == 0.0) & (w.real == np.floor(w.real))
    powers: Array = np.array(np.broadcast_to(z, np.shape(is_turned)), dtype=complex)
    np.negative(powers, out=powers, where=is_turned)
    is_zero = powers == 0.0
    powers[is_zero] = 1.0
    np.log(powers, out=powers)
    powers *= w
    np.exp(powers, out=powers)
    if is_zero.any():
        at_zero = np.where(w.real == 0.0, 1.0, np.where(w.real > 0.0, 0.0, np.inf))
        np.copyto(powers, at_zero, where=is_zero)
    np.negative(powers, out=powers, where=is_turned & (np.mod(w.real, 2.0) == 1.0))
    return powers
