"""The function language: what it accepts and computes, and where it points when it refuses."""

import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.calculus.gradient import gradient
from service.core.exceptions import InvalidFunction, NonFiniteResult, OverBudget, pointer_to
from service.core.language.operations import describe_operations
from service.core.language.parser import parse_function
from service.core.language.program import check_function, check_names
from service.core.limits import DEFAULT_LIMITS, Limits
from tests.core.refused_functions import REFUSED, TOO_LONG

SHAPES = {"x": (3,), "y": (3,), "X": (2, 3)}


def check(text: str, shapes=SHAPES):
    return check_function(parse_function(text, DEFAULT_LIMITS), {}, shapes, DEFAULT_LIMITS)


def value(text: str, **variables) -> float:
    """Evaluate a text that need not mention every variable."""
    variables = variables or {"x": [1.0, 2.0, 3.0]}
    mention = " + ".join(f"0*sum(reshape({name}, -1))" for name in variables)
    *statements, last = re.split(r"[;\n]", text)
    return gradient(";".join([*statements, f"value0 = {last}; value0 + {mention}"]), variables)["value"]


@pytest.mark.parametrize(
    ("attack", "text", "code", "line", "column"),
    REFUSED,
    ids=[f"{row[0]} {row[1][:30]!a}" for row in REFUSED],
)
def test_a_text_outside_the_language_is_refused_with_its_place(attack, text, code, line, column):
    with pytest.raises(InvalidFunction) as caught:
        check(text)

    fault = caught.value.faults[0]
    assert (fault.code, fault.line, fault.column) == (code, line, column)
    assert fault.detail.isprintable()
    assert len(fault.detail) < 400


def test_a_text_over_the_limit_of_characters_is_refused():
    with pytest.raises(InvalidFunction) as caught:
        parse_function(TOO_LONG, DEFAULT_LIMITS)

    assert caught.value.faults[0].code == "too-long"
    assert "4097" in caught.value.faults[0].detail
    assert "4096" in caught.value.faults[0].detail


def test_a_text_at_every_limit_is_accepted():
    parse_function("x + " + " " * 4091 + "x", DEFAULT_LIMITS)
    parse_function("(" * 64 + "x" + ")" * 64, DEFAULT_LIMITS)
    parse_function("-" * 1999 + "x", DEFAULT_LIMITS)
    check("n" * 64 + " = 1; x")


PYTHON = """
-2**2 | 2**3**2 | 2**-1 | -2**-2 | 2*-3 | 2--3 | 2-+3 | +-+2 | 1-2-3 | 12/2/3 | 2*3+4*5 | 2+3*4**2 | (2+3)*4
-(2+3)*4 | 2**2*3 | -2*-3**2 | 1/2*3 | 7-4/2 | 2**(1+1) | .5+5.+1.5e1+1E-2+3e+1 | 00+0 | 1e3 | 2*3**-1 | --2
-+-2 | ((2)) | 5.e0 | 0.1+0.2 | 2**0.5 | 1-1e-16 | 01.5 | 00.5 | 1e-999 | 2**-1**2 | (-2)**3 | -2**-1**-2
"""


@pytest.mark.parametrize("text", re.split(r" \| |\n", PYTHON.strip()))
def test_precedence_and_associativity_are_those_of_python(text):
    expected = float(eval(text))  # noqa: S307 - our own list, the reference being Python itself

    assert value(text) == expected


SAME_AS_NUMPY = [
    ("sum(X @ w)", lambda X, w: np.sum(X @ w)),
    ("X[1, -1]", lambda X, w: X[1, -1]),
    ("sum(X[:, 1] * X[:, 0])", lambda X, w: np.sum(X[:, 1] * X[:, 0])),
    ("sum(X[1:, ::2])", lambda X, w: np.sum(X[1:, ::2])),
    ("sum(X[-1:5, ::-1] * w)", lambda X, w: np.sum(X[-1:5, ::-1] * w)),
    ("sum(X[5:]) + 1", lambda X, w: 1.0),
    ("prod(X[5:]) + 1", lambda X, w: 2.0),
    ("sum(max(X, axis=0) * min(X, 0))", lambda X, w: np.sum(X.max(0) * X.min(0))),
    ("mean(X)", lambda X, w: np.mean(X)),
    ("sum(mean(X, axis=1, keepdims=True) * X)", lambda X, w: np.sum(X.mean(1, keepdims=True) * X)),
    ("sum(X, axis=())[0, 0]", lambda X, w: X[0, 0]),
    ("norm(X)", lambda X, w: np.linalg.norm(X)),
    ("sum(norm(X, axis=1))", lambda X, w: np.sum(np.linalg.norm(X, axis=1))),
    ("dot(w, w)", lambda X, w: np.dot(w, w)),
    ("sum(dot(X, transpose(X)))", lambda X, w: np.sum(X @ X.T)),
    ("reshape(X, (3, 2))[2, 1]", lambda X, w: X.reshape(3, 2)[2, 1]),
    ("reshape(w[0], ()) + reshape(w[:1], (1, 1))", lambda X, w: 2 * w[0]),
    ("sum(where(X > w, X, -w))", lambda X, w: np.sum(np.where(w < X, X, -w))),
    ("sum(clip(X, -0.5, w))", lambda X, w: np.sum(np.clip(X, -0.5, w))),
    ("arctan(w[0]) + arcsin(w[1]/9)", lambda X, w: np.arctan(w[0]) + np.arcsin(w[1] / 9)),
    ("sum(reshape(2, (1, 1)) * X)", lambda X, w: np.sum(2 * X)),
    ("sum(reshape(pi, -1) * transpose(e) + w)", lambda X, w: 3 * math.pi * math.e + np.sum(w)),
    ("pi + e", lambda X, w: math.pi + math.e),
    ("e = 3; e + pi", lambda X, w: 3 + math.pi),
    ("a = X @ w; b = a * a; ; sum(b)\n", lambda X, w: np.sum((X @ w) ** 2)),
    ("unused = 1/0\nsum(w)", lambda X, w: np.sum(w)),
    ("\r\n sum(w)\t;\n", lambda X, w: np.sum(w)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SAME_AS_NUMPY, ids=[text for text, _ in SAME_AS_NUMPY])
def test_shapes_indices_and_reductions_are_those_of_numpy(text, expected):
    random = np.random.default_rng(7)
    X, w = random.normal(size=(2, 3)), random.normal(size=3)

    statements = [each for each in re.split(r"[;\n]", text) if each.strip()]
    got = value(";".join(statements), X=X, w=w)

    assert got == pytest.approx(float(expected(X, w)), rel=1e-14)


@pytest.mark.parametrize(
    ("variables", "constants", "pointer", "code"),
    [
        ({"not": ()}, {}, "/variables/not", "name-is-reserved"),
        ({"None": ()}, {}, "/variables/None", "name-is-reserved"),
        ({"__class__": ()}, {}, "/variables/__class__", "bad-name"),
        ({"x\n": ()}, {}, "/variables/x\n", "bad-name"),
        ({"": ()}, {}, "/variables/", "bad-name"),
        ({"x": (), "n" * 10_000: ()}, {}, pointer_to("variables", "n" * 10_000), "bad-name"),
        ({"x": ()}, {"x": ()}, "/variables/x", "name-twice"),
        ({"x": ()}, {"1a": ()}, "/constants/1a", "bad-name"),
        ({"True": ()}, {}, "/variables/True", "name-is-reserved"),
        ({"a/b": ()}, {}, "/variables/a~1b", "bad-name"),
        ({"\uff58": ()}, {}, "/variables/\uff58", "bad-name"),
    ],
)
def test_a_name_outside_the_language_is_refused_at_its_variable(variables, constants, pointer, code):
    with pytest.raises(InvalidFunction) as caught:
        check_names(variables, constants)

    assert (caught.value.faults[0].pointer, caught.value.faults[0].code) == (pointer, code)


def test_an_unused_variable_is_refused_at_the_variable_and_an_unused_constant_is_not():
    with pytest.raises(InvalidFunction) as caught:
        gradient("sum(x)", {"x": [1, 2], "unused": 3}, {"data": 4})

    assert [fault.pointer for fault in caught.value.faults] == ["/variables/unused"]


def test_a_shape_error_names_both_shapes_and_the_rule():
    with pytest.raises(
        InvalidFunction, match=r"column 12: @ got \(100, 64\) and \(10, 5\): inner sizes 64 and 10 differ"
    ):
        check("sum(abs(X) @ W)", {"X": (100, 64), "W": (10, 5)})


@pytest.mark.parametrize(
    ("text", "column"), [("x", 1), ("x * 2", 3), ("softmax(x)", 1), ("x[0:1000000000]", 2)]
)
def test_a_value_that_is_no_scalar_is_refused_with_the_way_out(text, column):
    with pytest.raises(InvalidFunction, match=r"has shape \(3,\).*sum\(\.\.\.\)") as caught:
        gradient(text, {"x": [1, 2, 3]})

    assert caught.value.faults[0].column == column


def test_a_misspelt_function_gets_a_suggestion():
    with pytest.raises(InvalidFunction, match="Did you mean softmax"):
        check("softmx(x)")


def test_shared_statements_cost_once():
    lines = "\n".join(f"y{k + 1} = y{k} + y{k}" for k in range(60))

    program = check(f"y0 = x[0]\n{lines}\ny60")
    answer = gradient(f"y0 = x\n{lines}\ny60", {"x": 1.0})

    assert sum(node.operation.name == "add" for node in program.graph.nodes) == 60
    assert answer["value"] == 2.0**60
    assert answer["gradient"]["x"] == 2.0**60


def test_a_long_chain_of_operators_needs_no_recursion():
    answer = gradient("-" * 1998 + "x", {"x": 3.0})

    assert answer["value"] == 3.0
    assert gradient("+".join(["x"] * 1000), {"x": 0.5})["gradient"]["x"] == 1000.0


BOMBS = [
    ("R-4", "sum(a * reshape(b, (100000, 1)))", {"a": (100_000,), "b": (100_000,)}),
    ("R-4", "sum(reshape(a, (-1, 1)) @ reshape(a, (1, -1)))", {"a": (1_000_000,)}),
    (
        "R-4",
        "sum(a * reshape(a, (-1, 1)) * reshape(a, (-1, 1, 1)) * reshape(a, (-1, 1, 1, 1)))",
        {"a": (1000,)},
    ),
    (
        "R-5",
        "X0 = X\n" + "\n".join(f"X{k + 1} = X{k} @ X0" for k in range(100)) + "\nsum(X100)",
        {"X": (1000, 1000)},
    ),
    (
        "R-5",
        "x0 = x\n" + "\n".join(f"x{k + 1} = tan(x{k} - mean(x{k}))" for k in range(100)) + "\nsum(x100)",
        {"x": (1_000_000,)},
    ),
    (
        "R-11",
        "x0 = x\n" + "\n".join(f"x{k + 1} = sin(x{k} - mean(x{k}))" for k in range(60)) + "\nsum(x60)",
        {"x": (1_000_000,)},
    ),
]


@pytest.mark.parametrize(
    ("attack", "text", "shapes"), BOMBS, ids=[f"{bomb[0]} {bomb[1][:40]!a}" for bomb in BOMBS]
)
def test_a_bomb_is_refused_by_its_quote_before_anything_is_allocated(attack, text, shapes):
    variables = {name: np.broadcast_to(1.0, shape) for name, shape in shapes.items()}

    with pytest.raises(OverBudget) as caught:
        gradient(text, variables)

    assert all(fault.line is not None for fault in caught.value.faults)
    assert all("setting KOBAI_" in fault.detail for fault in caught.value.faults)


@pytest.mark.parametrize(
    "text", ["9**9**9", "9.0**9**9", "1/(x-x)", "log(x-x)", "0.1" + "1" * 1000 + "**-99999 + x"]
)
def test_a_literal_bomb_becomes_infinite_at_once(text):
    with pytest.raises(NonFiniteResult) as caught:
        gradient(f"{text} + 0*x", {"x": 1.0})

    assert caught.value.faults[0].column is not None


def test_every_operation_is_described():
    rows = describe_operations()

    names = {row["name"] for row in rows}
    assert {"+", "@", "**", "<", "[]", "softmax", "cross_entropy", "pi"} <= names
    assert (
        next(row for row in rows if row["name"] == "sum")["signature"] == "sum(x, axis=None, keepdims=False)"
    )
    assert all(row["meaning"] for row in rows)


WORDS = "x y X 1 2. .5 + - * / ** @ ( ) [ ] , : ; \n = < <= sum( exp( where( softmax( axis= keepdims= True"
PIECES = [
    "for k in range(", "for k in range(2): ", "for j in range(k): ", "\n    ", "f(a) = ", "f(a, b) = a",
    "f(", "k", "x = x", "h = ", "h", " and ", " or ", "not ", "0 < x < 1", "==", "!=", ">", "%", "//", "len(",
    "None", "...", ".T", "#", "arange(", "ones(", "concatenate(", "x[k]", "X[", "; h", "\nh",
]  # fmt: skip
TOKENS = st.sampled_from(WORDS.split(" ") + PIECES)


@settings(max_examples=600, deadline=None)
@given(st.one_of(st.lists(TOKENS, max_size=25).map("".join), st.text(max_size=40)))
def test_any_text_is_either_checked_or_refused_with_a_place(text):
    try:
        program = check(text)
    except InvalidFunction as refusal:
        assert all(fault.line is not None and fault.column is not None for fault in refusal.faults)
    else:
        assert program.value.shape is not None


def test_limits_are_arguments():
    with pytest.raises(InvalidFunction):
        parse_function("x + x + x", Limits(function_tokens=4))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sum(X, axis=2)", "axis 2 does not exist; use -2 to 1"),
        ("sum(x, axis=-2)", "axis -2 does not exist; use -1 to 0"),
        ("sum(X, axis=(0, -2))", "axis -2 stands twice"),
        ("sum(1, axis=0)", "axis 0 does not exist; a scalar has no axis"),
    ],
)
def test_an_axis_that_does_not_fit_says_which_do(text, words):
    with pytest.raises(InvalidFunction, match=words):
        check(text)


@pytest.mark.parametrize("text", ["clip(x, low=0, high=1)", "sum(x=x)", "len(x=x)", "huber(x, t=1)"])
def test_a_call_that_names_an_array_says_that_arrays_have_no_names(text):
    with pytest.raises(InvalidFunction) as caught:
        check(text, {"x": (2,)})

    assert caught.value.faults[0].detail.endswith("Arrays are given in this order, without names.")


def test_an_index_with_two_ellipses_says_so():
    with pytest.raises(InvalidFunction, match=r"an index has one \.\.\. at most"):
        check("X[..., 0, ...]")
