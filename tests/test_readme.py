"""README and docs/ are true: their commands and examples run as they are, against a running service.

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

from service.api.document import read_document
from tests.documentation import PAGES, ROOT, blocks, sections, shell_commands

SECONDS = 240
LONGEST_README = 150
LONGEST_PAGE = 300

ELSEWHERE = {
    "make": "the suite runs inside make test; a clean checkout runs make run",
    "OTEL_EXPORTER_OTLP_ENDPOINT=http://localhost:4318": "tests/server/test_traces.py",
    ".venv/bin/python": "tests/server/test_attacks.py and tests/deploy run parts of the benchmarks",
    "docker": "tests/deploy, where a Docker engine answers",
    "old=$(docker": "tests/deploy/test_page.py",
    "proxy=$(docker": "tests/deploy/test_page.py",
    "export": "tests/deploy/test_page.py",
    "kubectl": "tests/deploy/test_kubernetes.py",
    ".venv/bin/pip-audit": "tests/deploy/test_supply.py",
    ".venv/bin/cyclonedx-py": "tests/deploy/test_supply.py",
    "promtool": "tests/deploy/test_monitoring.py",
    "openapi-python-client": "tests/clients/test_python.py",
    "openapi-generator-cli": "tests/clients, for each language",
    "npx": "tests/clients/test_typescript.py",
    "datamodel-codegen": "tests/clients/test_by_name.py",
    "kill": "tests/server/test_life_cycle.py sends the signals",
}
"""Who runs a command of a ``sh`` block, by its first word."""

RUN_HERE = {"console", "python"}
SHOWN = {"sh", "text", "py", "ts", "js", "java", "mermaid", "dockerfile"}
"""Blocks that are not run here: shown, printed by another, or run by tests/clients and tests/deploy."""

RUNNING = [
    pytest.param(body, id=f"{page}: {title}")
    for page, text in PAGES.items()
    for title, body in sections(text).items()
    if {kind for kind, _ in blocks(body)} & RUN_HERE
]


def commands(console):
    """Split a console block: each command, and what it prints."""
    parts = re.split(r"^\$ ", console, flags=re.M)
    assert not parts[0], "a console block begins with a command"
    for part in parts[1:]:
        command = re.match(r"(?:.*\\\n)*.*\n", part)[0]
        yield command, part[len(command) :]


def run(words, server, folder):
    """Run a command with the documented address replaced by the running service's; return what it prints."""
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
    assert re.fullmatch(pattern, printed.rstrip("\n"), re.S), f"printed: {printed}\nthe page: {expected}"


@pytest.mark.parametrize("body", RUNNING)
def test_the_examples_of_a_section_give_what_it_says(body, server, tmp_path):
    for (kind, text), (next_kind, next_text) in pairwise([*blocks(body), ("", "")]):
        if kind == "console":
            for command, expected in commands(text):
                assert_prints(run(["bash", "-euo", "pipefail", "-c", command], server, tmp_path), expected)
        elif kind == "python":
            program = text.replace("localhost:8000", f"127.0.0.1:{server.port}")
            printed = run([sys.executable, "-W", "error", "-c", program], server, tmp_path)
            if next_kind == "text":
                assert_prints(printed, next_text)


@pytest.mark.parametrize("page", PAGES)
def test_what_cannot_run_here_runs_elsewhere(page):
    assert {words[0] for words in shell_commands(PAGES[page])} <= set(ELSEWHERE)
    assert {kind for kind, _ in blocks(PAGES[page])} <= RUN_HERE | SHOWN


@pytest.mark.parametrize("page", PAGES)
def test_no_page_is_longer_than_people_read(page):
    longest = LONGEST_README if page == "README.md" else LONGEST_PAGE

    assert len(PAGES[page].splitlines()) <= longest


def anchor(title):
    """Write a heading as the fragment of a link, as GitHub does."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES)
def test_links_between_the_pages_lead_somewhere(page):
    for target in re.findall(r"\]\((?!http)([^)\s]+)\)", PAGES[page].replace("\n", " ")):
        name, _, fragment = target.partition("#")
        path = ((ROOT / page).parent / name).resolve() if name else ROOT / page

        assert path.exists(), target
        if fragment:
            titles = sections(PAGES[path.relative_to(ROOT).as_posix()])
            assert fragment in {anchor(title) for title in titles}, target


def test_every_page_of_docs_is_found_from_readme():
    linked = set(re.findall(r"\((docs/[\w-]+\.md)", PAGES["README.md"]))

    assert {page for page in PAGES if page.startswith("docs/")} <= linked


@pytest.mark.parametrize("page", PAGES)
def test_tests_and_programs_that_a_page_names_exist(page):
    named = re.findall(r"`((?:tests|service|deploy|benchmarks|docs)/[\w./-]+?)`", PAGES[page])

    assert [path for path in named if not (ROOT / path).exists() and path != "tests/artifacts/"] == []


def test_the_first_screen_is_also_in_japanese():
    first = PAGES["README.md"].split("\n## ")[0]

    assert re.search(r"[\u3040-\u30ff]", first)


def schema_of(operation):
    """Return the schema of an operation's request, which stands among the components."""
    reference = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"]
    return read_document()["components"]["schemas"][reference.rpartition("/")[2]]


@pytest.mark.parametrize("path", sorted(path for path in read_document()["paths"] if "{" not in path))
def test_every_route_is_on_the_page_on_the_api(path):
    assert re.search(rf"`(GET |POST )?{re.escape(path)}`", PAGES["docs/api.md"])


FIELDS = sorted(
    {
        (path, name)
        for path, item in read_document()["paths"].items()
        for operation in item.values()
        if isinstance(operation, dict) and "requestBody" in operation
        for name in schema_of(operation)["properties"]
    }
)


def told_of(path):
    """Return what tells of an endpoint's fields: its row of the page on the API, and the row it refers to."""
    if path.startswith("/descent"):
        return PAGES["docs/api.md"] + PAGES["docs/descent.md"]
    (row,) = re.findall(rf"^\| `POST {path}` .*$", PAGES["docs/api.md"], re.M)
    return row + (told_of("/gradient") if "`/gradient`'s fields" in row else "")


@pytest.mark.parametrize(("path", "name"), FIELDS)
def test_every_field_of_a_request_is_where_its_endpoint_is_told_of(path, name):
    assert re.search(rf"`\"?{name}\b", told_of(path))


def squeezed(text):
    """Write a text without its layout."""
    return " ".join(text.split())


ROWS = re.findall(
    r"[Ii]n\s+`([\w/]+\.py)`[^`]*:\n\n```py\n(.*?)^```$|^`([\w/]+\.py)`:\n\n```py\n(.*?)^```$",
    PAGES["docs/design.md"],
    re.M | re.S,
)


@pytest.mark.parametrize(("path", "row", "other_path", "other_row"), ROWS)
def test_the_rows_of_the_page_on_design_are_rows_of_the_code(path, row, other_path, other_row):
    source = (ROOT / (path or other_path)).read_text(encoding="utf-8")

    assert squeezed(row or other_row) in squeezed(source)


def test_every_kind_of_row_is_shown_on_the_page_on_design():
    assert len(ROWS) == PAGES["docs/design.md"].count("```py\n") == 8
