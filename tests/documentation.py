"""What is written for people: README and the pages of docs/, their sections and code blocks."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]

PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", ROOT / "benchmarks" / "README.md", *sorted(ROOT.glob("docs/*.md")))
}
"""The text of each page by its path."""


def sections(text):
    """Split a page at its headings; a comment in a code block is not one."""
    found, title, is_code = {}, "", False
    for line in text.splitlines(keepends=True):
        is_code ^= line.startswith("```")
        if line.startswith("#") and not is_code:
            title = line.strip("# \n")
            assert title not in found, f"two sections are called {title}"
        found[title] = found.get(title, "") + line
    return found


def blocks(text):
    """List the code blocks of a text: language and content."""
    return re.findall(r"^```(\w+)\n(.*?)^```$", text, re.M | re.S)


def shell_commands(text):
    """List the commands of the ``sh`` blocks of a text, as words."""
    lines = [line for kind, block in blocks(text) if kind == "sh" for line in block.splitlines()]
    return [line.split() for line in lines if line.strip() and not line.startswith("#")]
