import asyncio

from service.server.budget import MemoryBudget


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
