"""Gunicorn's parser of HTTP, with less work for each byte.

Gunicorn's own looks at the characters of a head one by one, in Python, and copies a body three times.

What it accepts and refuses is unchanged: `tests/server/test_parser.py` holds the two against each other.
"""

from __future__ import annotations

import re

from gunicorn.asgi.parser import PythonProtocol

METHOD = re.compile(rb"[!$%&'*+\-.^_`|~0-9A-Z]{3,20}")
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
"""A token (RFC 9110, section 5.6.2); a method is one without small letters."""

NOT_IN_VALUES = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""Control characters, the tab excepted (RFC 9110, section 5.5)."""


class Parser(PythonProtocol):  # type: ignore[misc]  # gunicorn ships no types
    """The parser of one connection."""

    def feed(self, data: bytes) -> None:
        """Parse what came in; what is nothing but body is passed on as it is."""
        if self._state == "body" and not self._buffer and len(data) <= self._body_remaining:
            self._pass_on(data)
        else:
            super().feed(data)

    def _parse_body(self) -> bool:
        size = min(len(self._buffer), self._body_remaining)
        with memoryview(self._buffer) as held:
            data = bytes(held[:size])
        del self._buffer[:size]
        self._pass_on(data)
        return True

    def _pass_on(self, data: bytes) -> None:
        """Hand over a part of the body, and note its end."""
        self._body_remaining -= len(data)
        self._on_body(data)
        if self._body_remaining == 0:
            self._state, self.is_complete = "complete", True
            self._on_message_complete()

    def held(self) -> int:
        """Count the bytes behind the end of the request: the next one's."""
        return len(self._buffer) if self.is_complete else 0

    def _is_valid_method(self, method: bytes) -> bool:
        return METHOD.fullmatch(method) is not None

    def _is_valid_token(self, data: bytes) -> bool:
        return TOKEN.fullmatch(data) is not None

    def _has_invalid_header_chars(self, value: bytes) -> bool:
        return NOT_IN_VALUES.search(value) is not None
