"""Who computes first, and what the worker threads take."""

import math
import threading
import time
from functools import partial

import pytest

from service.core.limits import Overloaded
from service.work.threads import WorkerThreads
from service.work.turns import LOOK_SECONDS, Turn, Turns
from tests.server.running import wait_until


@pytest.fixture
def turns():
    return Turns()


def work(turn, seconds, order, *, name="", deadline=math.inf):
    """Compute for some processor time, with a yield point every fraction of a millisecond."""
    end = time.monotonic() + deadline
    turn.take(deadline)
    used = time.thread_time()
    while time.thread_time() - used < seconds and time.monotonic() < end:
        sum(range(2_000))
        turn.give_way(lambda: end - time.monotonic())
    order.append(name)
    turn.give()


def start(target, *arguments, **options):
    thread = threading.Thread(target=target, args=arguments, kwargs=options, daemon=True)
    thread.start()
    return thread


def test_a_job_that_has_used_less_goes_first(turns):
    order = []
    first = Turn(turns)
    long = start(work, first, 1.5, order, name="long")
    wait_until(lambda: turns.holder is first)
    first.used = 0.2  # as if it had computed for so long
    short = start(work, Turn(turns), 0.02, order, name="short")

    short.join(60)
    long.join(60)

    assert order == ["short", "long"]


def test_only_one_job_computes_at_a_time(turns):
    computing, most, lock = 0, 0, threading.Lock()

    def count(turn):
        nonlocal computing, most
        turn.take(math.inf)
        for _ in range(50):
            with lock:
                computing += 1
                most = max(most, computing)
            time.sleep(0.0005)
            with lock:
                computing -= 1
            turn.used += 0.02  # as if it had computed for so long
            turn.give_way(lambda: math.inf)
        turn.give()

    threads = [start(count, Turn(turns)) for _ in range(4)]
    for thread in threads:
        thread.join(60)

    assert most == 1
    assert turns.holder is None


def test_jobs_of_the_same_length_share_the_time_and_change_seldom(turns, monkeypatch):
    jobs, ended, changes = [Turn(turns) for _ in range(3)], [], []
    pass_on = turns.pass_on
    monkeypatch.setattr(turns, "pass_on", lambda: (changes.append([job.used for job in jobs]), pass_on()))
    threads = [start(work, job, 0.3, ended) for job in jobs]

    for thread in threads:
        thread.join(60)

    assert len(changes) < 100
    first_end = next(used for used in changes if max(used) > 0.29)
    assert min(first_end) > 0.2


def test_a_job_looks_at_those_that_wait_no_more_often_than_needed(turns):
    """Each look takes a lock, and a yield point comes every few microseconds."""
    mine, other = Turn(turns), Turn(turns)
    other.used = 1.0  # so it never goes first
    mine.take(math.inf)
    waiting = start(other.take, math.inf)
    while not turns.waiting:
        time.sleep(0.001)

    began = time.monotonic()
    mine.give_way(lambda: math.inf)

    assert turns.look_at >= began + LOOK_SECONDS
    mine.give()
    waiting.join(60)
    other.give()


def test_a_job_whose_deadline_passes_while_it_waits_goes_next(turns):
    order = []
    late, other = Turn(turns), Turn(turns)
    late_thread = start(work, late, 10.0, order, name="late", deadline=1.0)
    wait_until(lambda: turns.holder is late)
    late.used = 10.0  # as if it had computed for so long
    other.used = 5.0
    long = start(work, Turn(turns), 2.0, order, name="long")
    third = start(work, other, 0.0, order, name="other", deadline=60.0)

    for thread in (late_thread, long, third):
        thread.join(60)

    assert late.is_urgent
    assert order == ["late", "long", "other"]


def test_a_job_that_has_not_begun_by_its_deadline_gives_up(turns):
    Turn(turns).take(math.inf)
    late = Turn(turns)

    assert not late.take(0.05)
    assert late.waited >= 0.05
    assert turns.waiting == []


def test_a_job_whose_client_leaves_is_not_kept_waiting(turns):
    order, gone, other = [], Turn(turns), Turn(turns)
    gone_thread = start(work, gone, 0.3, order, name="gone")
    wait_until(lambda: turns.holder is gone)
    gone.used = 10.0  # as if it had computed for so long
    long = start(work, other, 1.5, order, name="long")
    wait_until(lambda: turns.holder is other)

    gone.hurry()

    for thread in (gone_thread, long):
        thread.join(60)
    assert order == ["gone", "long"]


def test_a_job_whose_client_leaves_before_it_begins_gives_up(turns):
    Turn(turns).take(math.inf)
    gone, taken = Turn(turns), []
    thread = start(lambda: taken.append(gone.take(math.inf)))
    wait_until(lambda: turns.waiting == [gone])

    gone.hurry()
    thread.join(60)

    assert taken == [False]


def test_a_job_goes_on_in_another_of_its_threads(turns):
    turn, order = Turn(turns), []
    turn.take(math.inf)

    second = start(lambda: (turn.give_way(lambda: math.inf), order.append("computed"), turn.give()))
    second.join(60)

    assert order == ["computed"]
    assert turns.holder is None


def test_a_job_that_passes_no_yield_point_is_noticed(turns):
    assert turns.stuck_seconds() == 0
    turn = Turn(turns)
    turn.take(math.inf)
    turns.stuck_seconds()
    time.sleep(0.05)

    assert turns.stuck_seconds() >= 0.05
    turn.give_way(lambda: math.inf)
    assert turns.stuck_seconds() < 0.05
    turn.give()
    time.sleep(0.05)
    assert turns.stuck_seconds() == 0


def test_long_jobs_and_others_are_counted_apart():
    threads, gate = WorkerThreads(1), threading.Event()
    hold = partial(gate.wait, 10)
    futures = [threads.submit(hold) for _ in range(4)]

    with pytest.raises(Overloaded, match="Too many computations"):
        threads.submit(hold)
    threads.take_long()
    threads.take_long()
    with pytest.raises(Overloaded, match="Too many long computations"):
        threads.take_long()
    threads.done(is_long=True)
    threads.take_long()
    futures.append(threads.submit(hold))
    gate.set()

    assert [future.result(5) for future in futures] == [True] * 5


def test_the_number_waiting_is_shown():
    threads, gate = WorkerThreads(5), threading.Event()

    waiting = [threads.waiting]
    for _ in range(3):
        threads.submit(partial(gate.wait, 10))
        waiting.append(threads.waiting)
    for _ in range(2):
        threads.done(is_long=False)
        waiting.append(threads.waiting)
    gate.set()

    assert waiting == [0, 0, 1, 2, 1, 0]
