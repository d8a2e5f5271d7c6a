"""``python -m service.healthcheck``: exit with 0 when the service on this machine is ready, for containers.

It runs every few seconds, so it imports neither NumPy nor anything else of the service.
"""

from __future__ import annotations

import http.client
import os
import socket
import sys

from service.address import LOOPBACK, UNIX

TIMEOUT_SECONDS = 2.5


class UnixConnection(http.client.HTTPConnection):
    """A connection to a socket in the file system."""

    def connect(self) -> None:
        """Connect to the path that stands in place of the host."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.host)


def connection_to(host: str, port: str) -> http.client.HTTPConnection:
    """Prepare a connection to where the service listens."""
    if host.startswith(UNIX):
        return UnixConnection(host.removeprefix(UNIX), timeout=TIMEOUT_SECONDS)
    host = host.strip("[]")
    return http.client.HTTPConnection(LOOPBACK.get(host, host), int(port), timeout=TIMEOUT_SECONDS)


def main() -> int:
    """Ask `/readyz`; 0 when it answers 200, else 1 with the reason on standard error."""
    host = os.environ.get("HOST") or "127.0.0.1"
    port = os.environ.get("PORT") or "8000"
    try:
        connection = connection_to(host, port)
        connection.request("GET", "/readyz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException, ValueError) as error:
        sys.stderr.write(f"{host}:{port}: {error}\n")
        return 1
    if status == http.client.OK:
        return 0
    sys.stderr.write(f"{host}:{port}: /readyz answered {status}\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
