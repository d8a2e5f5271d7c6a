"""README is true: its commands and examples run as they stand, against a running service.

A ``console`` block holds commands (``$ ...``) and exactly what they print; ``...`` stands for anything.
A ``python`` block is a program; a ``text`` block right after it is what it prints.
A ``sh`` block holds commands that cannot run here; each names its kind in `ELSEWHERE`.
"""

import os
import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "README.md").read_text(encoding="utf-8")
SECONDS = 240

ELSEWHERE = {
    "make": "the suite runs inside make test; a clean checkout runs make run",
    "docker": "tests/deploy, where a Docker engine answers",
    "promtool": "tests/deploy/test_monitoring.py",
    "openapi-python-client": "tests/clients/test_python.py",
    "openapi-generator-cli": "tests/clients, for each language",
    "npx": "tests/clients/test_typescript.py",
    "kill": "tests/server/test_life_cycle.py sends the signals",
}
"""Who runs a command of a ``sh`` block, by its first word."""


def sections():
    """Take the text apart at its headings; a comment in a code block is none."""
    found, title, is_code = {}, "", False
    for line in TEXT.splitlines(keepends=True):
        is_code ^= line.startswith("```")
        if line.startswith("#") and not is_code:
            title = line.strip("# \n")
        found[title] = found.get(title, "") + line
    return found


SECTIONS = sections()


def blocks(body):
    """List the code blocks of a section: language and text."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", body, re.M | re.S)


def commands(console):
    """Take a console block apart: each command, and what it prints."""
    parts = re.split(r"^\$ ", console, flags=re.M)
    assert not parts[0], "a console block begins with a command"
    for part in parts[1:]:
        command = re.match(r"(?:.*\\\n)*.*\n", part)[0]
        yield command, part[len(command) :]


def run(words, server, folder):
    """Run a command where README's address is the running service's; return what it prints."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [word.replace("localhost:8000", f"127.0.0.1:{server.port}") for word in words],
        cwd=folder,
        env=os.environ | {"PATH": path},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def assert_prints(printed, expected):
    pattern = ".*".join(re.escape(part) for part in expected.rstrip("\n").split("..."))
    assert re.fullmatch(pattern, printed.rstrip("\n"), re.S), f"printed: {printed}\nREADME: {expected}"


RUNNING = [
    title for title, body in SECTIONS.items() if {kind for kind, _ in blocks(body)} & {"console", "python"}
]


@pytest.mark.parametrize("title", RUNNING)
def test_the_examples_of_a_section_give_what_it_says(title, server, tmp_path):
    found = blocks(SECTIONS[title])

    for (kind, text), (next_kind, next_text) in pairwise([*found, ("", "")]):
        if kind == "console":
            for command, expected in commands(text):
                assert_prints(run(["bash", "-euo", "pipefail", "-c", command], server, tmp_path), expected)
        elif kind == "python":
            program = text.replace("localhost:8000", f"127.0.0.1:{server.port}")
            printed = run([sys.executable, "-W", "error", "-c", program], server, tmp_path)
            if next_kind == "text":
                assert_prints(printed, next_text)


def test_what_cannot_run_here_runs_elsewhere():
    lines = [line for kind, text in blocks(TEXT) if kind == "sh" for line in text.splitlines()]

    assert lines
    assert {line.split()[0] for line in lines if line.strip() and not line.startswith("#")} <= set(ELSEWHERE)


def test_the_first_screen_is_also_in_japanese():
    first = TEXT.split("\n## ")[0]

    assert re.search(r"[\u3040-\u30ff]", first)
