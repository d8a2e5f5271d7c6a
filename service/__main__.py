"""``python -m service``: check the settings and the port, then run Gunicorn with `service.gunicorn_conf`."""

from __future__ import annotations

import os
import signal
import sys

from service.address import cannot_listen

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""For the BLAS library: the workers are the parallelism, and sums come out the same on every machine.

It reads this when NumPy is imported, so nothing that imports NumPy stands at the top of this file.
"""

BAD_SETTING, CANNOT_LISTEN = 2, 1


def main(arguments: list[str]) -> int:
    """Run the service until it is told to stop; return the exit status of a start that failed."""
    signal.signal(
        signal.SIGINT, signal.SIG_DFL
    )  # until Gunicorn is there, Ctrl-C ends it without a traceback
    os.environ.update(ONE_THREAD)
    if arguments:
        return _stop(BAD_SETTING, "python -m service takes no arguments: settings come from the environment.")
    from service import metrics_folder
    from service.config import Settings, SettingsError

    try:
        settings = Settings.from_environment()
        metrics_folder.check(settings.workers + 1)
    except SettingsError as error:
        return _stop(BAD_SETTING, str(error))
    why_not = cannot_listen(settings.host, settings.port)
    if why_not:
        return _stop(CANNOT_LISTEN, f"Cannot listen on {settings.bind} (set by HOST and PORT): {why_not}.")
    # Gunicorn reads these two itself, and fails without a word of which variable was wrong.
    os.environ |= {"WEB_CONCURRENCY": str(settings.workers), "PORT": str(settings.port)}
    return _serve()


def _serve() -> int:
    from gunicorn.app.wsgiapp import run

    sys.argv = ["gunicorn", "-c", "python:service.gunicorn_conf"]
    run(prog="kobai")
    return 0


def _stop(status: int, message: str) -> int:
    sys.stderr.write(f"kobai: {message}\n")
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
