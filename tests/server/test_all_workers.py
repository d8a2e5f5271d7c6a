"""The counters of workers that have ended: they stay, in one file, and no scrape misses or repeats them."""

import fcntl
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from service import metrics_folder
from service.api import all_workers
from service.api.metrics import GRAINS, metrics_of
from service.app import create_app
from tests.server.running import ROOT, Server, wait_until

WORKER = """
import os, sys
from service.app import create_app
client = create_app().test_client()
for path, count in zip(sys.argv[1::2], sys.argv[2::2]):
    for _ in range(int(count)):
        client.post(path, json={"x": [1, 2]})
print(os.getpid(), file=sys.stderr)
"""

OF_THE_LIVING = re.compile(rb"kobai_(workers|resident|held|program_cache|requests_in|queued|build)")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv(metrics_folder.VARIABLE, str(tmp_path))
    return tmp_path


def work(folder, *paths_and_counts):
    """Have a process answer requests and end; return its number."""
    ended = subprocess.run(
        [sys.executable, "-c", WORKER, *map(str, paths_and_counts)],
        env=os.environ | {metrics_folder.VARIABLE: str(folder)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return int(ended.stderr)


def counters(folder):
    return sorted(line for line in all_workers.text(folder).splitlines() if not OF_THE_LIVING.search(line))


def requests(text, path="/softmax"):
    return [float(each) for each in re.findall(rf'requests_total{{.*"{path}".*}} (.*)'.encode(), text)]


def files(folder):
    return {file.name for file in folder.iterdir()}


def test_what_ended_workers_counted_stays_to_the_last_line(folder):
    workers = [
        work(folder, "/softmax", 3, "/sigmoid", 1),
        work(folder, "/relu", 2),
        work(folder, "/softmax", 2),
    ]
    before = counters(folder)

    after = []
    for worker in workers:
        all_workers.fold(folder, worker)
        after.append(counters(folder))

    assert after == [before] * 3
    assert requests(all_workers.text(folder)) == [5]
    assert b'kobai_request_seconds_bucket{endpoint="/softmax",le="+Inf"} 5.0' in before
    assert files(folder) == {metrics_folder.ENDED}


def test_times_add_up_exactly_in_any_order_so_that_no_counter_falls():
    app = create_app()
    for _ in range(3):
        app.test_client().post("/softmax", json={"x": [1, 2]})

    text = metrics_of(app).text().decode()

    samples = [sample for family in text_string_to_metric_families(text) for sample in family.samples]
    times = [
        each for each in samples if each.name.endswith(("_seconds_total", "_seconds_sum")) and each.value
    ]
    assert {each.name.split("_")[1] for each in times} == {"compute", "request", "cpu"}
    assert all((each.value * GRAINS).is_integer() for each in times)


def test_no_scrape_misses_or_repeats_a_worker_that_is_added(folder):
    worker = work(folder, "/softmax", 1)
    written = {file.name: file.read_bytes() for file in folder.iterdir()}
    count = 60
    for each in range(1, count):
        for name, data in written.items():
            (folder / name.replace(str(worker), str(worker + each))).write_bytes(data)
    found, is_over = set(), threading.Event()

    def scrape():
        while not is_over.wait(0.005):
            found.update(requests(all_workers.text(folder)))

    threads = [threading.Thread(target=scrape) for _ in range(2)]
    for thread in threads:
        thread.start()
    for each in range(count):
        all_workers.fold(folder, worker + each)
    is_over.set()
    for thread in threads:
        thread.join()

    assert found == {count}
    assert requests(all_workers.text(folder)) == [count]


def test_a_torn_file_ends_nothing_and_counts_as_before(folder):
    worker, torn = work(folder, "/softmax", 1), work(folder, "/softmax", 2)
    (file,) = folder.glob(f"histogram_{torn}.db")
    file.write_bytes(file.read_bytes()[:100])
    left = {file.name for file in metrics_folder.files_of(folder, torn) if "live" not in file.name}

    all_workers.fold(folder, torn)
    all_workers.fold(folder, worker)

    assert files(folder) == left | {metrics_folder.ENDED}
    file.unlink()
    assert requests(all_workers.text(folder)) == [3]


def test_without_room_the_files_stay(folder, monkeypatch):
    worker = work(folder, "/softmax", 1)
    before = counters(folder)

    def refuse(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_bytes", refuse)
    all_workers.fold(folder, worker)

    assert counters(folder) == before
    assert metrics_folder.ENDED not in files(folder)


def test_a_scrape_that_never_ends_holds_the_master_up_no_longer_than_said(folder, monkeypatch):
    monkeypatch.setattr(all_workers, "TRIES", 3)
    worker = work(folder, "/softmax", 1)
    held = os.open(folder, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_SH)

    all_workers.fold(folder, worker)

    assert requests(all_workers.text(folder)) == [1]
    assert metrics_folder.ENDED not in files(folder)
    os.close(held)


def test_workers_that_are_replaced_leave_one_file_and_all_they_counted(tmp_path):
    folder = tmp_path / "metrics"
    server = Server(tmp_path, PROMETHEUS_MULTIPROC_DIR=str(folder))
    for count in range(1, 4):
        (worker,) = server.workers()
        assert server.post("/softmax", {"x": [1, 2]})[0] == 200
        wait_until(lambda count=count: requests(server.get("/metrics")[2]) == [count])
        os.kill(worker, signal.SIGKILL)
        wait_until(
            lambda worker=worker: server.workers() and worker not in server.workers() and server.is_ready()
        )

    text = server.get("/metrics")[2]

    assert requests(text) == [3]
    assert b"kobai_worker_starts_total 4.0" in text
    owners = {
        match["pid"] for name in files(folder) if (match := metrics_folder.OF_PROMETHEUS.fullmatch(name))
    }
    assert owners == {str(pid) for pid in (*server.workers(), server.process.pid)}
    assert metrics_folder.ENDED in files(folder)
    assert server.stop() == 0
