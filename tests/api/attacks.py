"""Attacks that other services fell to, and the answer that each gets here, one line per attack.

E are escapes from the language (their texts stand in `tests.core.refused_functions`), R exhausted
resources, N numeric traps, J spoilt JSON. The numbers are those of the list of known accidents.
"""

import math

import numpy as np

SQUARE = "x[0]**2 + x[1]**2"
POINT = {"x": [3, 4]}


def gradient(function, variables=None, **more):
    return "/gradient", {"function": function, "variables": variables or POINT} | more


def descent(**more):
    return "/descent", {"function": SQUARE, "variables": POINT} | more


def loss(name, predictions, targets, **more):
    return "/loss", {"loss": name, "predictions": predictions, "targets": targets} | more


def softmax(x, **more):
    return "/softmax", {"x": x} | more


def raw(body):
    return "/softmax", body


def chain(statement, count, first):
    """Write statements x1, x2, ... each made of the one before."""
    lines = "\n".join(f"x{k + 1} = " + statement.format(f"x{k}") for k in range(count))
    return f"x0 = {first}\n{lines}\nsum(x{count})"


def ones(*shape):
    return np.ones(shape).tolist()


FUNCTION, REQUEST, JSON = "invalid-function", "invalid-request", "malformed-json"
BUDGET, INFINITE = "over-budget", "non-finite-result"

REFUSED = [
    # names and shapes that the language cannot hold
    ("E-7", gradient("x[0]", {"__class__": 1, "x": [1]}), FUNCTION, "/variables/__class__"),
    ("E-7", gradient("x[0]", {"x\n": 1, "x": [1]}), FUNCTION, "/variables/x\n"),
    ("E-7", gradient("x[0]", {"": 1, "x": [1]}), FUNCTION, "/variables/"),
    ("E-7", gradient("x[0]", {"softmax": 1, "x": [1]}), FUNCTION, "/variables/softmax"),
    ("E-7", gradient("x[0]", {"True": 1, "x": [1]}), FUNCTION, "/variables/True"),
    ("E-7", gradient("x[0]", {"\U0001d431": 1, "x": [1]}), FUNCTION, "/variables/\U0001d431"),
    ("E-7", gradient("x[0]", {"n" * 10_000: 1, "x": [1]}), FUNCTION, "/variables/" + "n" * 97 + "..."),
    ("E-7", gradient("x[0]", {"9" * 5_000: 1, "x": [1]}), FUNCTION, "/variables/" + "9" * 97 + "..."),
    ("E-7", gradient("x[0]", {"x": [1], "y": 2}), FUNCTION, "/variables/y"),
    ("E-7", gradient("x[0] + c", {"x": [1]}), FUNCTION, "/function"),
    ("E-7", gradient("x[0]", {"x": [1]}, constants={"x": 1}), FUNCTION, "/variables/x"),
    ("E-9", gradient("x[" + "9" * 3_000 + "]"), FUNCTION, "/function"),
    ("E-10", gradient("sum(x, axis=" + "9" * 300 + ")"), FUNCTION, "/function"),
    ("E-10", gradient("sum(reshape(x, (" + "1," * 900 + "2)))"), FUNCTION, "/function"),
    ("E-13", gradient("\x00" * 4_096), FUNCTION, "/function"),
    # exhausted resources
    ("R-1", gradient("(" * 5_000), FUNCTION, "/function"),
    ("R-1", gradient("-" * 50_000 + "x"), FUNCTION, "/function"),
    ("R-1", gradient("exp(" * 1_000 + "x[0]" + ")" * 1_000), FUNCTION, "/function"),
    ("R-1", gradient("**".join(["x[0]"] * 500)), FUNCTION, "/function"),
    ("R-2", gradient("x" * 1_000_000), FUNCTION, "/function"),
    ("R-2", gradient("+".join(["x[0]"] * 100_000)), FUNCTION, "/function"),
    ("R-2", gradient("sum(" + "x," * 10_000 + "x)"), FUNCTION, "/function"),
    ("R-2", gradient("x[0]", constants={f"c{k}": 1 for k in range(1_000)}), REQUEST, "/constants"),
    ("R-2", gradient("x[0]", {f"x{k}": 1 for k in range(65)}), REQUEST, "/variables"),
    ("R-3", gradient("9" * 4_000), FUNCTION, "/function"),
    ("R-3", gradient("1e999999999 * x[0]"), FUNCTION, "/function"),
    ("R-3", gradient("9**9**9 * x[0]"), INFINITE, "/function"),
    ("R-3", gradient("9.0**9**9 * x[0]"), INFINITE, "/function"),
    ("R-3", gradient("x[0] + 1/0"), INFINITE, "/function"),
    ("R-4", gradient("sum(x * reshape(x, (-1, 1)))", {"x": ones(100_000)}), BUDGET, "/function"),
    ("R-4", gradient("sum(x @ transpose(x))", {"x": ones(100_000, 1)}), BUDGET, "/function"),
    (
        "R-4",
        gradient("y = x * reshape(x, (-1, 1)); sum(y * reshape(y, (1000, 1000, 1, 1)))", {"x": ones(1_000)}),
        BUDGET,
        "/function",
    ),
    ("R-5", gradient(chain("{0} @ X", 100, "X"), {"X": ones(600, 600)}), BUDGET, "/function"),
    ("R-5", gradient(chain("tan({0})", 250, "x"), {"x": ones(500_000)}), BUDGET, "/function"),
    ("R-6", gradient("sum(x*linspace(0, 1, 1000000000))", {"x": 1}), BUDGET, "/function"),
    ("R-6", gradient("sum(x*arange(1000000000))", {"x": 1}), BUDGET, "/function"),
    ("R-6", gradient("for k in range(1000000000): a = k*x\nsum(x)", {"x": 1}), FUNCTION, "/function"),
    (
        "R-6",
        gradient("f(a) = a + a; " + "f(a) = f(a)*f(a); " * 99 + "f(x)", {"x": 1}),
        FUNCTION,
        "/function",
    ),
    ("R-6", ("/value", {"function": "ones((1000, 1000, 1000))"}), BUDGET, "/function"),
    ("R-6", ("/value", {"function": "zeros((100000, 100000)).T[::-1]"}), BUDGET, "/function"),
    (
        "R-6",
        ("/value", {"function": "broadcast_to(x, (1000, 1000, 1000))", "points": {"x": [1]}}),
        BUDGET,
        "/function",
    ),
    (
        "R-6",
        ("/value", {"function": "a = x*ones(1000000000); x", "variables": {"x": 1}, "outputs": ["a"]}),
        BUDGET,
        "/function",
    ),
    ("R-7", gradient("sum(tan(x))", {"x": ones(100_000)}, method="central"), BUDGET, "/function"),
    ("R-10", gradient("sum(inv(X))", {"X": ones(2, 2)}), INFINITE, "/function"),
    ("R-11", gradient(chain("sin({0})", 100, "x"), {"x": ones(500_000)}), BUDGET, "/function"),
    # numeric traps
    ("N-1", gradient("x", {"x": True}), REQUEST, "/variables/x"),
    ("N-1", gradient("sum(x)", {"x": [1, False]}), REQUEST, "/variables/x/1"),
    ("N-1", ("/softmax", b'{"x": [' + b"9" * 400 + b"]}"), JSON, None),
    ("N-2", softmax([]), REQUEST, "/x"),
    ("N-2", softmax([[], []]), REQUEST, "/x/0"),
    ("N-2", gradient("mean(x[5:])"), FUNCTION, "/function"),
    ("N-2", gradient("sum(softmax(x[5:]))"), FUNCTION, "/function"),
    ("N-3", gradient("log(x[0] - 3)"), INFINITE, "/function"),
    ("N-3", gradient("exp(1000*x[0]) - exp(1000*x[0])"), INFINITE, "/function"),
    ("N-3", gradient("sqrt(x[0] - 3)"), INFINITE, "/function"),
    ("N-4", gradient("(x[0] - 3)**0.5"), INFINITE, "/function"),
    ("N-5", softmax([1, 2], temperature=0), REQUEST, "/temperature"),
    ("N-5", softmax([1, 2], temperature=-1), REQUEST, "/temperature"),
    ("N-5", softmax([1, 2], axis=1), REQUEST, "/axis"),
    ("N-5", softmax([1, 2], axis=1e300), REQUEST, "/axis"),
    ("N-5", softmax([1, 2], mask=[False, False]), REQUEST, "/mask"),
    ("N-5", softmax([1.7e308, -1.7e308], log=True), INFINITE, "/x/1"),
    ("N-7", loss("cross_entropy", [0, 1], [1, 0], epsilon=0), INFINITE, "/predictions/0"),
    ("N-7", loss("cross_entropy", [-0.1, 1], [0, 1]), REQUEST, "/predictions/0"),
    ("N-7", loss("binary_cross_entropy", [1.1], [1]), REQUEST, "/predictions/0"),
    ("N-7", loss("cross_entropy", [[0.2, 0.3, 0.5]], [3]), REQUEST, "/targets/0"),
    ("N-7", loss("cross_entropy", [[0.2, 0.3, 0.5]], [1.5]), REQUEST, "/targets/0"),
    ("N-7", loss("cross_entropy", [[0.2, 0.3, 0.5]], [-1]), REQUEST, "/targets/0"),
    ("N-7", loss("cross_entropy", [[0.2, 0.3, 0.5]], [-100]), REQUEST, "/targets/0"),
    ("N-7", loss("binary_cross_entropy", [0.2, 0.3], [[0], [1]]), REQUEST, "/targets"),
    ("N-7", loss("squared_error", [[1], [2]], [1, 2]), REQUEST, "/targets"),
    ("N-8", gradient(SQUARE, method="central", h=0), REQUEST, "/h"),
    ("N-8", gradient(SQUARE, method="central", h=-1e-4), REQUEST, "/h"),
    ("N-8", gradient(SQUARE, method="central", h=1e-300), REQUEST, "/h"),
    ("N-8", gradient("x**2", {"x": 1e13}, method="central"), REQUEST, "/h"),
    ("N-8", gradient("log(x)", {"x": 5e-5}, method="central"), INFINITE, "/function"),
    ("N-8", gradient("max(x)", method="complex_step"), FUNCTION, "/function"),
    ("N-9", descent(momentum=1, optimizer="momentum"), REQUEST, "/momentum"),
    ("N-9", descent(beta1=1, optimizer="adam"), REQUEST, "/beta1"),
    ("N-9", descent(learning_rate=0), REQUEST, "/learning_rate"),
    ("N-9", descent(tolerance=0), REQUEST, "/tolerance"),
    ("N-9", descent(steps=1e9), REQUEST, "/steps"),
    ("N-9", descent(schedule="cosine", schedule_every=1e30), REQUEST, "/schedule_every"),
    ("N-9", descent(function="log(x[0] - 9) + x[1]"), INFINITE, "/function"),
    ("N-10", gradient("x**2"), FUNCTION, "/function"),
    # spoilt JSON
    ("J-1", raw(b'{"x": [NaN]}'), JSON, None),
    ("J-1", raw(b'{"x": [Infinity, -Infinity]}'), JSON, None),
    ("J-1", softmax(["nan"]), REQUEST, "/x/0"),
    ("J-1", softmax(["1e3", "1_000", " 1 "]), REQUEST, "/x/0"),
    ("J-1", softmax([1, True]), REQUEST, "/x/1"),
    ("J-1", softmax([1, None]), REQUEST, "/x/1"),
    ("J-2", raw(b'{"x": [1e999]}'), JSON, None),
    ("J-2", raw(b'{"x": [-1E400]}'), JSON, None),
    ("J-2", raw(b'{"x": [' + b"1" * 4_301 + b"]}"), JSON, None),
    ("J-2", raw(b'{"x": [1], "unknown": 1e999}'), JSON, None),
    ("J-3", raw(b'{"x": ' + b"[" * 100_000), JSON, None),
    ("J-3", raw(b'{"x": ' * 100_000), JSON, None),
    ("J-3", raw(b'{"x": ' + b"[" * 65 + b"1" + b"]" * 65 + b"}"), JSON, None),
    ("J-3", raw(b'{"x": ' + b"[" * 9 + b"1" + b"]" * 9 + b"}"), REQUEST, "/x"),
    ("J-4", softmax([[1, 2], [3]]), REQUEST, "/x/1"),
    ("J-4", softmax([1, [2]]), REQUEST, "/x/1"),
    ("J-4", softmax([[1], 2]), REQUEST, "/x/1"),
    ("J-4", softmax([{"a": 1}]), REQUEST, "/x/0"),
    ("J-4", softmax([[[1]], [[2, 3]]]), REQUEST, "/x/1/0"),
    ("J-4", softmax("abc"), REQUEST, "/x"),
    ("J-5", raw(b'{"x": [1], "x": [2]}'), JSON, None),
    ("J-5", raw(b'{"x": [1], "\\u0078": [2]}'), JSON, None),
    ("J-5", softmax([1], __proto__={}), REQUEST, "/__proto__"),
    ("J-5", softmax([1], constructor=1), REQUEST, "/constructor"),
    ("J-5", softmax([1], Axis=0), REQUEST, "/Axis"),
    ("J-5", softmax([1], **{"9" * 5_000: 0}), REQUEST, "/" + "9" * 97 + "..."),
    ("J-5", softmax([1], **{f"temperatur{k}": 1 for k in range(20_000)}), REQUEST, "/temperatur0"),
    ("J-6", raw(b'\xef\xbb\xbf{"x": [1]}'), JSON, None),
    ("J-6", raw(b'{"x": [1],}'), JSON, None),
    ("J-6", raw(b'{"x": [1,]}'), JSON, None),
    ("J-6", raw(b'{"x": [1]} {"x": [2]}'), JSON, None),
    ("J-6", raw(b'{"x": [1]} // comment'), JSON, None),
    ("J-6", raw(b'{"x": [1], "\\ud800": 1}'), JSON, None),
    ("J-6", raw(b'{"x": [1], "y": "\xff"}'), JSON, None),
    ("J-6", raw('{"x": [1]}'.encode("utf-16")), JSON, None),
    ("J-6", raw(b""), JSON, None),
    ("J-6", raw(b" \n\t "), JSON, None),
    ("J-6", raw(b'{"x": [1'), JSON, None),
    ("J-6", raw(b"{'x': [1]}"), JSON, None),
    ("J-6", raw(b"[1]"), REQUEST, ""),
    ("J-6", raw(b"1"), REQUEST, ""),
    ("J-6", raw(b'"x"'), REQUEST, ""),
    ("J-6", raw(b"null"), REQUEST, ""),
]
"""Number, (path, body), the problem's code, and the pointer of its first error, if it has one."""

ANSWERED = [
    ("E-11", gradient("-x[0]**2 + 2**-1 + 2**3**2"), {"value": 503.5}),
    ("R-3", gradient("1e-999999999 + 0.1" + "0" * 1_000 + " + x[0]"), {"value": 3.1}),
    ("R-5", gradient(chain("{0} + {0}", 60, "x[0]")), {"value": 3 * 2.0**60}),
    ("N-1", gradient(SQUARE), {"value": 25, "gradient": {"x": [6, 8]}}),
    ("N-1", gradient("x", {"x": 2**53 + 1}), {"value": 2.0**53}),
    ("N-1", gradient("x**30", {"x": 10}), {"value": 1e30}),
    ("N-2", gradient("sum(x[5:]) + x[0]"), {"value": 3}),
    ("N-2", softmax([[7]]), {"y": [[1]]}),
    ("N-4", gradient("abs(x)", {"x": 0}), {"gradient": {"x": 0}}),
    ("N-4", gradient("norm(x)", {"x": [0, 0]}), {"gradient": {"x": [0, 0]}}),
    ("N-4", gradient("max(x)", {"x": [1, 1, 0, 1]}), {"gradient": {"x": [1 / 3, 1 / 3, 0, 1 / 3]}}),
    ("N-4", gradient("x**x", {"x": 0}), {"value": 1, "gradient": {"x": 0}}),
    ("N-4", gradient("where(x > 0, log(x), x)", {"x": 0}), {"value": 0, "gradient": {"x": 1}}),
    ("N-5", softmax([1e308, 1e308, -1e308]), {"y": [0.5, 0.5, 0]}),
    ("N-5", softmax([1, 2], temperature=1e-308), {"y": [0, 1]}),
    ("N-5", softmax([1, 2], temperature=1.7e308), {"y": [0.5, 0.5]}),
    ("N-6", ("/sigmoid", {"x": [-750, 0, 750]}), {"y": [0, 0.5, 1]}),
    ("N-6", ("/sigmoid", {"x": [-1e6, 1e6], "log": True}), {"y": [-1e6, 0]}),
    ("N-7", loss("cross_entropy", [0, 1], [0, 1], epsilon=0), {"loss": 0}),
    ("N-7", loss("cross_entropy", [0, 1], [1]), {"loss": -math.log(1 + 1e-7)}),
    ("N-9", descent(learning_rate=10), {"status": "diverged", "steps": 5}),
    ("N-9", descent(learning_rate=1), {"status": "max_steps", "value": 25}),
    ("N-9", descent(function="x[0]**2 - x[1]**2", variables={"x": [0, 0]}), {"status": "stalled"}),
    ("N-9", descent(function="0*sum(x)"), {"status": "stalled", "steps": 0}),
    ("N-9", descent(bounds={"x": {"lower": 5}}, steps=1), {"variables": {"x": [5, 5]}}),
    ("N-9", descent(schedule="cosine", schedule_every=2**62, steps=1), {"variables": {"x": [2.94, 3.92]}}),
    ("N-10", gradient("x[0] + 0*y", {"x": [1], "y": 2}), {"gradient": {"x": [1], "y": 0}}),
    ("J-2", raw(b'{"x": [-0.0, 0, 1e-999]}'), {"y": [1 / 3, 1 / 3, 1 / 3]}),
]
"""Number, (path, body), and what the answer has."""
