"""The certificate of all workers, which the master reads: at the start, and again at each SIGHUP."""

from __future__ import annotations

import ssl
from typing import Any


class Certificate:
    """What TLS needs, as it was last read: files that cannot be read later change nothing.

    Workers have it from their master, so that none of them depends on what the files hold by then.
    """

    def __init__(self) -> None:
        self.context: ssl.SSLContext | None = None

    def read(self, config: Any) -> str:
        """Read what Gunicorn's settings name; return why that cannot be done, else nothing."""
        if not config.is_ssl:
            return ""
        try:
            self.context = _context_of(config)
        except (OSError, ValueError) as error:  # `ssl.SSLError` is an OSError
            return f"no TLS with certfile {config.certfile} and keyfile {config.keyfile}: {error}"
        return ""


def _context_of(config: Any) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=config.ca_certs)
    context.load_cert_chain(config.certfile or "", config.keyfile)
    context.verify_mode = config.cert_reqs
    if config.ciphers:
        context.set_ciphers(config.ciphers)
    return context
