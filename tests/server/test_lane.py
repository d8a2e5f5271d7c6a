import asyncio
import threading

import pytest

from service.server.budget import MemoryBudget
from service.server.lane import Lane


@pytest.fixture
def lane():
    return Lane("test", 2)


@pytest.fixture
def gate():
    """Work that runs until it is told to end."""
    opened = threading.Event()
    yield opened
    opened.set()


def test_work_is_done_in_order_on_one_thread(gate):
    lane = Lane("test", 10)
    done = []
    finished = threading.Event()
    lane.submit(gate.wait)
    for number in range(3):
        lane.submit(lambda number=number: done.append((number, threading.current_thread().name)))
    lane.submit(finished.set)

    gate.set()

    assert finished.wait(5)
    assert done == [(number, "kobai-test") for number in range(3)]


def test_a_full_queue_takes_no_more(lane, gate):
    tickets = [lane.submit(gate.wait) for _ in range(4)]

    assert [ticket is None for ticket in tickets] == [False, False, False, True]


def test_withdrawn_work_is_never_done_and_makes_room(lane, gate):
    began = threading.Event()
    lane.submit(lambda: (began.set(), gate.wait()))
    began.wait(5)
    done = []
    second = lane.submit(lambda: done.append("second"))
    lane.submit(lambda: done.append("third"))

    assert lane.submit(lambda: None) is None
    assert lane.withdraw(second)
    last = threading.Event()
    assert lane.submit(last.set)
    gate.set()

    assert last.wait(5)
    assert done == ["third"]


def test_running_work_cannot_be_withdrawn(lane, gate):
    began = threading.Event()
    ticket = lane.submit(lambda: (began.set(), gate.wait()))
    began.wait(5)

    assert not lane.withdraw(ticket)
    assert lane.busy_seconds() > 0


def test_the_number_waiting_is_shown(gate):
    shown = []
    lane = Lane("test", 5, shown.append)
    began = threading.Event()
    lane.submit(lambda: (began.set(), gate.wait()))
    began.wait(5)

    ticket = lane.submit(lambda: None)
    lane.withdraw(ticket)

    assert shown == [1, 0, 1, 0]


def test_a_memory_budget_holds_no_more_than_its_limit():
    shown = []
    budget = MemoryBudget(10, on_change=shown.append)

    assert [budget.take(6), budget.take(5), budget.take(4), budget.take(0)] == [True, False, True, True]
    budget.give(6)
    budget.give(0)

    assert shown == [6, 10, 4]


def test_who_waits_for_room_gets_it_when_it_is_given_back():
    async def wait():
        budget = MemoryBudget(10)
        budget.take(8)
        waiting = asyncio.create_task(budget.wait(5, object(), 10))
        await asyncio.sleep(0)
        budget.give(2)
        await asyncio.sleep(0)
        assert not waiting.done()
        budget.give(1)
        return await waiting, budget.held

    assert asyncio.run(wait()) == (True, 10)


def test_who_waits_for_room_in_vain_is_told():
    async def wait():
        budget = MemoryBudget(10)
        budget.take(8)
        return await budget.wait(5, object(), 0.01), budget.held

    assert asyncio.run(wait()) == (False, 8)


def test_many_that_fill_a_memory_budget_together_get_to_their_end_one_after_the_other():
    async def fill():
        budget = MemoryBudget(20, reserve=10)
        order = []

        async def grow(name):
            owner, held = object(), 0
            for _ in range(10):
                assert await budget.wait(1, owner, 5)
                held += 1
                assert budget.held <= 20
                await asyncio.sleep(0)
            order.append(name)
            budget.give(held, owner)

        await asyncio.gather(*map(grow, range(8)))
        return len(order), budget.held

    assert asyncio.run(fill()) == (8, 0)
