"""The bridge as an ASGI server calls it, without a server."""

import asyncio
import gc
import re
import threading
import time
import weakref
from contextlib import nullcontext

import pytest

from service.api.endpoints import ENDPOINTS
from service.api.formats import FORMATS
from service.app import create_app
from service.config import Settings
from service.core.limits import Deadline
from service.server.answer import run
from service.server.bridge import CONNECTION, FREE_BYTES, Bridge
from tests.server.scopes import SCOPE


class Connection:
    """Notes what the bridge calls."""

    def __init__(self):
        self.calls = []

    def begin(self, reader):
        self.calls.append("begin")

    def finish(self, reader):
        self.calls.append("finish")


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
        CONNECTION.set(connection)
        await Bridge(application, Settings.from_environment({}))(SCOPE, receive, send)

    asyncio.run(run())

    assert sent == []
    assert connection.calls == ["begin", "finish"]


def messages_of(body):
    """Make the `receive` of a client that sends a body, and stays until `gone` is set."""
    gone, messages = asyncio.Event(), iter([{"type": "http.request", "body": body, "more_body": False}])

    async def receive():
        for message in messages:
            return message
        await gone.wait()
        return {"type": "http.disconnect"}

    return receive, gone


def test_a_stream_is_made_only_as_fast_as_it_is_taken():
    made, taken, free = [], [], threading.Semaphore(3)

    def application(environ, start_response):
        Deadline(5.0, time.monotonic, environ["kobai.scheduler"]).expect(1.0)
        start_response("200 OK", [])
        return (made.append(number) or b"x" for number in range(10))

    async def send(message):
        await asyncio.to_thread(free.acquire)
        taken.append(message.get("body"))

    async def run():
        receive, _ = messages_of(b"{}")
        serving = asyncio.create_task(
            Bridge(application, Settings.from_environment({}))(SCOPE, receive, send)
        )
        while len(taken) < 3:  # the start and two lines
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        ahead = len(made)
        free.release(100)
        await serving
        return ahead

    assert asyncio.run(run()) == 3
    assert taken == [None, *[b"x"] * 10, b""]


def test_memory_of_a_body_is_held_as_long_as_a_thread_uses_it():
    begun, end, size = threading.Event(), threading.Event(), 2 * 1024 * 1024

    def application(environ, start_response):
        begun.set()
        end.wait(5)
        return whole(start_response)

    async def send(message):
        pass

    async def run():
        bridge = Bridge(application, Settings.from_environment({}))
        receive, gone = messages_of(b"x" * size)
        scope = SCOPE | {"headers": [(b"content-length", str(size).encode())]}
        serving = asyncio.create_task(bridge(scope, receive, send))
        await asyncio.to_thread(begun.wait, 5)
        gone.set()
        await asyncio.sleep(0.1)
        while_computing = shown_by(bridge)
        end.set()
        await serving
        return while_computing, shown_by(bridge)

    def shown_by(bridge):
        text = bridge.metrics.text().decode()
        figures = re.findall(r'kobai_held_bytes\{kind="(\w+)"\} (.+)', text)
        return bridge.bodies.held, {kind: float(figure) for kind, figure in figures}

    held = size - FREE_BYTES
    assert asyncio.run(run()) == (
        (held, {"bodies": held, "answers": 0, "arrays": 0}),
        (0, {"bodies": 0, "answers": 0, "arrays": 0}),
    )


class Request:
    """Refers to its environment, which refers to it, as Flask's does."""

    def __init__(self, environ):
        self.environ = environ
        environ["request"] = self


@pytest.mark.parametrize("is_on_a_thread", [False, True])
@pytest.mark.parametrize("answer", [whole, failing])
def test_a_request_is_freed_without_the_collector(is_on_a_thread, answer):
    requests = []

    def application(environ, start_response):
        requests.append(weakref.ref(Request(environ)))
        if is_on_a_thread:
            Deadline(5.0, time.monotonic, environ["kobai.scheduler"]).expect(1.0)
        return answer(start_response)

    async def send(message):
        pass

    async def run():
        bridge = Bridge(application, Settings.from_environment({}))
        with pytest.raises(RuntimeError) if answer is failing else nullcontext():
            await bridge(SCOPE, messages_of(b"{}")[0], send)

    gc.disable()
    try:
        asyncio.run(run())
        left = [request() for request in requests]
    finally:
        gc.enable()

    assert left == [None] * (1 + is_on_a_thread)


@pytest.fixture(scope="module")
def real_application():
    return create_app(Settings.from_environment({}))


@pytest.mark.parametrize("form", FORMATS.values(), ids=FORMATS)
@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=ENDPOINTS)
def test_a_computation_on_a_thread_leaves_nothing_to_the_collector(real_application, endpoint, form):
    """Memory of large arrays would grow from one request to the next, and had to be given back each time."""
    settings = Settings.from_environment({"KOBAI_INLINE_BODY_BYTES": "0"})
    body, statuses, left = form.dumps(endpoint.examples[0]), [], []
    fields = {"host": "a", "content-type": form.media_type, "accept": form.media_type}
    fields["content-length"] = str(len(body))
    headers = [(name.encode(), value.encode()) for name, value in fields.items()]
    scope = SCOPE | {"raw_path": endpoint.path.encode(), "headers": headers}

    async def send(message):
        statuses.append(message.get("status", 200))

    async def run():
        bridge = Bridge(real_application, settings)
        for flags in (gc.DEBUG_SAVEALL, 0):  # what is made once does not count
            await bridge(scope, messages_of(body)[0], send)
            await asyncio.sleep(0.1)  # the thread lets go a moment later
            gc.collect()
            gc.disable()
            gc.set_debug(flags)
        left.extend(map(type, gc.garbage))

    try:
        asyncio.run(run())
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()

    assert set(statuses) == {200}
    assert left == []


def test_an_application_may_write_before_it_returns_the_rest():
    """PEP 3333 keeps this for old applications."""

    def application(environ, start_response):
        start_response("200 OK", [("Content-Length", "4")])(b"ab")
        return [b"cd"]

    assert run(application, {}).body == b"abcd"
