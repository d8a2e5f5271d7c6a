"""How a listening socket is closed without resetting a connection that the kernel has accepted for us."""

from __future__ import annotations

import contextlib
import ctypes
import socket
import struct

SO_ATTACH_FILTER = 26
"""Linux's number of the socket option; the module `socket` does not name it."""

ONLY_KNOWN_CONNECTIONS = (
    (0x30, 0, 0, 13),  # load the byte with TCP's flags
    (0x45, 0, 1, 0x02),  # is it a SYN, the wish for a new connection?
    (0x06, 0, 0, 0),  # then drop it
    (0x06, 0, 0, 0xFFFF),  # else let it in
)
"""A classic BPF program: operation, jump if true, jump if false, constant."""


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
