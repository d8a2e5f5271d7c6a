"""What the examples of the document must answer, computed by hand: plain Python from the definitions.

Nothing here is the service's. Each function takes an example's request and returns what its answer must hold.
Source of the losses and of plain descent: Saito, Deep Learning from Scratch, O'Reilly Japan, 2016, chapter 4;
of Adam: Kingma and Ba, 2015, algorithm 1.
"""

import math

from numpy.random import Philox

EPSILON = 1e-7


def exp_share(scores):
    """Softmax of one list."""
    powers = [math.exp(score - max(scores)) for score in scores]
    return [power / math.fsum(powers) for power in powers]


def softmax(request):
    x, mask, temperature = request["x"], request.get("mask"), request.get("temperature", 1.0)
    if mask:
        return {"y": [masked_share(row, keep) for row, keep in zip(x, mask, strict=True)]}
    if request.get("log"):
        total = max(x) + math.log(math.fsum(math.exp(score - max(x)) for score in x))
        return {"y": [score - total for score in x]}
    if isinstance(x[0], list):
        return {"y": [exp_share(row) for row in x]}
    return {"y": exp_share([score / temperature for score in x])}


def masked_share(row, keep):
    """Softmax of the kept elements of a list, 0 elsewhere."""
    kept = iter(exp_share([score for score, is_kept in zip(row, keep, strict=True) if is_kept]))
    return [next(kept) if is_kept else 0.0 for is_kept in keep]


def sigmoid(request):
    return {"y": [(log_share if request.get("log") else share)(x) for x in request["x"]]}


def share(x):
    return math.exp(x) / (1 + math.exp(x)) if x < 0 else 1 / (1 + math.exp(-x))


def log_share(x):
    return x - math.log1p(math.exp(x)) if x < 0 else -math.log1p(math.exp(-x))


def loss_cross_entropy(request):
    pairs = zip(request["predictions"], request["targets"], strict=True)
    return {"loss": -math.fsum(t * math.log(p + EPSILON) for p, t in pairs)}


def loss_half_squared_error(request):
    pairs = zip(request["predictions"], request["targets"], strict=True)
    return {"loss": math.fsum((p - t) ** 2 / 2 for p, t in pairs)}


def loss_logits_and_labels(request):
    """Cross entropy of softmax: its derivative by the logits is softmax − one-hot."""
    rows = list(zip(request["predictions"], request["targets"], strict=True))
    losses = [-math.log(exp_share(row)[label]) for row, label in rows]
    slopes = [[(p - (k == label)) / len(rows) for k, p in enumerate(exp_share(row))] for row, label in rows]
    return {"loss": math.fsum(losses) / len(rows), "gradient": slopes}


def loss_per_sample(request):
    rows = zip(request["predictions"], request["targets"], strict=True)
    return {"losses": [-math.log(row[label] + EPSILON) for row, label in rows]}


def loss_binary_from_logits(request):
    """Binary cross entropy of sigmoid: log(1 + exp(z)) − t z, by z sigmoid − t."""
    pairs = list(zip(request["predictions"], request["targets"], strict=True))
    losses = [math.log1p(math.exp(z)) - t * z for z, t in pairs]
    return {"losses": losses, "gradient": [1 / (1 + math.exp(-z)) - t for z, t in pairs]}


def loss_huber(request):
    delta = request["delta"]
    errors = [abs(p - t) for p, t in zip(request["predictions"], request["targets"], strict=True)]
    return {"losses": [e**2 / 2 if e <= delta else delta * (e - delta / 2) for e in errors]}


def loss_divergence(request):
    pairs = zip(request["predictions"], request["targets"], strict=True)
    return {"loss": math.fsum(t * (math.log(t) - math.log(p)) for p, t in pairs)}


def square(x):
    return x[0] ** 2 + x[1] ** 2


def gradient_exact(request):
    x = request["variables"]["x"]
    return {"value": square(x), "gradient": {"x": [2 * x[0], 2 * x[1]]}, "method": "exact", "evaluations": 1}


def gradient_central(request):
    """The seed's numerical_grad: each element up and down by h; with the value 5 evaluations."""
    x, h = request["variables"]["x"], request["h"]
    slopes = [
        (square([x[0] + h, x[1]]) - square([x[0] - h, x[1]])) / (2 * h),
        (square([x[0], x[1] + h]) - square([x[0], x[1] - h])) / (2 * h),
    ]
    return {"value": square(x), "gradient": {"x": slopes}, "method": "central", "evaluations": 5}


def gradient_scalars(request):
    """The complex step errs by rounding alone."""
    a, x = request["variables"]["a"], request["variables"]["x"]
    slopes = {"a": math.exp(-20 * x), "x": -20 * a * math.exp(-20 * x)}
    worst = {"method": "complex_step", "worst": "/x"}
    return {"value": a * math.exp(-20 * x), "gradient": slopes, "method": "exact", "verification": worst}


def gradient_softmax_regression(request):
    """Chain rule by hand; the ε inside the logarithm is why it is not just softmax − t."""
    X, t = request["constants"]["X"], request["constants"]["t"]
    W, b = request["variables"]["W"], request["variables"]["b"]
    logits = [[sum(x * w[k] for x, w in zip(row, W, strict=True)) + b[k] for k in range(3)] for row in X]
    shares = [exp_share(row) for row in logits]
    losses = [-math.log(ps[ts.index(1)] + EPSILON) for ps, ts in zip(shares, t, strict=True)]
    by_logits = []
    for ps, ts in zip(shares, t, strict=True):
        by_p = [-target / (p + EPSILON) / len(X) for p, target in zip(ps, ts, strict=True)]
        along = sum(p * slope for p, slope in zip(ps, by_p, strict=True))
        by_logits.append([p * (slope - along) for p, slope in zip(ps, by_p, strict=True)])
    by_W = [[sum(X[n][i] * by_logits[n][k] for n in range(3)) for k in range(3)] for i in range(2)]
    by_b = [sum(row[k] for row in by_logits) for k in range(3)]
    return {
        "value": math.fsum(losses) / 3,
        "gradient": {"W": by_W, "b": by_b},
        "method": "exact",
        "evaluations": 1,
    }


def gradient_dry_run(request):
    """X is 3 by 2, w has 2 elements, so z has 3 and the sum none."""
    return {"quote": {"shapes": {"w": [2], "X": [3, 2], "z": [3], "value": []}, "evaluations": 1}}


def field_vectors(request):
    points = request["points"]["x"]
    slopes = [[2 * x[0], 2 * x[1]] for x in points]
    return {"values": [square(x) for x in points], "gradient": {"x": slopes}, "method": "exact"}


def field_scalars(request):
    pairs = list(zip(request["points"]["x"], request["points"]["y"], strict=True))
    slopes = {"x": [2 * x * y for x, y in pairs], "y": [x**2 for x, _ in pairs]}
    return {"values": [x**2 * y for x, y in pairs], "gradient": slopes, "method": "exact"}


def value_predictions(request):
    W, b = request["variables"]["W"], request["variables"]["b"]
    z = [
        [sum(x * w[k] for x, w in zip(row, W, strict=True)) + b[k] for k in range(2)]
        for row in request["constants"]["X"]
    ]
    return {"value": [exp_share(row) for row in z], "outputs": {"z": z}}


def value_points(request):
    return {"value": [math.log(x) if x > 0 else None for x in request["points"]["x"]], "skipped": 1}


def _decay(request):
    """Residuals of p0 exp(-p1 t) against y, and their rows of derivatives by p0 and p1."""
    (a, rate), times = request["variables"]["p"], request["constants"]["t"]
    powers = [math.exp(-rate * t) for t in times]
    value = [a * power - y for power, y in zip(powers, request["constants"]["y"], strict=True)]
    return value, [[power, -a * t * power] for power, t in zip(powers, times, strict=True)]


def jacobian_residuals(request):
    value, rows = _decay(request)
    return {"value": value, "jacobian": {"p": rows}}


def jacobian_tangents(request):
    value, rows = _decay(request)
    v = request["tangents"]["p"]
    return {"value": value, "product": [sum(a * b for a, b in zip(row, v, strict=True)) for row in rows]}


def jacobian_cotangents(request):
    value, rows = _decay(request)
    u = request["cotangents"]
    return {
        "value": value,
        "product": {"p": [sum(w * row[k] for w, row in zip(u, rows, strict=True)) for k in range(2)]},
    }


def hessian_saddle(request):
    """[[2, 1], [1, -2]] has the eigenvalues of -√5 and √5."""
    return {
        "value": 0,
        "gradient": {"x": 0, "y": 0},
        "hessian": {"x": {"x": 2, "y": 1}, "y": {"x": 1, "y": -2}},
        "curvature": {"smallest": -math.sqrt(5), "largest": math.sqrt(5), "kind": "saddle"},
    }


def hessian_product(request):
    x, v = request["variables"]["x"], request["vectors"]["x"]
    return {
        "value": sum(each**3 for each in x),
        "gradient": {"x": [3 * each**2 for each in x]},
        "product": {"x": [6 * a * b for a, b in zip(x, v, strict=True)]},
    }


def hessian_dry_run(request):
    return {"quote": {"shapes": {"x": [3], "value": []}, "evaluations": 3, "within_limits": True}}


def record(step, function, slope, x):
    return {
        "step": step,
        "value": function(x),
        "gradient_norm": math.hypot(*slope(x)),
        "variables": {"x": list(x)},
    }


def answer_of(records, status):
    """The answer of a run: its last record, and the best of all."""
    last, best = records[-1], min(records, key=lambda each: (each["value"], each["step"]))
    return {
        "variables": last["variables"],
        "value": last["value"],
        "gradient_norm": last["gradient_norm"],
        "steps": last["step"],
        "status": status,
        "best": {name: best[name] for name in ("step", "value", "variables")},
        "history": [],
    }


def square_slope(x):
    return [2 * x[0], 2 * x[1]]


def descend_square(x, rate, steps):
    """The seed's grad_descent with the exact gradient, stopped where the contract says it diverges."""
    records = [record(0, square, square_slope, x)]
    for step in range(1, steps + 1):
        x = [x[0] - rate * 2 * x[0], x[1] - rate * 2 * x[1]]
        records.append(record(step, square, square_slope, x))
        if records[-1]["value"] > 1e12 * records[0]["value"]:
            return answer_of(records, "diverged")
    return answer_of(records, "max_steps")


def descent_plain(request):
    return descend_square(request["variables"]["x"], request["learning_rate"], request["steps"])


descent_diverging = descent_plain


def descent_adam(request):
    """Adam on the Rosenbrock function of two numbers, with five records of the way."""

    def function(x):
        return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2

    def slope(x):
        return [-400 * x[0] * (x[1] - x[0] ** 2) - 2 * (1 - x[0]), 200 * (x[1] - x[0] ** 2)]

    x, rate = request["variables"]["x"], request["learning_rate"]
    first, second = [0.0, 0.0], [0.0, 0.0]
    records = [record(0, function, slope, x)]
    for step in range(1, request["steps"] + 1):
        g = slope(x)
        first = [0.9 * m + 0.1 * each for m, each in zip(first, g, strict=True)]
        second = [0.999 * v + 0.001 * each**2 for v, each in zip(second, g, strict=True)]
        sizes = [math.sqrt(v / (1 - 0.999**step)) + 1e-8 for v in second]
        x = [a - rate * (m / (1 - 0.9**step)) / size for a, m, size in zip(x, first, sizes, strict=True)]
        records.append(record(step, function, slope, x))
    return answer_of(records, "max_steps") | {"history": records[:: request["steps"] // 4]}


def descent_bounded(request):
    """Projected descent on (x₀ − 3)² + (x₁ + 1)² with x₁ ≥ 0."""

    def function(x):
        return (x[0] - 3) ** 2 + (x[1] + 1) ** 2

    def slope(x):
        return [2 * (x[0] - 3), 2 * (x[1] + 1)]

    def project(x):
        return [max(0.0, each) for each in x]

    def distance(x):
        projected = project([a - g for a, g in zip(x, slope(x), strict=True)])
        return max(abs(a - p) for a, p in zip(x, projected, strict=True))

    x, rate = request["variables"]["x"], request["learning_rate"]
    records = [record(0, function, slope, x)]
    while distance(x) > request["tolerance"]:
        x = project([a - rate * g for a, g in zip(x, slope(x), strict=True)])
        records.append(record(len(records), function, slope, x))
    return answer_of(records, "converged")


def descent_batch(request):
    """Linear regression by batches; values are those of all rows, at the start and after each epoch."""
    rows = list(zip(request["constants"]["A"], request["constants"]["t"], strict=True))
    size, seed = request["batch"]["size"], request["batch"]["seed"]

    def residuals(x, seen):
        return [a[0] * x[0] + a[1] * x[1] - t for a, t in seen]

    def function(x):
        return math.fsum(r * r for r in residuals(x, rows)) / len(rows)

    def slope(x, seen=rows):
        pairs = list(zip(residuals(x, seen), seen, strict=True))
        return [math.fsum(2 * r * a[axis] for r, (a, _) in pairs) / len(seen) for axis in (0, 1)]

    x, records = request["variables"]["x"], [record(0, function, slope, request["variables"]["x"])]
    updates = len(rows) // size
    for step in range(request["steps"]):
        epoch, place = divmod(step, updates)
        draws = Philox(key=[seed, epoch]).random_raw(len(rows))
        order = sorted(range(len(rows)), key=draws.__getitem__)
        seen = [rows[each] for each in order[place * size : (place + 1) * size]]
        x = [a - request["learning_rate"] * g for a, g in zip(x, slope(x, seen), strict=True)]
        if place + 1 == updates:
            records.append(record(step + 1, function, slope, x))
    return answer_of(records, "max_steps")


def on_the_simplex(x):
    """The nearest point whose elements are not negative and sum to 1; what lowers all is found by trial."""
    for kept in range(len(x), 0, -1):
        largest = sorted(x, reverse=True)[:kept]
        lowered = (math.fsum(largest) - 1) / kept
        if largest[-1] > lowered:
            return [max(each - lowered, 0.0) for each in x]
    return x


def descent_project(request):
    """Projected descent on |x − c|² over the simplex."""
    c = request["constants"]["c"]

    def function(x):
        return math.fsum((a - b) ** 2 for a, b in zip(x, c, strict=True))

    def slope(x):
        return [2 * (a - b) for a, b in zip(x, c, strict=True)]

    def stepped(x, rate):
        return on_the_simplex([a - rate * g for a, g in zip(x, slope(x), strict=True)])

    x = request["variables"]["x"]
    records = [record(0, function, slope, x)]
    while max(abs(a - p) for a, p in zip(x, stepped(x, 1), strict=True)) > request["tolerance"]:
        x = stepped(x, request["learning_rate"])
        records.append(record(len(records), function, slope, x))
    return answer_of(records, "converged")


def sweep_rates(request):
    """0.01 and 0.1 improve; 1 jumps from x to −x, for ever at the same value; 10 diverges."""
    runs = [
        descend_square(request["variables"]["x"], rate, request["steps"])
        | {"learning_rate": rate, "verdict": verdict}
        for rate, verdict in zip(
            request["learning_rates"], ("improving", "improving", "oscillating", "diverged"), strict=True
        )
    ]
    return {"runs": runs, "best": 1}


BY_HAND = {
    ("softmax", "rows"): softmax,
    ("softmax", "wholeArray"): softmax,
    ("softmax", "temperature"): softmax,
    ("softmax", "masked"): softmax,
    ("softmax", "log"): softmax,
    ("sigmoid", "values"): sigmoid,
    ("sigmoid", "tails"): sigmoid,
    ("sigmoid", "log"): sigmoid,
    ("loss", "crossEntropy"): loss_cross_entropy,
    ("loss", "halfSquaredError"): loss_half_squared_error,
    ("loss", "logitsAndLabels"): loss_logits_and_labels,
    ("loss", "perSample"): loss_per_sample,
    ("loss", "binaryFromLogits"): loss_binary_from_logits,
    ("loss", "huber"): loss_huber,
    ("loss", "divergence"): loss_divergence,
    ("gradient", "exact"): gradient_exact,
    ("gradient", "central"): gradient_central,
    ("gradient", "scalars"): gradient_scalars,
    ("gradient", "softmaxRegression"): gradient_softmax_regression,
    ("gradient", "dryRun"): gradient_dry_run,
    ("gradientField", "vectors"): field_vectors,
    ("gradientField", "scalars"): field_scalars,
    ("value", "predictions"): value_predictions,
    ("value", "points"): value_points,
    ("jacobian", "residuals"): jacobian_residuals,
    ("jacobian", "tangents"): jacobian_tangents,
    ("jacobian", "cotangents"): jacobian_cotangents,
    ("hessian", "saddle"): hessian_saddle,
    ("hessian", "product"): hessian_product,
    ("hessian", "dryRun"): hessian_dry_run,
    ("descent", "plain"): descent_plain,
    ("descent", "adam"): descent_adam,
    ("descent", "bounded"): descent_bounded,
    ("descent", "batch"): descent_batch,
    ("descent", "project"): descent_project,
    ("descent", "diverging"): descent_diverging,
    ("descentSweep", "rates"): sweep_rates,
}
"""Every example of the document, and the function that computes it by hand."""
