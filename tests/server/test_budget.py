import asyncio
import math

from service.work.budget import MemoryBudget


def test_a_memory_budget_holds_no_more_than_its_limit():
    budget = MemoryBudget(10)

    taken = [(budget.take(*each), budget.held) for each in (("a", 6), ("b", 5), ("c", 4), ("d", 0))]
    budget.give("a")
    budget.give("d")

    assert taken == [(True, 6), (False, 6), (True, 10), (True, 10)]
    assert budget.held == 4


def test_an_owner_says_what_it_holds_in_all_and_may_hold_a_little_for_nothing():
    budget = MemoryBudget(10, free=2)

    held = [(budget.take("a", size), budget.held) for size in (2, 5, 5, 4, 12, 13)]

    assert held == [(True, 0), (True, 3), (True, 3), (True, 3), (True, 10), (False, 10)]


def test_who_waits_for_room_gets_it_when_it_is_given_back():
    async def wait():
        budget = MemoryBudget(10)
        budget.take("a", 2)
        budget.take("b", 1)
        budget.take("c", 5)
        waiting = asyncio.create_task(budget.wait("d", 5, 10))
        await asyncio.sleep(0)
        budget.give("a")
        await asyncio.sleep(0)
        assert not waiting.done()
        budget.give("b")
        return await waiting, budget.held

    assert asyncio.run(wait()) == (True, 10)


def test_room_may_come_as_soon_as_enough_is_given_back():
    budget, ends = MemoryBudget(10), {"a": 5.0, "b": 9.0, "c": 7.0}
    budget.take("a", 3)
    budget.take("b", 4)
    budget.take("c", 1)

    soonest = [budget.soonest("c", size, ends.get) for size in (3, 4, 6, 7, 10)]

    assert soonest == [-math.inf, 5.0, 5.0, 9.0, 9.0]


def test_the_reserve_may_be_had_as_soon_as_the_first_in_line_ends():
    async def ask():
        budget, ends = MemoryBudget(20, reserve=10), {"a": 9.0, "b": 5.0, "c": 7.0}
        budget.take("a", 8)
        assert await budget.wait("b", 6, 1)  # of the reserve
        return [budget.soonest("c", size, ends.get) for size in (2, 4, 9, 13)]

    assert asyncio.run(ask()) == [5.0, 5.0, 5.0, 9.0]


def test_who_waits_for_room_in_vain_is_told():
    async def wait():
        budget = MemoryBudget(10)
        budget.take("a", 8)
        return await budget.wait("b", 5, 0.01), budget.held

    assert asyncio.run(wait()) == (False, 8)


def test_many_that_fill_a_memory_budget_together_get_to_their_end_one_after_the_other():
    async def fill():
        budget = MemoryBudget(20, reserve=10)
        order = []

        async def grow(name):
            for size in range(1, 11):
                assert await budget.wait(name, size, 5)
                assert budget.held <= 20
                await asyncio.sleep(0)
            order.append(name)
            budget.give(name)

        await asyncio.gather(*map(grow, range(8)))
        return len(order), budget.held

    assert asyncio.run(fill()) == (8, 0)
