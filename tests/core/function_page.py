"""The page on the functions; ``python -m tests.core.function_page`` writes it from the table."""

from itertools import groupby
from pathlib import Path

import numpy as np

from service.core import value
from service.core.language.operations import describe_operations

FILE = Path(__file__).parents[2] / "docs" / "functions.md"

HEAD = """\
# Functions

What a function's text may use beside the [statements and operators](language.md), by groups. This page is
`GET /functions` as people read it, with the value of each example; in a browser `/functions` is a page too.
Examples are whole functions: they run as they stand, as the `function` of `POST /value`. `stack(1, 2)` is the
vector of 1 and 2. `axis` is a whole number or a tuple of them, by name or by position.

The losses return what `POST /loss` returns with `"reduction": "none"`. Targets have the shape of the
predictions, or broadcast to it with the same rank or none. For `cross_entropy` a constant of the predictions'
shape without the last axis holds class labels. Labels and other constants that are targets are checked with
the request as `POST /loss` checks its own; targets that are computed are taken as they come.
"""

TABLE = "| written | meaning | example | its value | derivative at kinks |\n|---|---|---|---|---|\n"


def shown(number):
    """Write a value with at most six digits."""
    return np.array2string(
        np.asarray(number),
        separator=", ",
        formatter={"float_kind": lambda x: f"{x:.6g}"},
        max_line_width=10**6,
    ).replace("\n", "")


def line(row):
    cells = (
        f"`{row['signature']}`",
        row["meaning"],
        f"`{row['example']}`",
        f"`{' '.join(shown(value(row['example'], {})['value']).split())}`",
        row["kinks"],
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |\n"


def page():
    groups = groupby(describe_operations(), key=lambda row: row["group"])
    return HEAD + "".join(
        f"\n## {group.capitalize()}\n\n{TABLE}{''.join(map(line, rows))}" for group, rows in groups
    )


if __name__ == "__main__":
    FILE.write_text(page(), encoding="utf-8")
