"""`make bench`: ours against others as ratios, how cost grows, and what requests cost over HTTP."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
from pathlib import Path

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # as the service runs, and before NumPy is imported
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
for _name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(_name, None)  # they choose slow kernels, for ours and for everybody's matmul

from numpy.lib import introspect  # noqa: E402

from benchmarks import (  # noqa: E402
    batches,
    capacity,
    core,
    derivatives,
    functions,
    growth,
    http,
    json_parsing,
    minimizers,
    parts,
    steps,
    sweeps,
)
from service.work.memory import keep_little  # noqa: E402

keep_little()  # as the service does: fresh pages for every array would be most of what is measured

TABLES = {
    "core": (core.print_table, 15),
    "functions": (functions.print_table, 9),
    "derivatives": (derivatives.print_table, 9),
    "sweeps": (sweeps.print_table, 9),
    "steps": (steps.print_tables, 9),
    "growth": (growth.print_tables, 9),
    "minimizers": (minimizers.print_table, 9),
    "batches": (batches.print_table, 3),
    "json": (json_parsing.print_tables, 9),
    "http": (http.print_tables, 5),
    "capacity": (capacity.print_table, 3),
    "parts": (parts.print_tables, 3),
}
"""Each table, and its interleaved repetitions."""


def main() -> int:
    """Print the tables; the exit status is 1 when a goal is missed."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("tables", nargs="*", metavar="TABLE", help=f"of {', '.join(TABLES)}; all when absent")
    parser.add_argument("--quick", action="store_true", help="a third of the repetitions")
    options = parser.parse_args()
    unknown = [name for name in options.tables if name not in TABLES]
    if unknown:
        parser.error(f"there is no table {unknown[0]!r}; choose from {', '.join(TABLES)}")
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {_processor()};",
        f"NumPy's exp by {_instructions('exp')}, tan by {_instructions('tan')}",
    )
    began, missed = time.monotonic(), []
    for name in options.tables or TABLES:
        print_table, repetitions = TABLES[name]
        if not print_table(max(1, repetitions // 3 if options.quick else repetitions)):
            missed.append(name)
    print(
        f"\nAll this took {time.monotonic() - began:.0f} s.",
        "Goals missed in: " + ", ".join(missed) if missed else "Every goal is met.",
    )
    return 1 if missed else 0


def _processor() -> str:
    """Name the processor as the operating system does."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _instructions(name: str) -> str:
    """Name the instructions by which NumPy computes a function of float64 here."""
    found = introspect.opt_func_info(func_name=f"^{name}$", signature="float64").get(name, {})
    return " ".join(sorted({each["current"] for each in found.values()}))


if __name__ == "__main__":
    sys.exit(main())
