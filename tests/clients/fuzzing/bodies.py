"""Requests that are right by construction, as Hypothesis strategies: what the schema alone cannot draw.

A schema knows no rectangular arrays and no function language, so what Schemathesis draws from it is mostly
refused for its meaning. These are accepted, whatever is drawn.
"""

from hypothesis import strategies as st

from service.core.descent.optimizers import OPTIMIZERS
from service.core.losses import LOSSES

SHAPES = st.lists(st.integers(1, 3), min_size=1, max_size=3)


def between(low, high):
    return st.floats(low, high, allow_subnormal=False)


def arrays(shape, items):
    """Nested lists of a shape; of rank 0, one item."""
    strategy = items
    for size in reversed(shape):
        strategy = st.lists(strategy, min_size=size, max_size=size)
    return strategy


def options(required, **optional):
    """Objects with all of the required fields and any of the optional ones."""
    return st.fixed_dictionaries(required, optional=optional)


@st.composite
def softmax(draw):
    shape = draw(SHAPES)
    x, axes = arrays(shape, between(-1e6, 1e6)), st.none() | st.integers(-len(shape), len(shape) - 1)
    choice = st.sampled_from([{"log": st.booleans()}, {"mask": arrays(shape, st.just(True))}])
    return draw(options({"x": x}, axis=axes, temperature=between(0.1, 10), **draw(choice)))


@st.composite
def sigmoid(draw):
    x = arrays(draw(SHAPES), between(-750, 750))
    return draw(options({"x": x}, log=st.booleans()))


PROBABILITIES = between(0.01, 1)
ELEMENTS = {
    "number": between(-50, -0.01) | between(0.01, 50),  # away from 0: a row of zeros has no direction
    "probability": PROBABILITIES,
    "non-negative": PROBABILITIES,
    "sign": st.sampled_from([-1, 1]),
}
"""What predictions and targets are drawn from, by their kind in the table of losses."""


@st.composite
def loss(draw):
    row, shape = draw(st.sampled_from(list(LOSSES.values()))), draw(SHAPES)
    required = {
        "loss": st.just(row.name),
        "predictions": arrays(shape, ELEMENTS[row.predictions]),
        "targets": arrays(shape, ELEMENTS[row.targets]),
    }
    numeric = {"epsilon": between(1e-9, 0.1), "delta": between(0.1, 10), "quantile": between(0.1, 0.9)}
    flags = {"gradient": st.booleans(), "from_logits": st.booleans()}
    reductions = st.sampled_from(["sum", "mean", "none"])
    smoothing = between(0, 0.9)
    return draw(options(required, reduction=reductions, label_smoothing=smoothing, **numeric, **flags))


FUNCTIONS = [
    ("x[0]**2 + x[1]**2", {"x": [2]}, {}),
    ("a * exp(-x) + 0.5 * (a**2 + x**2)", {"a": [], "x": []}, {}),
    ("h = sin(A) * B; sum(h**2)", {"A": [2, 3], "B": [3]}, {}),
    ("mean(cross_entropy(softmax(X @ W + b), t))", {"W": [2, 3], "b": [3]}, {"X": [4, 2], "t": [4, 3]}),
]
"""Functions with the shapes of their variables and constants; analytic, and finite near 0."""

STATEMENTS = [
    "h = sin(h) * exp(-h**2)",
    "h = h + x; h = h / 2  # assigned twice",
    "for k in range(3): h = tanh(h + k / 3)",
    "for k in range(1, len(x) + 1):\n    for j in range(2): h = h + x[k - 1] / (k + j)\n    h = sin(h)",
    "mix(a, b) = a * b + 1; h = mix(h, x)",
    "twice(a) = sin(a) + cos(a); h = twice(twice(h))",
    "h = h[order]",
    "h = h[::-1][..., None][:, 0]",
    "h = (h[:, None] * x)[order, order]",
    "h = concatenate(h[1:], h[0] * ones(1))",
    "h = roll(h, 1) + eye(len(x)) @ h",
    "h = (\n    h\n    + x.T\n) / 2",
]
"""Statements that keep h a vector of x's shape, of moderate size and analytic; every form of the language."""

CONDITIONS = [
    "h = where(0 < h < 1, h, h / 2)",
    "h = where(h > 1 and not x < 0 or x == 2, h**2, h)",
    "h = where(not (h >= 1 or h <= -1), h % 3, h // 2)",
    "for k in range(2): h = maximum(h, where(x != k, x, h))",
]
"""Those that are not analytic."""

ENDS = ["sum(h**2)", "mean(h) + x[0]", "h[0] * h[-1]", "logsumexp(h)"]


@st.composite
def programs(draw):
    """A program of a few statements, its variables and constants, and whether it is analytic."""
    size = draw(st.integers(1, 3))
    statements = draw(st.lists(st.sampled_from(STATEMENTS + CONDITIONS), min_size=1, max_size=4))
    text = "\n".join(["h = x", *statements, draw(st.sampled_from(ENDS))])
    constants = {"order": st.permutations(range(size))} if "order" in text else {}
    return text, {"x": [size]}, constants, not set(statements) & set(CONDITIONS)


@st.composite
def fixed(draw):
    """One of `FUNCTIONS`, in the same form."""
    text, variables, shapes = draw(st.sampled_from(FUNCTIONS))
    return text, variables, {name: arrays(shape, between(0.1, 1)) for name, shape in shapes.items()}, True


METHODS = ["exact", "central", "forward", "complex_step"]
NEAR = between(-2, 2)


def tensors(shapes, items=NEAR, leading=()):
    return st.fixed_dictionaries({name: arrays([*leading, *shape], items) for name, shape in shapes.items()})


def functions(draw, inputs, leading=()):
    """A function with its inputs and constants: the fields that the operations share; and what fits them."""
    text, variables, constants, is_analytic = draw(fixed() | programs())
    fields = {"function": st.just(text), inputs: tensors(variables, leading=leading)}
    if constants:
        fields["constants"] = st.fixed_dictionaries(constants)
    return fields, variables, st.sampled_from(METHODS if is_analytic else METHODS[:-1])


@st.composite
def gradient(draw):
    fields, _, methods = functions(draw, "variables")
    return draw(options(fields, method=methods, verify=st.booleans(), dry_run=st.booleans()))


@st.composite
def gradient_field(draw):
    fields, _, methods = functions(draw, "points", [draw(st.integers(1, 4))])
    flags = {name: st.booleans() for name in ("verify", "dry_run", "skip_non_finite")}
    return draw(options(fields, method=methods, **flags))


@st.composite
def value(draw):
    fields, _, _ = functions(draw, "variables")
    return draw(options(fields, skip_non_finite=st.booleans(), dry_run=st.booleans()))


@st.composite
def jacobian(draw):
    fields, variables, methods = functions(draw, "variables")
    own = {"method": methods, "verify": st.booleans(), "dry_run": st.booleans()}
    product = draw(st.sampled_from([{}, {"tangents": tensors(variables)}, {"cotangents": between(-2, 2)}]))
    return draw(options(fields, **own, **product))


@st.composite
def hessian(draw):
    fields, variables, _ = functions(draw, "variables")
    own = {"method": st.sampled_from(["exact", "central"]), "verify": st.booleans(), "dry_run": st.booleans()}
    product = draw(st.sampled_from([{"curvature": st.booleans()}, {"vectors": tensors(variables)}]))
    return draw(options(fields, **own, **product))


SCHEDULES = st.sampled_from(
    [
        {},
        {"schedule": "step", "schedule_rate": 0.5, "schedule_every": 3},
        {"schedule": "exponential", "schedule_rate": 0.9},
        {"schedule": "cosine", "schedule_every": 30},
        {"schedule": "milestones", "schedule_rate": 0.5, "schedule_at": [3, 9]},
        {"schedule": "plateau", "warmup": 2},
        {"schedule": "one_cycle", "warmup": 5},
    ]
)
RATES = between(1e-4, 0.1)


def path_options(variables, methods):
    bound = options({}, lower=between(-9, -5), upper=between(5, 9))
    return {
        "method": methods,
        "optimizer": st.sampled_from(list(OPTIMIZERS)),
        "steps": st.integers(1, 20),
        "momentum": between(0, 0.9),
        "decay": between(0, 0.99),
        "beta1": between(0, 0.9),
        "beta2": between(0, 0.999),
        "epsilon": between(1e-10, 1e-6),
        "clip_norm": between(0.1, 10),
        "weight_decay": between(0, 0.1),
        "line_search": st.booleans(),
        "memory": st.integers(1, 20),
        "tolerance_value": between(0, 1e-6),
        "tolerance_step": between(0, 1e-6),
        "target": between(-10, 0),
        "gradient": st.booleans(),
        "tolerance": between(1e-9, 1e-3),
        "bounds": st.dictionaries(st.sampled_from(sorted(variables)), bound),
        "deadline_ms": st.integers(5_000, 20_000),
        "history": st.integers(0, 5),
        "history_variables": st.booleans(),
    }


SETS = st.sampled_from(["simplex", "l2_ball", "l1_ball", "sphere"]).flatmap(
    lambda kind: options(
        {"onto": st.just(kind)}, **{"sum" if kind == "simplex" else "radius": between(0.5, 2)}
    )
)
SECOND_ORDER = {"lbfgs", "newton"}


@st.composite
def path(draw, more):
    """A descent or a sweep; one of first order by batches or with projections, where it can."""
    fields, variables, methods = functions(draw, "variables")
    body = draw(options(fields | more, **path_options(variables, methods))) | draw(SCHEDULES)
    if body.get("optimizer") in SECOND_ORDER or body.get("line_search"):
        return body
    if "X" in body.get("constants", {}) and draw(st.booleans()):
        body["batch"] = draw(
            options({"size": st.integers(1, 4), "of": st.just(["X", "t"])}, seed=st.integers(0, 9))
        )
    vectors = {name for name, shape in variables.items() if shape} - body.get("bounds", {}).keys()
    if vectors and draw(st.booleans()):
        body["project"] = draw(st.dictionaries(st.sampled_from(sorted(vectors)), SETS))
    return body


BODIES = {
    "POST /softmax": softmax(),
    "POST /sigmoid": sigmoid(),
    "POST /loss": loss(),
    "POST /gradient": gradient(),
    "POST /gradient/field": gradient_field(),
    "POST /value": value(),
    "POST /jacobian": jacobian(),
    "POST /hessian": hessian(),
    "POST /descent": path({"learning_rate": RATES}),
    "POST /descent/sweep": path({"learning_rates": st.lists(RATES, min_size=1, max_size=4)}),
}
"""Right requests of every operation that takes a body."""
