"""The bridge as an ASGI server calls it, without a server."""

import asyncio
import threading
import time

import pytest

from service.config import Settings
from service.core.limits import Deadline
from service.server.bridge import CURRENT, Bridge

SCOPE = {
    "type": "http",
    "method": "POST",
    "raw_path": b"/gradient",
    "query_string": b"",
    "http_version": "1.1",
    "scheme": "http",
    "client": ("192.0.2.1", 4711),
    "server": ("127.0.0.1", 8000),
    "headers": [(b"host", b"a"), (b"content-length", b"2")],
}


class Connection:
    """Notes what the bridge calls."""

    def __init__(self):
        self.calls = []

    def begin(self, reader):
        self.calls.append("begin")

    def finish(self, reader):
        self.calls.append("finish")

    def abort(self):
        self.calls.append("abort")


def whole(start_response):
    start_response("200 OK", [("Content-Length", "2")])
    return [b"{}"]


def stream(start_response):
    start_response("200 OK", [])
    return iter([b"{}", b"{}"])


def failing(start_response):
    raise RuntimeError("nobody is there to be told")


@pytest.mark.parametrize("answer", [whole, stream, failing])
def test_nothing_is_sent_to_a_client_that_has_gone(answer):
    begun, sent, connection = threading.Event(), [], Connection()
    messages = iter([{"type": "http.request", "body": b"{}", "more_body": False}])

    def application(environ, start_response):
        deadline = Deadline(5.0, time.monotonic, environ["kobai.scheduler"])
        deadline.expect(1.0)
        begun.set()
        while not deadline.is_over():
            time.sleep(0.001)
        return answer(start_response)

    async def receive():
        for message in messages:
            return message
        await asyncio.to_thread(begun.wait, 5)
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    async def run():
        CURRENT.set(connection)
        await Bridge(application, Settings.from_environment({}))(SCOPE, receive, send)

    asyncio.run(run())

    assert sent == []
    assert connection.calls == ["begin", "abort", "finish"]
