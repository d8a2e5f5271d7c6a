"""What the reader of requests does beside reading: the deadline, and what it reads away."""

import io
import time

import pytest

from service.api.body import make_deadline, read_document
from service.api.exchange import begin
from service.api.problems import HttpProblem
from service.config import Settings

MIB = 1024 * 1024


class Endless(io.RawIOBase):
    """A body that never ends, and counts what was read of it."""

    taken = 0

    def read(self, size=-1):
        """Return as much as is wanted."""
        self.taken += size
        return b"x" * size


@pytest.mark.parametrize(("milliseconds", "left"), [(None, 4.6), (1_000, 0.6), (60_000, 24.6), (300, -0.1)])
def test_the_time_since_the_last_byte_of_the_body_is_deducted_from_the_deadline(milliseconds, left):
    environ = {"kobai.received_at": time.monotonic() - 0.4}

    deadline = make_deadline(environ, Settings(), milliseconds)

    assert deadline.remaining() == pytest.approx(left, abs=0.05)
    assert deadline.is_over() == (left < 0)


@pytest.mark.parametrize("framing", [{"CONTENT_LENGTH": str(10**12)}, {"wsgi.input_terminated": True}])
def test_a_body_that_is_too_large_is_read_away_up_to_a_bound(framing):
    source = Endless()
    environ = {"REQUEST_METHOD": "POST", "PATH_INFO": "/softmax", "CONTENT_TYPE": "application/json"}
    environ |= {"wsgi.url_scheme": "http", "wsgi.input": source} | framing
    begin(environ, "/softmax")

    with pytest.raises(HttpProblem, match="may have at most"):
        read_document(environ, Settings(discarded_bytes=5 * MIB))

    assert 5 * MIB <= source.taken <= 22 * MIB
