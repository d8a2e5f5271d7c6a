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

METHODS = st.sampled_from(["exact", "central", "forward", "complex_step"])
NEAR = between(-2, 2)


def tensors(shapes, items=NEAR, leading=()):
    return st.fixed_dictionaries({name: arrays([*leading, *shape], items) for name, shape in shapes.items()})


def functions(draw, inputs, leading=()):
    """A function with its inputs and constants: the fields that all four operations share."""
    text, variables, constants = draw(st.sampled_from(FUNCTIONS))
    fields = {"function": st.just(text), inputs: tensors(variables, leading=leading)}
    return fields | ({"constants": tensors(constants, between(0.1, 1))} if constants else {}), variables


@st.composite
def gradient(draw):
    fields, _ = functions(draw, "variables")
    return draw(options(fields, method=METHODS, verify=st.booleans(), dry_run=st.booleans()))


@st.composite
def gradient_field(draw):
    fields, _ = functions(draw, "points", [draw(st.integers(1, 4))])
    flags = {name: st.booleans() for name in ("verify", "dry_run", "skip_non_finite")}
    return draw(options(fields, method=METHODS, **flags))


@st.composite
def value(draw):
    fields, _ = functions(draw, "variables")
    return draw(options(fields, skip_non_finite=st.booleans(), dry_run=st.booleans()))


@st.composite
def jacobian(draw):
    fields, variables = functions(draw, "variables")
    own = {"method": METHODS, "verify": st.booleans(), "dry_run": st.booleans()}
    product = draw(st.sampled_from([{}, {"tangents": tensors(variables)}, {"cotangents": between(-2, 2)}]))
    return draw(options(fields, **own, **product))


@st.composite
def hessian(draw):
    fields, variables = functions(draw, "variables")
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


def path_options(variables):
    bound = options({}, lower=between(-9, -5), upper=between(5, 9))
    return {
        "method": METHODS,
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


@st.composite
def descent(draw):
    fields, variables = functions(draw, "variables")
    return draw(options(fields, learning_rate=RATES, **path_options(variables))) | draw(SCHEDULES)


@st.composite
def descent_sweep(draw):
    fields, variables = functions(draw, "variables")
    fields["learning_rates"] = st.lists(RATES, min_size=1, max_size=4)
    return draw(options(fields, **path_options(variables))) | draw(SCHEDULES)


BODIES = {
    "POST /softmax": softmax(),
    "POST /sigmoid": sigmoid(),
    "POST /loss": loss(),
    "POST /gradient": gradient(),
    "POST /gradient/field": gradient_field(),
    "POST /value": value(),
    "POST /jacobian": jacobian(),
    "POST /hessian": hessian(),
    "POST /descent": descent(),
    "POST /descent/sweep": descent_sweep(),
}
"""Right requests of every operation that takes a body."""
