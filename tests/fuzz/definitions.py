"""What the language's operations mean, by arithmetic of 150 digits: written from the contract, slow, right.

Every operand is an object array of numbers of mpmath. A definition raises `ValueError` where shapes
or options do not fit, and gives NaN where a number has no real value.
"""

import math

import numpy as np

from tests.fuzz.arithmetic import (
    NAN,
    axes_of,
    choose,
    compare,
    each,
    extreme,
    extreme_of_two,
    mp,
    precise,
    reduction,
)
from tests.fuzz.constructs import indexed
from tests.fuzz.matrices import MATRICES

total = reduction(mp.fsum, 0)
largest = reduction(extreme(max))
logarithm = each(mp.log)
exponential = each(mp.exp)


def softmax(x, axis=-1):
    powers = exponential(x)
    return powers / total(powers, checked_axis(x, axis), True)


def log_softmax(x, axis=-1):
    return logarithm(softmax(x, axis))


def checked_axis(x, axis):
    """Refuse an axis along which there is nothing."""
    if (not x.ndim and axis is not None) or any(x.shape[place] == 0 for place in axes_of(axis, x.ndim)):
        raise ValueError("there is no element")
    return axis


def matmul(a, b):
    if not a.ndim or not b.ndim:
        raise ValueError("a scalar is no matrix")
    if a.shape[-1] == 0:
        return np.matmul(a.astype(float), b.astype(float)).astype(object) * mp.mpf(0)
    return np.asarray(np.matmul(a, b), dtype=object)


def dot(a, b):
    if a.ndim and b.ndim and not (a.size and b.size):
        return np.dot(a.astype(float), b.astype(float)).astype(object) * mp.mpf(0)
    return np.asarray(np.dot(a, b), dtype=object)


def clip(x, low, high):
    return each(lambda x, low, high: extreme(min)([extreme(max)([x, low]), high]))(x, low, high)


def pair_of(p, t):
    """Lay targets out like the predictions: of their shape, of size 1 along some axes, or one number."""
    if t.ndim not in (0, p.ndim):
        raise ValueError(f"targets of shape {t.shape} for predictions of shape {p.shape}")
    return p, np.broadcast_to(t, p.shape)


def loss(function):
    """Make a loss that is taken element by element."""
    return lambda p, t, **options: each(lambda p, t: function(p, t, **options))(*pair_of(p, t))


def huber(p, t, delta=1.0):
    distance = abs(p - t)
    return distance**2 / 2 if distance <= delta else delta * (distance - mp.mpf(delta) / 2)


def log_term(t, argument):
    """Return t log(argument), 0 where t is 0."""
    return mp.mpf(0) if t == 0 else t * mp.log(argument)


def cross_entropy(p, t, epsilon=1e-7, label_smoothing=0.0):
    p, t = pair_of(p, t)
    if not p.ndim or not p.shape[-1]:
        raise ValueError("there are no classes")
    smoothing = mp.mpf(label_smoothing)
    smooth = t * (1 - smoothing) + smoothing / p.shape[-1]
    return -total(each(log_term)(smooth, p + mp.mpf(epsilon)), -1)


def kl_divergence(p, t):
    p, t = pair_of(p, t)
    if not p.ndim or not p.shape[-1]:
        raise ValueError("there is no last axis")
    return total(each(lambda p, t: t * (mp.log(t) - mp.log(p)) if t else mp.mpf(0))(p, t), -1)


def poisson(p, t, epsilon=1e-7):
    return p - log_term(t, p + mp.mpf(epsilon))


def pinball(p, t, quantile=0.5):
    quantile = mp.mpf(quantile)
    return quantile * (t - p) if t > p else (1 - quantile) * (p - t)


def length(x, axis):
    return each(mp.sqrt)(total(x * x, axis))


def cosine_distance(p, t):
    p, t = pair_of(p, t)
    if not p.ndim or not p.shape[-1]:
        raise ValueError("there is no last axis")
    lengths = [length(x, -1) for x in (p, t)]
    return each(lambda product, a, b: 1 - product / (a * b))(total(p * t, -1), *lengths)


def binary_cross_entropy(p, t, epsilon=1e-7):
    return -log_term(t, p + mp.mpf(epsilon)) - log_term(1 - t, 1 - p + mp.mpf(epsilon))


def filled(number):
    return lambda shape: np.full(shape, mp.mpf(number), dtype=object)


def counted(start, stop=None, step=1.0):
    """Count as `numpy.arange` does."""
    if step == 0:
        raise ValueError("the step is 0")
    return precise(np.arange(start, step=step) if stop is None else np.arange(start, stop, step))


def spaced(start, stop, num=50):
    start, stop = mp.mpf(start), mp.mpf(stop)
    return np.array([start + (stop - start) * place / max(1, num - 1) for place in range(num)], dtype=object)


def one_hot(labels, classes):
    return choose(labels[..., None] == np.arange(classes), mp.mpf(1), mp.mpf(0))


def with_options(function):
    """Apply a function of a number and of options to every element."""
    return lambda x, **options: each(lambda number: function(number, **options))(x)


def angle(y, x):
    """Return the angle of a point, none on the cut, whose side only the sign of a zero tells."""
    return NAN if y == 0 and x < 0 else mp.atan2(y, x)


def log_gamma(x):
    """Return the logarithm of the magnitude of the gamma function."""
    return mp.log(abs(mp.gamma(x)))


SPECIAL = {
    "sign": each(mp.sign),
    "floor": each(mp.floor),
    "ceil": each(mp.ceil),
    "round": each(mp.nint),
    "trunc": each(lambda x: mp.sign(x) * mp.floor(abs(x))),
    "log2": each(lambda x: mp.log(x) / mp.log(2)),
    "log10": each(mp.log10),
    "exp2": each(lambda x: mp.mpf(2) ** x),
    "cbrt": each(lambda x: mp.sign(x) * mp.cbrt(abs(x))),
    "hypot": each(mp.hypot),
    "arctan2": each(angle),
    "arcsinh": each(mp.asinh),
    "arccosh": each(mp.acosh),
    "arctanh": each(mp.atanh),
    "sinc": each(mp.sincpi),
    "erf": each(mp.erf),
    "erfc": each(mp.erfc),
    "lgamma": each(log_gamma),
    "digamma": each(mp.digamma),
    "gelu": each(lambda x: x * mp.ncdf(x)),
    "silu": each(lambda x: x / (1 + mp.exp(-x))),
    "elu": with_options(lambda x, alpha=1.0: x if x > 0 else mp.mpf(alpha) * mp.expm1(x)),
    "leaky_relu": with_options(lambda x, negative_slope=0.01: x if x > 0 else mp.mpf(negative_slope) * x),
}

DEFINITIONS = {
    **MATRICES,
    **SPECIAL,
    "modulo": each(lambda a, b: a - b * mp.floor(a / b)),
    "floor_quotient": each(lambda a, b: mp.floor(a / b)),
    "zeros": filled(0),
    "ones": filled(1),
    "eye": lambda n, m=None: precise(np.eye(n, m)),
    "arange": counted,
    "linspace": spaced,
    "one_hot": one_hot,
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": each(lambda a, b: a / b),
    "power": each(lambda a, b: mp.mpf(1) if b == 0 else mp.power(a, b)),
    "negative": lambda x: -x,
    "positive": lambda x: x,
    "less": compare(lambda a, b: a < b),
    "less_equal": compare(lambda a, b: a <= b),
    "greater": compare(lambda a, b: a > b),
    "greater_equal": compare(lambda a, b: a >= b),
    "equal": compare(lambda a, b: a == b),
    "not_equal": compare(lambda a, b: a != b),
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_not": np.logical_not,
    "abs": each(abs),
    "exp": exponential,
    "expm1": each(mp.expm1),
    "log": logarithm,
    "log1p": each(mp.log1p),
    "sqrt": each(mp.sqrt),
    "square": lambda x: x * x,
    "sin": each(mp.sin),
    "cos": each(mp.cos),
    "tan": each(mp.tan),
    "arcsin": each(mp.asin),
    "arccos": each(mp.acos),
    "arctan": each(mp.atan),
    "sinh": each(mp.sinh),
    "cosh": each(mp.cosh),
    "tanh": each(mp.tanh),
    "sigmoid": each(lambda x: 1 / (1 + mp.exp(-x))),
    "log_sigmoid": each(lambda x: -mp.log1p(mp.exp(-x))),
    "relu": each(lambda x: extreme(max)([x, mp.mpf(0)])),
    "softplus": each(lambda x: mp.log1p(mp.exp(x))),
    "minimum": each(extreme_of_two(min)),
    "maximum": each(extreme_of_two(max)),
    "clip": clip,
    "where": choose,
    "sum": total,
    "mean": reduction(lambda numbers: mp.fsum(numbers) / len(numbers)),
    "min": reduction(extreme(min)),
    "max": largest,
    "prod": reduction(math.prod, 1),
    "logsumexp": reduction(lambda numbers: mp.log(mp.fsum(map(mp.exp, numbers)))),
    "norm": reduction(lambda numbers: mp.sqrt(mp.fsum(number**2 for number in numbers)), 0),
    "softmax": softmax,
    "log_softmax": log_softmax,
    "matmul": matmul,
    "dot": dot,
    "transpose": lambda x, axes=None: np.transpose(x, axes),
    "reshape": lambda x, shape: np.reshape(x, shape),
    "index": indexed,
    "squared_error": loss(lambda p, t: (p - t) ** 2),
    "half_squared_error": loss(lambda p, t: (p - t) ** 2 / 2),
    "absolute_error": loss(lambda p, t: abs(p - t)),
    "huber": loss(huber),
    "cross_entropy": cross_entropy,
    "hinge": loss(lambda p, t: max(mp.mpf(0), 1 - t * p)),
    "log_cosh": loss(lambda p, t: mp.log(mp.cosh(p - t))),
    "poisson": loss(poisson),
    "pinball": loss(pinball),
    "cosine_distance": cosine_distance,
    "binary_cross_entropy": loss(binary_cross_entropy),
    "kl_divergence": kl_divergence,
}
"""By the name of the operations table's row."""
