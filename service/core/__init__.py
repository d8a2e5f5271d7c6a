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
from service.core.calculus.hessian import hessian, hvp
from service.core.calculus.jacobian import jacobian, jvp, vjp
from service.core.calculus.value import value
from service.core.descent import descent, sweep
from service.core.losses import FUNCTIONS, LossFunction, loss

__all__ = [
    "descent",
    "gradient",
    "gradient_field",
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
    "sweep",
    "value",
    "vjp",
    *FUNCTIONS,
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
]


def __getattr__(name: str) -> LossFunction:
    """Return the function of a loss: `from service.core import huber`."""
    if name in FUNCTIONS:
        return FUNCTIONS[name]
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
