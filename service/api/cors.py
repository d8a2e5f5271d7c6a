"""Cross-origin requests: which pages of other origins may read the answers (Fetch standard, section 3.2)."""

from __future__ import annotations

from typing import Any

Headers = list[tuple[str, str]]

MAX_AGE_SECONDS = 600
ASKED_HEADERS = "Accept, Content-Type, Traceparent, X-Request-ID"
TOLD_HEADERS = "Retry-After, Server-Timing, X-Request-ID"


class Cors:
    """What is allowed to whom.

    Parameters
    ----------
    origins : str
        A list of origins with commas or blanks between them, ``*`` for all, empty for none: then no
        answer has a header of these. Credentials are never allowed: the service has none.
    """

    def __init__(self, origins: str) -> None:
        self._origins = frozenset(origins.replace(",", " ").split())
        self._is_for_all = "*" in self._origins

    def headers(self, environ: dict[str, Any]) -> Headers:
        """List what an answer says, errors included."""
        if not self._origins:
            return []
        if self._is_for_all:
            allowed: Headers = [("Access-Control-Allow-Origin", "*")]
        else:
            origin = environ.get("HTTP_ORIGIN")
            found = [("Access-Control-Allow-Origin", origin)] if origin in self._origins else []
            allowed = [*found, ("Vary", "Origin")]
        return [*allowed, ("Access-Control-Expose-Headers", TOLD_HEADERS)]

    def preflight_headers(self, environ: dict[str, Any], methods: str) -> Headers:
        """List what the answer to a preflight says beside."""
        if not self._origins or "HTTP_ACCESS_CONTROL_REQUEST_METHOD" not in environ:
            return []
        return [
            ("Access-Control-Allow-Methods", methods),
            ("Access-Control-Allow-Headers", ASKED_HEADERS),
            ("Access-Control-Max-Age", str(MAX_AGE_SECONDS)),
        ]
