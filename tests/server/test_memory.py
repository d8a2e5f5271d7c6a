import numpy as np

from service.work import memory

MIB = 1024 * 1024


class Node:
    """Something that only a cycle keeps alive."""

    def __init__(self):
        self.own = self
        self.array = np.ones(100 * MIB // 8)


def test_memory_that_only_a_cycle_holds_is_given_back():
    keeper = memory.Keeper()
    before = keeper.resident_bytes()
    Node()
    assert keeper.resident_bytes() - before > 90 * MIB

    keeper.give_back()

    assert keeper.resident_bytes() - before < 20 * MIB


def test_nothing_is_collected_while_a_process_is_small(monkeypatch):
    monkeypatch.setattr(memory.gc, "collect", lambda: 1 / 0)
    monkeypatch.setattr(memory.Keeper, "resident_bytes", lambda _: 10 * MIB)

    memory.Keeper().give_back()


def test_a_system_that_tells_no_sizes_is_taken_as_it_is(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "STATM", str(tmp_path / "none"))

    assert memory.Keeper().resident_bytes() == 0
