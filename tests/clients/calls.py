"""The calls that every client makes, as plain HTTP: what the clients must read in their own types.

Each program in `programs/` makes these calls through a generated client and prints what it read as one JSON
object; it must be what `expected` finds in the service's own answers.
"""

import json

SEED = "x[0]**2 + x[1]**2"
REGRESSION = "s * mean(cross_entropy(softmax(X @ W + b), t))"
MODEL = {
    "function": REGRESSION,
    "variables": {"W": [[0.1, -0.2, 0.3], [0, 0.2, -0.1]], "b": [0, 0, 0], "s": 2},
    "constants": {"X": [[1, 2], [0.5, -1]], "t": [[1, 0, 0], [0, 1, 0]]},
}
DESCENT = {"function": SEED, "variables": {"x": [-3, 4]}, "optimizer": "adam", "learning_rate": 0.1}
REQUEST_ID = "client-1"


def fields(*names):
    return lambda answer: {name: answer[name] for name in names}


def checked(answer):
    return fields("value", "gradient")(answer) | {"worst": answer["verification"]["worst"]}


def walked(answer):
    history = [[each["step"], each["value"], each["gradient_norm"]] for each in answer["history"]]
    best = {"best_step": answer["best"]["step"], "best_value": answer["best"]["value"]}
    return fields("status", "steps", "variables")(answer) | best | {"history": history}


def compared(answer):
    runs = [[run["learning_rate"], run["verdict"], run["value"]] for run in answer["runs"]]
    return {"best": answer["best"], "runs": runs}


CALLS = {
    "softmax": ("/softmax", {"x": [0.3, 2.9, 4.0], "axis": None}, fields("y")),
    "masked": (
        "/softmax",
        {"x": [[1, 2], [3, 4]], "temperature": 0.5, "mask": [[True, False], [True, True]]},
        fields("y"),
    ),
    "sigmoid": ("/sigmoid", {"x": [-750, 0, 750], "log": True}, fields("y")),
    "loss": (
        "/loss",
        {"loss": "cross_entropy", "predictions": [0.1, 0.05, 0.85], "targets": [2]},
        fields("loss"),
    ),
    "losses": (
        "/loss",
        {
            "loss": "huber",
            "predictions": [[1, 2], [5, 4]],
            "targets": [[1, 0], [1, 4]],
            "reduction": "none",
            "gradient": True,
        },
        fields("losses", "gradient"),
    ),
    "gradient": (
        "/gradient",
        {"function": SEED, "variables": {"x": [3, 4]}},
        fields("value", "gradient", "method", "evaluations"),
    ),
    "checked": ("/gradient", MODEL | {"verify": True}, checked),
    "quote": ("/gradient", MODEL | {"dry_run": True}, lambda answer: answer["quote"]),
    "field": (
        "/gradient/field",
        {"function": "a * x**2", "points": {"a": [1, 2, 3], "x": [0.5, 1, -1]}, "method": "central"},
        fields("values", "gradient"),
    ),
    "value": (
        "/value",
        {
            "function": "y = X @ w; sigmoid(y)",
            "variables": {"w": [1, -1]},
            "constants": {"X": [[1, 2], [0.5, -1]]},
        }
        | {"outputs": ["y"]},
        fields("value", "outputs"),
    ),
    "jacobian": (
        "/jacobian",
        {"function": "x**2", "variables": {"x": [1, 2]}, "tangents": {"x": [1, 0]}},
        fields("value", "product"),
    ),
    "hessian": (
        "/hessian",
        {"function": SEED, "variables": {"x": [0, 0]}, "curvature": True},
        fields("value", "gradient", "hessian", "curvature"),
    ),
    "descent": ("/descent", DESCENT | {"steps": 60, "history": 3}, walked),
    "sweep": (
        "/descent/sweep",
        {"function": SEED, "variables": {"x": [-3, 4]}, "learning_rates": [0.01, 0.1, 10]},
        compared,
    ),
}
"""Name, path and request of each call, and what is read of its answer."""

WRONG = {"function": "sum(X @ w)", "variables": {"w": [1, 2]}, "constants": {"X": [[1, 2, 3]]}}


def expected(server):
    """Ask the service itself what every client must read."""
    found = {}
    for name, (path, request, read) in CALLS.items():
        status, answer = server.post(path, request)
        assert status == 200, answer
        found[name] = read(answer)
    return found | {"resumed": resumed(server), "problem": problem(server)} | pages(server)


def resumed(server):
    """The last 40 steps of 100."""
    state = server.post("/descent", DESCENT | {"steps": 60, "history": 3})[1]["state"]
    rest = server.post("/descent", DESCENT | {"steps": 40, "history": 3, "state": state})[1]
    assert rest["variables"] == server.post("/descent", DESCENT | {"steps": 100})[1]["variables"]
    return walked(rest)


def problem(server):
    """What is wrong with a request, and where."""
    status, answer = server.post("/gradient", WRONG, **{"X-Request-ID": REQUEST_ID})
    told = fields("status", "code", "title", "instance", "request_id")(answer)
    assert status == 422
    return told | {
        "errors": [fields("pointer", "detail", "line", "column")(fault) for fault in answer["errors"]]
    }


def pages(server):
    """What the operations without a body answer."""
    functions, limits, codes = (
        json.loads(server.get(path)[2]) for path in ("/functions", "/limits", "/problems")
    )
    return {
        "functions": [each["name"] for each in functions["functions"]],
        "limit": fields("value", "unit", "setting")(limits["body_bytes"]),
        "problems": [each["code"] for each in codes["problems"]],
        "explained": codes["problems"][0]["title"],
        "health": ["ok", "ok", "ok"],
        "metrics": True,
        "documents": ["openapi: 3.0.3", "3.0.3"],
    }
