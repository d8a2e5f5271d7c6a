"""The service on Gunicorn's gthread worker: it stops, restarts and counts as on the asgi worker."""

import contextlib
import math
import signal

import pytest
from gunicorn.config import Config

from service.server.gthread import Attendance
from tests.server.load import call, finish
from tests.server.running import wait_until

SMALL = ("POST", "/softmax", b'{"x": [1, 2, 3]}')


@pytest.fixture
def threaded(serve):
    """Start the service on two gthread workers."""

    def start(**environment):
        return serve(None, KOBAI_WORKER_CLASS="gthread", WEB_CONCURRENCY="2", **environment)

    return start


def test_no_request_fails_when_sighup_replaces_its_workers(threaded):
    server = threaded(KOBAI_DRAIN_S="1")
    callers = call(server.port, 8, [SMALL])
    wait_until(lambda: all(caller.statuses for caller in callers))

    for _ in range(2):
        server.replace_workers()

    statuses, failures = finish(callers)
    assert (failures, set(statuses)) == ([], {200})
    assert [caller.is_refused for caller in callers] == [False] * 8
    assert server.stop() == 0
    assert server.err.read_text() == ""


def test_no_request_fails_when_its_workers_are_replaced_after_so_many(threaded):
    server = threaded(GUNICORN_CMD_ARGS="--max-requests 300")
    first = set(server.workers())
    callers = call(server.port, 8, [SMALL])
    wait_until(lambda: len(server.workers()) == 2 and first.isdisjoint(server.workers()))

    statuses, failures = finish(callers)
    assert (failures, set(statuses)) == ([], {200})
    assert [caller.is_refused for caller in callers] == [False] * 8


def test_at_sigterm_it_takes_connections_while_readyz_says_503(threaded):
    server = threaded(KOBAI_DRAIN_S="2")

    server.process.send_signal(signal.SIGTERM)

    wait_until(lambda: server.get("/readyz")[0] == 503, 2)
    assert [server.post("/softmax", {"x": [1, 2]})[0] for _ in range(20)] == [200] * 20
    assert server.stop() == 0


def test_one_that_the_command_line_names_drains_as_well(serve):
    server = serve("service.wsgi:app", KOBAI_DRAIN_S="2", GUNICORN_CMD_ARGS="--worker-class gthread")

    server.process.send_signal(signal.SIGTERM)

    wait_until(lambda: server.get("/readyz")[0] == 503, 2)
    assert "with 1 gthread workers" in server.out.read_text()


def test_the_number_of_requests_is_drawn_from_what_the_command_line_gives():
    config = Config()
    attendance = Attendance(0)
    attendance.take_over(config)
    endless = attendance.most_requests()

    config.set("max_requests", 20)
    config.set("max_requests_jitter", 3)
    attendance.take_over(config)

    assert endless == math.inf
    assert {attendance.most_requests() for _ in range(400)} == {20, 21, 22, 23}
    assert config.max_requests == 0  # Gunicorn's own end would come without a drain


def test_a_worker_that_has_had_no_request_is_counted(threaded):
    server = threaded()
    server.replace_workers()

    with contextlib.closing(server.connect()) as connection:  # to one of the new workers

        def shown():
            connection.request("GET", "/metrics")
            return connection.getresponse().read()

        wait_until(lambda: b"\nkobai_workers 2.0\n" in shown(), 5)
        assert b"\nkobai_worker_starts_total 4.0\n" in shown()
