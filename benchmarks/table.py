"""Tables in Markdown, printed row by row, and the goals that their rows are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Goal:
    """What a figure is to be: at least or at most a bound."""

    sense: Literal["at least", "at most"]
    bound: float
    unit: str

    def is_met(self, figure: float) -> bool:
        """Tell whether the figure is on the right side."""
        return figure >= self.bound if self.sense == "at least" else figure <= self.bound

    def __str__(self) -> str:
        return f"{self.sense} {self.bound:g} {self.unit}".rstrip()


def print_header(*names: str) -> None:
    """Begin a table."""
    print("\n" + _line(names))
    print("|" + "---|" * len(names), flush=True)


def print_row(*cells: object) -> None:
    """Print one row at once: the next may take a while."""
    print(_line([str(cell) for cell in cells]), flush=True)


def verdict(goals: Iterable[tuple[Goal, float]]) -> str:
    """Say in a word whether all goals of a row are met; nothing where it has none."""
    answers = [goal.is_met(figure) for goal, figure in goals]
    return "" if not answers else "yes" if all(answers) else "NO"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def format_seconds(value: float) -> str:
    """Write a time with a fitting unit.

    >>> format_seconds(1.234e-5)
    '12.3 us'
    """
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("us", 1e-6)):
        if value >= size:
            return f"{value / size:.3g} {unit}"
    return f"{value / 1e-9:.3g} ns"
