"""Where the service listens, by ``HOST`` and ``PORT``, and how it stops listening. Imports nothing of it."""

from __future__ import annotations

import ctypes
import errno
import socket
import stat
import struct
import time
from contextlib import suppress
from pathlib import Path

UNIX = "unix:"

LEAVING_SECONDS = 2.0
"""How long a port may still be held by the workers of a master that was killed."""

SETTLE_SECONDS = 0.5
"""Between the last new connection and the end of listening: their requests are on the way."""

LOOPBACK = {"0.0.0.0": "127.0.0.1", "::": "::1", "*": "127.0.0.1"}
"""Hosts that mean all addresses, and where to reach them from inside."""

SO_ATTACH_FILTER = 26
"""Linux's number of the socket option (socket(7)); the module `socket` does not name it."""

ONLY_KNOWN_CONNECTIONS = (
    (0x30, 0, 0, 13),  # load the byte with TCP's flags
    (0x45, 0, 1, 0x02),  # is it a SYN?
    (0x06, 0, 0, 0),  # then drop it
    (0x06, 0, 0, 0xFFFF),  # else let it in
)
"""A classic BPF program: operation, jump if true, jump if false, constant."""


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
        except UnicodeError:  # a part of it is empty, or longer than 63 characters
            return "no host has such a name"
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
        with suppress(BlockingIOError), socket.socket(socket.AF_UNIX) as probe:
            probe.setblocking(False)  # where too many wait to be accepted, it would wait with them
            probe.connect(str(path))
    except OSError as error:
        is_free = error.errno in (errno.ENOENT, errno.ECONNREFUSED)
        return "" if is_free else error.strerror or str(error)
    return "the socket is in use"


def turn_away(listener: socket.socket) -> None:
    """Let no new connection begin at a socket, while those that have begun are completed.

    A SYN is dropped, not refused: the client's kernel repeats it after a second, and finds another
    worker's socket, or learns that there is none. Closing the socket alone would reset what came in
    between the last look and the close. Where the kernel knows no such filter nothing changes.
    """
    rows = [struct.pack("HBBI", *row) for row in ONLY_KNOWN_CONNECTIONS]
    program = ctypes.create_string_buffer(b"".join(rows))
    option = struct.pack("HP", len(ONLY_KNOWN_CONNECTIONS), ctypes.addressof(program))
    with suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, option)
