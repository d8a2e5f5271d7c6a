"""The body reader without a server: what it holds, and how much it reads of what is refused."""

import asyncio
import time
import tracemalloc
from collections import Counter

import pytest

from service.config import Settings
from service.server.body_reader import BodyReader
from service.work.budget import MemoryBudget

MIB = 1024 * 1024
CHUNKED = [(b"transfer-encoding", b"chunked")]


def reader_of(pieces, headers=CHUNKED, **environment):
    """Make a reader of so many pieces; the counter says how many bytes were taken."""
    taken, pieces = Counter(), iter(pieces)

    async def receive():
        piece = next(pieces, None)
        if piece is None:
            await asyncio.sleep(60)
        taken["bytes"] += len(piece)
        return {"type": "http.request", "body": piece, "more_body": True}

    settings = Settings.from_environment(environment)
    return BodyReader(headers, receive, settings, MemoryBudget(64 * MIB, reserve=16 * MIB)), taken


@pytest.mark.untraced
def test_tiny_pieces_are_joined_before_they_take_many_times_their_size():
    snapshots = []

    def pieces():
        for number in range(150_000):
            if number == 140_000:
                snapshots.append(tracemalloc.take_snapshot())
            yield b"%02d" % (number % 100)

    reader, taken = reader_of(pieces(), KOBAI_BODY_BYTES="290000", KOBAI_HELD_BODY_BYTES="290000")
    tracemalloc.start()

    refusal = asyncio.run(reader.read())

    tracemalloc.stop()
    own = snapshots[0].filter_traces([tracemalloc.Filter(True, __file__)])
    assert refusal[0] == "body-too-large"
    assert taken["bytes"] > 290_000
    assert sum(trace.size for trace in own.traces) < MIB


class Transport(asyncio.Transport):
    """Notes whether it reads."""

    is_paused = False

    def pause_reading(self):
        self.is_paused = True

    def resume_reading(self):
        self.is_paused = False


def test_reading_pauses_while_a_piece_waits_for_memory():
    """Else what comes beside the body would not be bounded meanwhile."""
    reader, taken = reader_of([b"x" * 65_536] * 2)
    reader.transport = Transport()

    async def run():
        reading = asyncio.create_task(reader.read())
        while taken["bytes"] < 2 * 65_536:
            await asyncio.sleep(0)
        assert reader.expects(1)  # it waits for the next
        asked = reader.transport.is_paused
        reading.cancel()
        return asked

    assert reader.expects(1)
    assert reader.transport.is_paused
    assert not asyncio.run(run())


@pytest.mark.parametrize("most", [0, MIB, 5 * MIB, 5 * MIB + 1])
def test_what_is_refused_is_read_away_up_to_a_bound(most):
    headers = [(b"content-length", b"1000000000")]
    reader, taken = reader_of([b"x" * 65_536] * 10_000, headers, KOBAI_DISCARDED_BYTES=str(most))

    refusal = asyncio.run(reader.read())
    asyncio.run(reader.discard())

    assert refusal[0] == "body-too-large"
    assert most <= taken["bytes"] <= most + 65_536


def test_what_is_refused_is_read_away_for_so_long_only():
    headers = [(b"content-length", b"1000000000")]
    reader, _ = reader_of([b"x"], headers, KOBAI_BODY_TIMEOUT_S="1")
    began = time.monotonic()

    asyncio.run(reader.read())
    asyncio.run(reader.discard())

    assert 0.9 < time.monotonic() - began < 5


class Pausing:
    """A transport that counts what a reader tells it."""

    def __init__(self):
        self.calls = Counter()

    def pause_reading(self):
        self.calls["pause"] += 1

    def resume_reading(self):
        self.calls["resume"] += 1


def test_what_bypasses_the_parser_waits_until_somebody_reads():
    reader, _ = reader_of([b"x" * 10], [(b"content-length", b"40")])
    reader.transport = Pausing()
    calls = reader.transport.calls

    async def run():
        assert not reader.take(b"still parsed")
        reading = asyncio.create_task(reader.read())
        await asyncio.sleep(0)
        assert reader.take(b"x" * 10)
        assert calls["pause"] == 0
        assert reader.take(b"x" * 10)
        assert calls["pause"] == 1
        await asyncio.sleep(0)
        assert calls["resume"] == 4
        assert reader.take(b"x" * 10 + b"GET / ")
        assert calls["pause"] == 2
        return await reading

    assert asyncio.run(run()) is None
    assert (reader.body, reader.unparsed, reader.behind) == (b"x" * 40, 30, b"GET / ")


def test_the_end_of_a_connection_after_that_of_reading_is_taken_in():
    reader, _ = reader_of([b"x"] * 10, KOBAI_BODY_TIMEOUT_S="1")
    asyncio.run(reader.read())
    began = time.monotonic()

    reader.end()
    asyncio.run(reader.discard())

    assert time.monotonic() - began < 0.9


def test_a_message_that_says_nothing_of_more_is_the_last():
    messages = iter(
        [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.request", "body": b"}"}]
    )

    async def receive():
        return next(messages)

    reader = BodyReader(CHUNKED, receive, Settings.from_environment({}), MemoryBudget(MIB))
    refusal = asyncio.run(reader.read())

    assert (reader.is_complete, refusal, reader.body) == (True, None, b"{}")
