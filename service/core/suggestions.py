"""What a misspelt or foreign name may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping

LIKENESS = 0.8
"""Minimum similarity for a suggestion: 1 is equal, and at 0.67 `asin` is still like `sin`."""

LONGEST = 64

ALIASES: dict[str, str] = {
    # NumPy, math, SciPy
    "absolute": "abs(x)",
    "fabs": "abs(x)",
    "acos": "arccos(x)",
    "acosh": "arccosh(x)",
    "asin": "arcsin(x)",
    "asinh": "arcsinh(x)",
    "atan": "arctan(x)",
    "atanh": "arctanh(x)",
    "atan2": "arctan2(a, b)",
    "add": "a + b",
    "subtract": "a - b",
    "multiply": "a * b",
    "mul": "a * b",
    "divide": "a / b",
    "div": "a / b",
    "true_divide": "a / b",
    "floor_divide": "a // b",
    "mod": "a % b",
    "fmod": "a % b",
    "remainder": "a % b",
    "power": "a ** b",
    "pow": "a ** b",
    "float_power": "a ** b",
    "negative": "-x",
    "neg": "-x",
    "reciprocal": "1 / x",
    "amax": "max(x)",
    "amin": "min(x)",
    "nanmax": "max(x)",
    "nanmin": "min(x)",
    "nansum": "sum(x)",
    "nanmean": "mean(x)",
    "fmax": "maximum(a, b)",
    "fmin": "minimum(a, b)",
    "product": "prod(x)",
    "inner": "dot(a, b)",
    "vdot": "dot(a, b)",
    "ln": "log(x)",
    "expit": "sigmoid(x)",
    "logistic": "sigmoid(x)",
    "log_expit": "log_sigmoid(x)",
    "logit": "log(x / (1 - x))",
    "xlogy": "x * log(y)",
    "rint": "round(x)",
    "around": "round(x)",
    "fix": "trunc(x)",
    "ceiling": "ceil(x)",
    "hstack": "concatenate(a, b, axis=-1)",
    "vstack": "concatenate(a, b)",
    "column_stack": "stack(a, b, axis=-1)",
    "swapaxes": "transpose(x, axes)",
    "moveaxis": "transpose(x, axes)",
    "permute": "transpose(x, axes)",
    "ravel": "reshape(x, -1)",
    "newaxis": "None",
    "deg2rad": "x * pi / 180",
    "radians": "x * pi / 180",
    "rad2deg": "x * 180 / pi",
    "degrees": "x * 180 / pi",
    "identity": "eye(n)",
    "full": "value * ones(shape)",
    "zeros_like": "zeros(shape)",
    "ones_like": "ones(shape)",
    "gammaln": "lgamma(x)",
    "loggamma": "lgamma(x)",
    "psi": "digamma(x)",
    "percentile": "quantile(x, q)",
    "slogdet": "logdet(X)",
    "average": "mean(x)",
    "avg": "mean(x)",
    "nanstd": "std(x)",
    "nanvar": "var(x)",
    "select": "where(condition, a, b)",
    "heaviside": "where(x > 0, 1, 0)",
    "count_nonzero": "sum(where(x != 0, 1, 0))",
    "isclose": "where(abs(a - b) < tolerance, 1, 0)",
    "take": "x[i]",
    "polyval": "a + b*x + c*x**2",
    "fsum": "sum(x)",
    "cumulative_sum": "cumsum(x)",
    # PyTorch, JAX, TensorFlow
    "mm": "a @ b",
    "bmm": "a @ b",
    "mv": "a @ b",
    "einsum": "tensordot(a, b)",
    "clamp": "clip(x, low, high)",
    "clip_by_value": "clip(x, low, high)",
    "view": "reshape(x, shape)",
    "flatten": "reshape(x, -1)",
    "unsqueeze": "expand_dims(x, axis)",
    "expand": "broadcast_to(x, shape)",
    "cat": "concatenate(a, b)",
    "concat": "concatenate(a, b)",
    "log_sum_exp": "logsumexp(x)",
    "lse": "logsumexp(x)",
    "logsigmoid": "log_sigmoid(x)",
    "logsoftmax": "log_softmax(x)",
    "swish": "silu(x)",
    "hardtanh": "clip(x, -1, 1)",
    "relu6": "clip(x, 0, 6)",
    "lrelu": "leaky_relu(x)",
    "reduce_sum": "sum(x)",
    "reduce_mean": "mean(x)",
    "reduce_max": "max(x)",
    "reduce_min": "min(x)",
    "reduce_prod": "prod(x)",
    "mse": "mean(squared_error(p, t))",
    "mse_loss": "mean(squared_error(p, t))",
    "mean_squared_error": "mean(squared_error(p, t))",
    "mae": "mean(absolute_error(p, t))",
    "l1_loss": "mean(absolute_error(p, t))",
    "rmse": "sqrt(mean(squared_error(p, t)))",
    "nll_loss": "cross_entropy(p, t)",
    "bce": "binary_cross_entropy(p, t)",
    "bce_loss": "binary_cross_entropy(p, t)",
    "bce_with_logits": "binary_cross_entropy(sigmoid(z), t, epsilon=0)",
    "kl_div": "kl_divergence(p, t)",
    "huber_loss": "huber(p, t)",
    "smooth_l1_loss": "huber(p, t)",
    "conv1d": "convolve(x, w)",
    # MATLAB, R, spreadsheets
    "sumsq": "sum(x**2)",
    "SUMSQ": "sum(x**2)",
    "SUMPRODUCT": "sum(a * b)",
    "sumproduct": "sum(a * b)",
    "numel": "len(reshape(x, -1))",
    "length": "len(x)",
    "size": "len(x)",
    "repmat": "tile(x, reps)",
    "ifelse": "where(condition, a, b)",
    "iff": "where(condition, a, b)",
    "IF": "where(condition, a, b)",
    "mtimes": "a @ b",
    "times": "a * b",
    "plus": "a + b",
    "minus": "a - b",
    "rdivide": "a / b",
    "mldivide": "solve(A, b)",
    "inverse": "inv(X)",
    "transp": "transpose(x)",
    "sd": "std(x)",
    "stdev": "std(x)",
    "STDEV": "std(x)",
    "AVERAGE": "mean(x)",
    "LN": "log(x)",
    "POWER": "a ** b",
    "tg": "tan(x)",
    "arctg": "arctan(x)",
    "ctg": "1 / tan(x)",
    "cosec": "1 / sin(x)",
    "sgn": "sign(x)",
    "cot": "1 / tan(x)",
    "sec": "1 / cos(x)",
    "csc": "1 / sin(x)",
    "root": "x ** (1/n)",
    "nthroot": "x ** (1/n)",
    "len": "len(x)",
}
"""What other libraries call things, and how they are written here."""


def hint_for(name: str, known: Iterable[str], aliases: Mapping[str, str] | None = None) -> str:
    """Say what a name may have meant: what others call so, else a known name that is much alike.

    >>> hint_for("softmx", ["softmax", "sum"])
    ' Did you mean softmax?'
    >>> hint_for("lr", ["learning_rate"], {"lr": "learning_rate"})
    ' Write learning_rate.'
    >>> hint_for("asin", ["sin"], ALIASES)
    ' Write arcsin(x).'
    >>> hint_for("power", ["where"])
    ''
    """
    foreign = (aliases or {}).get(name) or (aliases or {}).get(name.lower())
    if foreign is not None:
        return f" Write {foreign}."
    names = list(known)
    folded = name[:LONGEST].lower()
    same = [each for each in names if each.lower() == folded]
    close = same or difflib.get_close_matches(name[:LONGEST], names, 1, LIKENESS)
    return f" Did you mean {close[0]}?" if close else ""
