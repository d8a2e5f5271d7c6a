"""A request for every example of a problem in the document, that the service answers with it."""

from dataclasses import dataclass, field
from typing import Any

SQUARE = "x[0]**2 + x[1]**2"
MIB = 1024 * 1024


@dataclass(frozen=True)
class Failure:
    """What is sent: a JSON value or bytes, how, and what the server in front adds to the environment."""

    path: str
    body: Any = None
    method: str = "POST"
    headers: dict[str, str] = field(default_factory=dict)
    environ: dict[str, Any] = field(default_factory=dict)
    content_type: str | None = "application/json"


def gradient(function, variables, **options):
    return Failure("/gradient", {"function": function, "variables": variables} | options)


def of_proxy(code, detail):
    """What a proxy in front of the service answers, as the service would write it; tests/deploy asks one."""
    return Failure(
        "/descent",
        {"function": SQUARE, "variables": {"x": [3.0, 4.0]}},
        environ={"kobai.body_error": (code, detail)},
    )


FAILURES = {
    "malformedJsonTruncated": Failure("/softmax", b'{"x": [1.0, 2.0'),
    "malformedJsonNotANumber": Failure("/softmax", b'{"x": [1.0, NaN]}'),
    "malformedJsonDuplicateKey": Failure("/softmax", b'{"x": [1.0], "x": [2.0]}'),
    "malformedCbor": Failure(
        "/softmax", bytes.fromhex("a1617881c249010000000000000000"), content_type="application/cbor"
    ),
    "badRequest": Failure("/softmax", {"x": [1.0]}, headers={"Upgrade": "websocket"}),
    "notFoundProblem": Failure("/problems/out-of-luck", method="GET"),
    "notFoundPath": Failure("/soft-max", {"x": [1.0]}),
    "methodNotAllowed": Failure("/softmax", method="GET"),
    "bodyTooLarge": Failure("/softmax", b" " * (16 * MIB + 1)),
    "unsupportedMediaType": Failure(
        "/softmax", b'{"x": [1.0]}', content_type="application/x-www-form-urlencoded"
    ),
    "invalidRequestField": Failure("/softmax", {"x": [1.0, 2.0], "temprature": 0.5}),
    "invalidRequestArray": Failure("/sigmoid", {"x": [[1.0, 2.0], [3.0]]}),
    "invalidRequestShapes": Failure(
        "/loss", {"loss": "squared_error", "predictions": [1.0, 2.0, 3.0], "targets": [1.0, 2.0]}
    ),
    "invalidRequestStep": gradient(SQUARE, {"x": [3.0, 4.0]}, method="central", h=1e-50),
    "invalidFunctionSyntax": gradient("x[0]**2 + * x[1]", {"x": [3.0, 4.0]}),
    "invalidFunctionName": gradient("sum(sqare(x))", {"x": [3.0, 4.0]}),
    "invalidFunctionShapes": gradient("sum(X @ w)", {"w": [1.0, 2.0]}, constants={"X": [[1.0, 2.0, 3.0]]}),
    "nonFiniteLoss": Failure(
        "/loss", {"loss": "cross_entropy", "predictions": [1.0, 0.0], "targets": [0, 1], "epsilon": 0}
    ),
    "nonFiniteGradient": gradient("sum(log(x))", {"x": [1.0, 0.0]}),
    "overBudget": gradient(
        "y = reshape(x, (-1, 1)) @ reshape(x, (1, -1)); sum(reshape(y, (-1, 1)) @ reshape(y, (1, -1)))",
        {"x": [1.0] * 100},
    ),
    "overloaded": Failure(
        "/descent",
        {"function": SQUARE, "variables": {"x": [-3.0, 4.0]}},
        environ={"kobai.body_error": ("overloaded", "Too many long computations are waiting; try again.")},
    ),
    "unauthorized": of_proxy("unauthorized", "Send Authorization: Bearer and a key that is known here."),
    "tooManyRequests": of_proxy(
        "too-many-requests",
        "This client sends more requests than it may; send fewer at once, and wait between them.",
    ),
    "unreachable": of_proxy(
        "unreachable", "No replica of the service answered; the proxy has tried several times."
    ),
    "timedOut": of_proxy(
        "timed-out", "A replica had the request for longer than any deadline, and did not answer."
    ),
    "internalError": Failure("/softmax", {"x": [1.0]}),
}
"""By the name of the example; `internalError` needs a bug, which its test plants."""
