import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from service.work import memory

MIB = 1024 * 1024

HEAP_OF_A_THREAD = 64 * MIB
"""glibc reserves as much address space for each but the main one, and aligns it (malloc/arena.c)."""


class Node:
    """Something that only a cycle keeps alive."""

    def __init__(self):
        self.own = self
        self.array = np.ones(150 * MIB // 8)


def test_memory_that_only_a_cycle_holds_is_given_back():
    keeper = memory.Keeper()
    before = keeper.resident_bytes()
    Node()
    assert keeper.resident_bytes() - before > 140 * MIB

    keeper.give_back()

    assert keeper.resident_bytes() - before < 20 * MIB


def test_memory_that_lies_free_in_the_heap_is_given_back():
    """Pieces too small to be mapped, the last of them in use: the allocator alone keeps the others."""
    program = (
        "from service.work.memory import Keeper, keep_little; keep_little(); keeper = Keeper()\n"
        "pieces = [bytearray(65_536) for _ in range(3_000)]; last = bytearray(65_536); del pieces\n"
        "before = keeper.resident_bytes(); keeper.give_back(); print(before - keeper.resident_bytes())"
    )

    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert int(printed.stdout) > 100 * MIB


def test_nothing_is_collected_while_a_process_is_small(monkeypatch):
    monkeypatch.setattr(memory.gc, "collect", lambda: 1 / 0)
    monkeypatch.setattr(memory.Keeper, "resident_bytes", lambda _: 60 * MIB)

    memory.Keeper().give_back()


def test_an_array_of_many_megabytes_is_found_in_the_heap_again():
    """Without the threshold each is mapped anew: 4,096 page faults for 16 MiB."""
    program = (
        "import resource, numpy; from service.work.memory import keep_little; keep_little()\n"
        "for _ in range(3): numpy.ones(2**21)\n"
        "faults = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_minflt\n"
        "before = faults(); numpy.ones(2**21); print(faults() - before)"
    )

    printed = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)

    assert int(printed.stdout) < 400


def test_no_thread_has_a_heap_of_its_own(server):
    """What one thread frees there, no other uses, and each large answer takes new memory."""
    body = {"x": [0.1] * 50_000}

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: server.post("/softmax", body)[0], range(8)))

    assert answers == [200] * 8
    for pid in (server.process.pid, *server.workers()):
        rows = re.findall(r"^(\w+)-(\w+) (\S+)", Path(f"/proc/{pid}/maps").read_text(), re.MULTILINE)
        ends = {int(end, 16) for _, end, mode in rows if mode == "---p"}
        starts = [int(start, 16) for start, _, mode in rows if mode == "rw-p"]
        assert not [
            start for start in starts if start % HEAP_OF_A_THREAD == 0 and start + HEAP_OF_A_THREAD in ends
        ]


def test_a_system_that_tells_no_sizes_is_taken_as_it_is(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "STATM", str(tmp_path / "none"))

    assert memory.Keeper().resident_bytes() == 0
