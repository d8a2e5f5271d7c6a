"""Gunicorn's parser of HTTP, with less work for each byte.

Gunicorn's own takes a head apart line by line and looks at its characters one by one, in Python, and copies a
body three times. Here a head that came in one piece and has nothing unusual is read by two patterns; all
other heads, those that are wrong among them, are left to Gunicorn's way.

What it accepts and refuses is unchanged: `tests/server/test_parser.py` holds the two against each other.
"""

from __future__ import annotations

import re

from gunicorn.asgi.parser import PythonProtocol

HEAD = re.compile(
    rb"([A-Z]{3,20}) (/[\x21-\x7e]*) HTTP/1\.1\r\n"
    rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+:[^\x00-\x08\x0a-\x1f\x7f]*\r\n)*\r\n"
)
"""A whole head: method, target, then lines of a name and a value each."""

FIELD = re.compile(rb"\n([^:\n]+):([^\r]*)\r")
"""A line of such a head."""

SHORT_HEAD_BYTES = 2_048
"""Up to this size a head is usual."""

METHOD = re.compile(rb"[!$%&'*+\-.^_`|~0-9A-Z]{3,20}")
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
"""A token (RFC 9110, section 5.6.2); a method is one without small letters."""

NOT_IN_VALUES = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
"""Control characters, the tab excepted (RFC 9110, section 5.5)."""


class Parser(PythonProtocol):  # type: ignore[misc]  # gunicorn ships no types
    """The parser of one connection."""

    def feed(self, data: bytes) -> None:
        """Parse what came in; what is nothing but body is passed on as it is."""
        if not self._buffer:
            if self._state == "request_line":
                data = self._without_head(data)
            if self._state == "body" and 0 < len(data) <= self._body_remaining:
                self._pass_on(data)
                return
        super().feed(data)

    def _without_head(self, data: bytes) -> bytes:
        """Take a usual head off the beginning; of any other take nothing."""
        head = HEAD.match(data)
        longest = min(SHORT_HEAD_BYTES, self._limit_request_line, self._limit_request_field_size)
        if head is None or head.end() > longest:
            return data
        fields = FIELD.findall(data, head.end(2), head.end())
        if len(fields) > self._limit_request_fields:
            return data
        self._state = "headers"
        self.method, self.path = head.groups()
        self.http_version = (1, 1)
        self._headers_list = [(name.lower(), value.strip(b" \t")) for name, value in fields]
        self._finalize_headers()
        return data[head.end() :]

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
