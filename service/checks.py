"""What is checked before the workers start: what Gunicorn's command line has changed, and the machine."""

from __future__ import annotations

import os
import resource
import shutil
from pathlib import Path
from typing import Any

from service.config import Settings, variable_of
from service.core.limits import MIB
from service.machine import available_cpus, memory_limit
from service.metrics_folder import METRICS_BYTES

SPARE_FILES = 40
"""Open files of a worker beside its connections: about 25 at rest, and some to refuse with."""

FEWEST_CONNECTIONS = 10


class BadStart(SystemExit):
    """The service cannot start like this; the message is written to standard error, one line."""

    def __init__(self, why: str) -> None:
        super().__init__(f"kobai: {why}")


def fit_memory(log: Any, settings: Settings) -> None:
    """Say when the memory limit of the container is less than the workers may need, or costs some of them."""
    limit, workers, needed = memory_limit(), settings.workers, settings.worker_bytes
    if limit is None:
        return
    figures = f"a worker may need {needed // MIB} MiB, and the memory limit is {limit // MIB} MiB"
    if workers * needed > limit:
        lower = ", ".join(map(variable_of, ("peak_bytes", "held_body_bytes", "held_answer_bytes")))
        log.warning(
            "%d workers may be killed for their memory: %s. Raise it, or lower %s", workers, figures, lower
        )
    elif workers < available_cpus() and (workers + 1) * needed > limit:
        log.info("%d workers for %d CPUs: %s", workers, available_cpus(), figures)


def memory_folder(processes: int) -> Path:
    """Choose where small files that change all the time lie: a disk's stalls must not become a worker's."""
    folders = ["/dev/shm", "/run/kobai", "/tmp", os.environ.get("TMPDIR") or "/tmp"]  # noqa: S108
    for folder in map(Path, folders):
        if os.access(folder, os.W_OK) and shutil.disk_usage(folder).free >= processes * METRICS_BYTES:
            return folder
    raise BadStart(
        f"no room for metrics: {', '.join(folders[:3])} or TMPDIR needs {processes} MiB free, "
        "and to be writable."
    )


def adapt(config: Any, log: Any) -> None:
    """Change Gunicorn's settings to what there is; each time that it has read them, at a SIGHUP too."""
    if any(isinstance(address, str | int) for address in config.address):
        config.set("reuse_port", False)  # a socket in the file system, or given by the parent, is shared
    _allow_connections(config, log)


def _allow_connections(config: Any, log: Any) -> None:
    """Raise the limit of open files, and where that is too low take fewer connections."""
    wanted = config.worker_connections + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        if soft < wanted:
            most = soft - SPARE_FILES
            if most < FEWEST_CONNECTIONS:
                raise BadStart(
                    f"{soft} open files are too few; ulimit -n has to allow "
                    f"{SPARE_FILES + FEWEST_CONNECTIONS}."
                )
            log.warning(
                "A worker takes %d connections, not %d: only %d files may be open (ulimit -n)",
                most, config.worker_connections, soft,
            )  # fmt: skip
            config.set("worker_connections", most)


def check_command_line(config: Any, application: Any, settings: Settings) -> None:
    """Refuse what Gunicorn's command line sets and the service cannot do."""
    if config.timeout and config.timeout <= settings.limits.deadline_ms / 1000:
        raise BadStart(
            f"Gunicorn's timeout of {config.timeout} s must be longer than {variable_of('deadline_ms')}."
        )
    _check_worker_class(config, application)


def speaks_asgi(config: Any) -> bool:
    """Tell whether the worker that Gunicorn runs speaks ASGI."""
    from uvicorn_worker import UvicornWorker

    return issubclass(config.worker_class, UvicornWorker) or config.worker_class_str == "asgi"


def _check_worker_class(config: Any, application: Any) -> None:
    from service.server.bridge import Bridge

    is_asgi = speaks_asgi(config)
    if is_asgi != isinstance(application, Bridge):
        spoken, other = ("ASGI", "service.asgi:app") if is_asgi else ("WSGI", "service.wsgi:app")
        raise BadStart(
            f"Gunicorn's worker {config.worker_class_str} speaks {spoken}: "
            f"give it {other}, or leave out the worker class."
        )
