"""Pure numerical core: no HTTP, no environment, no clock of its own.

Everything here works on arrays and returns arrays or plain dicts of them:

>>> from service.core import gradient
>>> gradient("x[0]**2 + x[1]**2", {"x": [3, 4]})["value"]
25.0
"""

from service.core.activations import (
    log_sigmoid,
    log_softmax,
    logsumexp,
    norm,
    relu,
    sigmoid,
    softmax,
    softplus,
)
from service.core.calculus.field import gradient_field
from service.core.calculus.gradient import gradient, quote
from service.core.descent import descent, sweep
from service.core.losses import (
    absolute_error,
    binary_cross_entropy,
    cross_entropy,
    half_squared_error,
    huber,
    kl_divergence,
    loss,
    squared_error,
)

__all__ = [
    "absolute_error",
    "binary_cross_entropy",
    "cross_entropy",
    "descent",
    "gradient",
    "gradient_field",
    "half_squared_error",
    "huber",
    "kl_divergence",
    "log_sigmoid",
    "log_softmax",
    "logsumexp",
    "loss",
    "norm",
    "quote",
    "relu",
    "sigmoid",
    "softmax",
    "softplus",
    "squared_error",
    "sweep",
]
