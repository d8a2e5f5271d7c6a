"""The folder of the metrics: what is deleted, what is swept, and what stops the start."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from service import metrics_folder
from service.api.line_writer import LINES
from service.api.metrics import metrics_of
from service.app import create_app
from service.config import SettingsError
from tests.server.running import MEMORY, ROOT, Server, free_port, wait_until

OTHERS = (
    "notes.db",
    "counter.db",
    "counter_x.db",
    "gauge_livesum_1.db.bak",
    "x_counter_1.db",
    "kobai.sqlite",
)


def folders():
    return set(MEMORY.glob(f"{metrics_folder.PREFIX}*"))


def test_an_empty_variable_means_absent_and_deletes_nothing(tmp_path, monkeypatch):
    for name in (*OTHERS, "counter_1.db"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)

    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "from service.app import create_app\n"
            "answer = create_app().test_client().get('/metrics')\n"
            "print(answer.status_code, b'kobai_build' in answer.data)",
        ],
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": "", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "200 True\n"
    assert {each.name for each in tmp_path.iterdir()} == {*OTHERS, "counter_1.db"}


def test_a_server_with_an_empty_variable_has_a_folder_of_its_own(tmp_path):
    server = Server(tmp_path, PROMETHEUS_MULTIPROC_DIR="")

    assert b"kobai_build" in server.get("/metrics")[2]
    assert not list(ROOT.glob("*.db"))
    assert server.stop() == 0


def test_the_empty_file_of_a_worker_that_has_just_begun_is_passed_over(tmp_path):
    server = Server(tmp_path, PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "metrics"))
    (tmp_path / "metrics" / "counter_9999999.db").touch()

    status, _, text = server.get("/metrics")

    assert (status, b"kobai_build" in text) == (200, True)
    assert server.stop() == 0


def test_only_files_of_numbers_are_deleted(tmp_path):
    own = f"counter_{os.getpid()}.db"
    for name in (*OTHERS, own, "counter_1.db", "gauge_livesum_23.db", "histogram_4.db", metrics_folder.ENDED):
        (tmp_path / name).touch()

    metrics_folder.forget(tmp_path)

    assert {each.name for each in tmp_path.iterdir()} == {*OTHERS, own}


@pytest.mark.parametrize("kind", ["file", "below a file", "without permission"])
def test_a_folder_that_cannot_be_used_stops_the_start_with_one_line(tmp_path, kind):
    file = tmp_path / "file"
    file.touch()
    folder = {"file": file, "below a file": file / "metrics", "without permission": "/proc/metrics"}[kind]
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder), "PORT": str(free_port())}

    for program in (("service",), ("gunicorn", "-c", "python:service.gunicorn_conf")):
        ended = subprocess.run(
            [sys.executable, "-m", *program],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=30,
        )

        assert ended.returncode != 0
        assert ended.stderr.startswith("kobai: PROMETHEUS_MULTIPROC_DIR must be a folder")
        assert ended.stderr.count("\n") == 1


def test_a_folder_without_room_stops_the_start(tmp_path, monkeypatch):
    monkeypatch.setenv(metrics_folder.VARIABLE, str(tmp_path))
    free = shutil.disk_usage(tmp_path)._replace(free=3 * 2**20)
    monkeypatch.setattr("service.metrics_folder.shutil", SimpleNamespace(disk_usage=lambda folder: free))

    metrics_folder.check(3)
    with pytest.raises(SettingsError, match=r"^PROMETHEUS_MULTIPROC_DIR must have 4 MiB free.*[^\n]$"):
        metrics_folder.check(4)


def test_while_there_is_no_room_nothing_is_counted_and_one_line_says_so(monkeypatch, capsys):
    client = create_app().test_client()
    has_room = True
    monkeypatch.setattr(metrics_folder, "has_room", lambda: has_room)

    def count():
        client.post("/softmax", json={"x": [1, 2]})
        text = metrics_of(client.application).text()
        found = re.search(rb'kobai_requests_total{code="",endpoint="/softmax",.*} (.*)', text)
        return float(found[1])

    counts = [count()]
    has_room = False
    counts += [count(), count()]
    has_room = True
    counts.append(count())
    LINES.flush()

    assert counts == [1, 1, 1, 2]
    assert capsys.readouterr().err.count("No room for metrics") == 1


def test_a_folder_that_is_taken_away_ends_no_worker(tmp_path):
    folder = tmp_path / "metrics"
    server = Server(tmp_path, PROMETHEUS_MULTIPROC_DIR=str(folder))
    (first,) = server.workers()

    shutil.rmtree(folder)
    os.kill(first, signal.SIGKILL)
    successor = wait_until(lambda: [pid for pid in server.workers() if pid != first])
    wait_until(server.is_ready)
    time.sleep(1)  # for which the old ones did not live

    assert server.get("/metrics")[0] == 200
    assert server.workers() == successor
    assert server.stop() == 0


def test_a_missing_folder_is_made(tmp_path):
    server = Server(tmp_path, PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "deep" / "metrics"))

    assert b"kobai_build" in server.get("/metrics")[2]
    assert server.stop() == 0
    assert (tmp_path / "deep" / "metrics").is_dir()


def test_what_a_killed_master_left_is_swept_at_the_next_start_and_nothing_in_use(tmp_path):
    before = folders()
    running, killed = Server(tmp_path), Server(tmp_path)
    (left,) = [each for each in folders() - before if _is_of(each, killed.process.pid)]
    workers = killed.workers()
    os.kill(killed.process.pid, signal.SIGKILL)
    killed.process.wait()
    end = time.monotonic() + 30
    while any(Path(f"/proc/{pid}").exists() for pid in workers) and time.monotonic() < end:
        time.sleep(0.1)

    later = Server(tmp_path)

    assert left not in folders()
    assert b"kobai_build" in running.get("/metrics")[2]
    assert later.stop() == running.stop() == 0


def _is_of(folder, pid):
    """Tell whether a process made it: prometheus_client puts process ids into the names of its files."""
    return str(pid) in {file.stem.rpartition("_")[2] for file in folder.glob("*.db")}
