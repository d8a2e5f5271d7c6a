"""A job without a server: what it may use, what it waits for, and what it leaves behind."""

import asyncio
import gc
import math
import threading
import time
import weakref

import pytest

from service.api.problems import Problem
from service.core.exceptions import DeadlineExceeded
from service.core.limits import Deadline
from service.server.bridge import QUICK_SECONDS, Deferred, EventLoop
from service.server.budget import MemoryBudget
from service.server.job import AHEAD_BYTES, FREE_BYTES, LARGE_BYTES, Job, run
from service.server.threads import WorkerThreads

MIB = 1024 * 1024


class Setting:
    """What the jobs of a test share."""

    def __init__(self, queue=5, memory=100 * MIB, reserve=0):
        self.threads = WorkerThreads(queue)
        self.memory = MemoryBudget(memory, reserve)
        self.done = []

    def job(self, application, length=0, until=None):
        """Make a job and submit it."""
        environ = {"CONTENT_LENGTH": str(length)}
        job = Job(application, environ, until, self.threads, self.memory, 5.0, lambda: self.done.append(job))
        self.threads.submit(job.run)
        return job


def computing(body, seconds=5.0):
    """Make an application that computes under a deadline of its own."""

    def application(environ, start_response):
        deadline = Deadline(seconds, time.monotonic, environ["kobai.scheduler"])
        answer = body(deadline)
        start_response("200 OK", [("Content-Length", "0")])
        return [answer or b""]

    return application


async def ended(job):
    """Wait for the last event of a job."""
    kind = "start"
    while kind in ("start", "chunk"):
        kind, value = await asyncio.wait_for(job.events.get(), 10)
    return kind, value


# The event loop.


def test_work_that_announces_much_is_put_off():
    deadline = Deadline(5.0, time.monotonic, EventLoop())
    deadline.expect(QUICK_SECONDS)

    with pytest.raises(Deferred):
        deadline.expect(1.01 * QUICK_SECONDS)


def test_work_that_its_deadline_stops_soon_is_not_put_off():
    Deadline(0.5 * QUICK_SECONDS, time.monotonic, EventLoop()).expect(10.0)


def test_work_on_the_event_loop_is_bounded_by_its_processor_time():
    deadline, began = Deadline(60.0, time.monotonic, EventLoop()), time.thread_time()

    with pytest.raises(Deferred):
        while not deadline.is_over():
            sum(range(100))

    assert QUICK_SECONDS < time.thread_time() - began < 4 * QUICK_SECONDS


def test_time_that_passes_while_others_have_the_processor_does_not_put_work_off():
    deadline = Deadline(60.0, time.monotonic, EventLoop())
    time.sleep(10 * QUICK_SECONDS)

    assert not deadline.is_over()


# Memory.


class Request:
    """Refers to its environment, which refers to it, as Flask's does."""

    def __init__(self, environ):
        self.environ = environ
        environ["request"] = self


@pytest.mark.parametrize("is_on_a_thread", [False, True])
@pytest.mark.parametrize("is_failing", [False, True])
def test_a_request_is_freed_without_the_collector(is_on_a_thread, is_failing):
    setting, requests = Setting(), []

    def application(environ, start_response):
        requests.append(weakref.ref(Request(environ)))
        if is_failing:
            raise LookupError
        start_response("200 OK", [("Content-Length", "2")])
        return [b"{}"]

    async def serve():
        if is_on_a_thread:
            kind, _ = await ended(setting.job(application))
            assert kind == ("failed" if is_failing else "whole")
        elif is_failing:
            with pytest.raises(LookupError):
                run(application, {})
        else:
            assert run(application, {}).body == b"{}"

    gc.disable()
    try:
        asyncio.run(serve())
        left = requests[0]()
    finally:
        gc.enable()

    assert left is None


def test_jobs_wait_for_the_memory_that_others_hold():
    """Of three jobs that need 40 MiB of 100, the third begins when one has ended."""
    setting, gate, most = Setting(), threading.Event(), []

    def hold(deadline):
        deadline.expect(0.01, 40 * MIB)
        most.append(setting.memory.held)
        deadline.finish()  # others may compute meanwhile
        gate.wait(5)

    async def run():
        jobs = [setting.job(computing(hold)) for _ in range(3)]
        await asyncio.sleep(0.3)
        assert len(most) == 2
        gate.set()
        return [(await ended(job))[0] for job in jobs]

    assert asyncio.run(run()) == ["whole"] * 3
    assert max(most) <= 100 * MIB
    assert setting.memory.held == 0
    assert len(setting.done) == 3


def test_a_job_that_finds_no_memory_in_time_hears_of_its_deadline():
    setting = Setting(memory=10 * MIB)
    setting.memory.take(9 * MIB)

    def hold(deadline):
        with pytest.raises(DeadlineExceeded, match=r"0\.[2-9]\d s of the time went by waiting"):
            deadline.expect(0.01, 5 * MIB)
        return b"told"

    async def run():
        return (await ended(setting.job(computing(hold, 0.2))))[1].body

    assert asyncio.run(run()) == b"told"


def test_a_job_whose_client_leaves_does_not_wait_for_memory():
    setting, told = Setting(memory=10 * MIB), []
    setting.memory.take(9 * MIB)

    def hold(deadline):
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            deadline.expect(0.01, 5 * MIB)
        told.append(time.monotonic() - began)

    async def run():
        job = setting.job(computing(hold))
        await asyncio.sleep(0.2)
        job.leave()
        await ended(job)

    asyncio.run(run())

    assert told[0] < 2


def test_little_memory_is_not_counted():
    setting, held = Setting(), []

    async def run():
        await ended(setting.job(computing(lambda deadline: deadline.expect(0.01, FREE_BYTES))))
        await ended(
            setting.job(
                computing(
                    lambda deadline: (
                        deadline.expect(0.01, 3 * FREE_BYTES),
                        held.append(setting.memory.held),
                    )[2:]
                )
            )
        )

    asyncio.run(run())

    assert held == [2 * FREE_BYTES]


@pytest.mark.parametrize(
    ("length", "peak", "expected"), [(0, 0, 0), (LARGE_BYTES, 0, 1), (0, LARGE_BYTES + 1, 1)]
)
def test_after_a_large_job_memory_is_given_back(monkeypatch, length, peak, expected):
    setting, given = Setting(), []
    monkeypatch.setattr(setting.threads, "give_back_memory", lambda: given.append(True))

    async def run():
        await ended(setting.job(computing(lambda deadline: deadline.expect(0.01, peak) and None), length))

    asyncio.run(run())

    assert len(given) == expected


# Places.


def test_a_long_job_needs_a_place_among_the_long_ones():
    setting, gate = Setting(queue=0), threading.Event()

    def long(deadline):
        deadline.expect(1.0)
        deadline.finish()
        gate.wait(5)

    def refused(deadline):
        with pytest.raises(Problem, match="Too many long computations"):
            deadline.expect(1.0)
        return b"refused"

    async def run():
        first = setting.job(computing(long))
        await asyncio.sleep(0.2)
        second = await ended(setting.job(computing(refused)))
        gate.set()
        await ended(first)
        third = await ended(setting.job(computing(long)))
        return second[1].body, third[0]

    assert asyncio.run(run()) == (b"refused", "whole")


def test_a_job_that_waits_for_its_first_turn_can_be_withdrawn_but_not_later():
    setting, gate, begun = Setting(), threading.Event(), []

    async def run():
        first = setting.job(computing(lambda deadline: gate.wait(5) and None))
        await asyncio.sleep(0.1)
        second = setting.job(computing(lambda deadline: begun.append(True)))
        await asyncio.sleep(0.1)
        assert second.withdraw()
        assert not first.withdraw()
        gate.set()
        return (await ended(first))[0], (await ended(second))[0]

    assert asyncio.run(run()) == ("whole", "gone")
    assert begun == []


def test_a_job_whose_time_runs_out_in_the_queue_goes_before_those_that_have_time():
    setting, gate, order = Setting(), threading.Event(), []

    async def run():
        first = setting.job(computing(lambda deadline: gate.wait(5) and None))
        await asyncio.sleep(0.1)
        patient = setting.job(computing(lambda deadline: order.append("patient")))
        await asyncio.sleep(0.1)
        late = setting.job(computing(lambda deadline: order.append("late")), until=time.monotonic() + 0.1)
        await asyncio.sleep(0.5)
        gate.set()
        for job in (first, patient, late):
            await ended(job)

    asyncio.run(run())

    assert order == ["late", "patient"]


@pytest.mark.parametrize("is_early", [True, False])
def test_a_computation_whose_client_leaves_stops(is_early):
    setting, begun, gate, took = Setting(), threading.Event(), threading.Event(), []

    def application(environ, start_response):
        if is_early:  # the client leaves before there is a deadline
            begun.set()
            gate.wait(5)
        deadline = Deadline(5.0, time.monotonic, environ["kobai.scheduler"])
        begun.set()
        while not deadline.is_over():
            sum(range(1_000))
        took.append(deadline.remaining())
        start_response("200 OK", [("Content-Length", "0")])
        return [b""]

    async def run():
        job = setting.job(application)
        await asyncio.to_thread(begun.wait, 5)
        job.leave()
        gate.set()
        return (await ended(job))[0]

    assert asyncio.run(run()) == "whole"
    assert took == [-math.inf]


# Streams.


def test_a_stream_runs_only_so_far_ahead_of_its_reader():
    setting, size, made = Setting(), 100_000, []

    def application(environ, start_response):
        start_response("200 OK", [])
        return (made.append(number) or b"x" * size for number in range(100))

    async def run():
        job = setting.job(application)
        await asyncio.sleep(0.3)
        ahead = len(made)
        for _ in range(3):
            job.sent(size)
        await asyncio.sleep(0.2)
        later = len(made)
        job.leave()
        return ahead, later

    ahead, later = asyncio.run(run())

    assert ahead * size <= AHEAD_BYTES + 2 * size
    assert later == ahead + 3


def test_a_failing_computation_is_told_of_and_leaves_nothing():
    setting = Setting()

    def fail(deadline):
        deadline.expect(1.0, 5 * MIB)
        raise ValueError("on purpose")

    async def run():
        return await ended(setting.job(computing(fail)))

    kind, error = asyncio.run(run())

    assert (kind, str(error)) == ("failed", "on purpose")
    assert (setting.memory.held, setting.threads.turns.holder) == (0, None)
