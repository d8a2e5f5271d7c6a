"""What the machine, or the container, gives this process: its control groups bound CPUs and memory."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")


def available_cpus(root: Path = CGROUP, own: Path = OWN_CGROUP) -> int:
    """Count the CPUs this process may use: its affinity, capped by the quota of its control groups.

    `os.cpu_count` knows neither. A quota of 1.5 CPUs counts 1: two workers would be throttled together.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    mine = len(affinity(0)) if affinity else os.cpu_count() or 1
    return max(1, math.floor(min([mine, *_cpu_quotas(root, own)])))


def memory_limit(root: Path = CGROUP, own: Path = OWN_CGROUP) -> int | None:
    """Bytes that the control group and those above it allow; None without a limit below the machine's own."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    version_1 = _read_words(root / "memory/memory.limit_in_bytes")
    words = [*_of_version_2("memory.max", root, own), version_1]
    limits = [int(each[0]) for each in words if each and each[0].isdigit()]
    return min((limit for limit in limits if limit < machine), default=None)


def _cpu_quotas(root: Path, own: Path) -> Iterator[float]:
    version_1 = _read_words(root / "cpu/cpu.cfs_quota_us") + _read_words(root / "cpu/cpu.cfs_period_us")
    for pair in (*_of_version_2("cpu.max", root, own), version_1):
        if len(pair) == 2 and pair[0].isdigit():
            yield int(pair[0]) / int(pair[1])


def _of_version_2(name: str, root: Path, own: Path) -> list[list[str]]:
    """Read a file of the process's own control group and of those above it."""
    lines = _read(own).split("\n")
    path = next((line.removeprefix("0::/") for line in lines if line.startswith("0::/")), "")
    folders = [root / path, *(root / path).parents]
    return [_read_words(folder / name) for folder in folders if folder.is_relative_to(root)]


def _read_words(file: Path) -> list[str]:
    """Read the words of a file of the kernel's, none where there is no such file."""
    return _read(file).split()


def _read(file: Path) -> str:
    try:
        return os.fsdecode(file.read_bytes())  # groups have names as folders do, not all of them text
    except OSError:
        return ""
