"""Rows of the operations table: elementary functions, element by element, with broadcasting.

A row gives the source for arrays and for plain floats, and the derivative for each operand:
from g, the cotangent of the result y. Derivatives are written so that they lose no digits
where the result saturates.
"""

from __future__ import annotations

from service.core.arrays import is_vectorised
from service.core.language import shapes, shortcuts
from service.core.language.derivative_operations import complement, probability
from service.core.language.graph import Term
from service.core.language.operation import Operation
from service.core.language.ranges import is_sum_of_squares
from service.core.language.rows import binary, unary


def _sqrt(g: Term, y: Term, x: Term) -> Term:
    if is_sum_of_squares(x):
        return g * g.graph.number(0.5).apply("ratio_or_zero", y)
    return g * 0.5 / y


def _log_of_probability(x: Term) -> Term | None:
    """Take the logarithm of a softmax or sigmoid without the rounding of small probabilities to 0."""
    scores, score = x.made_by("softmax"), x.made_by("sigmoid")
    if scores is not None:
        return scores.apply("log_softmax", axis=x.node.options[0])
    return score.apply("log_sigmoid") if score is not None else None


def _number_or_zero(condition: Term, a: Term, b: Term) -> Term | None:
    """Multiply a condition by a number where the other is 0, which costs less than a choice."""
    first, second = a.source().value, b.source().value
    is_whole = condition.shape == shapes.broadcast(condition.shape, a.shape, b.shape)
    if first is None or second is None or not is_whole:
        return None
    if first > 0.0 and str(second) == "0.0":  # not -0.0, which the product would lose
        return condition.apply("number_or_zero", first)
    if second > 0.0 and str(first) == "0.0":
        return condition.apply("logical_not").apply("number_or_zero", second)
    return None


def _square(g: Term, y: Term, x: Term) -> Term:
    """Write 2 g x, the 2 where a number stands already, or where one that follows can take it in."""
    is_taken = g.source().size == 1 or g.is_scaled() or g.is_guarded
    return g.doubled() * x if is_taken else (g * x).doubled()


def _sigmoid(x: Term) -> Term:
    opposite = x.made_by("negative")
    return probability(x) if opposite is None else complement(opposite)


def _sine(x: Term) -> Term:
    """Write sin(x) as cos(x) tan(x), of which the cosine is needed anyway: at most 2 ulp off."""
    return x.apply("cos") * x.apply("tan")


TIES = "equal arguments share the derivative, half each"

ELEMENTWISE: tuple[Operation, ...] = (
    # functions of one operand
    unary(
        "sign",
        "1, 0 or -1 for a number above, at or below 0",
        None,
        ufunc="",  # over its operand NumPy's takes eight times as long
        out="sign({0}, out={out})",
        scalar="({0} if {0} != {0} else ({0} > 0.0) - ({0} < 0.0) + 0.0)",
        kinks="0",
        is_analytic=False,
        example="sign(stack(-2, 0, 3))",
    ),
    unary(
        "abs",
        "absolute value",
        lambda g, y, x: g * x.apply("sign"),
        ufunc="absolute",
        array="absolute({0})",
        shortcut=shortcuts.magnitude,
        kinks="0 at 0",
        is_analytic=False,
        example="abs(stack(-2, 3))",
    ),
    unary(
        "exp",
        "e to the power x",
        lambda g, y, x: g * y,
        cost=8.0,
        example="exp(1)",
    ),
    unary(
        "expm1",
        "exp(x) - 1, accurate near 0",
        lambda g, y, x: g * x.apply("exp"),
        cost=12.0,
        example="expm1(1e-10)",
    ),
    unary(
        "log",
        "natural logarithm",
        lambda g, y, x: g / x,
        cost=8.0,
        fused=_log_of_probability,
        example="log(10)",
    ),
    unary(
        "log1p",
        "log(1 + x), accurate near 0",
        lambda g, y, x: g / (1.0 + x),
        cost=12.0,
        example="log1p(1e-10)",
    ),
    unary(
        "sqrt",
        "square root",
        _sqrt,
        kinks="0 where x is a sum of squares that is 0",
        cost=4.0,
        example="sqrt(2)",
    ),
    unary(
        "square",
        "x * x",
        _square,
        scalar="{0} * {0}",
        example="square(3)",
    ),
    unary(
        "sin",
        "sine of x in radians",
        lambda g, y, x: g * x.apply("cos"),
        on_arrays=_sine if is_vectorised("tan") else None,
        beside="cos",
        cost=16.0,
        example="sin(pi/6)",
    ),
    unary(
        "cos",
        "cosine of x in radians",
        lambda g, y, x: -g * x.apply("sin"),
        cost=16.0,
        example="cos(pi/3)",
    ),
    unary(
        "tan",
        "tangent of x in radians",
        lambda g, y, x: g * (1.0 + y.apply("square")),
        cost=20.0,
        example="tan(pi/4)",
    ),
    unary(
        "arcsin",
        "inverse sine, in radians",
        lambda g, y, x: g / x.apply("one_less_square").apply("sqrt"),
        scalar="asin({0})",
        cost=16.0,
        example="arcsin(1)",
    ),
    unary(
        "arccos",
        "inverse cosine, in radians",
        lambda g, y, x: -g / x.apply("one_less_square").apply("sqrt"),
        scalar="acos({0})",
        cost=16.0,
        example="arccos(0)",
    ),
    unary(
        "arctan",
        "inverse tangent, in radians",
        lambda g, y, x: g / (1.0 + x.apply("square")),
        scalar="atan({0})",
        cost=16.0,
        example="arctan(1)",
    ),
    unary(
        "sinh",
        "hyperbolic sine",
        lambda g, y, x: g * x.apply("cosh"),
        cost=20.0,
        example="sinh(1)",
    ),
    unary(
        "cosh",
        "hyperbolic cosine",
        lambda g, y, x: g * x.apply("sinh"),
        cost=20.0,
        example="cosh(1)",
    ),
    unary(
        "tanh",
        "hyperbolic tangent",
        lambda g, y, x: g * x.apply("tanh_derivative"),
        cost=16.0,
        example="tanh(1)",
    ),
    unary(
        "sigmoid",
        "1 / (1 + exp(-x))",
        lambda g, y, x: g * x.apply("sigmoid_derivative"),
        ufunc="",
        array="sigmoid_kernel({0})",
        is_nonnegative=True,
        on_arrays=_sigmoid,
        scalar="(1.0 / (1.0 + exp(-{0})))",
        cost=14.0,
        workspace=3.0,
        example="sigmoid(stack(-800, 0, 2))",
    ),
    unary(
        "log_sigmoid",
        "log(sigmoid(x)), accurate at both tails",
        lambda g, y, x: g * (-x).apply("sigmoid"),
        ufunc="",
        array="log_sigmoid_kernel({0})",
        on_arrays=lambda x: 0.0 - (-x).apply("softplus"),
        scalar="((0.0 if {0} > 0.0 else {0}) - log1p(exp(-abs({0}))))",
        cost=24.0,
        workspace=3.0,
        example="log_sigmoid(stack(-800, 0, 2))",
    ),
    unary(
        "relu",
        "max(x, 0)",
        lambda g, y, x: g * x.apply("step"),
        ufunc="",
        array="maximum({0}, 0.0)",
        out="maximum({0}, 0.0, out={out})",
        scalar="(0.0 if {0} <= 0.0 else {0})",
        kinks="0 at 0",
        is_analytic=False,
        example="relu(stack(-1, 2))",
    ),
    unary(
        "softplus",
        "log(1 + exp(x)), accurate at both tails",
        lambda g, y, x: g * x.apply("sigmoid"),
        ufunc="",
        array="softplus_kernel({0})",
        on_arrays=lambda x: x.apply("exp").apply("log_of_total", x),
        scalar="((0.0 if {0} < 0.0 else {0}) + log1p(exp(-abs({0}))))",
        cost=24.0,
        workspace=3.0,
        example="softplus(stack(-800, 0, 800))",
    ),
    # functions of several operands
    binary(
        "minimum",
        "the smaller of a and b",
        lambda g, y, a, b: g * a.apply("below_or_tied", b),
        lambda g, y, a, b: g * b.apply("below_or_tied", a),
        ufunc="minimum",
        array="minimum({0}, {1})",
        scalar="({0} if {0} < {1} or {0} != {0} else {1})",
        kinks=TIES,
        is_analytic=False,
        example="minimum(arange(4), 2)",
    ),
    binary(
        "maximum",
        "the larger of a and b",
        lambda g, y, a, b: g * b.apply("below_or_tied", a),
        lambda g, y, a, b: g * a.apply("below_or_tied", b),
        ufunc="maximum",
        array="maximum({0}, {1})",
        scalar="({0} if {0} > {1} or {0} != {0} else {1})",
        kinks=TIES,
        is_analytic=False,
        example="maximum(arange(4), 2)",
    ),
    Operation(
        "clip",
        ("x", "low", "high"),
        "x limited to low ... high",
        shape=shapes.elementwise,
        array="minimum(maximum({0}, {1}), {2})",
        out="minimum(maximum({0}, {1}, out={out}), {2}, out={out})",
        scalar="({2} if {0} > {2} or {1} > {2} else {1} if {0} < {1} else {0})",
        derivatives=(
            lambda g, y, x, low, high: g * x.apply("is_within", low, high),
            lambda g, y, x, low, high: g * x.apply("is_raised", low, high),
            lambda g, y, x, low, high: g * x.apply("is_lowered", low, high),
        ),
        cost=2.0,
        workspace=1.0,
        kinks="1 inside and at the bounds, else 0",
        is_elementwise=True,
        is_analytic=False,
        example="clip(arange(5), 1, 3)",
    ),
    Operation(
        "where",
        ("condition", "a", "b"),
        "a where the condition holds, else b; the condition is a comparison",
        shape=shapes.elementwise,
        array="where({0}, {1}, {2})",
        out="chosen({0}, {1}, {2}, {out})",
        scalar="({1} if {0} else {2})",
        derivatives=(
            None,
            lambda g, y, condition, a, b: condition.apply("where", g, 0.0).guarded(),
            lambda g, y, condition, a, b: condition.apply("where", 0.0, g).guarded(),
        ),
        cost=2.0,
        on_arrays=_number_or_zero,
        kinks="the branch not taken contributes nothing, not even NaN, nor to second derivatives",
        is_elementwise=True,
        is_analytic=False,
        example="where(arange(4) > 1, 1, -1)",
    ),
)
