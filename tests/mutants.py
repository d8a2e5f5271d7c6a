"""Break the service by small changes and see whether a test notices: ``make mutants``.

Each mutant is one change to one line, drawn with a fixed seed, run in a copy of the project against
the tests of what was changed. A survivor is a line that no test holds: write the test, or see that
the change changes nothing (another constant of a cost estimate, say).

The known tools do not fit. mutmut changes functions alone, and half of the language are tables whose rules
are lambdas at module level; cosmic-ray removes no statement, which is how a promise most often breaks
(`check()` left out of a loop), and has one test command for everything and no sampling.

    make mutants ARGS="--each 3 --seed 1 service/core/calculus"
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent

CALCULUS = (
    "test_gradients test_calculus test_special_points test_tails test_transformations test_derivatives"
    " test_buffers test_tiles test_generated test_scheduler test_held_memory"
)
LANGUAGE = (
    "test_language test_statements test_functions_as_numpy test_labels_and_indices test_gradients"
    " test_one_accuracy test_fused test_rewrites test_special_points test_losses"
)
DESCENT = (
    "test_rules test_descent test_descent_paths test_descent_state test_descent_options test_history"
    " test_sweep test_streaks test_lbfgs test_newton test_hostile_starts test_batches test_projections"
    " test_fleet test_starts test_remedies test_active_set test_scheduler test_descent_memory"
    " test_searches_end"
)
WORK = "test_budget test_job test_turns test_memory"
WITHOUT_A_SERVER = "test_environ test_bridge test_body_reader"


def of_core(names: str) -> str:
    return " ".join([*(f"tests/core/{name}.py" for name in names.split()), "tests/fuzz/test_programs.py"])


def of_server(names: str) -> str:
    return " ".join(f"tests/server/{name}.py" for name in names.split())


TESTS = {
    "service/core/calculus": of_core(CALCULUS),
    "service/core/descent": of_core(DESCENT),
    "service/core/language": of_core(LANGUAGE),
    "service/api/jsonio.py": "tests/api/test_jsonio.py tests/api tests/fuzz/test_documents.py",
    "service/api/fields.py": "tests/api/test_fields.py tests/api tests/contract",
    "service/api": "tests/api tests/contract",
    "service/work": f"{of_server(WORK)} tests/server",
    "service/server": f"{of_server(WITHOUT_A_SERVER)} tests/server",
}
"""What is changed, and its tests, the quickest first."""

MOST_SECONDS = 900
PATIENCE, LEAST_SECONDS = 2.0, 30.0
"""How much longer than the tests as they are a mutant may run, and how many seconds besides: what runs longer
is noticed too, since nobody waits for it."""

SMALL = 16
"""A number below it becomes the next; one above it, a limit or a time most likely, a thousandfold."""

PAIRS = (
    (ast.Lt, ast.LtE), (ast.Gt, ast.GtE), (ast.Eq, ast.NotEq), (ast.Is, ast.IsNot), (ast.In, ast.NotIn),
    (ast.And, ast.Or), (ast.Add, ast.Sub), (ast.Mult, ast.Div), (ast.FloorDiv, ast.Mod),
)  # fmt: skip
OPPOSITE = {**dict(PAIRS), **{second: first for first, second in PAIRS}, ast.Pow: ast.Mult}


@dataclass(frozen=True)
class Mutant:
    """One change: a piece of a file and what stands there instead."""

    path: str
    line: int
    start: int
    end: int
    old: str
    new: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {shortened(self.old)}  ->  {shortened(self.new)}"


def shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 90 else f"{line[:87]}..."


def changed(node: ast.AST) -> Iterator[ast.AST | str]:
    """Yield what may stand in place of a piece of the program."""
    match node:
        case ast.Compare(left, [operator, *others], comparators):
            yield ast.Compare(left, [OPPOSITE[type(operator)](), *others], comparators)
        case ast.BoolOp(operator, values):
            yield ast.BoolOp(OPPOSITE[type(operator)](), values)
        case ast.BinOp(left, operator, right) if type(operator) in OPPOSITE and not is_text(left):
            yield ast.BinOp(left, OPPOSITE[type(operator)](), right)
        case ast.UnaryOp(ast.Not() | ast.USub(), operand):
            yield operand
        case ast.Constant(bool(value)):
            yield ast.Constant(not value)
        case ast.Constant(int(value) | float(value)):
            yield ast.Constant(value + 1 if abs(value) < SMALL else value * 1000)
        case ast.IfExp(test, body, orelse):
            yield ast.IfExp(test, orelse, body)
        case ast.Return(value) if value is not None and ast.unparse(value) != "None":
            yield "return None"
        case ast.Raise() | ast.Continue() | ast.Break() | ast.AugAssign() | ast.Delete():
            yield "pass"
        case ast.Expr(ast.Call() | ast.Await()):
            yield "pass"


def is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def parts_of(node: ast.AST) -> Iterator[ast.AST]:
    """Walk through a program, type annotations left out."""
    yield node
    for name, value in ast.iter_fields(node):
        if name not in ("annotation", "returns", "type_params") and not is_type_check(node):
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from parts_of(child)


def is_type_check(node: ast.AST) -> bool:
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


def mutants_of(path: str) -> list[Mutant]:
    """Return every change that may be made to a file."""
    source = (ROOT / path).read_text(encoding="utf-8")
    starts = [0]
    for line in source.encode().splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    found = []
    for node in parts_of(ast.parse(source)):
        for replacement in changed(node):
            new = replacement if isinstance(replacement, str) else f"({ast.unparse(replacement)})"
            start = starts[node.lineno - 1] + node.col_offset
            end = starts[node.end_lineno - 1] + node.end_col_offset
            old = source.encode()[start:end].decode()
            found.append(Mutant(path, node.lineno, start, end, old, new))
    return found


def files_under(path: str) -> list[str]:
    """Return the tracked Python files of a folder, or the file."""
    listed = subprocess.run(["git", "ls-files", path], cwd=ROOT, check=True, capture_output=True, text=True)
    return [name for name in listed.stdout.split() if name.endswith(".py")]


def drawn(area: str, each: int, seed: int) -> list[Mutant]:
    """Draw some mutants of every file of an area."""
    return [
        mutant
        for path in files_under(area)
        for found in [mutants_of(path)]
        for mutant in random.Random(f"{seed} {path}").sample(found, min(each, len(found)))  # noqa: S311
    ]


def tests_pass(copy: Path, tests: str, seconds: float) -> bool:
    """Run tests in a copy until the first fails; what they started ends with them."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "--no-header", "-p", "no:randomly", *tests.split()]
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    process = subprocess.Popen(
        command,
        cwd=copy,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        return process.wait(seconds) == 0
    except subprocess.TimeoutExpired:
        return False
    finally:
        subprocess.run(["pkill", "-KILL", "--session", str(process.pid)], check=False)
        process.wait()


def is_noticed(copy: Path, mutant: Mutant, tests: str, seconds: float) -> bool:
    """Make the change, run the tests, and take it back."""
    path = copy / mutant.path
    source = path.read_bytes()
    path.write_bytes(source[: mutant.start] + mutant.new.encode() + source[mutant.end :])
    try:
        return not tests_pass(copy, tests, seconds)
    finally:
        path.write_bytes(source)


def tests_of(path: str) -> str:
    return next(tests for area, tests in TESTS.items() if path.startswith(area))


def main() -> int:
    """Try mutants of the areas asked for, and tell which survived."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "areas", nargs="*", default=list(TESTS), help="files or folders; all of the table when absent"
    )
    parser.add_argument("--each", type=int, default=2, help="mutants of each file (2)")
    parser.add_argument("--seed", type=int, default=0, help="draw others (0)")
    asked = parser.parse_args()
    outcomes: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="kobai-mutants-") as folder:
        copy = Path(folder) / "kobai"
        shutil.copytree(
            ROOT, copy, ignore=shutil.ignore_patterns(".venv", ".git", "__pycache__", "node_modules")
        )
        for area in asked.areas:
            tests = tests_of(area)
            started = time.monotonic()
            if not tests_pass(copy, tests, MOST_SECONDS):
                print(f"{area} is red as it is: pytest -x {tests}", flush=True)
                outcomes["not tried"] += 1
                continue
            seconds = LEAST_SECONDS + PATIENCE * (time.monotonic() - started)
            for mutant in drawn(area, asked.each, asked.seed):
                started = time.monotonic()
                outcome = "noticed" if is_noticed(copy, mutant, tests, seconds) else "SURVIVED"
                outcomes[outcome] += 1
                print(f"{outcome:9}{time.monotonic() - started:6.0f} s  {mutant}", flush=True)
    print(", ".join(f"{count} {outcome}" for outcome, count in outcomes.items()))
    return 1 if outcomes["SURVIVED"] or outcomes["not tried"] else 0


if __name__ == "__main__":
    sys.exit(main())
