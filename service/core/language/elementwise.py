"""Rows of the operations table: element by element, with broadcasting.

A row gives the source for arrays and for plain floats, and the derivative for each operand:
from g, the cotangent of the result y. Derivatives are written so that they lose no digits
where the result saturates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from service.core.language import shapes
from service.core.language.graph import Term
from service.core.language.operation import Operation, Shape
from service.core.language.ranges import is_sum_of_squares

Rule = Callable[..., Term]


def unary(name: str, meaning: str, derivative: Rule | None, **fields: Any) -> Operation:
    """Make the row of a function of one operand."""
    fields.setdefault("ufunc", name)
    fields.setdefault("array", f"{name}({{0}})")
    fields.setdefault("scalar", f"{name}({{0}})")
    return Operation(
        name,
        ("x",),
        meaning,
        shape=_first if "options" in fields else shapes.elementwise,
        derivatives=(derivative,),
        is_elementwise=True,
        **fields,
    )


def _first(shape: Shape, *options: object) -> Shape:
    """Keep the shape of the only operand."""
    return shape


def binary(name: str, meaning: str, first: Rule | None, second: Rule | None, **fields: Any) -> Operation:
    """Make the row of an operator or function of two operands."""
    fields.setdefault("operands", ("a", "b"))
    operands = fields.pop("operands")
    return Operation(
        name,
        operands,
        meaning,
        shape=shapes.elementwise,
        derivatives=(first, second),
        is_elementwise=True,
        **fields,
    )


def operator(
    name: str, symbol: str, meaning: str, first: Rule | None, second: Rule | None, **fields: Any
) -> Operation:
    """Make the row of an infix operator."""
    source = f"{{0}} {symbol} {{1}}"
    fields = {"array": source, "scalar": source, "is_function": False} | fields
    return binary(name, meaning, first, second, symbol=symbol, **fields)


def comparison(name: str, symbol: str, meaning: str) -> Operation:
    """Make the row of a comparison, whose result is a condition."""
    return operator(name, symbol, meaning, None, None)


SMALL_EXPONENT = 0.05
"""Below it a**(b - 1) may overflow where b * a**(b - 1) does not."""


def _power_base(g: Term, y: Term, a: Term, b: Term) -> Term:
    exponent = b.value
    if exponent is None or abs(exponent) < SMALL_EXPONENT:
        slope = a.apply("power_base_slope", b)
        return g * (_zero_at_zero(a, slope) if is_sum_of_squares(a) else slope)
    if 0.0 < exponent < 1.0 and is_sum_of_squares(a):
        return g * (exponent * y.apply("ratio_or_zero", a))
    return g * (exponent * a.apply("power", exponent - 1.0))


def _sqrt(g: Term, y: Term, x: Term) -> Term:
    if is_sum_of_squares(x):
        return g * g.graph.number(0.5).apply("ratio_or_zero", y)
    return g * 0.5 / y


def _zero_at_zero(a: Term, term: Term) -> Term:
    """Write a derivative of a power that is 0 at base 0."""
    return a.apply("equal", 0.0).apply("where", 0.0, term)


def _log_of_probability(x: Term) -> Term | None:
    """Take the logarithm of a softmax or sigmoid without the rounding of small probabilities to 0."""
    scores, score = x.made_by("softmax"), x.made_by("sigmoid")
    if scores is not None:
        return scores.apply("log_softmax", axis=x.node.options[0])
    return score.apply("log_sigmoid") if score is not None else None


def _half_among_ties(name: str) -> tuple[Rule, Rule]:
    """Give the whole cotangent to the winner, half of it to each of a tie."""
    if name == "minimum":
        return (
            lambda g, y, a, b: g * a.apply("below_or_tied", b),
            lambda g, y, a, b: g * b.apply("below_or_tied", a),
        )
    return (
        lambda g, y, a, b: g * b.apply("below_or_tied", a),
        lambda g, y, a, b: g * a.apply("below_or_tied", b),
    )


TIES = "equal arguments share the derivative, half each"

ELEMENTWISE: tuple[Operation, ...] = (
    # operators
    operator("add", "+", "sum", lambda g, y, a, b: g, lambda g, y, a, b: g, ufunc="add"),
    operator("subtract", "-", "difference", lambda g, y, a, b: g, lambda g, y, a, b: -g, ufunc="subtract"),
    operator(
        "multiply", "*", "product", lambda g, y, a, b: g * b, lambda g, y, a, b: g * a, ufunc="multiply"
    ),
    operator(
        "divide", "/", "quotient", lambda g, y, a, b: g / b, lambda g, y, a, b: -g * (y / b), ufunc="divide"
    ),
    operator(
        "power",
        "**",
        "a to the power b",
        _power_base,
        lambda g, y, a, b: g * a.apply("power_exponent_slope", b, y),
        array="power({0}, {1})",
        scalar="pow({0}, {1})",
        cost=20.0,
        kinks="0**0 is 1; where b is 0 the derivative by a is 0, as where a is a sum of squares that is 0; "
        "where a is 0 the derivative by b is 0",
    ),
    operator(
        "modulo",
        "%",
        "remainder of a divided by b, with the sign of b",
        lambda g, y, a, b: g,
        lambda g, y, a, b: -g * a.apply("floor_quotient", b),
        ufunc="remainder",
        cost=8.0,
        kinks="where it jumps, as beside it",
        is_analytic=False,
    ),
    operator(
        "floor_quotient",
        "//",
        "largest whole number of at most a / b",
        None,
        None,
        ufunc="floor_divide",
        cost=8.0,
        kinks="0",
        is_analytic=False,
    ),
    unary(
        "negative",
        "the negative",
        lambda g, y, x: -g,
        symbol="-",
        is_function=False,
        array="-{0}",
        scalar="-{0}",
    ),
    unary(
        "positive",
        "the same",
        lambda g, y, x: g,
        symbol="+",
        is_function=False,
        array="{0}",
        scalar="{0}",
        is_macro=True,
        definition=lambda x: x,
    ),
    comparison("less", "<", "whether a is below b"),
    comparison("less_equal", "<=", "whether a is at most b"),
    comparison("greater", ">", "whether a is above b"),
    comparison("greater_equal", ">=", "whether a is at least b"),
    comparison("equal", "==", "whether a equals b"),
    comparison("not_equal", "!=", "whether a differs from b"),
    # functions of one operand
    unary(
        "sign",
        "1, 0 or -1 for a number above, at or below 0",
        None,
        scalar="({0} if {0} != {0} else ({0} > 0.0) - ({0} < 0.0) + 0.0)",
        kinks="0",
        is_analytic=False,
    ),
    unary(
        "abs",
        "absolute value",
        lambda g, y, x: g * x.apply("sign"),
        ufunc="absolute",
        array="absolute({0})",
        kinks="0 at 0",
        is_analytic=False,
    ),
    unary("exp", "e to the power x", lambda g, y, x: g * y, cost=8.0),
    unary("expm1", "exp(x) - 1, accurate near 0", lambda g, y, x: g * x.apply("exp"), cost=12.0),
    unary("log", "natural logarithm", lambda g, y, x: g / x, cost=8.0, fused=_log_of_probability),
    unary("log1p", "log(1 + x), accurate near 0", lambda g, y, x: g / (1.0 + x), cost=12.0),
    unary(
        "sqrt",
        "square root",
        _sqrt,
        kinks="0 where x is a sum of squares that is 0",
        cost=4.0,
    ),
    unary("square", "x * x", lambda g, y, x: g.doubled() * x, scalar="{0} * {0}"),
    unary("sin", "sine of x in radians", lambda g, y, x: g * x.apply("cos"), cost=16.0),
    unary("cos", "cosine of x in radians", lambda g, y, x: -g * x.apply("sin"), cost=16.0),
    unary("tan", "tangent of x in radians", lambda g, y, x: g * (1.0 + y.apply("square")), cost=20.0),
    unary(
        "arcsin",
        "inverse sine, in radians",
        lambda g, y, x: g / ((1.0 - x) * (1.0 + x)).apply("sqrt"),
        scalar="asin({0})",
        cost=16.0,
    ),
    unary(
        "arccos",
        "inverse cosine, in radians",
        lambda g, y, x: -g / ((1.0 - x) * (1.0 + x)).apply("sqrt"),
        scalar="acos({0})",
        cost=16.0,
    ),
    unary(
        "arctan",
        "inverse tangent, in radians",
        lambda g, y, x: g / (1.0 + x.apply("square")),
        scalar="atan({0})",
        cost=16.0,
    ),
    unary("sinh", "hyperbolic sine", lambda g, y, x: g * x.apply("cosh"), cost=20.0),
    unary("cosh", "hyperbolic cosine", lambda g, y, x: g * x.apply("sinh"), cost=20.0),
    unary("tanh", "hyperbolic tangent", lambda g, y, x: g * x.apply("tanh_slope"), cost=16.0),
    unary(
        "sigmoid",
        "1 / (1 + exp(-x))",
        lambda g, y, x: g * x.apply("sigmoid_slope"),
        ufunc="",
        array="sigmoid_kernel({0})",
        is_nonnegative=True,
        scalar="(1.0 / (1.0 + exp(-{0})))",
        cost=14.0,
        workspace=3.0,
    ),
    unary(
        "log_sigmoid",
        "log(sigmoid(x)), accurate at both tails",
        lambda g, y, x: g * (-x).apply("sigmoid"),
        ufunc="",
        array="log_sigmoid_kernel({0})",
        scalar="((0.0 if {0} > 0.0 else {0}) - log1p(exp(-abs({0}))))",
        cost=24.0,
        workspace=3.0,
    ),
    unary(
        "relu",
        "max(x, 0)",
        lambda g, y, x: g * x.apply("step"),
        ufunc="",
        array="maximum({0}, 0.0)",
        scalar="(0.0 if {0} <= 0.0 else {0})",
        kinks="0 at 0",
        is_analytic=False,
    ),
    unary(
        "softplus",
        "log(1 + exp(x)), accurate at both tails",
        lambda g, y, x: g * x.apply("sigmoid"),
        ufunc="",
        array="softplus_kernel({0})",
        scalar="((0.0 if {0} < 0.0 else {0}) + log1p(exp(-abs({0}))))",
        cost=24.0,
        workspace=3.0,
    ),
    # functions of several operands
    binary(
        "minimum",
        "the smaller of a and b",
        *_half_among_ties("minimum"),
        ufunc="minimum",
        array="minimum({0}, {1})",
        scalar="({0} if {0} < {1} or {0} != {0} else {1})",
        kinks=TIES,
        is_analytic=False,
    ),
    binary(
        "maximum",
        "the larger of a and b",
        *_half_among_ties("maximum"),
        ufunc="maximum",
        array="maximum({0}, {1})",
        scalar="({0} if {0} > {1} or {0} != {0} else {1})",
        kinks=TIES,
        is_analytic=False,
    ),
    Operation(
        "clip",
        ("x", "low", "high"),
        "x limited to low ... high",
        shape=shapes.elementwise,
        array="minimum(maximum({0}, {1}), {2})",
        scalar="({2} if {0} > {2} or {1} > {2} else {1} if {0} < {1} else {0})",
        derivatives=(
            lambda g, y, x, low, high: g * x.apply("is_within", low, high),
            lambda g, y, x, low, high: g * x.apply("is_raised", low, high),
            lambda g, y, x, low, high: g * x.apply("is_lowered", low, high),
        ),
        cost=2.0,
        kinks="1 inside and at the bounds, else 0",
        is_elementwise=True,
        is_analytic=False,
    ),
    Operation(
        "where",
        ("condition", "a", "b"),
        "a where the condition holds, else b; the condition is a comparison",
        shape=shapes.elementwise,
        array="where({0}, {1}, {2})",
        scalar="({1} if {0} else {2})",
        derivatives=(
            None,
            lambda g, y, condition, a, b: condition.apply("where", g, 0.0).guarded(),
            lambda g, y, condition, a, b: condition.apply("where", 0.0, g).guarded(),
        ),
        cost=2.0,
        kinks="the branch not taken contributes nothing, not even NaN",
        is_elementwise=True,
        is_analytic=False,
    ),
)


def internal(
    name: str, operands: tuple[str, ...], array: str, scalar: str, cost: float = 2.0, **fields: Any
) -> Operation:
    """Make the row of what derivatives are made of, and no caller can name."""
    fields.setdefault("derivatives", (None,) * len(operands))
    return Operation(
        name,
        operands,
        name,
        shape=shapes.elementwise,
        array=array,
        scalar=scalar,
        cost=cost,
        is_elementwise=True,
        is_public=False,
        **fields,
    )


SLOPES: tuple[Operation, ...] = (
    # what the derivatives above are made of, and no caller can name
    internal("step", ("x",), "({0} > 0.0) + 0.0", "(1.0 if {0} > 0.0 else 0.0)"),
    internal(
        "below_or_tied",
        ("a", "b"),
        "({0} < {1}) * 0.5 + ({0} <= {1}) * 0.5",
        "(1.0 if {0} < {1} else 0.5 if {0} == {1} else 0.0)",
    ),
    internal(
        "is_within",
        ("x", "low", "high"),
        "(({0} >= {1}) & ({0} <= {2})) + 0.0",
        "(1.0 if {1} <= {0} <= {2} else 0.0)",
    ),
    internal(
        "is_raised",
        ("x", "low", "high"),
        "(({0} < {1}) & ({1} <= {2})) + 0.0",
        "(1.0 if {0} < {1} <= {2} else 0.0)",
    ),
    internal(
        "is_lowered",
        ("x", "low", "high"),
        "(({0} > {2}) | ({1} > {2})) + 0.0",
        "(1.0 if {0} > {2} or {1} > {2} else 0.0)",
    ),
    internal(
        "sigmoid_slope",
        ("x",),
        "sigmoid_slope({0})",
        "(1.0 / (2.0 + exp({0}) + exp(-{0})))",
        derivatives=(lambda g, y, x: g * -y * (x * 0.5).apply("tanh"),),
        cost=14.0,
        workspace=3.0,
    ),
    internal(
        "tanh_slope",
        ("x",),
        "tanh_slope({0})",
        "(4.0 / (2.0 + exp(2.0 * {0}) + exp(-2.0 * {0})))",
        derivatives=(lambda g, y, x: g * y * (-2.0 * x.apply("tanh")),),
        cost=14.0,
        workspace=3.0,
    ),
    internal(
        "power_base_slope",
        ("a", "b"),
        "power_base_slope({0}, {1})",
        "({1} * pow({0}, {1} - 1.0) if {1} != 0.0 else 0.0)",
        derivatives=(
            lambda g, y, a, b: g * b.apply("guarded_multiply", a.apply("power_base_slope", b - 1.0)),
            lambda g, y, a, b: g * _zero_at_zero(a, a.apply("power", b - 1.0) + y * a.apply("log")),
        ),
        cost=24.0,
        workspace=2.0,
    ),
    internal(
        "power_exponent_slope",
        ("a", "b", "y"),
        "where({0} == 0.0, 0.0, {2} * log({0}))",
        "({2} * log({0}) if {0} != 0.0 else 0.0)",
        derivatives=(
            lambda g, y, a, b, power: g * power.apply("ratio_or_zero", a),
            None,
            lambda g, y, a, b, power: g * _zero_at_zero(a, a.apply("log")),
        ),
        cost=12.0,
        workspace=2.0,
    ),
    internal("logical_and", ("a", "b"), "{0} & {1}", "({0} and {1})"),
    internal("logical_or", ("a", "b"), "{0} | {1}", "({0} or {1})"),
    internal("logical_not", ("a",), "~{0}", "(not {0})"),
    internal(
        "masked",
        ("condition", "x"),
        "where({0}, {1}, 0.0)",
        "({1} if {0} else 0.0)",
        derivatives=(None, lambda g, y, condition, x: condition.apply("masked", g)),
    ),
    internal(
        "defined",
        ("x", "a"),
        "defined({0}, {1})",
        "({0} if {1} == {1} else {1})",
        derivatives=(lambda g, y, x, a: g, None),
    ),
    internal(
        "xlogy",
        ("weight", "x"),
        "xlogy({0}, {1})",
        "({0} * log({1}) if {0} != 0.0 else 0.0)",
        cost=10.0,
        derivatives=(
            lambda g, y, weight, x: g * x.apply("log"),
            lambda g, y, weight, x: g * weight.apply("guarded_divide", x),
        ),
    ),
    internal(
        "log_complement",
        ("p", "epsilon"),
        "log_complement({0}, {1})",
        "(log1p({1} - {0}) if {0} < 0.5 else log((1.0 - {0}) + {1}))",
        cost=20.0,
        workspace=3.0,
        derivatives=(lambda g, y, p, epsilon: -g / ((1.0 - p) + epsilon), None),
    ),
    internal(
        "xlog_complement",
        ("weight", "p", "epsilon"),
        "xlog_complement({0}, {1}, {2})",
        "(0.0 if {0} == 0.0 else {0} * (log1p({2} - {1}) if {1} < 0.5 else log((1.0 - {1}) + {2})))",
        cost=22.0,
        workspace=3.0,
        derivatives=(
            lambda g, y, weight, p, epsilon: g * p.apply("log_complement", epsilon),
            lambda g, y, weight, p, epsilon: -g * weight.apply("guarded_divide", (1.0 - p) + epsilon),
            None,
        ),
    ),
    internal(
        "log_ratio",
        ("a", "b"),
        "log_ratio({0}, {1})",
        "(log1p(({0} - {1}) / {1}) if {1} > 0.0 and abs({0} - {1}) < 0.5 * {1} else log({0}) - log({1}))",
        cost=24.0,
        workspace=4.0,
        derivatives=(lambda g, y, a, b: g / a, lambda g, y, a, b: -g / b),
    ),
    internal(
        "log_of_cosh",
        ("x",),
        "log_of_cosh({0})",
        "(log1p(2.0 * sinh(0.5 * {0})**2) if abs({0}) < 20.0 else abs({0}) - 20.0 + 19.306852819440055)",
        cost=30.0,
        workspace=3.0,
        derivatives=(lambda g, y, x: g * x.apply("tanh"),),
    ),
    internal(
        "relative_entropy",
        ("t", "p"),
        "relative_entropy({0}, {1})",
        "(0.0 if {0} == 0.0 else {0} * (log1p(({0} - {1}) / {1})"
        " if {1} > 0.0 and abs({0} - {1}) < 0.5 * {1} else log({0}) - log({1})))",
        cost=26.0,
        workspace=4.0,
        derivatives=(
            lambda g, y, t, p: g * (t.apply("log_ratio", p) + 1.0),
            lambda g, y, t, p: -g * t.apply("guarded_divide", p),
        ),
    ),
    internal(
        "guarded_multiply",
        ("g", "x"),
        "where({0} == 0.0, 0.0, {0} * {1})",
        "({0} * {1} if {0} != 0.0 else 0.0)",
        derivatives=(lambda g, y, a, b: g * b, lambda g, y, a, b: a.guarded() * g),
        workspace=2.0,
    ),
    internal(
        "guarded_divide",
        ("g", "x"),
        "where({0} == 0.0, 0.0, {0} / {1})",
        "({0} / {1} if {0} != 0.0 else 0.0)",
        derivatives=(lambda g, y, a, b: g / b, lambda g, y, a, b: -(y.guarded() / b * g)),
        workspace=2.0,
    ),
)
