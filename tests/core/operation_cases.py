"""Expressions that use every operation, over several shapes and axes, with points to try them at."""

from dataclasses import dataclass, field

import numpy as np

from service.core.language.losses import LOSSES


@dataclass(frozen=True)
class Case:
    """An expression, the shapes of its variables, and the interval that their elements come from."""

    operation: str
    expression: str
    shapes: dict[str, tuple[int, ...]] = field(default_factory=lambda: {"x": (3,)})
    low: float = -2.0
    high: float = 2.0

    def __str__(self) -> str:
        return f"{self.expression} {'; '.join(str(shape) for shape in self.shapes.values())}"

    def point(self, seed: int = 0) -> dict[str, np.ndarray]:
        """Draw a point; no two elements are equal, so that no kink is hit by chance."""
        random = np.random.default_rng(seed)
        return {name: random.uniform(self.low, self.high, shape) for name, shape in self.shapes.items()}


def elementwise(name: str, low: float = -2.0, high: float = 2.0) -> list[Case]:
    shapes = [(), (3,), (2, 3), (1, 1)]
    return [Case(name, f"{name}(x)", {"x": shape}, low, high) for shape in shapes]


def infix(name: str, symbol: str, low: float = -2.0, high: float = 2.0) -> list[Case]:
    pairs = [((), ()), ((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3)), ((), (2, 2)), ((2, 3), ())]
    return [Case(name, f"a {symbol} b", {"a": a, "b": b}, low, high) for a, b in pairs]


def pair(name: str, options: str = "", low: float = -2.0, high: float = 2.0) -> list[Case]:
    pairs = [((3,), (3,)), ((2, 3), (3,)), ((2, 1), (1, 3))]
    return [Case(name, f"{name}(a, b{options})", {"a": a, "b": b}, low, high) for a, b in pairs]


def reduction(name: str, low: float = -2.0, high: float = 2.0) -> list[Case]:
    variants = [
        ("", (3,)),
        ("", (2, 3)),
        ("", ()),
        (", axis=0", (2, 3)),
        (", 1", (2, 3)),
        (", axis=-1, keepdims=True", (2, 3)),
        (", axis=(0, 2)", (2, 3, 2)),
        (", axis=(-1, 0), keepdims=True", (2, 3, 2)),
        (", keepdims=True", (2, 3)),
        (", axis=()", (2, 3)),
        (", axis=()", ()),
    ]
    return [Case(name, f"{name}(x{options})", {"x": shape}, low, high) for options, shape in variants]


def loss(name: str, options: str = "") -> list[Case]:
    pairs = [((3,), (3,)), ((2, 3), (1, 3)), ((2, 3), ())]
    return [Case(name, f"{name}(a, b{options})", {"a": a, "b": b}, 0.1, 0.9) for a, b in pairs]


OPTIONS_OF_LOSSES = {
    "huber": ["", ", delta=0.3"],
    "cross_entropy": ["", ", epsilon=0, label_smoothing=0.1"],
    "binary_cross_entropy": ["", ", epsilon=0.01"],
}
"""Options to try, beside the defaults."""

CASES: list[Case] = [
    *infix("add", "+"),
    *infix("subtract", "-"),
    *infix("multiply", "*"),
    *infix("divide", "/", 0.5, 2.0),
    *infix("power", "**", 0.5, 2.0),
    Case("power", "x**2"),
    Case("power", "x**3"),
    Case("power", "x**4", low=-3.0, high=-1.0),
    Case("power", "x**-1", low=0.5),
    Case("power", "x**-2", low=-3.0, high=-1.0),
    Case("power", "x**0"),
    Case("power", "x**1"),
    Case("power", "x**0.5", low=0.5),
    Case("power", "x**2.5", low=0.5),
    Case("power", "2**x"),
    Case("power", "2**3**x", low=0.1, high=1.0),
    Case("negative", "-x"),
    Case("negative", "-x**2"),
    Case("positive", "+x"),
    *elementwise("abs"),
    *elementwise("exp"),
    *elementwise("expm1"),
    *elementwise("log", 0.2),
    *elementwise("log1p", -0.8),
    *elementwise("sqrt", 0.2),
    *elementwise("square"),
    *elementwise("sin"),
    *elementwise("cos"),
    *elementwise("tan", -1.2, 1.2),
    *elementwise("arcsin", -0.9, 0.9),
    *elementwise("arccos", -0.9, 0.9),
    *elementwise("arctan"),
    *elementwise("sinh"),
    *elementwise("cosh"),
    *elementwise("tanh"),
    Case("tanh", "tanh(x)", low=8.0, high=12.0),
    *elementwise("sigmoid"),
    Case("sigmoid", "sigmoid(x)", low=15.0, high=25.0),
    *elementwise("log_sigmoid"),
    Case("log_sigmoid", "log_sigmoid(x)", low=20.0, high=40.0),
    *elementwise("relu"),
    *elementwise("softplus"),
    Case("softplus", "softplus(x)", low=-40.0, high=-20.0),
    *[case for name in ("sign", "floor", "ceil", "round", "trunc") for case in elementwise(name)],
    *elementwise("log2", 0.2),
    *elementwise("log10", 0.2),
    *elementwise("exp2"),
    *elementwise("cbrt", 0.2),
    Case("cbrt", "cbrt(x)", low=-2.0, high=-0.2),
    *pair("hypot"),
    *pair("arctan2"),
    *elementwise("arcsinh"),
    *elementwise("arccosh", 1.2, 3.0),
    *elementwise("arctanh", -0.9, 0.9),
    *elementwise("sinc"),
    Case("sinc", "sinc(x)", low=-0.1, high=0.1),
    *elementwise("erf"),
    *elementwise("erfc"),
    Case("erfc", "erfc(x)", low=3.0, high=6.0),
    *elementwise("lgamma", 0.3, 4.0),
    Case("lgamma", "lgamma(x)", low=-1.8, high=-1.2),
    *elementwise("digamma", 0.3, 4.0),
    *elementwise("gelu"),
    *elementwise("silu"),
    *elementwise("elu"),
    Case("elu", "elu(x, alpha=0.5)"),
    *elementwise("leaky_relu"),
    Case("leaky_relu", "leaky_relu(x, 0.2)"),
    *pair("minimum"),
    *pair("maximum"),
    Case("clip", "clip(x, -1, 1)", {"x": (5,)}),
    Case("clip", "clip(x, a, b)", {"x": (2, 3), "a": (3,), "b": ()}),
    Case("where", "where(x > 0, x**2, -x)", {"x": (5,)}),
    Case("where", "where(a <= b, a, b)", {"a": (2, 1), "b": (3,)}),
    Case("where", "where(x >= 0, log(abs(x)), exp(x))", {"x": (5,)}),
    Case("where", "where((x < 0.5), 3, x)", {"x": ()}),
    Case("where", "where(x == 0, 1, 2) * x"),
    Case("where", "where(x != 0, x, 2)"),
    *reduction("sum"),
    *reduction("mean"),
    *reduction("min"),
    *reduction("max"),
    *reduction("prod"),
    *reduction("logsumexp"),
    *reduction("norm"),
    *[
        Case(name, f"{name}(x{options})", {"x": shape})
        for name in ("softmax", "log_softmax")
        for options, shape in [
            ("", (3,)),
            ("", (2, 3)),
            (", 0", (2, 3)),
            (", axis=(0, 1)", (2, 3)),
            (", -2", (2, 3, 2)),
        ]
    ],
    *[
        Case(name, f"a {symbol} b" if symbol else f"{name}(a, b)", {"a": a, "b": b})
        for name, symbol in (("matmul", ""), ("matmul", "@"), ("dot", ""))
        for a, b in [
            ((3,), (3,)),
            ((2, 3), (3,)),
            ((3,), (3, 2)),
            ((2, 3), (3, 4)),
            ((2, 2, 3), (3,)),
            ((2, 2, 3), (3, 2)),
        ]
    ],
    Case("matmul", "a @ b", {"a": (2, 1, 2, 3), "b": (4, 3, 2)}),
    Case("matmul", "a @ b", {"a": (3,), "b": (2, 3, 2)}),
    Case("dot", "dot(a, b)", {"a": (), "b": (2, 3)}),
    Case("dot", "dot(a, b)", {"a": (2, 3), "b": (2, 3, 2)}),
    Case("dot", "dot(a, b)", {"a": (3,), "b": (4, 3, 2)}),
    Case("transpose", "transpose(x) * w", {"x": (2, 3), "w": (3, 2)}),
    Case("transpose", "transpose(x, (2, 0, 1)) * w", {"x": (2, 3, 4), "w": (4, 2, 3)}),
    Case("transpose", "transpose(x, axes=(-1, 0)) @ x", {"x": (2, 3)}),
    Case("reshape", "reshape(x, (3, 2)) * w", {"x": (2, 3), "w": (3, 2)}),
    Case("reshape", "reshape(x, shape=-1) * w", {"x": (2, 3), "w": (6,)}),
    Case("reshape", "reshape(transpose(x), (-1, 2)) * w", {"x": (2, 3), "w": (3, 2)}),
    Case("index", "x[0]*x[1]"),
    Case("index", "x[-1]**2"),
    Case("index", "x[1:] * x[:-1]", {"x": (5,)}),
    Case("index", "x[::2] + x[::-2]", {"x": (5,)}),
    Case("index", "x[:, 1] * x[0, 1:][0]", {"x": (2, 3)}),
    Case("index", "x[1:, ::2][0, 1] * x", {"x": (2, 3)}),
    Case("index", "x[7:]", {"x": (3,)}),
    Case("max", "sum(x[5:], axis=0) * max(x[5:], axis=1, keepdims=True)", {"x": (2, 3)}),
    Case("norm", "norm(x[5:])", {"x": (3,)}),
    Case("norm", "norm(x[:, 5:], axis=1)", {"x": (2, 3)}),
    Case("norm", "norm(x[5:], axis=-1)", {"x": (2, 3)}),
    Case("max", "max(x[5:], axis=-1)", {"x": (2, 3)}),
    Case("prod", "prod(x[5:], axis=0) * x", {"x": (2, 3)}),
    Case("softmax", "softmax(x[5:]) * log_softmax(x[5:])", {"x": (2, 3)}),
    Case("logsumexp", "logsumexp(x[5:], axis=1)", {"x": (2, 3)}),
    Case("cross_entropy", "cross_entropy(x[5:], x[5:])", {"x": (2, 3)}),
    Case("matmul", "a[5:] @ b", {"a": (2, 3), "b": (2, 3, 4)}),
    Case("matmul", "a[:, 5:] @ b[5:]", {"a": (2, 3), "b": (3, 4)}),
    Case("dot", "dot(a[5:], b)", {"a": (2, 3), "b": (2, 3, 4)}),
    *[
        case
        for name in LOSSES
        for options in OPTIONS_OF_LOSSES.get(name, [""])
        for case in loss(name, options)
    ],
    Case("concatenate", "concatenate(x, 2*x, 3, x[1:])"),
    Case("concatenate", "concatenate((x, v), axis=1)", {"x": (2, 3), "v": (2, 1)}),
    Case("stack", "stack(x[0], 2, x[1], axis=0)"),
    Case("stack", "stack(x, 2*x, axis=-1)", {"x": (2, 3)}),
    Case("roll", "roll(x, 1) * x", {"x": (4,)}),
    Case("roll", "roll(x, (1, 2), axis=(0, 1)) * x", {"x": (2, 3)}),
    Case("roll", "roll(x, -2, axis=1) * x + roll(x, 1)", {"x": (2, 3)}),
    Case("flip", "flip(x) * x + flip(x, axis=0)", {"x": (2, 3)}),
    Case("repeat", "repeat(x, 2)", {"x": (2, 3)}),
    Case("repeat", "repeat(x, 3, axis=1)", {"x": (2, 3)}),
    Case("tile", "tile(x, 2) * tile(x, (1, 2))", {"x": (2, 3)}),
    Case("tile", "tile(x, (2, 1, 3))", {"x": (3,)}),
    Case("broadcast_to", "broadcast_to(x, (2, 3)) * w", {"x": (3,), "w": (2, 3)}),
    Case("squeeze", "squeeze(x) * squeeze(x, 0)[0]", {"x": (1, 3)}),
    Case("expand_dims", "expand_dims(x, 0) * expand_dims(x, -1)"),
    Case("diag", "diag(x) + diag(x[1:], 1) + diag(x[:2], k=-1)"),
    Case("diag", "concatenate(diag(x), diag(x, 1), diag(x, -1), diag(x, 2))", {"x": (3, 4)}),
    Case("tril", "tril(x) + 2*tril(x, -1)", {"x": (3, 4)}),
    Case("triu", "triu(x) + 2*triu(x, 1)", {"x": (2, 3, 3)}),
    Case("trace", "trace(x) + trace(x, 1)", {"x": (3, 3)}),
    Case("outer", "outer(x, v)", {"x": (3,), "v": (2,)}),
    Case("tensordot", "tensordot(x, v)", {"x": (2, 3, 4), "v": (3, 4, 2)}),
    Case("tensordot", "tensordot(x, v, 1) + tensordot(x, v, axes=(1, 0))", {"x": (2, 3), "v": (3, 2)}),
    Case("cumsum", "cumsum(x)", {"x": (2, 3)}),
    Case("cumsum", "cumsum(x, axis=0) * cumsum(x, 1)", {"x": (2, 3)}),
    Case("diff", "diff(x) * diff(x, axis=-1)", {"x": (2, 3)}),
    Case("diff", "diff(x, n=2, axis=0)", {"x": (4, 2)}),
    Case("sort", "sort(x) * x", {"x": (5,)}),
    Case("sort", "sort(x, axis=0)", {"x": (3, 2)}),
    Case("median", "median(x) + median(x[1:])", {"x": (5,)}),
    Case("median", "median(x, axis=1, keepdims=True) * x", {"x": (2, 4)}),
    Case("quantile", "quantile(x, 0.3) + quantile(x, 1)", {"x": (5,)}),
    Case("quantile", "quantile(x, 0.75, axis=0)", {"x": (4, 2)}),
    Case("quantile", "quantile(x, 0.4, axis=(2, 0))", {"x": (2, 3, 2)}),
    Case("var", "var(x) + sum(var(x, axis=1, ddof=1))", {"x": (2, 3)}),
    Case("std", "std(x) + sum(std(x, axis=0, keepdims=True)*x)", {"x": (3, 2)}),
    Case("inv", "inv(x @ x.T + eye(3))", {"x": (3, 3)}),
    Case("inv", "inv(x + 4*eye(2))", {"x": (2, 2, 2)}),
    Case("solve", "solve(x + 4*eye(3), v)", {"x": (3, 3), "v": (3,)}),
    Case("solve", "solve(x + 4*eye(3), v)", {"x": (2, 3, 3), "v": (3, 2)}),
    Case("solve_triangular", "solve_triangular(x + 4*eye(3), v)", {"x": (3, 3), "v": (3,)}),
    Case("solve_triangular", "solve_triangular(x + 4*eye(3), v, lower=True)", {"x": (3, 3), "v": (3, 2)}),
    Case("det", "det(x)", {"x": (3, 3)}),
    Case("det", "det(x + 3*eye(2))", {"x": (2, 2, 2)}),
    Case("logdet", "logdet(x @ x.T + eye(3))", {"x": (3, 3)}),
    Case("cholesky", "cholesky(x @ x.T + eye(3))", {"x": (3, 3)}),
    Case("convolve", "convolve(x, w)", {"x": (5,), "w": (3,)}),
    Case("conv2d", "conv2d(x, w)", {"x": (2, 4, 4), "w": (3, 2, 2, 2)}),
    Case("conv2d", "conv2d(x, w, stride=2, padding=1)", {"x": (2, 1, 4, 5), "w": (2, 1, 3, 3)}),
    Case("max_pool2d", "max_pool2d(x, 2)", {"x": (2, 1, 4, 5)}),
    Case("avg_pool2d", "avg_pool2d(x, 2)", {"x": (1, 4, 5)}),
    *infix("modulo", "%", 0.6, 0.95),
    Case("modulo", "a % b", {"a": (3,), "b": (3,)}, -0.9, -0.6),
    *[
        Case("floor_quotient", "a // b * b", {"a": a, "b": b}, 0.6, 0.95)
        for a, b in [((3,), (3,)), ((), (2, 2))]
    ],
    Case("zeros", "zeros(3) + x"),
    Case("ones", "ones((2, 3)) * x"),
    Case("eye", "eye(3) * x + eye(2, 3)[0]"),
    Case("arange", "arange(3) * x + arange(1, 4)"),
    Case("linspace", "linspace(0, 1, 3) * x"),
    Case("one_hot", "one_hot(arange(2), 3) * x"),
    Case("logical_and", "where(0 < x and x < 1, x**2, 3*x)"),
    Case("logical_or", "where(x < 0 or x > 1, x**2, 3*x)"),
    Case("logical_not", "where(not x < 0, x**2, 3*x)"),
    Case("index", "x[None, :] * x[..., None]"),
    Case("transpose", "X.T * w", {"X": (2, 3), "w": (3, 2)}),
]
