"""The listening sockets: the master's, one for each worker, and closed without a connection reset.

Of a single socket, the worker that is quickest to accept gets nearly all connections that are kept alive.
Of sockets that workers open themselves, each takes along what waits in it when its worker is killed, even
a caller that comes back while the process is still dying. So the master opens one for each worker and
keeps it: the kernel spreads connections over them, a worker accepts at its own, the next one with that
number goes on there, and whatever waits at a socket for longer is taken by whoever looks.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import struct
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gunicorn.sock import create_sockets

SO_ATTACH_FILTER = 26
"""Linux's number of the socket option; the module `socket` does not name it."""

ONLY_KNOWN_CONNECTIONS = (
    (0x30, 0, 0, 13),  # load the byte with TCP's flags
    (0x45, 0, 1, 0x02),  # is it a SYN, the wish for a new connection?
    (0x06, 0, 0, 0),  # then drop it
    (0x06, 0, 0, 0xFFFF),  # else let it in
)
"""A classic BPF program: operation, jump if true, jump if false, constant."""


def open_listeners(config: Any, log: Any) -> list[Any]:
    """Open as many sockets at each address as there are workers, in Gunicorn's form.

    The program that a restart by SIGUSR2 starts opens its own: those of its predecessor close with that.
    """
    bound = [_bound(*address) for address in config.address for _ in range(config.workers)]
    listeners: list[Any] = create_sockets(config, log, bound)
    for listener in listeners:
        listener.set_inheritable(False)
    return listeners


def _bound(host: str, port: int) -> int:
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        listener.setsockopt(socket.SOL_SOCKET, option, 1)
    listener.bind(address)
    return listener.detach()


def least_served(listeners: int, served: Iterable[int]) -> int:
    """Choose the number of a new worker's socket: the first of those that the fewest living ones serve."""
    workers = Counter(served)
    return min(range(listeners), key=lambda number: workers[number])


def is_held_by(pid: int, listener: socket.socket) -> bool:
    """Tell whether another process has this very socket open, as the master has until it stops.

    Where that may not be seen it is taken for open: wrong at a stop, that may reset a connection which
    waits; the opposite, wrong at a restart, would turn away all that come to the successor.
    """
    own = os.fstat(listener.fileno())
    try:
        files = list(Path(f"/proc/{pid}/fd").iterdir())
    except PermissionError:
        return True
    except FileNotFoundError:
        return False
    for file in files:
        with contextlib.suppress(OSError):  # closed since the list was made
            if os.path.samestat(own, file.stat()):
                return True
    return False


def turn_away(listener: socket.socket) -> None:
    """Let no new connection begin at a socket, while those that have begun are completed.

    The wish is dropped, not refused: the caller's kernel repeats it after a second, and finds
    another worker's socket, or learns that there is none. Closing the socket alone would reset what
    came in between the last look and the close. Where the kernel knows no such filter nothing changes.
    """
    program = ctypes.create_string_buffer(
        b"".join(struct.pack("HBBI", *row) for row in ONLY_KNOWN_CONNECTIONS)
    )
    option = struct.pack("HP", len(ONLY_KNOWN_CONNECTIONS), ctypes.addressof(program))
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, option)


def take_waiting(listener: socket.socket) -> list[socket.socket]:
    """Accept all connections that wait at a socket."""
    accepted = []
    with contextlib.suppress(OSError):
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)
            accepted.append(connection)
    return accepted
