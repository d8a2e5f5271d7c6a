"""A job without a server: what it may use, what it waits for, and what it leaves behind."""

import asyncio
import gc
import math
import threading
import time
import weakref

import numpy as np
import pytest

from service.core.exceptions import DeadlineExceeded
from service.core.limits import Deadline, Overloaded
from service.work.budget import MemoryBudget
from service.work.inline import QUICK_SECONDS, Deferred, Inline
from service.work.job import LARGE_BYTES, Job
from service.work.memory import Keeper
from service.work.threads import MOST_OPEN, WorkerThreads

MIB = 1024 * 1024


class Setting:
    """What the jobs of a test share."""

    def __init__(self, queue=5, memory=100 * MIB):
        self.threads = WorkerThreads(queue)
        self.memory = MemoryBudget(memory)

    def job(self, patience=5.0, size=0):
        return Job(self.threads, self.memory, time.monotonic() + patience, size)

    def start(self, work, job=None):
        """Run a job beside the test; awaited, it gives what the work returns."""
        return asyncio.create_task((job or self.job()).run(work))


class Holder:
    """Holds memory, nobody knows for how long."""

    def soonest_end(self):
        return 0.0


def computing(body, seconds=5.0):
    """Make work that computes under a deadline of its own."""
    return lambda job: body(Deadline(seconds, time.monotonic, job))


def test_a_deadline_that_is_cancelled_while_time_is_reserved_is_over():
    cancels = iter([])
    deadline = Deadline(5.0, lambda: next(cancels, None) or 0.0)
    cancels = (deadline.cancel() for _ in range(1))

    deadline.reserve(1.0)

    assert deadline.is_over()


# The event loop.


def test_work_that_announces_much_is_put_off():
    deadline = Deadline(5.0, time.monotonic, Inline())
    deadline.expect(QUICK_SECONDS)

    with pytest.raises(Deferred):
        deadline.expect(1.01 * QUICK_SECONDS)


def test_work_that_its_deadline_stops_soon_is_not_put_off():
    Deadline(0.5 * QUICK_SECONDS, time.monotonic, Inline()).expect(10.0)


def test_work_that_waits_for_another_thread_is_put_off_however_soon_its_deadline_comes():
    with pytest.raises(Deferred):
        Deadline(0.5 * QUICK_SECONDS, time.monotonic, Inline()).expect(math.inf)


def test_work_on_the_event_loop_is_bounded_by_its_processor_time():
    deadline, began = Deadline(60.0, time.monotonic, Inline()), time.thread_time()

    with pytest.raises(Deferred):
        while not deadline.is_over():
            sum(range(100))

    assert QUICK_SECONDS < time.thread_time() - began < 4 * QUICK_SECONDS


def test_time_that_passes_while_others_have_the_processor_does_not_put_work_off():
    deadline = Deadline(60.0, time.monotonic, Inline())
    time.sleep(10 * QUICK_SECONDS)

    assert not deadline.is_over()


# Memory.


def test_jobs_wait_for_the_memory_that_others_hold():
    """Of three jobs that need 40 MiB of 100, the third begins when one has ended."""
    setting, gate, most = Setting(), threading.Event(), []

    def hold(deadline):
        deadline.expect(0.01, 40 * MIB)
        most.append(setting.memory.held)
        deadline.finish()  # others may compute meanwhile
        gate.wait(30)

    async def run():
        jobs = [setting.start(computing(hold, 30.0)) for _ in range(3)]
        while len(most) < 2:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.3)
        assert len(most) == 2
        gate.set()
        await asyncio.gather(*jobs)

    asyncio.run(run())

    assert len(most) == 3
    assert max(most) <= 100 * MIB
    assert setting.memory.held == 0


def test_a_job_that_finds_no_memory_in_time_hears_of_its_deadline():
    setting = Setting(memory=10 * MIB)
    setting.memory.take(Holder(), 9 * MIB)

    def hold(deadline):
        with pytest.raises(DeadlineExceeded, match=r"(0\.[2-9]|[1-9]\.)\d+ s of the time went by waiting"):
            deadline.expect(0.01, 5 * MIB)
        return "told"

    async def run():
        return await setting.start(computing(hold, 0.2))

    assert asyncio.run(run()) == "told"


@pytest.mark.parametrize(
    ("holding", "told"),
    [
        ({"seconds": 100.0}, Overloaded),
        ({"seconds": 100.0, "ends_early": True}, None),  # a descent may arrive
        ({"seconds": 0.0}, None),
    ],
)
def test_a_job_whose_memory_others_hold_beyond_its_deadline_is_refused_at_once(holding, told):
    setting, held, free = Setting(memory=10 * MIB), threading.Event(), threading.Event()

    def hold(deadline):
        deadline.expect(peak_bytes=9 * MIB, **holding)
        deadline.finish()
        held.set()
        assert free.wait(20)

    def ask(deadline):
        timer = threading.Timer(0.1, free.set)
        timer.start()
        deadline.expect(0.01, 5 * MIB)

    async def run():
        holder = setting.start(computing(hold, 60.0))
        assert await asyncio.to_thread(held.wait, 10)
        found = await asyncio.gather(setting.start(computing(ask, 10.0)), return_exceptions=True)
        await holder
        return found[0]

    found = asyncio.run(run())

    assert found is told or (type(found) is told and str(found).startswith("The memory that it needs"))
    assert setting.memory.held == 0


def test_a_job_does_not_wait_longer_for_one_whose_own_deadline_comes_first():
    setting, held = Setting(memory=10 * MIB), threading.Event()

    def hold(deadline):
        deadline.expect(100.0, 9 * MIB)
        held.set()
        while not deadline.is_over():
            time.sleep(0.001)

    async def run():
        holder = setting.start(computing(hold, 0.3))
        assert await asyncio.to_thread(held.wait, 10)
        await setting.start(computing(lambda deadline: deadline.expect(0.01, 5 * MIB), 20.0))
        await holder

    asyncio.run(run())


def test_a_job_whose_client_leaves_does_not_wait_for_memory():
    setting, told = Setting(memory=10 * MIB), []
    setting.memory.take(Holder(), 9 * MIB)

    def hold(deadline):
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            deadline.expect(0.01, 5 * MIB)
        told.append(time.monotonic() - began)

    async def run():
        job = setting.job()
        running = setting.start(computing(hold), job)
        await asyncio.sleep(0.2)
        job.abandon()
        await running

    asyncio.run(run())

    assert told[0] < 4


def test_a_job_whose_client_leaves_just_before_it_waits_for_memory_does_not_wait():
    class Leaving(MemoryBudget):
        def soonest(self, owner, size, end_of):
            found = super().soonest(owner, size, end_of)
            owner.abandon()
            return found

    setting, began = Setting(), time.monotonic()
    setting.memory = Leaving(10 * MIB)
    setting.memory.take(Holder(), 9 * MIB)

    async def run():
        await setting.start(computing(lambda deadline: deadline.expect(0.01, 5 * MIB)))

    with pytest.raises(DeadlineExceeded):
        asyncio.run(run())
    assert time.monotonic() - began < 4


@pytest.mark.parametrize(
    ("size", "peak", "expected"), [(0, 0, 0), (LARGE_BYTES + 1, 0, 1), (0, LARGE_BYTES + 1, 1)]
)
def test_after_a_large_job_memory_is_given_back(monkeypatch, size, peak, expected):
    setting, given = Setting(), []
    monkeypatch.setattr(Keeper, "give_back", lambda _: given.append(True))

    async def run():
        await setting.start(computing(lambda deadline: deadline.expect(0.01, peak)), setting.job(size=size))

    asyncio.run(run())

    assert len(given) == expected


# Places.


def test_a_long_job_needs_a_place_among_the_long_ones():
    setting, begun, gate = Setting(queue=0), threading.Event(), threading.Event()

    def long(deadline):
        deadline.expect(1.0)
        deadline.finish()
        begun.set()
        gate.wait(30)
        return "computed"

    async def run():
        first = setting.start(computing(long))
        assert await asyncio.to_thread(begun.wait, 20)
        with pytest.raises(Overloaded, match="Too many long computations"):
            await setting.start(computing(long))
        gate.set()
        return await first, await setting.start(computing(long))

    assert asyncio.run(run()) == ("computed", "computed")


def test_a_job_that_does_not_begin_in_time_is_given_up_whether_it_has_a_thread_or_not():
    setting, gate, begun = Setting(queue=100), threading.Event(), []

    async def run():
        first = setting.start(computing(lambda deadline: gate.wait(30)), setting.job(patience=1.0))
        while setting.threads.turns.holder is None:
            await asyncio.sleep(0.01)
        others = [
            setting.start(computing(lambda deadline: begun.append(True)), setting.job(patience=1.5))
            for _ in range(MOST_OPEN + 10)
        ]
        told = await asyncio.gather(*others, return_exceptions=True)
        gate.set()
        return told, await first

    told, first = asyncio.run(run())

    assert {str(each) for each in told} == {"The deadline passed before the computation began."}
    assert (begun, first) == ([], True)
    assert setting.threads.turns.waiting == []


def test_a_job_that_gets_no_thread_of_the_systems_is_refused_and_takes_nobodys_place(monkeypatch):
    setting, gate, begun, start = Setting(queue=1), threading.Event(), [], threading.Thread.start

    def fail(thread):
        if thread.name.startswith("kobai"):
            raise RuntimeError("can't start new thread")
        start(thread)

    async def run():
        first = setting.start(lambda job: gate.wait(30))
        while setting.threads.turns.holder is None:
            await asyncio.sleep(0.01)
        with monkeypatch.context() as none_left:
            none_left.setattr(threading.Thread, "start", fail)
            others = [setting.start(begun.append) for _ in range(10)]
            told = await asyncio.gather(*others, return_exceptions=True)
        waiting = setting.threads.waiting
        gate.set()
        await first
        return told, waiting, await setting.start(lambda job: "computed")

    told, waiting, computed = asyncio.run(run())

    assert {type(each) for each in told} == {Overloaded}
    assert (waiting, computed, begun) == (0, "computed", [])


def test_a_job_whose_client_leaves_does_not_begin():
    setting, gate, begun = Setting(queue=100), threading.Event(), []

    async def run():
        first = setting.start(computing(lambda deadline: gate.wait(60)))
        while setting.threads.turns.holder is None:
            await asyncio.sleep(0.01)
        jobs = [setting.job() for _ in range(MOST_OPEN + 10)]
        waiting = [setting.start(computing(lambda deadline: begun.append(True)), job) for job in jobs]
        await asyncio.sleep(0.1)
        for job in jobs:
            job.abandon()
        told = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 30)
        gate.set()
        await first
        return told

    told = asyncio.run(run())

    assert {type(each) for each in told} == {Overloaded}
    assert begun == []


@pytest.mark.parametrize("is_early", [True, False])
def test_a_computation_whose_client_leaves_stops(is_early):
    setting, begun, gate = Setting(), threading.Event(), threading.Event()

    def work(job):
        if is_early:  # the client leaves before there is a deadline
            begun.set()
            gate.wait(5)
        deadline = Deadline(5.0, time.monotonic, job)
        begun.set()
        while not deadline.is_over():
            sum(range(1_000))
        return deadline.remaining()

    async def run():
        job = setting.job()
        running = setting.start(work, job)
        await asyncio.to_thread(begun.wait, 5)
        job.abandon()
        gate.set()
        return await running

    assert asyncio.run(run()) == -math.inf


def test_work_waits_for_what_it_tells_the_event_loop():
    setting, told = Setting(), []

    async def slowly(number):
        await asyncio.sleep(0.05)
        told.append(number)

    def work(job):
        return [(job.tell(slowly, number), len(told))[1] for number in range(3)]

    async def run():
        return await setting.start(work)

    assert asyncio.run(run()) == [1, 2, 3]


def test_nothing_holds_what_a_job_has_computed():
    """Not even the timer that would have given it up."""
    setting = Setting()

    async def run():
        result = weakref.ref(await setting.start(lambda job: np.zeros(3)))
        end = time.monotonic() + 2
        while result() is not None and time.monotonic() < end:  # the thread lets go a moment later
            await asyncio.sleep(0.01)
            gc.collect()
        return result()

    assert asyncio.run(run()) is None


def test_a_failing_computation_is_told_of_and_leaves_nothing():
    setting = Setting()

    def fail(deadline):
        deadline.expect(1.0, 5 * MIB)
        raise ValueError("on purpose")

    async def run():
        with pytest.raises(ValueError, match="on purpose"):
            await setting.start(computing(fail))

    asyncio.run(run())

    assert (setting.memory.held, setting.threads.turns.holder) == (0, None)
