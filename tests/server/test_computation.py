"""What runs where, what waits, and what stops: with a small application behind the bridge."""

import contextlib
import json
import select
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.server.load import begin, told
from tests.server.running import read_all, wait_until

MIB = 1024 * 1024


def let_it_see(server):
    """Wait until the event loop has seen all that was sent and closed before: it looks at all at once."""
    for _ in range(3):
        assert server.get("/livez")[0] == 200


@pytest.fixture
def busy(tiny):
    """Keep a worker thread computing for the time of a test, and then let it go.

    What computes blindly is not stopped: for it the test waits in the end.
    """

    @contextlib.contextmanager
    def occupy(**more):
        connection = begin(tiny, {"seconds": 20.0, "deadline_ms": 25_000} | more)
        yield
        if more.get("blindly"):
            connection.getresponse().read()
        connection.close()

    return occupy


def test_small_work_is_done_on_the_event_loop(tiny):
    assert tiny.post("/softmax", {})[1]["thread"] == "MainThread"
    assert tiny.post("/descent", {"seconds": 0, "price": 0.001})[1]["thread"] == "MainThread"


@pytest.mark.parametrize("price", [0.004, 10.0])
def test_work_that_says_it_takes_long_is_done_on_a_worker_thread(tiny, price):
    assert tiny.post("/descent", {"seconds": 0, "price": price})[1]["thread"] == "kobai"


def test_work_that_takes_longer_than_it_says_does_not_keep_the_event_loop(tiny):
    """What it has used there is bounded by the processor's time; it goes on elsewhere."""
    connection = begin(tiny, {"seconds": 1.0, "price": 0.001, "deadline_ms": 25_000})
    began = time.monotonic()

    assert tiny.get("/livez")[0] == 200
    took = time.monotonic() - began
    answer = json.loads(connection.getresponse().read())
    lasted = time.monotonic() - began

    assert answer["thread"] == "kobai"
    assert took < lasted / 2
    connection.close()


def test_a_worker_thread_stands_back_behind_the_event_loop(tiny):
    tiny.post("/descent", {"seconds": 0})
    (pid,) = tiny.workers()

    tasks = [
        (task / "stat").read_text().rpartition(")")[2].split() for task in Path(f"/proc/{pid}/task").iterdir()
    ]

    niceness = [int(fields[16]) for fields in tasks]
    assert max(niceness) == min(niceness) + 2


def test_a_large_body_goes_to_a_worker_thread(tiny):
    assert tiny.post("/softmax", b"x" * 65_536)[1]["thread"] == "MainThread"
    assert tiny.post("/softmax", b"x" * 65_537)[1]["thread"] == "kobai"


def test_little_work_does_not_wait_behind_much(tiny, busy):
    with busy(), busy():
        status, answer = tiny.post("/descent", {"seconds": 0.05, "price": 0.05, "deadline_ms": 15_000})

    assert (status, answer["thread"]) == (200, "kobai")


def test_work_that_waited_says_for_how_long(tiny, busy):
    with busy(blindly=True, seconds=2.0):
        began = time.monotonic()
        _, answer = tiny.post("/descent", {"seconds": 0.05, "deadline_ms": 20_000})
        took = time.monotonic() - began

    assert 0.1 < answer["waited"] < took


def test_the_deadline_of_work_that_waits_is_kept(tiny, busy):
    """It computes a little whenever it is its turn, and hears of its deadline while it waits."""
    with busy():
        began = time.monotonic()
        status, answer = tiny.post("/descent", {"seconds": 20, "deadline_ms": 600})
        took = time.monotonic() - began

    assert (status, answer["code"]) == (503, "overloaded")
    assert 0.6 <= took < 10


def test_small_and_large_bodies_are_answered_while_a_computation_runs(tiny, busy):
    with busy():
        assert tiny.get("/livez")[0] == 200
        assert tiny.post("/softmax", {})[0] == 200
        assert tiny.post("/softmax", b"x" * MIB)[0] == 200

        assert 20.0 not in [wanted["seconds"] for wanted in told(tiny, "worked")]


def test_a_client_that_goes_away_stops_its_computation(tiny):
    wanted = {"seconds": 20.5, "deadline_ms": 25_000}

    begin(tiny, wanted).close()

    wait_until(lambda: wanted in told(tiny, "over"), 10)


def test_a_client_that_stops_sending_while_it_waits_has_gone(tiny):
    wanted = {"seconds": 19.5, "deadline_ms": 25_000}
    body = json.dumps(wanted).encode()
    sent = b"POST /descent HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    with tiny.socket() as client:
        client.sendall(sent)
        wait_until(lambda: wanted in told(tiny, "begun"))
        client.shutdown(socket.SHUT_WR)

        assert read_all(client) == b""
    wait_until(lambda: wanted in told(tiny, "over"), 10)


def test_a_client_that_goes_away_while_its_work_waits_ends_it(tiny, busy):
    wanted = {"seconds": 7.5, "deadline_ms": 20_000}
    with busy(blindly=True, seconds=2.0):
        waiting = tiny.connect()
        waiting.request("POST", "/descent", json.dumps(wanted))
        let_it_see(tiny)
        waiting.close()
        let_it_see(tiny)

    assert tiny.post("/descent", {"seconds": 0, "deadline_ms": 20_000})[0] == 200
    assert wanted not in told(tiny, "begun")


@pytest.mark.parametrize(("wanted", "seconds"), [({"deadline_ms": 300}, 0.3), ({}, 1.0)])
def test_a_request_that_waits_until_its_deadline_is_told_so(tiny, busy, wanted, seconds):
    """The work before it passes no yield point until then."""
    blind = seconds + 2
    with busy(blindly=True, seconds=blind):
        began = time.monotonic()
        status, answer = tiny.post("/descent", {"seconds": 1} | wanted)
        waited = time.monotonic() - began
        worked = [work["seconds"] for work in told(tiny, "worked")]

    assert (status, answer["code"]) == (503, "overloaded")
    assert seconds <= waited
    assert blind not in worked


def test_a_full_queue_is_answered_with_503_and_retry_after(serve):
    server = serve(KOBAI_QUEUE="1")
    connections = [server.connect() for _ in range(2)]
    for connection in connections:
        connection.request("POST", "/descent", json.dumps({"seconds": 20}))
        let_it_see(server)

    status, headers, _ = server.request("POST", "/descent", json.dumps({"seconds": 0}))

    assert (status, headers["Retry-After"]) == (503, "1")
    assert server.post("/descent", {"seconds": 0.01, "price": 0.01})[0] == 200
    for connection in connections:
        connection.close()


def test_more_computations_than_threads_take_are_answered_with_503_and_retry_after(serve):
    server = serve(KOBAI_QUEUE="1")
    connections = [server.connect() for _ in range(4)]  # twice as many as long ones, by Kobai's own count
    for connection in connections:
        connection.request("POST", "/descent", json.dumps({"seconds": 20, "price": 0.01}))
        let_it_see(server)

    status, headers, body = server.request("POST", "/descent", json.dumps({"seconds": 0}))

    assert (status, headers["Retry-After"], json.loads(body)["code"]) == (503, "1", "overloaded")
    for connection in connections:
        connection.close()
    wait_until(lambda: server.post("/descent", {"seconds": 0})[0] == 200)
    assert server.stop() == 0
    assert server.err.read_text() == ""


def test_a_stream_comes_line_by_line(tiny):
    """All of it would take longer than the reader is patient."""
    connection = tiny.connect()
    connection.request("POST", "/descent/sweep", json.dumps({"lines": 1000, "every": 0.1}))
    response = connection.getresponse()

    lines = [json.loads(response.readline())["line"] for _ in range(3)]

    assert lines == [0, 1, 2]
    assert response.headers["Transfer-Encoding"] == "chunked"
    connection.close()


def test_a_stream_that_nobody_reads_any_more_is_stopped(tiny):
    connection = tiny.connect()
    connection.request("POST", "/descent/sweep", json.dumps({"lines": 200, "every": 0.1}))
    connection.getresponse().readline()

    connection.close()

    (ended,) = wait_until(lambda: [each for each in told(tiny, "streamed") if each["lines"] == 200])
    assert ended["gone"] is True
    assert ended["sent"] < 100


def test_a_stream_waits_for_a_slow_reader_instead_of_piling_up(tiny):
    connection = tiny.connect()
    connection.request("POST", "/descent/sweep", json.dumps({"lines": 100, "every": 0, "size": 200_000}))
    response = connection.getresponse()
    time.sleep(0.5)
    has_ended = 100 in [each["lines"] for each in told(tiny, "streamed")]

    lines = response.read().splitlines()

    assert not has_ended  # twenty megabytes: what sockets hold is less
    assert [json.loads(line)["line"] for line in lines] == list(range(100))
    connection.close()


def test_a_failing_application_gets_a_500_and_the_worker_lives(serve):
    server = serve()

    assert server.get("/broken")[0] == 500
    assert server.get("/livez")[0] == 200
    end = time.monotonic() + 5  # the log is written by a thread of its own
    while not server.err.read_text().endswith("\n") and time.monotonic() < end:
        time.sleep(0.02)
    errors = [json.loads(line) for line in server.err.read_text().splitlines()]
    assert ["broken on purpose" in line["traceback"] for line in errors] == [True]


def test_large_bodies_beyond_what_a_worker_holds_wait_for_their_turn(serve):
    server = serve(KOBAI_HELD_BODY_BYTES=str(16 * MIB), KOBAI_DEADLINE_DEFAULT_MS="25000")
    body = b"x" * (15 * MIB)
    before = server.memory()
    connections = [server.connect() for _ in range(20)]
    for connection in connections:
        connection.putrequest("POST", "/softmax")
        connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body[:MIB])

    with ThreadPoolExecutor(20) as pool:
        statuses = pool.map(lambda connection: finish(connection, body[MIB:]), connections)
        peak = max(server.memory() for _ in range(50) if not time.sleep(0.01))

    assert list(statuses) == [200] * 20
    assert peak - before < 100 * MIB


def test_a_large_body_that_finds_no_room_in_time_is_told_to_come_again(serve):
    limits = {"KOBAI_HELD_BODY_BYTES": str(16 * MIB), "KOBAI_DEADLINE_DEFAULT_MS": "500"}
    server = serve(**limits)
    holding = server.connect()
    holding.putrequest("POST", "/softmax")
    holding.putheader("Content-Length", str(MIB))
    holding.endheaders(b"x" * (MIB - 1))
    let_it_see(server)

    status, headers, answer = server.request("POST", "/softmax", b"x" * MIB)

    assert (status, headers["Retry-After"], json.loads(answer)["code"]) == (503, "1", "overloaded")
    assert finish(holding, b"x") == 200


def finish(connection, body):
    """Send the rest of a body; return the status of the answer."""
    try:
        connection.send(body)
        return connection.getresponse().status
    finally:
        connection.close()


def test_unsent_answers_beyond_what_a_worker_holds_are_refused(serve):
    limits = {"KOBAI_HELD_ANSWER_BYTES": "12000000", "KOBAI_RESPONSE_BYTES": "10000000"}
    server = serve(**limits)
    slow = [server.connect() for _ in range(2)]
    for connection in slow:
        connection.request("GET", "/large?5000000")
    for connection in slow:
        select.select([connection.sock], [], [], 20)  # its answer has begun to come

    status, headers, answer = server.request("GET", "/large?5000000")

    assert (status, headers["Retry-After"], json.loads(answer)["code"]) == (503, "1", "overloaded")
    assert [len(connection.getresponse().read()) for connection in slow] == [5_000_000] * 2
    assert server.get("/large?5000000")[0] == 200
    for connection in slow:
        connection.close()
