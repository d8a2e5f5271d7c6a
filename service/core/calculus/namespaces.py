"""The names that generated source may call: on arrays, on arrays of complex numbers, on floats."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from service.core import activation_kernels, loss_kernels
from service.core.calculus import derivative_kernels
from service.core.language import making
from service.core.language.losses import LOSS_KERNELS

ARRAY_NAMES: dict[str, Callable[..., Any]] = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "power": np.power,
    "remainder": np.remainder,
    "floor_divide": np.floor_divide,
    "negative": np.negative,
    "absolute": np.absolute,
    "exp": np.exp,
    "expm1": np.expm1,
    "log": np.log,
    "log1p": np.log1p,
    "sqrt": np.sqrt,
    "square": np.square,
    "sin": np.sin,
    "cos": np.cos,
    "tan": np.tan,
    "arcsin": np.arcsin,
    "arccos": np.arccos,
    "arctan": np.arctan,
    "sinh": np.sinh,
    "cosh": np.cosh,
    "tanh": np.tanh,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "where": np.where,
    "sign": np.sign,
    "matmul": np.matmul,
    "broadcast_to": np.broadcast_to,
    "add_reduce": np.add.reduce,
    "minimum_reduce": np.minimum.reduce,
    "maximum_reduce": np.maximum.reduce,
    "multiply_reduce": np.multiply.reduce,
    "sigmoid_kernel": activation_kernels.sigmoid_kernel,
    "log_sigmoid_kernel": activation_kernels.log_sigmoid_kernel,
    "softplus_kernel": activation_kernels.softplus_kernel,
    "softmax_kernel": activation_kernels.softmax_kernel,
    "log_softmax_kernel": activation_kernels.log_softmax_kernel,
    "logsumexp_kernel": activation_kernels.logsumexp_kernel,
    "norm_kernel": activation_kernels.norm_kernel,
    "xlogy": loss_kernels.xlogy,
    "log_complement": loss_kernels.log_complement,
    "xlog_complement": loss_kernels.xlog_complement,
    "log_ratio": loss_kernels.log_ratio,
    "relative_entropy": loss_kernels.relative_entropy,
    **LOSS_KERNELS,
    "range_kernel": making.range_kernel,
    "linspace": np.linspace,
    "take": making.take_kernel,
    "add_by_index": making.add_by_index,
    "integers": derivative_kernels.integers,
    "sigmoid_slope": derivative_kernels.sigmoid_slope,
    "tanh_slope": derivative_kernels.tanh_slope,
    "identity": np.identity,
    "power_base_slope": derivative_kernels.power_base_slope,
    "defined": derivative_kernels.defined,
    "ratio_or_zero": derivative_kernels.ratio_or_zero,
    "product_of_others": derivative_kernels.product_of_others,
    "guarded_product": derivative_kernels.guarded_product,
    "scatter": derivative_kernels.scatter,
    "add_at": derivative_kernels.add_at,
    "add_onto": derivative_kernels.add_onto,
}
"""What programs on arrays may call."""

COMPLEX_NAMES: dict[str, Callable[..., Any]] = {"power": derivative_kernels.complex_power}
"""What the complex step calls instead."""

FLOAT_NAMES: dict[str, Callable[..., Any]] = {
    "abs": math.fabs,
    "exp": math.exp,
    "expm1": math.expm1,
    "log": math.log,
    "log1p": math.log1p,
    "sqrt": math.sqrt,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "tanh": math.tanh,
    "pow": math.pow,
}
"""What programs on floats may call."""
