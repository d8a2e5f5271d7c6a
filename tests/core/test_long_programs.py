"""Programs of thousands of operations: right in parts, and ended at the deadline whatever they are at."""

import sys

import numpy as np
import pytest

from service.core import descent, gradient, gradient_field, hessian, hvp, jacobian, quote, value
from service.core.calculus import generated, long_programs
from service.core.calculus.compiler import function_cache
from service.core.calculus.generated import code_cache, words_of
from service.core.calculus.long_programs import PART_LINES, in_parts
from service.core.calculus.maps import map_cache
from service.core.calculus.value import quote_value
from service.core.exceptions import DeadlineExceeded, NonFiniteResult
from service.core.limits import Deadline, Scheduler
from tests.core.counting import Counting
from tests.core.test_held_memory import held_by, planned_by

ROUNDS = 450
FUNCTION = f"s = 0.5*x\nfor k in range(1, {ROUNDS + 1}): s = s + sin(k*x)\nsum(s)"
MOST_CALLS = 60_000
"""Of functions between two looks: about 25 ms."""
MOST_LINES = 4_000
"""Of a text that is compiled in one go: a part's lines, and those that fetch and keep."""
FREQUENCIES = np.arange(1, ROUNDS + 1)[:, np.newaxis]
"""Axis 0 is that of the rounds."""


def slopes(x):
    return 0.5 + (FREQUENCIES * np.cos(FREQUENCIES * x)).sum(axis=0)


def curvatures(x):
    return -((FREQUENCIES**2) * np.sin(FREQUENCIES * x)).sum(axis=0)


@pytest.fixture
def texts(monkeypatch):
    """The lines of every text that is compiled."""
    found, original = [], generated.compile_text

    def compile_text(text):
        found.append(text.count("\n"))
        return original(text)

    monkeypatch.setattr(generated, "compile_text", compile_text)
    for cache in (function_cache(), code_cache(), map_cache()):
        cache.clear()
    yield found
    for cache in (function_cache(), code_cache(), map_cache()):
        cache.clear()


@pytest.mark.parametrize("size", [2, 40, 600])
def test_a_program_in_parts_computes_the_same(texts, size):
    x = np.random.default_rng(0).uniform(-3.0, 3.0, size)
    expected = pytest.approx(slopes(x), rel=1e-9, abs=1e-7)

    assert gradient(FUNCTION, {"x": x})["gradient"]["x"] == expected
    assert value(FUNCTION, {"x": x})["value"] == pytest.approx(
        0.5 * x.sum() + np.sin(FREQUENCIES * x).sum(), rel=1e-9
    )
    product = hvp(FUNCTION, {"x": x}, {"x": np.ones(size)})["product"]["x"]
    assert product == pytest.approx(curvatures(x), rel=1e-9, abs=1e-4)
    step = descent(FUNCTION, {"x": x}, learning_rate=1e-9, steps=1)["variables"]["x"]
    assert (x - step) * 1e9 == pytest.approx(slopes(x), rel=1e-3, abs=1e-3)
    assert texts
    assert max(texts) < MOST_LINES


def test_a_program_in_parts_computes_the_same_for_many_points_and_rows(texts):
    x = np.random.default_rng(0).uniform(-3.0, 3.0, (7, 3))

    field = gradient_field(FUNCTION, {"x": x})["gradient"]["x"]
    matrix = hessian(FUNCTION, {"x": x[0]})["hessian"]["x"]["x"]
    rows = jacobian(FUNCTION.replace("sum(s)", "s"), {"x": x[0]})["jacobian"]["x"]

    assert field == pytest.approx(np.array([slopes(point) for point in x]), rel=1e-9, abs=1e-7)
    assert matrix == pytest.approx(np.diag(curvatures(x[0])), rel=1e-9, abs=1e-4)
    assert rows == pytest.approx(np.diag(slopes(x[0])), rel=1e-9, abs=1e-7)
    assert max(texts) < MOST_LINES


def test_a_part_takes_out_what_nothing_after_it_needs(monkeypatch):
    """The example that the module's docstring shows."""
    for name in ("LONGEST", "PART_LINES"):
        monkeypatch.setattr(long_programs, name, 2)
    body = ["n1 = sin(v0)", "n2 = multiply(n1, n1)", "n3 = exp(n2)", "n2 = None"]

    lines, parts = in_parts(body, {"v0"}, {"n3"}, words_of)

    written = lines
    for name, (arguments, statements) in parts.items():
        written += [f"def {name}({', '.join(arguments)}):", *(f"    {line}" for line in statements)]
    shown = [
        line.removeprefix("    ") for line in long_programs.__doc__.splitlines() if line.startswith("    ")
    ]
    assert written == shown


def test_a_block_of_lines_is_never_parted():
    tiles = ["for tile, own in o7:", *(f"    n{number} = {number}.0" for number in range(2 * PART_LINES))]
    body = [f"n{9_000 + number} = v0" for number in range(PART_LINES - 1)] + tiles + ["n1 = n3"] * 10

    _, parts = in_parts(body, {"v0"}, {"n1"}, words_of)

    heads = [next(line for line in lines if "held" not in line) for _, lines in parts.values()]
    assert len(heads) == 2
    assert not any(head.startswith(" ") for head in heads)


def at_look(last):
    """Return a deadline that has passed at a certain look, and what counts them."""
    counting = Counting()
    return Deadline(0.5, lambda: float(counting.looks >= last), counting), counting


OF_KINDS = {
    "gradient": lambda x, deadline: gradient(FUNCTION, {"x": x}, deadline=deadline),
    "value": lambda x, deadline: value(FUNCTION, {"x": x}, deadline=deadline),
    "hessian": lambda x, deadline: hessian(FUNCTION, {"x": x[:2]}, deadline=deadline),
    "product": lambda x, deadline: hvp(FUNCTION, {"x": x}, {"x": x}, deadline=deadline),
    "field": lambda x, deadline: gradient_field(FUNCTION, {"x": np.stack([x, x])}, deadline=deadline),
}


OF_LABELS = f"{FUNCTION} + sum(binary_cross_entropy(sigmoid(x), t))"
NOT_FINITE = f"{FUNCTION} + log(sum(x) - 1e9)"


def refused(function, *arguments, **options):
    with pytest.raises(NonFiniteResult):
        function(NOT_FINITE, *arguments, **options)


OF_KINDS |= {
    "gradient beside labels": lambda x, deadline: gradient(
        OF_LABELS, {"x": x}, {"t": np.ones(x.shape)}, deadline=deadline
    ),
    "gradient explained": lambda x, deadline: refused(gradient, {"x": x}, deadline=deadline),
    "value explained": lambda x, deadline: refused(value, {"x": x}, deadline=deadline),
    "product explained": lambda x, deadline: refused(hvp, {"x": x}, {"x": x}, deadline=deadline),
    "field explained": lambda x, deadline: refused(
        gradient_field, {"x": np.stack([x, x])}, deadline=deadline
    ),
    "descent explained": lambda x, deadline: refused(
        descent, {"x": x}, learning_rate=1e-9, steps=1, deadline=deadline
    ),
}


class Spacing(Scheduler):
    """Counts the calls of functions between two looks at the clock."""

    def __init__(self):
        self.most = self.calls = 0

    def give_way(self):
        self.most, self.calls = max(self.most, self.calls), 0

    def count(self, frame, event, argument):
        self.calls += event in ("call", "c_call")


@pytest.mark.untraced  # a tracer of its own counts
@pytest.mark.parametrize("size", [2, 600])
@pytest.mark.parametrize("kind", OF_KINDS)
def test_no_stage_of_compiling_computes_long_without_a_look_at_the_clock(texts, kind, size):
    x, spacing = np.ones(size), Spacing()
    deadline = Deadline(1.0, lambda: 0.0, spacing)
    sys.setprofile(spacing.count)
    try:
        OF_KINDS[kind](x, deadline)
    finally:
        sys.setprofile(None)

    assert spacing.most < MOST_CALLS


@pytest.mark.parametrize("size", [2, 600])
@pytest.mark.parametrize("kind", OF_KINDS)
def test_what_is_compiled_ends_at_the_deadline(texts, kind, size):
    x, counting = np.ones(size), Counting()
    OF_KINDS[kind](x, Deadline(1.0, lambda: 0.0, counting))
    in_all = counting.looks

    for last in (2, in_all // 5, in_all // 2, in_all - in_all // 5):
        for cache in (function_cache(), map_cache()):
            cache.clear()
        deadline, counting = at_look(last)
        with pytest.raises(DeadlineExceeded):
            OF_KINDS[kind](x, deadline)
        assert last <= counting.looks <= last + 1


@pytest.mark.untraced  # memory is measured
@pytest.mark.parametrize(("evaluate", "price"), [(gradient, quote), (value, quote_value)])
def test_a_program_in_parts_holds_no_more_than_its_quote(texts, evaluate, price):
    function = FUNCTION.replace(f"{ROUNDS + 1}", f"{3 * ROUNDS}")
    variables = {"x": np.random.default_rng(0).uniform(0.1, 0.9, 600)}

    assert held_by(evaluate, function, variables) <= planned_by(price, function, variables)
    assert max(texts) < MOST_LINES


@pytest.mark.untraced  # memory is measured
@pytest.mark.parametrize("kind", ["gradient", "hessian"])
def test_what_compiling_takes_is_announced(texts, kind):
    counting, x = Counting(), np.ones(2)

    def work():
        for cache in (function_cache(), code_cache(), map_cache()):
            cache.clear()
        OF_KINDS[kind](x, Deadline(1.0, lambda: 0.0, counting))

    assert held_by(work) <= counting.peak_bytes
