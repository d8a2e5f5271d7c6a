"""A small WSGI application behind the bridge: what the bridge does, without the service's own work.

Served by ``gunicorn -c python:service.gunicorn_conf tests.server.tiny:app``.
"""

import hashlib
import json
import math
import os
import signal
import threading
import time

from service.api.problems import PROBLEM_TYPES
from service.config import Settings
from service.core.exceptions import DeadlineExceeded
from service.core.limits import Deadline, Overloaded
from service.server.bridge import Bridge

draining = threading.Event()
settings = Settings.from_environment()


def answer(start_response, status, value, content_type="application/json", headers=()):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(body))), *headers])
    return [body]


def problem(start_response, code, detail):
    status = PROBLEM_TYPES[code].status
    headers = [("Retry-After", "1")] if status == 503 else []
    return answer(
        start_response, f"{status} X", {"code": code, "detail": detail}, "application/problem+json", headers
    )


def deadline_of(environ, wanted):
    """Make a deadline as the service does."""
    milliseconds = wanted.get("deadline_ms", settings.limits.deadline_default_ms)
    left = environ["kobai.received_at"] + milliseconds / 1000 - time.monotonic()
    return Deadline(left, time.monotonic, environ["kobai.scheduler"])


def compute(seconds, deadline, looks_at_the_clock):
    """Keep the interpreter busy for some processor time, or blindly for some time."""
    clock = time.thread_time if looks_at_the_clock else time.monotonic
    end = clock() + seconds
    while clock() < end and not (looks_at_the_clock and deadline.is_over()):
        sum(range(1_000))


def work(environ, start_response):
    """Compute for `seconds`, which is said beforehand: by default it is long; `bytes` are held meanwhile.

    The answer has `size` bytes and a few more.
    """
    wanted = json.loads(environ["wsgi.input"].read())
    deadline = deadline_of(environ, wanted)
    try:
        deadline.expect(wanted.get("price", 1.0), wanted.get("bytes", 0))
        print(json.dumps({"begun": wanted}), flush=True)
        compute(wanted["seconds"], deadline, not wanted.get("blindly"))
        if not wanted.get("partial"):
            deadline.check()
    except DeadlineExceeded:
        print(json.dumps({"over": wanted}), flush=True)
        return problem(start_response, "overloaded", "")
    except Overloaded as error:
        return problem(start_response, "overloaded", str(error))
    print(json.dumps({"worked": wanted}), flush=True)
    thread = threading.current_thread().name.partition("_")[0]
    told = {"thread": thread, "waited": round(deadline.waited, 2), "filler": "x" * wanted.get("size", 0)}
    return answer(start_response, "200 OK", told)


def stream(environ, start_response):
    """Send `lines` lines of `size` bytes, one every `every` seconds."""
    wanted = json.loads(environ["wsgi.input"].read())
    deadline = deadline_of(environ, {"deadline_ms": 25_000})
    deadline.expect(math.inf)
    start_response("200 OK", [("Content-Type", "application/x-ndjson")])

    def lines():
        sent = 0
        try:
            for number in range(wanted["lines"]):
                time.sleep(wanted["every"])
                if deadline.is_over():
                    return
                sent += 1
                yield b'{"line": %d, "filler": "%s"}\n' % (number, b"x" * wanted.get("size", 0))
        finally:
            print(json.dumps({"streamed": wanted | {"sent": sent, "gone": deadline.is_over()}}), flush=True)

    return lines()


def echo(environ, start_response):
    body = environ["wsgi.input"].read()
    shown = {key: value for key, value in environ.items() if isinstance(value, str)}
    digest = hashlib.sha256(body).hexdigest()
    thread = threading.current_thread().name.partition("_")[0]
    return answer(
        start_response, "200 OK", {"length": len(body), "sha256": digest, "thread": thread, "environ": shown}
    )


def large(environ, start_response):
    return answer(start_response, "200 OK", b"y" * int(environ["QUERY_STRING"]), "text/plain")


def ready(environ, start_response):
    return answer(start_response, "503 X" if draining.is_set() else "200 OK", {})


def broken(environ, start_response):
    raise RuntimeError("broken on purpose")


ROUTES = {
    "/descent": work, "/gradient": work, "/descent/sweep": stream, "/softmax": echo, "/echo": echo,
    "/large": large, "/readyz": ready, "/livez": lambda e, s: answer(s, "200 OK", {}), "/broken": broken,
}  # fmt: skip


def application(environ, start_response):
    if "kobai.body_error" in environ:
        return problem(start_response, *environ["kobai.body_error"])
    view = ROUTES.get(environ["PATH_INFO"])
    return view(environ, start_response) if view else problem(start_response, "not-found", "")


def fail():
    raise OSError("nothing can be told")


class StoppedEarly(Bridge):
    """Stops the worker at a request; the first comes as soon as there is somebody to answer it."""

    async def __call__(self, scope, receive, send):
        os.kill(os.getpid(), signal.SIGTERM)
        await super().__call__(scope, receive, send)


app = Bridge(application, settings, on_drain=draining.set)
undrained = Bridge(application, settings, on_drain=fail)
stopped_early = StoppedEarly(application, settings, on_drain=fail)
