"""Where the service listens, as ``HOST`` and ``PORT`` say it. Imports nothing of the service."""

from __future__ import annotations

import errno
import socket
import stat
import time
from pathlib import Path

UNIX = "unix:"

LEAVING_SECONDS = 2.0
"""How long a port may still be held by the workers of a master that was killed."""

LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1", "*": "127.0.0.1"}
"""Hosts that mean all addresses, and where to reach them from inside."""


def bind_of(host: str, port: int) -> str:
    """Write an address as Gunicorn does, an IPv6 one in brackets.

    >>> bind_of("127.0.0.1", 8000), bind_of("::1", 8000), bind_of("unix:/run/kobai.sock", 8000)
    ('127.0.0.1:8000', '[::1]:8000', 'unix:/run/kobai.sock')
    """
    if host.startswith(UNIX):
        return host
    host = everywhere() if host == "*" else host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def everywhere() -> str:
    """Name all addresses, those of IPv6 too where the machine has it."""
    return "::" if socket.has_dualstack_ipv6() else "0.0.0.0"


def cannot_listen(host: str, port: int) -> str:
    """Try to bind, and say why it failed; empty when it did not.

    The service binds with SO_REUSEPORT, so that the kernel spreads connections over its sockets: with
    it, a second server on the same port would start without an error and take half of the requests.
    """
    if host.startswith(UNIX):
        return _cannot_listen_at(Path(host.removeprefix(UNIX)))
    end = time.monotonic() + LEAVING_SECONDS
    while True:
        try:
            _try(everywhere() if host == "*" else host, port)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                return error.strerror or str(error)
            if time.monotonic() > end:
                return "the port is in use"
            time.sleep(0.1)
        else:
            return ""


def _try(host: str, port: int) -> None:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    with socket.socket(family, kind, protocol) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)


def _cannot_listen_at(path: Path) -> str:
    """Tell a socket that somebody serves from one that was left behind, which Gunicorn replaces."""
    if not path.parent.is_dir():
        return f"there is no directory {path.parent}"
    try:
        if not stat.S_ISSOCK(path.stat().st_mode):
            return "a file that is no socket is in the way"
        with socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
    except OSError as error:
        is_free = error.errno in (errno.ENOENT, errno.ECONNREFUSED)
        return "" if is_free else error.strerror or str(error)
    return "the socket is in use"
