"""Gunicorn's settings, each with its reason. Used as ``gunicorn -c python:service.gunicorn_conf``."""

from __future__ import annotations

import gc
import logging
import os
import resource
import shutil
import signal
import sys
from functools import partial
from pathlib import Path
from typing import Any

from service.__main__ import ONE_THREAD

os.environ.update(ONE_THREAD)  # before anything below imports NumPy

from service import metrics_folder
from service.checks import BadStart, adapt, check_command_line, fit_memory, memory_folder, speaks_asgi
from service.config import Settings, SettingsError
from service.work.memory import keep_little

keep_little()  # before the first message starts a thread, which would have a heap of its own

try:
    settings = Settings.from_environment()
    metrics_folder.check(settings.workers + 1)
except SettingsError as error:
    sys.exit(f"kobai: {error}")

MEMORY_FOLDER = str(memory_folder(settings.workers + 1))

OWN_METRICS_FOLDER = not os.environ.get(metrics_folder.VARIABLE)
if OWN_METRICS_FOLDER:
    os.environ[metrics_folder.VARIABLE] = str(metrics_folder.make(MEMORY_FOLDER))

from service.api import all_workers, traces  # noqa: E402
from service.api.logs import write_line  # noqa: E402
from service.server.gthread import Attendance  # noqa: E402
from service.server.tls import Certificate  # noqa: E402
from service.warm import warm_up  # noqa: E402

METRICS_FOLDER = Path(os.environ[metrics_folder.VARIABLE])

OWN_WORKER = "service.server.worker.Worker"

_asgi = settings.worker_class == "asgi"


class JsonHandler(logging.Handler):
    """Writes messages as JSON lines; what needs a person goes to standard error, the rest to output."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one message."""
        stream = sys.stderr if record.levelno >= logging.WARNING else sys.stdout
        values = {"message": record.getMessage()}
        if record.exc_info:
            values["traceback"] = logging.Formatter().formatException(record.exc_info)
        write_line(stream, record.levelname.lower(), "server", **values)


# Where and who.
bind = settings.bind
proc_name = "kobai"
wsgi_app = "service.asgi:app" if _asgi else "service.wsgi:app"

# One process per CPU: the work is computation, more processes would only take turns.
workers = settings.workers
# The asgi worker costs half of gthread's CPU time per request, and no client's slowness reaches another.
worker_class = OWN_WORKER if _asgi else "gthread"
threads = 1 if _asgi else settings.threads
worker_connections = settings.connections
# Every worker listens at a socket of its own, and the kernel spreads connections over them: of a shared one,
# the worker that is quickest to accept gets nearly all connections that are kept alive.
reuse_port = True
backlog = 1024

# Load and warm up once, in the master: workers share the memory and answer their first request quickly.
preload_app = True
# No leak is known.
max_requests = 0

# Longer than a proxy keeps its idle connections, so that the proxy closes first and never sends
# a request into a connection that is being closed.
keepalive = settings.keepalive_s
# A worker that does not beat its heart is killed; the deadline of every request is shorter.
timeout = settings.worker_timeout_s
# Long enough for the longest deadline.
graceful_timeout = settings.graceful_timeout_s

# The heartbeat file. In a container's memory it stays writable when the root is read-only.
worker_tmp_dir = MEMORY_FOLDER
# The control socket lies in the home directory: two services of one user would take it from each other.
control_socket_disable = True

# No proxy's word changes the scheme or the path; what a caller sends about them is ignored.
forwarded_allow_ips = ""
header_map = "drop"

# The service writes one JSON line per request itself.
accesslog = None
errorlog = "-"
loglevel = settings.log_level
# Gunicorn's own messages, in the form of the service's.
logconfig_dict = {
    "handlers": {"json": {"()": JsonHandler}},
    "root": {"handlers": ["json"]},
    "loggers": {
        "gunicorn.error": {"handlers": ["json"], "propagate": False},
        "uvicorn.error": {"handlers": ["json"], "propagate": False},
    },
}


COLLECT_AFTER = 1_000, 10, 1_000
"""When Python's collector looks at its youngest objects, at those and the next, and at all: the last takes
40 ms where a worker keeps many functions, and what is dropped is freed without it. What large jobs leave
behind is collected after them.
"""


_attendance = Attendance(settings.drain_s)
_certificate = Certificate()


def _adapt(server: Any) -> None:
    """Adapt the settings that Gunicorn has read."""
    adapt(server.cfg, server.log)
    if not speaks_asgi(server.cfg):
        _attendance.take_over(server.cfg)


def on_starting(server: Any) -> None:
    """Check what the command line may have changed, and prepare what all workers share."""
    try:
        check_command_line(server.cfg, server.app.wsgi(), settings)
        if why_not := _certificate.read(server.cfg):
            raise BadStart(f"{why_not}.")
        _adapt(server)
        fit_memory(server.log, settings)
    except SystemExit:
        on_exit(server)
        raise
    # A core file would write what callers have sent to a disk.
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    metrics_folder.forget(METRICS_FOLDER)
    logging.captureWarnings(True)
    warm_up(server.app.wsgi())
    # What is alive now stays alive: collections in the workers need not look at it, and do not copy
    # the pages it shares with the master.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)


def when_ready(server: Any) -> None:
    """Say where the service listens; Gunicorn itself does not know it when each worker has its socket."""
    scheme = "https" if server.cfg.is_ssl else "http"
    addresses = ", ".join(server.cfg.bind)
    kind = "asgi" if server.cfg.worker_class_str == OWN_WORKER else server.cfg.worker_class_str
    count = server.cfg.workers
    why_no_spans = traces.why_not(traces.exporter())
    if why_no_spans:
        server.log.warning("No spans although OpenTelemetry's variables ask for them: %s", why_no_spans)
    server.log.info("Kobai listens at %s://%s with %d %s workers", scheme, addresses, count, kind)


def on_reload(server: Any) -> None:
    """Adapt the settings that a SIGHUP has made Gunicorn read again, and read the certificate again."""
    _adapt(server)
    if why_not := _certificate.read(server.cfg):
        server.log.error("The certificate before stays in use: %s", why_not)


def ssl_context(config: Any, default_ssl_context_factory: Any) -> Any:
    """Give every worker the certificate that the master has read."""
    return _certificate.context


def pre_exec(server: Any) -> None:
    """End the second master that a SIGUSR2 is about to start: it would forget the numbers of the first."""
    server.log.warning("SIGUSR2 is not handled: a new version needs a start of its own")
    raise SystemExit


STOPS_AT_ONCE = {signal.SIGINT, signal.SIGQUIT}
STOPS = {signal.SIGTERM, *STOPS_AT_ONCE}


def pre_fork(server: Any, worker: Any) -> None:
    """Keep stops back while a worker is made: it begins with the master's handlers, which would lose them."""
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)


def _let_through(stops: set[signal.Signals]) -> None:
    signal.pthread_sigmask(signal.SIG_UNBLOCK, stops)


os.register_at_fork(after_in_parent=partial(_let_through, STOPS))


def post_fork(server: Any, worker: Any) -> None:
    """Let a stop at once that came meanwhile end the worker, and later ones until it has its own handlers.

    One that drains is kept back until then: the worker listens already, and whoever waits is answered.
    """
    for number in STOPS_AT_ONCE:
        signal.signal(number, signal.SIG_DFL)
    _let_through(STOPS_AT_ONCE)


def post_worker_init(worker: Any) -> None:
    """Touch in the worker what it shares with the master, so that no caller waits for a first time."""
    warm_up(worker.app.wsgi())
    traces.start()
    if not speaks_asgi(worker.cfg):
        _attendance.begin(worker)
    if worker.cfg.worker_class_str != OWN_WORKER:  # which does it in its loop
        _let_through({signal.SIGTERM})


def post_request(worker: Any, request: Any, environ: Any, response: Any) -> None:
    """Count what a WSGI worker has answered."""
    _attendance.count()


def child_exit(server: Any, worker: Any) -> None:
    """Take a dead worker's gauges out of the sums; its counters stay."""
    all_workers.fold(METRICS_FOLDER, worker.pid)


def on_exit(server: Any) -> None:
    """Leave nothing behind."""
    if OWN_METRICS_FOLDER:
        shutil.rmtree(METRICS_FOLDER, ignore_errors=True)
