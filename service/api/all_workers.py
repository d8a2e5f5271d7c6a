"""The numbers of all workers: each that runs has files of its own, and those that have ended share one.

If their files stayed, every worker that was replaced would lengthen each scrape and keep its memory. So the
master adds what an ended worker counted to the file `metrics_folder.ENDED`, and deletes the worker's own.
Scrapes and master lock the folder meanwhile, or a worker would count twice in one scrape, or not at all.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path

from prometheus_client import generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from service import metrics_folder

TRIES, PAUSE_SECONDS = 100, 0.01
"""How often, and how long after each other, the master looks whether no scrape reads the folder."""


class _Sum(Collector):
    """Adds up the samples of the same name and labels."""

    def __init__(self, *parts: Iterable[Metric]) -> None:
        self._parts = parts

    def collect(self) -> Iterable[Metric]:
        sums: dict[str, Metric] = {}
        for metric in chain(*self._parts):
            before = sums.setdefault(metric.name, metric)
            if before is not metric:
                samples = {(each.name, *sorted(each.labels.items())): each for each in before.samples}
                for each in metric.samples:
                    key = (each.name, *sorted(each.labels.items()))
                    found = samples.get(key)
                    samples[key] = each if found is None else found._replace(value=found.value + each.value)
                before.samples = list(samples.values())
        return sums.values()


def text(folder: Path) -> bytes:
    """Write the sums of all workers in Prometheus' text format."""
    try:
        with _locked(folder, fcntl.LOCK_SH):
            return generate_latest(_Sum(_ended(folder), _counted(folder.glob("*.db"))))
    except FileNotFoundError:  # the folder was taken away
        return b""


def fold(folder: Path, pid: int) -> None:
    """Add what a worker counted that has ended to what those before it did, and delete its files.

    What cannot be added, for want of room or since it is torn, stays where it is and counts there.
    """
    mark_process_dead(pid)  # type: ignore[no-untyped-call]  # the library leaves it untyped
    for _ in range(TRIES):
        try:
            with _locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
                return _fold(folder, metrics_folder.files_of(folder, pid))
        except BlockingIOError:
            time.sleep(PAUSE_SECONDS)
        except (OSError, RuntimeError, ValueError, struct.error):
            return None
    return None


def _fold(folder: Path, files: list[Path]) -> None:
    counters = [file for file in files if not file.name.startswith("gauge_")]
    new = folder / f"{metrics_folder.ENDED}.new"
    new.write_bytes(generate_latest(_Sum(_ended(folder), _counted(counters))))
    new.replace(folder / metrics_folder.ENDED)  # in one piece, should the master be killed meanwhile
    for file in files:
        file.unlink(missing_ok=True)


@contextlib.contextmanager
def _locked(folder: Path, how: int) -> Iterator[None]:
    lock = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(lock, how)
        yield
    finally:
        os.close(lock)


def _counted(files: Iterable[Path]) -> Iterable[Metric]:
    """Read what workers have counted; the file of one that has only just begun is empty at first."""
    merge: Callable[[list[str]], Iterable[Metric]] = MultiProcessCollector.merge
    return merge([str(file) for file in files if _size(file)])


def _size(file: Path) -> int:
    with contextlib.suppress(FileNotFoundError):  # of a worker that has ended
        return file.stat().st_size
    return 0


def _ended(folder: Path) -> list[Metric]:
    """Read what those workers counted that have ended."""
    with contextlib.suppress(FileNotFoundError):
        return list(text_string_to_metric_families((folder / metrics_folder.ENDED).read_text()))
    return []
