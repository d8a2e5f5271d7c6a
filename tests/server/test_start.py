"""What command line, environment and machine may ask of a start: it works, or says why in one line."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from service.address import cannot_listen
from service.checks import memory_folder
from tests.server.running import MEMORY, ROOT, free_port, live_at, read_all, responses

GUNICORN = [sys.executable, "-m", "gunicorn"]
CONFIGURED = [*GUNICORN, "-c", "python:service.gunicorn_conf"]


def end_of(command, **environment):
    """Start the service and wait until it ends by itself."""
    return subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"PORT": str(free_port())} | environment,
        capture_output=True,
        text=True,
        timeout=30,
    )


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (["--timeout", "10"], "KOBAI_DEADLINE_MS"),
        (["-k", "sync"], "service.wsgi:app"),
        (["-k", "gthread"], "service.wsgi:app"),
        (["service.wsgi:app"], "service.asgi:app"),
        (["--certfile", "/nowhere.pem"], "/nowhere.pem"),
        (["--keyfile", "/nowhere.pem"], "/nowhere.pem"),
    ],
)
def test_what_the_command_line_cannot_have_stops_the_start_with_one_line(options, word):
    ended = end_of([*CONFIGURED, *options])

    assert ended.returncode != 0
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert word in ended.stderr


def test_a_bad_setting_stops_a_start_by_gunicorns_command_with_one_line():
    ended = end_of(CONFIGURED, KOBAI_STEPS="many")

    assert ended.returncode != 0
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert "KOBAI_STEPS" in ended.stderr


@pytest.mark.parametrize("host", ["a..b", ".example.org", "a" * 64])
def test_a_host_that_no_name_can_be_is_told_of(host):
    assert cannot_listen(host, free_port()) == "no host has such a name"


def test_a_worker_of_wsgi_without_our_configuration_is_refused_the_asgi_application():
    ended = end_of([*GUNICORN, "service.asgi:app", "--no-control-socket"])

    lines = [line for line in ended.stderr.splitlines() if line.startswith("kobai: ")]
    assert ended.returncode != 0
    assert len(lines) == 1
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("by", ["HOST", "command line"])
def test_a_unix_socket_is_served(serve, tmp_path, workers, by):
    path = tmp_path / "kobai.sock"
    given = {"HOST": f"unix:{path}"} if by == "HOST" else {"GUNICORN_CMD_ARGS": f"--bind unix:{path}"}

    server = serve(WEB_CONCURRENCY=workers, unix=path, **given)

    assert [live_at(path) for _ in range(8)] == [[200]] * 8
    assert server.stop() == 0
    assert server.err.read_text() == ""


@pytest.mark.parametrize(("host", "reached"), [("*", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("[::]", "::1")])
def test_a_host_that_means_all_addresses_is_taken(serve, host, reached):
    if ":" in reached and not socket.has_dualstack_ipv6():
        pytest.skip("no IPv6 here")
    server = serve(None, HOST=host)

    for head, status in (
        (b"GET /limits HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200),
        (b"bad\r\n\r\n", 400),
    ):
        with socket.create_connection((reached, server.port), 10) as client:
            client.sendall(head)
            assert [each[0] for each in responses(read_all(client))] == [status]

    assert [line["client"] for line in server.lines("request", 1)] == [reached]
    assert [line["client"] for line in server.lines("refused", 1)] == [reached]


@pytest.mark.parametrize("host", ["*", "[::]", "unix"])
def test_the_health_check_finds_the_service_wherever_it_listens(serve, tmp_path, host):
    path = tmp_path / "kobai.sock"
    server = serve(HOST=f"unix:{path}", unix=path) if host == "unix" else serve(HOST=host)
    given = {"HOST": f"unix:{path}" if host == "unix" else host, "PORT": str(server.port)}

    assert end_of([sys.executable, "-S", "-m", "service.healthcheck"], **given).returncode == 0


def test_a_socket_that_is_served_is_not_taken_and_one_left_behind_is(tmp_path):
    path = tmp_path / "kobai.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        assert cannot_listen(f"unix:{path}", 1) == "the socket is in use"
    path.unlink()
    with socket.socket(socket.AF_UNIX) as stuck, socket.socket(socket.AF_UNIX) as waiting:
        stuck.bind(str(path))
        stuck.listen(0)  # whoever serves it accepts nobody
        waiting.connect(str(path))

        assert cannot_listen(f"unix:{path}", 1) == "the socket is in use"
    assert cannot_listen(f"unix:{path}", 1) == ""
    assert cannot_listen(f"unix:{tmp_path}/nowhere/kobai.sock", 1).startswith("there is no directory")
    (tmp_path / "file").touch()
    assert cannot_listen(f"unix:{tmp_path}/file", 1) == "a file that is no socket is in the way"


def test_connections_follow_the_limit_of_open_files(serve):
    server = serve(through='ulimit -n 64; exec "$@"')
    idle = [server.socket() for _ in range(80)]

    end = time.monotonic() + 10
    while server.get("/livez")[0] != 200:  # until one of them has been idle for a second
        assert time.monotonic() < end
        time.sleep(0.2)
    lines = server.err.read_text().splitlines()
    assert len(lines) == 1
    assert "24 connections, not 1000" in lines[0]
    for each in idle:
        each.close()


def test_too_few_open_files_stop_the_start_with_one_line():
    ended = end_of(["bash", "-c", f"ulimit -n 45; exec {sys.executable} -m service"])

    assert ended.returncode != 0
    assert (ended.stderr.count("\n"), "ulimit -n" in ended.stderr) == (1, True), ended.stderr


def test_memory_that_is_full_is_passed_over(monkeypatch):
    def usage(folder):
        return shutil.disk_usage("/")._replace(free=0 if folder == MEMORY else 10**9)

    monkeypatch.setattr("service.checks.shutil", SimpleNamespace(disk_usage=usage))

    assert memory_folder(3) != MEMORY


def test_no_room_anywhere_stops_the_start_with_one_line(monkeypatch):
    full = SimpleNamespace(disk_usage=lambda folder: shutil.disk_usage("/")._replace(free=0))
    monkeypatch.setattr("service.checks.shutil", full)

    with pytest.raises(SystemExit, match=r"^kobai: no room for metrics.*[^\n]$"):
        memory_folder(3)


def test_a_start_right_after_the_master_was_killed_gets_the_port(serve):
    killed = serve(WEB_CONCURRENCY="2")
    workers = killed.workers()
    os.kill(killed.process.pid, signal.SIGKILL)
    killed.process.wait()

    successor = serve(None, PORT=str(killed.port))

    assert successor.get("/livez")[0] == 200
    end = time.monotonic() + 10
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < end:
        time.sleep(0.1)
    assert not any(Path(f"/proc/{pid}").exists() for pid in workers)
