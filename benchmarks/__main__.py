"""`make bench`: one table of ratios, then how cost grows."""

from __future__ import annotations

import argparse
import os
import platform
import sys

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # as the service runs, and before NumPy is imported

from benchmarks import core, growth, http  # noqa: E402
from benchmarks.timing import format_seconds  # noqa: E402


def main() -> int:
    """Print the tables; the exit status is 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--only", choices=("core", "growth", "http"), help="one table alone")
    only = parser.parse_args().only
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {platform.machine()}")
    met = True
    if only in (None, "core"):
        met = print_core()
    if only in (None, "growth"):
        growth.print_tables()
    if only in (None, "http"):
        met &= http.print_tables()
    return 0 if met else 1


def print_core() -> bool:
    """Print ours against others; tell whether every goal is met."""
    print("\n| work | ours | against | theirs | ratio (low to high) | goal | met |")
    print("|---|---|---|---|---|---|---|")
    met = True
    for row in core.rows():
        pair = row.pair
        is_met = row.is_met(pair)
        met &= is_met
        spread = f"{pair.ratio:.2f} ({pair.low:.2f} to {pair.high:.2f})"
        cells = [
            row.work,
            format_seconds(pair.ours),
            row.against,
            format_seconds(pair.theirs),
            spread,
            row.goal,
        ]
        print(f"| {' | '.join(cells)} | {'yes' if is_met else 'NO'} |", flush=True)
    return met


if __name__ == "__main__":
    sys.exit(main())
