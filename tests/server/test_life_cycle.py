"""Start, stop, and the death of a worker."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.server.load import begin, call, finish
from tests.server.running import MEMORY, ROOT, free_port, live_at, read_all, wait_until

SMALL = ("POST", "/softmax", b'{"x": [1, 2, 3]}')
LONG = ("POST", "/descent", b'{"seconds": 0.05, "blindly": true}')


def start(**environment):
    """Start the service and wait until it ends by itself."""
    return subprocess.run(
        [sys.executable, "-m", "service"],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=90,
    )


@pytest.mark.parametrize(
    ("variable", "value"),
    [("WEB_CONCURRENCY", "two"), ("PORT", "0"), ("KOBAI_STEPS", "-1"), ("KOBAI_STEP", "1")],
)
def test_d_8_a_bad_setting_stops_the_start_with_one_line_that_names_it(variable, value):
    ended = start(**{variable: value})

    assert ended.returncode == 2
    assert ended.stdout == ""
    assert ended.stderr.startswith("kobai: ")
    assert variable in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_arguments_are_refused():
    ended = subprocess.run(
        [sys.executable, "-m", "service", "--port=1"], cwd=ROOT, capture_output=True, text=True, timeout=90
    )

    assert (ended.returncode, ended.stderr.count("\n")) == (2, 1)


def test_ctrl_c_during_the_start_ends_it_without_a_traceback():
    environment = os.environ | {"PORT": str(free_port())}
    program = [sys.executable, "-m", "service"]
    with subprocess.Popen(program, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as started:
        maps = Path(f"/proc/{started.pid}/maps")
        wait_until(lambda: "_multiarray_umath" in maps.read_text())  # NumPy is being imported

        started.send_signal(signal.SIGINT)

        assert started.communicate(timeout=90)[1] == ""


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_in_use_stops_the_start_with_one_line_that_names_it(workers):
    with socket.create_server(("127.0.0.1", free_port())) as taken:
        port = taken.getsockname()[1]

        ended = start(PORT=str(port), WEB_CONCURRENCY=workers)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert (
        ended.stderr
        == f"kobai: Cannot listen on 127.0.0.1:{port} (set by HOST and PORT): the port is in use.\n"
    )


def test_a_port_of_another_gunicorn_is_in_use_too(tiny):
    ended = start(PORT=str(tiny.port), WEB_CONCURRENCY="2")

    assert (ended.returncode, f":{tiny.port} " in ended.stderr) == (1, True)


def test_an_address_that_is_not_ours_stops_the_start():
    ended = start(HOST="192.0.2.1", PORT=str(free_port()))

    assert (ended.returncode, ended.stderr.count("\n")) == (1, 1)
    assert "192.0.2.1" in ended.stderr


def test_a_timeout_on_the_command_line_that_cuts_off_deadlines_stops_the_start(tmp_path):
    command = [sys.executable, "-m", "gunicorn", "-c", "python:service.gunicorn_conf", "--timeout", "5"]

    ended = subprocess.run(
        [*command, "tests.server.tiny:app"],
        cwd=ROOT,
        env=os.environ | {"PORT": str(free_port())},
        capture_output=True,
        text=True,
        timeout=90,
    )

    assert ended.returncode != 0
    assert "KOBAI_DEADLINE_MS" in ended.stderr


def spread(server, count):
    """Open connections, and count how many each worker has."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            connection = stack.enter_context(contextlib.closing(server.connect()))
            connection.request("GET", "/livez")
            connection.getresponse().read()
        return [len(server.clients(pid)) for pid in server.workers()]


def wait_for_all(server):
    """Wait until every worker takes connections: a server is ready with its first."""
    wait_until(lambda: min(spread(server, 16)) > 0)


def wait_for_successor(server, victim):
    """Wait until a killed worker is replaced."""
    wait_until(lambda: victim not in server.workers() and len(server.workers()) == 2)


def test_kept_alive_connections_are_spread_over_the_workers(serve):
    server = serve(WEB_CONCURRENCY="2")
    wait_for_all(server)

    at_first = spread(server, 64)
    victim = server.workers()[0]
    os.kill(victim, signal.SIGKILL)
    wait_for_successor(server, victim)
    wait_for_all(server)
    later = spread(server, 64)

    # fewer than 12 of 64 on one of two: less than one chance in a million
    assert [sum(at_first), sum(later)] == [64, 64]
    assert min(at_first + later) >= 12


def test_at_sigterm_under_load_no_accepted_request_fails(serve):
    server = serve(WEB_CONCURRENCY="2", KOBAI_DRAIN_S="1", KOBAI_DEADLINE_DEFAULT_MS="25000")
    callers = call(server.port, 8, [SMALL] * 20 + [LONG])
    wait_until(lambda: sum(len(caller.statuses) for caller in callers) >= 2_000)

    assert server.stop() == 0

    statuses, failures = finish(callers)
    assert failures == []
    assert set(statuses) == {200}
    assert len(statuses) >= 2_000
    assert server.err.read_text() == ""


def test_no_request_fails_when_workers_are_replaced_after_so_many(serve):
    server = serve(WEB_CONCURRENCY="2", GUNICORN_CMD_ARGS="--max-requests 500")
    first = set(server.workers())
    callers = call(server.port, 8, [SMALL])
    wait_until(lambda: len(server.workers()) == 2 and first.isdisjoint(server.workers()))
    wait_until(lambda: sum(len(caller.statuses) for caller in callers) >= 2_000)

    statuses, failures = finish(callers)
    assert failures == []
    assert set(statuses) == {200}
    assert server.stop() == 0
    assert server.err.read_text() == ""


def test_a_worker_that_has_had_its_requests_drains_before_it_ends(serve):
    server = serve(WEB_CONCURRENCY="1", KOBAI_DRAIN_S="2", GUNICORN_CMD_ARGS="--max-requests 20")

    for _ in range(20):
        server.get("/livez")

    wait_until(lambda: server.get("/readyz")[0] == 503, 10)
    assert server.stop() == 0


@pytest.mark.parametrize("worker_class", ["asgi", "gthread"])
def test_workers_that_have_had_their_requests_leave_one_after_the_other(serve, worker_class):
    server = serve(
        None,
        KOBAI_WORKER_CLASS=worker_class,
        WEB_CONCURRENCY="2",
        KOBAI_DRAIN_S="5",
        KOBAI_DEADLINE_MS="20000",
        KOBAI_DEADLINE_DEFAULT_MS="20000",
        GUNICORN_CMD_ARGS="--max-requests 20",
    )
    for _ in range(200):  # more than enough for both, whichever of them the kernel chooses
        assert server.get("/livez")[0] == 200

    wait_until(lambda: server.get("/readyz")[0] == 503, 10)
    time.sleep(1)  # the other has looked at its number meanwhile
    assert {server.get("/readyz")[0] for _ in range(60)} == {200, 503}


def test_a_drain_that_fails_is_told_of_and_stops_the_worker_all_the_same(serve):
    server = serve("tests.server.tiny:undrained")

    server.process.send_signal(signal.SIGTERM)

    assert server.process.wait(20) == 0  # the master would kill the worker after 28
    assert "nothing can be told" in server.err.read_text()


def ask_early(port):
    """Ask as soon as the port is bound, before there is somebody to answer; return the connection."""
    while True:
        with contextlib.suppress(ConnectionRefusedError):
            client = socket.create_connection(("127.0.0.1", port), 30)
            client.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            return client


def test_a_stop_drains_from_the_first_request_on(serve):
    port = free_port()
    with ThreadPoolExecutor() as threads:
        asked = threads.submit(ask_early, port)
        server = serve("tests.server.tiny:stopped_early", PORT=str(port))
        with asked.result() as client:
            assert read_all(client).startswith(b"HTTP/1.1 200 ")

    wait_until(lambda: "nothing can be told" in server.err.read_text(), 20)  # by the drain, which fails


@pytest.mark.parametrize("worker_class", ["asgi", "gthread"])
def test_a_stop_while_a_worker_starts_answers_who_waits_for_it(worker_class):
    port = free_port()
    chosen = {"KOBAI_WORKER_CLASS": worker_class, "WEB_CONCURRENCY": "1", "KOBAI_DRAIN_S": "0"}
    program = [sys.executable, "-m", "service"]
    environment = os.environ | chosen | {"PORT": str(port)}
    with subprocess.Popen(program, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as started:
        with ask_early(port) as client:
            started.send_signal(signal.SIGTERM)
            assert read_all(client).startswith(b"HTTP/1.1 200 ")
        assert started.wait(20) == 0


@pytest.mark.parametrize(
    ("worker_class", "application"),
    [("uvicorn_worker.UvicornWorker", "service.asgi:app"), ("gthread", "service.wsgi:app")],
)
def test_a_worker_that_the_command_line_names_takes_a_stop(serve, worker_class, application):
    server = serve(application, GUNICORN_CMD_ARGS=f"--worker-class {worker_class}")

    server.process.send_signal(signal.SIGTERM)

    assert server.process.wait(20) == 0  # the master would kill the worker after 28


SIGNALS = """
import signal
from service.api import health
signal.signal(signal.SIGALRM, lambda *_: health.drain())
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
for _ in range(100_000):
    health.drain()
signal.setitimer(signal.ITIMER_REAL, 0)
print(health.is_draining())
"""


def test_a_stop_that_comes_while_another_is_taken_does_not_wait_for_it():
    """A gthread worker drains in its signal handler, which the next signal interrupts."""
    ended = subprocess.run([sys.executable, "-c", SIGNALS], cwd=ROOT, capture_output=True, timeout=60)

    assert ended.stdout == b"True\n"


def test_while_draining_readyz_answers_503_and_accepted_requests_finish(serve):
    server = serve(KOBAI_DRAIN_S="5", KOBAI_DEADLINE_MS="20000", KOBAI_DEADLINE_DEFAULT_MS="20000")
    probe, idle = server.connect(), server.connect()
    probe.request("GET", "/readyz")
    before = probe.getresponse()
    before.read()
    idle.connect()
    long = begin(server, {"seconds": 1.5, "blindly": True})

    server.process.send_signal(signal.SIGTERM)
    wait_until(lambda: server.get("/readyz")[0] == 503)
    probe.request("GET", "/readyz")
    kept = probe.getresponse()
    finished = long.getresponse()

    assert (before.status, kept.status, kept.headers["Connection"]) == (200, 503, "close")
    assert (finished.status, finished.headers["Connection"]) == (200, "close")
    assert server.stop() == 0
    for connection in (long, probe, idle):
        connection.close()


def test_idle_connections_do_not_hold_up_a_stop(serve):
    server = serve(KOBAI_DRAIN_S="0")
    with contextlib.ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(server.socket())
        half = stack.enter_context(server.socket())
        half.sendall(b"GET /livez HTTP/1.1\r\n")
        wait_until(lambda: sum(len(server.clients(pid)) for pid in server.workers()) == 21)
        began = time.monotonic()

        assert server.stop() == 0

    assert time.monotonic() - began < 20  # two seconds idle, two for the half request; others last 28


SLOW_FORKS = "import os, time\nos.register_at_fork(after_in_child=lambda: time.sleep(2))\n"


def test_a_stop_while_a_worker_is_made_is_not_lost(serve, tmp_path):
    """For two seconds the successor of a killed worker is a copy of the master, with its handlers."""
    (tmp_path / "sitecustomize.py").write_text(SLOW_FORKS)
    server = serve(PYTHONPATH=str(tmp_path))
    (victim,) = server.workers()
    os.kill(victim, signal.SIGKILL)
    wait_until(lambda: server.workers() not in ([], [victim]))
    began = time.monotonic()

    assert server.stop() == 0

    assert time.monotonic() - began < 20  # a stop that is lost is waited for, 28 seconds


def test_h_11_sigkill_of_a_worker_costs_only_its_own_requests(serve):
    server = serve(WEB_CONCURRENCY="2")
    callers = call(server.port, 8, [SMALL])
    wait_until(lambda: all(caller.statuses for caller in callers))
    victim = max(server.workers(), key=lambda pid: len(server.clients(pid)))

    os.kill(victim, signal.SIGKILL)
    wait_for_successor(server, victim)
    time.sleep(0.5)

    statuses, failures = finish(callers)
    assert 0 < len(failures) <= 16  # what it served, what waited at its socket, and what knocked as it closed
    assert set(statuses) == {200}
    assert server.get("/readyz")[0] == 200


def ask(server, count):
    """Send a request on each of so many new connections, and read no answer yet."""
    connections = [server.connect() for _ in range(count)]
    for connection in connections:
        connection.request("GET", "/livez")
    return connections


def read(connections):
    """Read the statuses of all answers."""
    statuses = [connection.getresponse().status for connection in connections]
    for connection in connections:
        connection.close()
    return statuses


def test_workers_more_and_fewer_than_sockets_leave_no_connection_waiting(serve):
    server = serve(WEB_CONCURRENCY="2")
    for number, expected in ((signal.SIGTTIN, 3), (signal.SIGTTOU, 2), (signal.SIGTTOU, 1)):
        server.process.send_signal(number)
        wait_until(lambda expected=expected: len(server.workers()) == expected)

        assert read(ask(server, 16)) == [200] * 16


IMPATIENT = {
    "KOBAI_DEADLINE_MS": "500",
    "KOBAI_DEADLINE_DEFAULT_MS": "400",
    "KOBAI_GRACEFUL_TIMEOUT_S": "4",
    "KOBAI_WORKER_TIMEOUT_S": "4",
}
"""A master that kills a worker after four seconds of silence."""


def test_a_worker_whose_computation_never_ends_is_replaced(serve):
    server = serve(**IMPATIENT)
    first = server.workers()
    connection = begin(server, {"seconds": 120, "blindly": True})

    assert server.get("/livez")[0] == 200
    wait_until(lambda: server.workers() not in ([], first))
    connection.close()


def test_a_worker_that_is_stopped_is_killed_and_replaced_while_the_other_answers(serve):
    server = serve(WEB_CONCURRENCY="2", **IMPATIENT)
    wait_for_all(server)
    victim, other = server.workers()
    connections = ask(server, 16)
    for connection in connections:
        connection.getresponse().read()
    served = server.clients(other)
    others = [each for each in connections if each.sock.getsockname()[1] in served]

    os.kill(victim, signal.SIGSTOP)
    statuses = []
    end = time.monotonic() + 60
    while victim in server.workers() and time.monotonic() < end:
        connection = others[len(statuses) % len(others)]
        connection.request("GET", "/livez")
        response = connection.getresponse()
        response.read()
        statuses.append(response.status)
        time.sleep(0.05)

    wait_for_successor(server, victim)
    assert set(statuses) == {200}
    assert other in server.workers()
    assert read(ask(server, 16)) == [200] * 16
    for connection in connections:
        connection.close()


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_restart_by_sighup_loses_nothing(serve, workers):
    server = serve(WEB_CONCURRENCY=workers, KOBAI_DRAIN_S="1")  # in which those that follow begin to listen
    before = set(server.workers())
    callers = call(server.port, 4, [SMALL])
    wait_until(lambda: all(caller.statuses for caller in callers))

    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: not before & set(server.workers()))
    after = read(ask(server, 16))

    statuses, failures = finish(callers)
    assert (failures, set(statuses)) == ([], {200})
    assert [each.is_refused for each in callers] == [False] * 4
    assert after == [200] * 16


@pytest.mark.parametrize("kind", ["asgi", "gthread"])
def test_a_socket_in_the_file_system_is_served_by_those_that_a_sighup_starts(serve, tmp_path, kind):
    path = tmp_path / "kobai.sock"
    server = serve(None, HOST=f"unix:{path}", unix=path, WEB_CONCURRENCY="2", KOBAI_WORKER_CLASS=kind)

    server.replace_workers()

    assert [live_at(path) for _ in range(8)] == [[200]] * 8
    assert server.stop() == 0
    assert server.err.read_text() == ""


def test_a_sighup_leaves_the_connections_within_the_limit_of_open_files(serve):
    server = serve(through='ulimit -n 64; exec "$@"')
    server.replace_workers()

    with contextlib.ExitStack() as stack:
        for _ in range(80):
            stack.enter_context(server.socket())
        time.sleep(1.2)  # until those within the limit have been idle for a second

        assert server.get("/livez")[0] == 200
    assert "Too many open files" not in server.err.read_text()


def test_sigusr2_starts_no_second_master_and_changes_no_number(serve, tmp_path):
    server = serve(None, PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "metrics"))
    workers = server.workers()
    assert server.post("/softmax", {"x": [1, 2]})[0] == 200

    server.process.send_signal(signal.SIGUSR2)
    wait_until(server.err.read_text)
    wait_until(lambda: server.workers() == workers)

    counted = b'kobai_requests_total{code="",endpoint="/softmax",status="200"} 1.0'
    wait_until(lambda: counted in server.get("/metrics")[2], 5)
    assert server.stop() == 0
    assert [json.loads(line)["level"] for line in server.err.read_text().splitlines()] == ["warning"]


def test_nothing_is_left_behind_in_shared_memory(serve):
    server = serve()
    made = f"kobai-metrics-{server.process.pid}-*"

    assert list(MEMORY.glob(made))
    assert server.stop() == 0
    assert not list(MEMORY.glob(made))


def test_the_health_check_tells_ready_from_not(tiny):
    def check(port):
        return subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "service.healthcheck"],
            cwd=ROOT,
            env=os.environ | {"PORT": str(port), "HOST": "0.0.0.0"},
            capture_output=True,
            text=True,
            timeout=90,
        )

    ready, not_there = check(tiny.port), check(free_port())

    assert (ready.returncode, not_there.returncode) == (0, 1)
    assert "numpy" not in ready.stderr
