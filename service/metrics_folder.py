"""The folder in which the workers of one master keep their numbers, as prometheus_client writes them."""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import shutil
import tempfile
from pathlib import Path

from service.config import SettingsError
from service.core.limits import MIB

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""Read by prometheus_client when it is imported; what the operator sets is his own folder."""

METRICS_BYTES = MIB
"""What the numbers of one process take at most before anything grows.

Their files are mapped: in a full file system, writing to them ends the process without a word (SIGBUS).
"""

PREFIX, LOCK = "kobai-metrics-", "lock"

OF_PROMETHEUS = re.compile(r"(counter|histogram|summary|gauge_[a-z]+)_(?P<pid>[0-9]+)\.db")
"""How prometheus_client names its files."""

ENDED = "kobai-ended-workers.prom"
"""The file of what those workers counted that have ended, in Prometheus' text format."""


def has_room(processes: int = 1) -> bool:
    """Tell whether so many processes can write their numbers, as far as they lie in files."""
    folder = os.environ.get(VARIABLE)
    try:
        return not folder or shutil.disk_usage(folder).free >= processes * METRICS_BYTES
    except OSError:  # it was taken away
        return False


def check(processes: int) -> None:
    """Make sure that the operator's folder, where there is one, takes the numbers of so many processes.

    Raises
    ------
    SettingsError
        It cannot be made, is none, takes no files, or has no room.
    """
    given = os.environ.get(VARIABLE)
    if not given:
        return
    try:
        Path(given).mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=given):
            pass
    except OSError as error:
        raise SettingsError(
            f"{VARIABLE} must be a folder that can be written to, got {given[:100]!a}: {error.strerror}."
        ) from error
    if not has_room(processes):
        raise SettingsError(f"{VARIABLE} must have {processes} MiB free, got {given[:100]!a} with less.")


def make(parent: str) -> Path:
    """Make a folder for this master alone, since two services must not add up their numbers.

    It holds a locked file: the lock ends with the last process that has it, however that ends, so that a
    later start knows what was left behind.
    """
    for folder in Path(parent).glob(f"{PREFIX}*"):
        _remove_if_left(folder)
    new = Path(tempfile.mkdtemp(prefix=f"new-{PREFIX}{os.getpid()}-", dir=parent))
    lock = os.open(new / LOCK, os.O_RDWR | os.O_CREAT, 0o600)  # open as long as the process lives
    fcntl.flock(lock, fcntl.LOCK_EX)
    return new.rename(new.with_name(new.name.removeprefix("new-")))  # found by others once it is locked


def _remove_if_left(folder: Path) -> None:
    """Remove the folder of a master that was killed; one that is in use, or another user's, stays."""
    with contextlib.suppress(OSError):
        lock = os.open(folder / LOCK, os.O_RDWR)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
        finally:
            os.close(lock)


def files_of(folder: Path, pid: int) -> list[Path]:
    """Find the files of one process."""
    return [file for file, owner in _files(folder) if owner == pid]


def forget(folder: Path) -> None:
    """Delete the numbers of an earlier service in the folder, but neither this process's nor other files."""
    (folder / ENDED).unlink(missing_ok=True)
    for file, owner in _files(folder):
        if owner != os.getpid():
            file.unlink(missing_ok=True)


def _files(folder: Path) -> list[tuple[Path, int]]:
    found = [(file, OF_PROMETHEUS.fullmatch(file.name)) for file in folder.iterdir()]
    return [(file, int(match["pid"])) for file, match in found if match]
