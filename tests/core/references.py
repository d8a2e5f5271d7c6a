"""The functions again, by arithmetic of 400 digits: slow, plain, and right."""

from collections.abc import Sequence
from decimal import Context, Decimal, localcontext

import numpy as np

PRECISE = Context(prec=400, Emax=10**9, Emin=-(10**9))


def exact(function):
    """Call with Decimals for floats, and round the result once."""

    def rounded(*arguments):
        with localcontext(PRECISE):
            result = function(*(_decimals(argument) for argument in arguments))
            return [float(each) for each in result] if isinstance(result, list) else float(result)

    return rounded


def _decimals(value):
    return (
        [Decimal(float(each)) for each in value]
        if isinstance(value, (Sequence, np.ndarray))
        else Decimal(value)
    )


@exact
def sigmoid(x):
    return 1 / (1 + (-x).exp())


@exact
def log_sigmoid(x):
    return -(1 + (-x).exp()).ln()


@exact
def softplus(x):
    return (1 + x.exp()).ln()


@exact
def softmax(x):
    total = sum(each.exp() for each in x)
    return [each.exp() / total for each in x]


@exact
def log_softmax(x):
    total = sum(each.exp() for each in x).ln()
    return [each - total for each in x]


@exact
def logsumexp(x):
    return sum(each.exp() for each in x).ln()


@exact
def norm(x):
    return sum(each * each for each in x).sqrt()


@exact
def cross_entropy_from_logits(z, t):
    total = sum(each.exp() for each in z).ln()
    return -sum(weight * (each - total) for each, weight in zip(z, t, strict=True))


@exact
def binary_cross_entropy_from_logits(z, t):
    return t * (1 + (-z).exp()).ln() + (1 - t) * (1 + z.exp()).ln()


@exact
def kl_divergence(p, t):
    return sum(b * (b.ln() - a.ln()) for a, b in zip(p, t, strict=True) if b)


@exact
def binary_cross_entropy(p, t, epsilon):
    on = t * (p + epsilon).ln() if t else Decimal(0)
    return -on - ((1 - t) * (1 - p + epsilon).ln() if t != 1 else Decimal(0))
