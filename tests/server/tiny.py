"""A small WSGI application behind the bridge: what the bridge does, without the service's own work.

Served by ``gunicorn -c python:service.gunicorn_conf tests.server.tiny:app``.
"""

import hashlib
import json
import threading
import time

from service.config import Settings
from service.server.bridge import Bridge

draining = threading.Event()


def answer(start_response, status, value, content_type="application/json", headers=()):
    body = value if isinstance(value, bytes) else json.dumps(value).encode()
    start_response(status, [("Content-Type", content_type), ("Content-Length", str(len(body))), *headers])
    return [body]


def problem(start_response, status, code, detail):
    headers = [("Retry-After", "1")] if status == 503 else []
    return answer(
        start_response, f"{status} X", {"code": code, "detail": detail}, "application/problem+json", headers
    )


def compute(seconds, gone):
    """Keep the interpreter busy, as a computation in Python does."""
    end = time.monotonic() + seconds
    steps = 0
    while time.monotonic() < end and not gone.is_set():
        steps += 1
    return steps


def work(environ, start_response):
    """Compute for `seconds` on a lane; the event loop's call is deferred."""
    if "kobai.defer" in environ:
        print(json.dumps({"deferred": True}), flush=True)
        environ["kobai.defer"]()
    gone = threading.Event()
    environ["kobai.on_disconnect"](gone.set)
    wanted = json.loads(environ["wsgi.input"].read())
    began = time.monotonic()
    compute(wanted["seconds"], gone)
    print(json.dumps({"worked": time.monotonic() - began, "gone": gone.is_set()}), flush=True)
    return answer(start_response, "200 OK", {"thread": threading.current_thread().name})


def stream(environ, start_response):
    """Send `lines` lines of `size` bytes, one every `every` seconds."""
    wanted = json.loads(environ["wsgi.input"].read())
    gone = threading.Event()
    environ["kobai.on_disconnect"](gone.set)
    start_response("200 OK", [("Content-Type", "application/x-ndjson")])

    def lines():
        sent = 0
        try:
            for number in range(wanted["lines"]):
                if gone.wait(wanted["every"]):
                    return
                sent += 1
                yield b'{"line": %d, "filler": "%s"}\n' % (number, b"x" * wanted.get("size", 0))
        finally:
            print(json.dumps({"streamed": sent, "gone": gone.is_set()}), flush=True)

    return lines()


def echo(environ, start_response):
    body = environ["wsgi.input"].read()
    shown = {key: value for key, value in environ.items() if isinstance(value, str)}
    digest = hashlib.sha256(body).hexdigest()
    thread = threading.current_thread().name
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
    return view(environ, start_response) if view else problem(start_response, 404, "not-found", "")


app = Bridge(application, Settings.from_environment(), on_drain=draining.set)
