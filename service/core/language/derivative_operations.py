"""Rows of the operations table: internal operations, which derivatives and losses are written in."""

from __future__ import annotations

from service.core.language import shortcuts
from service.core.language.graph import Term
from service.core.language.operation import Operation
from service.core.language.ranges import is_positive
from service.core.language.rows import internal


def probability(x: Term) -> Term:
    """Write the sigmoid by the odds exp(x)."""
    odds = x.apply("exp")
    return odds.apply("probability", odds + 1.0)


def complement(x: Term) -> Term:
    """Write the sigmoid of -x by the odds exp(x)."""
    return (x.apply("exp") + 1.0).apply("complement", x)


def _tanh_derivative(x: Term) -> Term:
    power = (-2.0 * x.apply("abs")).apply("exp")
    total = power + 1.0
    return 4.0 * power / (total * total)


def known_complement(p: Term) -> Term | None:
    """Write 1 - p with all its digits where p is a sigmoid by its odds."""
    odds = p.made_by("probability")
    x = odds.made_by("exp") if odds is not None else None
    return complement(x) if x is not None else None


def _log_complement(p: Term, epsilon: Term) -> Term:
    """Write log(1 - p + ε) as the kernel does; where 1 - p is known and ε small, the rounding is as small."""
    is_small = epsilon.value is not None and epsilon.value <= 1.0
    known = known_complement(p) if is_small else None
    argument = (1.0 - p if known is None else known) + epsilon
    rounding = (argument - 1.0) - (epsilon - p)
    if known is None:
        rounding = rounding * p.apply("less", 0.5) / argument
    return argument.apply("log") - rounding


def _logistic_loss(z: Term, sign: Term, epsilon: Term) -> Term:
    """Write -log(1 - sigmoid(m) + ε) of negative margins m = sign * z."""
    return 0.0 - (sign * z).apply("sigmoid").apply("log_complement", epsilon)


def _logistic_loss_derivative(g: Term, y: Term, z: Term, sign: Term, epsilon: Term) -> Term:
    """Multiply by the sign first, which is as constant as what a mean divides by."""
    margin = sign * z
    return g * sign / ((1.0 - margin.apply("sigmoid")) + epsilon) * margin.apply("sigmoid_derivative")


def _xlogy(weight: Term, x: Term) -> Term:
    """Write weight * log(x); if x is p + ε, without the sum, which the derivative would keep in memory."""
    is_sum = x.node.operation.name == "add"
    product = weight * (x.operands[0].apply("shifted_log", x.operands[1]) if is_sum else x.apply("log"))
    return product if is_positive(x) else _settled(product, weight)


def _xlog_complement(weight: Term, p: Term, epsilon: Term) -> Term:
    product = weight * p.apply("log_complement", epsilon)
    return product if p.made_by("probability") is not None else _settled(product, weight)


def _settled(product: Term, weight: Term) -> Term:
    """Make a product or quotient 0 wherever its weight is 0, whatever the other factor is."""
    return product.apply("settled", weight)


def zero_at_zero(a: Term, term: Term) -> Term:
    """Write a derivative of a power that is 0 at base 0."""
    return a.apply("equal", 0.0).apply("where", 0.0, term)


DERIVATIVE_OPERATIONS: tuple[Operation, ...] = (
    internal(
        "step",
        ("x",),
        "({0} > 0.0) + 0.0",
        "(1.0 if {0} > 0.0 else 0.0)",
        out="greater({0}, 0.0, out={out})",
        workspace=0.125,
    ),
    internal(
        "below_or_tied",
        ("a", "b"),
        "below_or_tied({0}, {1})",
        "(1.0 if {0} < {1} else 0.5 if {0} == {1} else 0.0)",
        out="below_or_tied({0}, {1}, {out})",
        workspace=0.25,
    ),
    internal(
        "is_within",
        ("x", "low", "high"),
        "(({0} >= {1}) & ({0} <= {2})) + 0.0",
        "(1.0 if {1} <= {0} <= {2} else 0.0)",
        out="logical_and({0} >= {1}, {0} <= {2}, out={out})",
        workspace=0.25,
    ),
    internal(
        "is_raised",
        ("x", "low", "high"),
        "(({0} < {1}) & ({1} <= {2})) + 0.0",
        "(1.0 if {0} < {1} <= {2} else 0.0)",
        out="logical_and({0} < {1}, {1} <= {2}, out={out})",
        workspace=0.25,
    ),
    internal(
        "is_lowered",
        ("x", "low", "high"),
        "(({0} > {2}) | ({1} > {2})) + 0.0",
        "(1.0 if {0} > {2} or {1} > {2} else 0.0)",
        out="logical_or({0} > {2}, {1} > {2}, out={out})",
        workspace=0.25,
    ),
    internal(
        "sigmoid_derivative",
        ("x",),
        "sigmoid_derivative({0})",
        "(1.0 / (2.0 + exp({0}) + exp(-{0})))",
        derivatives=(lambda g, y, x: g * -y * (x * 0.5).apply("tanh"),),
        cost=14.0,
        workspace=3.0,
        on_arrays=lambda x: probability(x) * complement(x),
    ),
    internal(
        "tanh_derivative",
        ("x",),
        "tanh_derivative({0})",
        "(4.0 / (2.0 + exp(2.0 * {0}) + exp(-2.0 * {0})))",
        derivatives=(lambda g, y, x: g * y * (-2.0 * x.apply("tanh")),),
        cost=14.0,
        workspace=3.0,
        on_arrays=_tanh_derivative,
    ),
    internal(
        "power_base_derivative",
        ("a", "b"),
        "power_base_derivative({0}, {1})",
        "({1} * pow({0}, {1} - 1.0) if {1} != 0.0 else 0.0)",
        derivatives=(
            lambda g, y, a, b: g * b.apply("guarded_multiply", a.apply("power_base_derivative", b - 1.0)),
            lambda g, y, a, b: g * zero_at_zero(a, a.apply("power", b - 1.0) + y * a.apply("log")),
        ),
        cost=24.0,
        workspace=2.0,
    ),
    internal(
        "power_exponent_derivative",
        ("a", "b", "y"),
        "where({0} == 0.0, 0.0, {2} * log({0}))",
        "({2} * log({0}) if {0} != 0.0 else 0.0)",
        derivatives=(
            lambda g, y, a, b, power: g * power.apply("ratio_or_zero", a),
            None,
            lambda g, y, a, b, power: g * zero_at_zero(a, a.apply("log")),
        ),
        cost=12.0,
        workspace=2.0,
    ),
    internal("logical_and", ("a", "b"), "{0} & {1}", "({0} and {1})", is_condition=True),
    internal("logical_or", ("a", "b"), "{0} | {1}", "({0} or {1})", is_condition=True),
    internal("logical_not", ("a",), "~{0}", "(not {0})", is_condition=True),
    internal(
        "number_or_zero",
        ("condition", "number"),
        "{0} * {1}",
        "({1} if {0} else 0.0)",
        ufunc="multiply",
    ),
    internal(
        "masked",
        ("condition", "x"),
        "where({0}, {1}, 0.0)",
        "({1} if {0} else 0.0)",
        out="chosen({0}, {1}, 0.0, {out})",
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
        on_arrays=_xlogy,
    ),
    internal(
        "log_complement",
        ("p", "epsilon"),
        "log_complement({0}, {1})",
        "(log1p({1} - {0}) if {0} < 0.5 else log((1.0 - {0}) + {1}))",
        cost=20.0,
        workspace=3.0,
        derivatives=(lambda g, y, p, epsilon: -g / ((1.0 - p) + epsilon), None),
        on_arrays=_log_complement,
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
        on_arrays=_xlog_complement,
    ),
    internal(
        "logistic_loss",
        ("z", "sign", "epsilon"),
        "0.0 - log_complement(sigmoid_kernel({1} * {0}), {2})",
        "",
        cost=34.0,
        workspace=3.0,
        derivatives=(_logistic_loss_derivative, None, None),
        definition=_logistic_loss,
        on_arrays=_logistic_loss,
    ),
    internal(
        "log_ratio",
        ("a", "b"),
        "log_ratio({0}, {1})",
        "log_ratio({0}, {1})",
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
        workspace=4.0,
        derivatives=(lambda g, y, x: g * x.apply("tanh"),),
    ),
    internal(
        "relative_entropy",
        ("t", "p"),
        "relative_entropy({0}, {1})",
        "(0.0 if {0} == 0.0 else {0} * log_ratio({0}, {1}))",
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
        shortcut=shortcuts.multiply,
        workspace=2.0,
        on_arrays=lambda g, x: _settled(g * x, g),
    ),
    internal(
        "guarded_divide",
        ("g", "x"),
        "where({0} == 0.0, 0.0, {0} / {1})",
        "({0} / {1} if {0} != 0.0 else 0.0)",
        derivatives=(lambda g, y, a, b: g / b, lambda g, y, a, b: -(y.guarded() / b * g)),
        workspace=2.0,
        on_arrays=lambda g, x: g / x if is_positive(x) else _settled(g / x, g),
    ),
    internal(
        "probability",
        ("odds", "total"),
        "probability_of({0}, {1})",
        "({0} / {1})",
        out="probability_of({0}, {1}, {out})",
        into="probability_of({0}, {1}, {0})",
        is_nonnegative=True,
    ),
    internal(
        "complement",
        ("total", "x"),
        "complement_of({0}, {1})",
        "(1.0 / {0})",
        out="complement_of({0}, {1}, {out})",
        into="complement_of({0}, {1}, {0})",
        is_nonnegative=True,
    ),
    internal(
        "shifted_log",
        ("x", "shift"),
        "shifted_log({0}, {1})",
        "log({0} + {1})",
        cost=9.0,
        out="shifted_log({0}, {1}, {out})",
        into="shifted_log({0}, {1}, {0})",
    ),
    internal(
        "log_of_total",
        ("odds", "x"),
        "log_of_total({0}, {1})",
        "log1p({0})",
        cost=10.0,
        workspace=1.0,
        out="log_of_total({0}, {1}, {out})",
    ),
    internal(
        "settled",
        ("x", "weight"),
        "where({1} == 0.0, 0.0, {0})",
        "({0} if {1} != 0.0 else 0.0)",
        into="settle_onto({0}, {1})",
    ),
)
