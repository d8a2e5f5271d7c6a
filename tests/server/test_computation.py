"""What runs where, what waits, and what stops: with a small application behind the bridge."""

import contextlib
import json
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

MIB = 1024 * 1024


@pytest.fixture
def busy(tiny):
    """Keep a worker thread computing for the time of a test, and then let it go."""

    @contextlib.contextmanager
    def occupy(**more):
        connection = tiny.connect()
        wanted = {"seconds": 20.0, "deadline_ms": 25_000} | more
        connection.request("POST", "/descent", json.dumps(wanted))
        time.sleep(0.2)
        yield
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
    wanted = {"seconds": 0.8, "price": 0.001, "deadline_ms": 20_000}
    with ThreadPoolExecutor(1) as pool:
        answer = pool.submit(tiny.post, "/descent", wanted)
        time.sleep(0.1)
        began = time.monotonic()
        assert tiny.get("/livez")[0] == 200
        took = time.monotonic() - began

    assert answer.result()[1]["thread"] == "kobai"
    assert took < 0.4


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
        began = time.monotonic()
        status, answer = tiny.post("/descent", {"seconds": 0.05, "price": 0.05})
        took = time.monotonic() - began

    assert (status, answer["thread"]) == (200, "kobai")
    assert took < 1


def test_work_that_waited_says_for_how_long(tiny, busy):
    with busy(blindly=True, seconds=0.5):
        _, answer = tiny.post("/descent", {"seconds": 0.05, "deadline_ms": 5_000})

    assert 0.1 < answer["waited"] < 2


def test_the_deadline_of_work_that_waits_is_kept(tiny, busy):
    """It computes a little whenever it is its turn, and hears of its deadline while it waits."""
    with busy():
        began = time.monotonic()
        status, answer = tiny.post("/descent", {"seconds": 20, "deadline_ms": 600})
        took = time.monotonic() - began

    assert (status, answer["code"]) == (503, "overloaded")
    assert 0.6 <= took < 0.9


def test_small_and_large_bodies_are_answered_while_a_computation_runs(tiny, busy):
    with busy():
        began = time.monotonic()
        assert tiny.get("/livez")[0] == 200
        assert tiny.post("/softmax", {})[0] == 200
        assert tiny.post("/softmax", b"x" * MIB)[0] == 200

        assert time.monotonic() - began < 2


def test_a_client_that_goes_away_stops_its_computation(tiny):
    connection = tiny.connect()
    connection.request("POST", "/descent", json.dumps({"seconds": 20}))
    time.sleep(0.2)

    connection.close()

    began = time.monotonic()
    assert tiny.post("/descent", {"seconds": 0})[0] == 200
    assert time.monotonic() - began < 1


def test_a_client_that_stops_sending_while_it_waits_has_gone(tiny):
    body = b'{"seconds": 20}'
    sent = b"POST /descent HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)

    began = time.monotonic()

    assert tiny.exchange(sent, end=True) == b""
    assert tiny.post("/descent", {"seconds": 0})[0] == 200
    assert time.monotonic() - began < 5


def test_a_client_that_goes_away_while_its_work_waits_ends_it(tiny, busy):
    with busy(blindly=True, seconds=1.5):
        waiting = tiny.connect()
        waiting.request("POST", "/descent", json.dumps({"seconds": 7.5}))
        time.sleep(0.2)
        waiting.close()

    began = time.monotonic()
    assert tiny.post("/descent", {"seconds": 0, "deadline_ms": 20_000})[0] == 200
    assert time.monotonic() - began < 3
    assert '"worked": {"seconds": 7.5' not in tiny.out.read_text()


@pytest.mark.parametrize(("wanted", "seconds"), [({"deadline_ms": 300}, 0.3), ({}, 1.0)])
def test_a_request_that_waits_until_its_deadline_is_told_so(tiny, busy, wanted, seconds):
    """The work before it passes no yield point until then."""
    with busy(blindly=True, seconds=seconds + 0.3):
        began = time.monotonic()
        status, answer = tiny.post("/descent", {"seconds": 1} | wanted)
        waited = time.monotonic() - began

    assert (status, answer["code"]) == (503, "overloaded")
    assert seconds <= waited < seconds + 1


def test_a_full_queue_is_answered_with_503_and_retry_after(serve):
    server = serve(KOBAI_QUEUE="1")
    connections = [server.connect() for _ in range(2)]
    for connection in connections:
        connection.request("POST", "/descent", json.dumps({"seconds": 20}))
        time.sleep(0.1)

    status, headers, _ = server.request("POST", "/descent", json.dumps({"seconds": 0}))

    assert (status, headers["Retry-After"]) == (503, "1")
    assert server.post("/descent", {"seconds": 0.01, "price": 0.01})[0] == 200
    for connection in connections:
        connection.close()


def test_a_stream_comes_line_by_line(tiny):
    body = json.dumps({"lines": 3, "every": 0.3}).encode()
    head = b"POST /descent/sweep HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: %d\r\n\r\n"
    arrived = []
    with tiny.socket() as client:
        client.sendall(head % len(body) + body)
        while data := client.recv(65_536):
            arrived.append((time.monotonic(), data))

    whole = b"".join(data for _, data in arrived)
    moments = [next(at for at, data in arrived if b'"line": %d' % line in data) for line in range(3)]
    assert b"transfer-encoding: chunked" in whole.lower()
    assert moments[2] - moments[0] > 0.5


def test_a_stream_that_nobody_reads_any_more_is_stopped_within_a_second(tiny):
    connection = tiny.connect()
    connection.request("POST", "/descent/sweep", json.dumps({"lines": 1000, "every": 0.1}))
    connection.getresponse().readline()
    connection.close()
    time.sleep(1.0)

    ended = [json.loads(line) for line in tiny.out.read_text().splitlines() if "streamed" in line]

    assert ended[-1]["gone"] is True
    assert ended[-1]["streamed"] < 15


def test_a_stream_waits_for_a_slow_reader_instead_of_piling_up(tiny):
    connection = tiny.connect()
    connection.request("POST", "/descent/sweep", json.dumps({"lines": 100, "every": 0, "size": 200_000}))
    response = connection.getresponse()
    time.sleep(0.5)
    has_ended = '"streamed": 100' in tiny.out.read_text()

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
    time.sleep(0.2)

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
    time.sleep(0.3)

    status, headers, answer = server.request("GET", "/large?5000000")

    assert (status, headers["Retry-After"], json.loads(answer)["code"]) == (503, "1", "overloaded")
    assert [len(connection.getresponse().read()) for connection in slow] == [5_000_000] * 2
    assert server.get("/large?5000000")[0] == 200
    for connection in slow:
        connection.close()
