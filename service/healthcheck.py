"""``python -m service.healthcheck``: exit with 0 when the service on this machine is ready, for containers.

It runs every few seconds, so it imports neither NumPy nor anything else of the service.
"""

from __future__ import annotations

import http.client
import os
import sys

TIMEOUT_SECONDS = 2.5
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
"""Addresses that mean all interfaces, and where to reach them from inside."""


def main() -> int:
    """Ask `/readyz`; 0 when it answers 200, else 1 with the reason on standard error."""
    host = os.environ.get("HOST") or "127.0.0.1"
    port = os.environ.get("PORT") or "8000"
    try:
        connection = http.client.HTTPConnection(
            EVERYWHERE.get(host, host), int(port), timeout=TIMEOUT_SECONDS
        )
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
