"""Whose listening socket is whose."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from service.server.listener import is_held_by, least_served

WAIT = "import sys; sys.stdin.read()"


@pytest.mark.parametrize(
    ("served", "expected"),
    [([], 0), ([0], 1), ([1], 0), ([0, 1], 0), ([0, 1, 0], 1), ([1, 1], 0)],
)
def test_a_new_worker_gets_the_first_of_the_sockets_that_the_fewest_serve(served, expected):
    assert least_served(2, served) == expected


@pytest.mark.parametrize("is_passed_on", [True, False])
def test_a_socket_is_held_by_the_processes_that_have_it(is_passed_on):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        passed_on = [listener.fileno()] if is_passed_on else []
        other = subprocess.Popen([sys.executable, "-c", WAIT], stdin=subprocess.PIPE, pass_fds=passed_on)

        assert is_held_by(os.getpid(), listener)
        assert is_held_by(other.pid, listener) == is_passed_on

        other.communicate(b"")
        assert not is_held_by(other.pid, listener)


def test_a_socket_of_which_nothing_may_be_seen_counts_as_held(monkeypatch):
    def refuse(self):
        raise PermissionError(str(self))

    monkeypatch.setattr(Path, "iterdir", refuse)
    with socket.socket() as listener:
        assert is_held_by(os.getpid(), listener)
