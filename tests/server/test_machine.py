"""CPUs and memory, as control groups bound them, and how many workers they are for."""

import logging
import os

import pytest

from service.checks import fit_memory
from service.config import Settings
from service.machine import available_cpus, memory_limit

MIB = 2**20

FIGURES = "a worker may need 768 MiB, and the memory limit is"


def write(folder, files):
    """Write files as the kernel has them; return the one that names the process's own control group."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text + "\n")
    (folder / "own").write_text("12:pids:/\n0::/kobai.slice\n")
    return folder / "own"


@pytest.mark.parametrize(
    ("files", "cpus"),
    [
        ({}, 1_000),
        ({"cpu.max": "max 100000"}, 1_000),
        ({"cpu.max": "150000 100000"}, 1),
        ({"cpu.max": "50000 100000"}, 1),
        ({"cpu.max": "300000 100000"}, 3),
        ({"cpu.max": "400000 100000", "kobai.slice/cpu.max": "200000 100000"}, 2),
        ({"cpu/cpu.cfs_quota_us": "200000", "cpu/cpu.cfs_period_us": "100000"}, 2),
        ({"cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"}, 1_000),
    ],
)
def test_the_cpus_are_those_that_the_quota_leaves(files, cpus, tmp_path, monkeypatch):
    own = write(tmp_path, files)
    monkeypatch.setattr("os.sched_getaffinity", lambda pid: range(1_000))

    assert available_cpus(tmp_path, own) == cpus


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({}, None),
        ({"memory.max": "max"}, None),
        ({"memory.max": "268435456"}, 256 * MIB),
        ({"memory.max": "268435456", "kobai.slice/memory.max": "134217728"}, 128 * MIB),
        ({"memory.max": "max", "kobai.slice/memory.max": "134217728"}, 128 * MIB),
        ({"memory/memory.limit_in_bytes": "268435456"}, 256 * MIB),
        ({"memory/memory.limit_in_bytes": "9223372036854771712"}, None),
    ],
)
def test_the_memory_is_what_the_control_groups_allow(files, limit, tmp_path):
    own = write(tmp_path, files)

    assert memory_limit(tmp_path, own) == limit


@pytest.mark.parametrize("name", ["k\u014dbai", "of kobai", "k\udcffbai"])
def test_a_group_may_have_any_name_that_a_folder_has(name, tmp_path):
    (tmp_path / name).mkdir()
    (tmp_path / name / "memory.max").write_bytes(b"134217728\n")
    (tmp_path / "own").write_bytes(os.fsencode(f"0::/{name}\n"))

    assert memory_limit(tmp_path, tmp_path / "own") == 128 * MIB


@pytest.fixture
def machine(monkeypatch):
    """Let the service believe that it has so many CPUs and so much memory."""

    def choose(cpus, mebibytes):
        monkeypatch.setattr("os.sched_getaffinity", lambda pid: range(cpus))
        monkeypatch.setattr("service.machine._cpu_quotas", lambda root, own: ())
        for module in ("config", "checks"):
            monkeypatch.setattr(f"service.{module}.memory_limit", lambda: mebibytes and mebibytes * MIB)

    return choose


@pytest.mark.parametrize(
    ("mebibytes", "environ", "workers"),
    [
        (None, {}, 8),
        (100, {}, 1),
        (768, {}, 1),
        (2 * 768 - 1, {}, 1),
        (2 * 768, {}, 2),
        (100_000, {}, 8),
        (768, {"KOBAI_PEAK_BYTES": str(16 * MIB)}, 2),
        (100, {"WEB_CONCURRENCY": "3"}, 3),
    ],
)
def test_there_are_as_many_workers_as_cpus_and_memory_are_for(machine, mebibytes, environ, workers):
    machine(8, mebibytes)

    assert Settings.from_environment(environ).workers == workers


@pytest.mark.parametrize(
    ("mebibytes", "environ", "said"),
    [
        (None, {}, []),
        (100_000, {}, []),
        (256, {}, [f"WARNING: 1 workers may be killed for their memory: {FIGURES} 256 MiB. Raise it, or "
                   "lower KOBAI_PEAK_BYTES, KOBAI_HELD_BODY_BYTES, KOBAI_HELD_ANSWER_BYTES"]),
        (1_000, {}, [f"INFO: 1 workers for 8 CPUs: {FIGURES} 1000 MiB"]),
        (100_000, {"WEB_CONCURRENCY": "1"}, []),
    ],
)  # fmt: skip
def test_one_line_says_when_memory_is_short(machine, mebibytes, environ, said, caplog):
    machine(8, mebibytes)
    caplog.set_level(logging.INFO)

    fit_memory(logging.getLogger("start"), Settings.from_environment(environ))

    assert [f"{row.levelname}: {row.getMessage()}" for row in caplog.records] == said
