"""Generated source: a grammar of its own from the first character to the last, shared, and cheap to make."""

import gc
import re
import sys
import threading
import weakref

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.core import descent, gradient, gradient_field, sweep
from service.core.calculus import generated
from service.core.calculus.compiler import compile_anew, function_cache
from service.core.calculus.costs import POINT_NODES
from service.core.calculus.differences import METHODS
from service.core.calculus.generated import code_cache
from service.core.calculus.namespaces import ARRAY_NAMES, FLOAT_NAMES
from service.core.descent import OPTIMIZERS, SCHEDULES
from service.core.descent.formation import Formation
from service.core.descent.loop import LOOP_ARRAY_NAMES, LOOP_FLOAT_NAMES
from service.core.descent.options import OPTIONS
from service.core.descent.vectors import tuples_of
from service.core.limits import DEFAULT_LIMITS
from tests.core.operation_cases import CASES

SLOT = r"(?:v\d+|whole)"
OF_SLOT = rf"(?:g|h_g|old|decayed|best|low|high|project|residual|[a-z])_{SLOT}"
NAME = rf"(?:[nkogb]\d+|part\d+|{SLOT}|c\d+(?:_\d+)?|h|{OF_SLOT})"
NUMBER = r"(?:\d+\.\d+(?:e-?\d+)?|\d+e-\d+|\d+)"
SIGN = r"\*\*|[-+*/%<>=!]=?|[()\[\],&|~]"
LINES = (
    *(line for row in OPTIMIZERS.values() for line in (*row.each_step, *row.each_slot, *row.numbers)),
    *(line for row in SCHEDULES.values() for line in (*row.lines, *row.numbers)),
)
"""What the tables write into a loop; `{x}` stands for a name that is made."""
FIXED = {
    *ARRAY_NAMES, *FLOAT_NAMES, *LOOP_ARRAY_NAMES, *LOOP_FLOAT_NAMES,
    "def", "bind", "others", "program", "advance", "judge", "return", "try", "except", "while", "for", "in",
    "range", "if", "elif", "else", "and", "or", "not", "break", "continue", "True", "False", "None",
    "Interrupted", "ArithmeticError", "ValueError", "float", "item", "out", "transpose", "reshape",
    "check", "probe", "memory", "differences", "tile", "own", "append",
    "norm_of", "factor", "k", "t", "value", "previous", "best", "best_step",
    "rises", "bound", "last", "reason", "is_fresh", "judged", "rate", "scale", "scaled", "root",
    *OPTIONS, "noise", "largest", "norm", "abs", "max",
    "evaluations", "pairs", "smallest", "level", "radius", "saddle", "min", "rows", "rows_of", "whole",
    "slots", "derivatives", "tobytes", "copy",
    "held", "keep", "spread", "parted", "joined", "column", "clipped",
    *re.findall(r"(?<![\w{])[a-z_]\w*", " ".join(LINES)),
}  # fmt: skip
OF_VECTORS = re.compile(
    r"[abdgrstxy]\d*|dot|along|difference|changes|two_loops|pairs|shares|append|pop|reversed"
)
"""The words of the operations on tuples, which know of a function only how many elements it has."""
TOKEN = re.compile(rf"({NAME}(?!\w))|([A-Za-z_]\w*)|{NUMBER}|{SIGN}|\.(?=[a-z])|:$|:(?=\d|\])| ", re.ASCII)


def assert_generated(text: str) -> None:
    """Read a text to its end, token by token; every word is ours."""
    is_of_vectors = text.startswith("def bind(**others):\n    def dot(a, b):\n")
    for line in text.split("\n"):
        position = 0
        while position < len(line):
            token = TOKEN.match(line, position)
            assert token, f"{line!r} at {position}"
            word = token[2]
            is_known = word is None or word in FIXED or (is_of_vectors and OF_VECTORS.fullmatch(word))
            assert is_known, f"{word!r} in {line!r}"
            position = token.end()


def texts_of(work) -> list[str]:
    """Return every text that is compiled meanwhile."""
    function_cache().clear()
    code_cache().clear()
    tuples_of.cache_clear()
    found: list[str] = []
    original = generated.compile_text
    generated.compile_text = lambda text: found.append(text) or original(text)
    try:
        work()
    finally:
        generated.compile_text = original
    return found


def program_of(cases, suffix: str) -> tuple[str, dict[str, np.ndarray]]:
    """Join several expressions to one function, whose names all hold a capital Q."""
    point, statements = {}, []
    for position, case in enumerate(cases):
        names = {name: f"Q{name}{suffix}{position}" for name in case.shapes}
        pattern = re.compile(r"(?<!\.)\b([A-Za-z]+)\b(?!\(|=)")
        text = pattern.sub(lambda found, names=names: names.get(found[0], found[0]), case.expression)
        point |= {names[name]: value for name, value in case.point().items()}
        statements.append(f"Qs{suffix}{position} = {text}")
    total = " + ".join(f"sum(reshape(Qs{suffix}{position}, -1))" for position in range(len(cases)))
    return ";".join([*statements, f"123456789.25 * ({total})"]), point


def has_a_program(self, runs, steps):
    """Whether there is a program of many runs at all."""
    return bool(self.compiled.gradient) or self.compiled.emitted.lowered is not None


@pytest.fixture(scope="module")
def runs_go_together():
    """Let the runs of every sweep be one program."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Formation, "is_worthwhile", has_a_program)
        yield


def test_a_long_program_is_of_the_same_grammar():
    function = "s = 0.5*x\nfor k in range(1, 600): s = s + sin(k*x)\nsum(s)"
    found = texts_of(lambda: gradient(function, {"x": np.ones(600)}))

    assert any("held" in text for text in found)
    for text in found:
        assert_generated(text)


@pytest.mark.usefixtures("runs_go_together")
@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.sampled_from(CASES), min_size=1, max_size=3),
    st.text("abcxyz_Q", min_size=1, max_size=8),
    st.sampled_from(sorted(OPTIMIZERS)),
    st.sampled_from(sorted(SCHEDULES)),
    st.sampled_from([{}, {"tolerance": 1e-9}, {"clip_norm": 1.5, "weight_decay": 0.5}]),
    st.sampled_from(["exact", "central", "forward"]),
    st.sampled_from(["", "bounds", "project"]),
)
def test_all_that_is_compiled_has_a_grammar_of_its_own(
    cases, suffix, optimizer, schedule, more, method, within
):
    function, point = program_of(cases, suffix)
    options = {"optimizer": optimizer, "schedule": schedule, "method": method, "steps": 2, **more}
    options |= {"schedule_rate": 0.5, "schedule_every": 3, "schedule_at": [1], "learning_rate": 1e-9}
    if within == "bounds":
        options["bounds"] = {name: {"lower": -9.0, "upper": 9.0} for name in point}
    if within == "project" and OPTIMIZERS[optimizer].stepper == "rule":
        ball = {"onto": "l2_ball", "radius": 1e3}
        options["project"] = {name: ball for name, array in point.items() if array.ndim}

    def work():
        descent(function, point, **options)
        starts = {name: np.stack([array] * 3) for name, array in point.items()}
        sweep(function, point, starts=starts, **options)
        gradient(function, point, method=method)
        gradient_field(function, starts)

    texts = texts_of(work)

    assert len(texts) >= 2
    for text in texts:
        assert_generated(text)
        assert "Q" not in text
        assert "123456789" not in text


def test_a_loop_over_tiles_has_it_too(monkeypatch):
    monkeypatch.setattr("service.core.calculus.tiles.LARGE", 4)
    x = np.linspace(-1.0, 1.0, 2_000)

    texts = texts_of(lambda: descent("Qa = sin(x)*exp(x); sum(Qa + Qa**2)", {"x": x}, steps=2))

    assert any("for tile, own in" in text for text in texts)
    for text in texts:
        assert_generated(text)


@pytest.mark.parametrize("method", ["exact", "central"])
def test_a_loop_over_rows_has_it_too(method):
    data = {"X": np.ones((7, 2)), "t": np.zeros(7)}
    request = {"function": "mean((X @ w - t)**2) + sum(w[words])", "variables": {"w": np.ones(2)}}
    more = {"batch": {"size": 3, "of": ["X", "t"]}, "bounds": {"w": {"upper": 9.0}}, "method": method}

    texts = texts_of(lambda: descent(**request, constants=data | {"words": np.ones(4)}, steps=9, **more))

    assert any("rows_of" in text for text in texts)
    for text in texts:
        assert_generated(text)


@pytest.mark.parametrize(
    "line",
    [
        "import os",
        "n1 = __import__(o1)",
        "n1 = v0.real",
        "n1 = 'x'",
        "n1 = x",
        "n1 = v0; n2 = v0",
        "eval(v0)",
        "n1 = {v0}",
    ],
)
def test_the_grammar_takes_nothing_else(line):
    with pytest.raises(AssertionError):
        assert_generated(f"def bind():\n    {line}")


def test_functions_that_differ_in_names_spaces_and_numbers_share_their_code():
    gradient("2*x**2 + sin(x)", {"x": 1.0})
    before = code_cache().misses

    assert gradient("3 * other ** 2  +  sin(other)", {"other": 1.0})["gradient"]["other"] == 6.0 + np.cos(1.0)

    assert code_cache().misses == before


def test_a_function_that_is_known_is_bound_to_the_data_of_each_request():
    for scale in (1.0, 2.0, 0.0, 3.0):
        answer = gradient("sum(exp(c) * x)", {"x": [1.0, 2.0]}, {"c": [scale, -scale]})

        assert answer["gradient"]["x"] == pytest.approx([np.exp(scale), np.exp(-scale)], rel=1e-15)


def test_caches_stay_bounded_and_right_while_threads_fill_and_clear_them():
    wrong = []

    def work(offset):
        for n in range(60):
            text = " + ".join(["x"] * ((n * 7 + offset) % 50 + 1))
            if gradient(f"({text})**2", {"x": 1.0})["value"] != (text.count("x")) ** 2:
                wrong.append(text)
            if n % 20 == offset:
                function_cache().clear()
                code_cache().clear()

    threads = [threading.Thread(target=work, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert wrong == []
    assert len(code_cache()) <= generated.CACHED_CODES
    assert code_cache().held_bytes <= generated.CACHED_BYTES


GROWING = {
    "a long sum": lambda n: " + ".join(f"x[{i % 8}]*x[{(i * 3) % 8}]" for i in range(n)),
    "statements on statements": lambda n: (
        "y0 = x[0]\n" + "\n".join(f"y{i} = y{i - 1}*y{i - 1}" for i in range(1, n))
    ),
    "a chain of functions": lambda n: (
        "y0 = x[0]\n" + "\n".join(f"y{i} = sin(y{i - 1})*x[1]" for i in range(1, n))
    ),
    "indices of a large array": lambda n: " + ".join(f"x[{i}]" for i in range(n)),
    "slices of a large array": lambda n: " + ".join(f"sum(x[{i}:])" for i in range(n)),
    "many products": lambda n: "*".join(f"(x[{i % 8}] + {i})" for i in range(n)),
}
"""Functions of a length that can be chosen; the longest are as long as the limits allow."""


def work_of(function: str, size: int, method: str) -> int:
    """Count the calls that understanding, differentiating and compiling a function takes."""
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        compiled = compile_anew(
            function, {"x": (size,)}, {}, METHODS[method], False, DEFAULT_LIMITS, POINT_NODES
        )
        emitted = compiled.emitted
        _ = emitted.on_arrays.maker
        _ = emitted.over_points if emitted.lowered else emitted.value_on_arrays
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("method", ["exact", "central"])
@pytest.mark.parametrize("size", [200, 100_000])
@pytest.mark.parametrize("name", GROWING)
def test_compiling_takes_work_in_proportion_to_the_length_of_a_function(name, size, method):
    small, large = (work_of(GROWING[name](n), size, method) for n in (60, 120))

    assert large <= 2.6 * small


def test_a_function_that_is_dropped_is_freed_without_the_collector():
    source = generated.Source(("v0",), (), (), ("n0 = square(v0)",), ("n0",), {"square": lambda x: x * x})
    maker = generated.make_function(source, "n0")
    assert maker()(3.0) == 9.0
    left = weakref.ref(maker)

    gc.disable()
    try:
        del maker
        assert left() is None
    finally:
        gc.enable()


def test_no_name_that_a_rule_gives_hides_a_function_of_the_language():
    given = {line.partition(" = ")[0].strip() for line in LINES if " = " in line}

    assert given.isdisjoint({*ARRAY_NAMES, *FLOAT_NAMES, *LOOP_ARRAY_NAMES, *LOOP_FLOAT_NAMES})
