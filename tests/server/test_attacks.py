"""The attack list against a real server: what it costs in time and memory, and that it changes no answer."""

import json
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.server.attacks import ATTACKS, MANY_POINTS
from tests.server.running import Server, wait_until

MIB = 1024 * 1024
JSON = {"Content-Type": "application/json"}
MOST_GROWTH = 600_000_000
"""Bytes, of two workers together."""
MOST_REFUSAL_BYTES = 65_536
"""However long what is refused may be: it is quoted shortened, in details and in pointers."""
LATE = 503, "overloaded"
READING_SECONDS = 3
"""For reading the largest body, beside the deadline. Both are held against the processor time of the
server, which other tests on the same machine do not lengthen as they do the time on the clock."""

REFERENCE = {"function": "mean(exp(x) @ w)", "variables": {"x": [[0.1, 0.2], [0.3, 0.4]], "w": [1.5, -2.5]}}


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A server whose memory is watched all the time; it must lose no worker and have nothing to warn of."""
    patient = {"KOBAI_DEADLINE_DEFAULT_MS": "25000"}  # so that a busy machine is no reason for a 503
    server = Server(tmp_path_factory.mktemp("attacked"), WEB_CONCURRENCY="2", **patient)
    workers, before, peak, ended = server.workers(), server.memory(), 0, threading.Event()

    def watch():
        nonlocal peak
        while not ended.wait(0.01):
            peak = max(peak, server.memory())

    watcher = threading.Thread(target=watch)
    watcher.start()
    yield server
    ended.set()
    watcher.join()
    assert server.workers() == workers
    assert server.stop() == 0
    assert server.err.read_text() == ""
    assert peak - before < MOST_GROWTH


@pytest.fixture(scope="module")
def reference(watched):
    """What a request is answered when nobody attacks."""
    return watched.request("POST", "/gradient", json.dumps(REFERENCE), JSON)[2]


def processor_seconds(server):
    """Add up the processor time of the workers."""
    fields = (Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in server.workers())
    return sum(int(each[11]) + int(each[12]) for each in fields) / os.sysconf("SC_CLK_TCK")


def send(server, path, body):
    """Send a request patiently; return the status and the answer."""
    connection = server.connect(timeout=90)
    connection.request("POST", path, body, JSON)
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    return response.status, answer


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gets_its_answer_in_time_and_changes_no_other(watched, reference, name):
    attack = ATTACKS[name]

    before = processor_seconds(watched)

    status, answer = send(watched, attack.path, attack.written())

    seen = status, json.loads(answer).get("code")
    assert seen == (attack.status, attack.code) or (attack.may_be_late and seen == LATE), answer[:300]
    assert processor_seconds(watched) - before < attack.seconds + READING_SECONDS
    assert b"Traceback" not in answer
    assert status == 200 or len(answer) < MOST_REFUSAL_BYTES
    assert watched.request("POST", "/gradient", json.dumps(REFERENCE), JSON)[2] == reference


def test_r_9_many_points_end_at_the_deadline_however_many_evaluations_are_left(tmp_path):
    server = Server(tmp_path, KOBAI_DEADLINE_DEFAULT_MS="500", KOBAI_OPERATIONS="100000000000")
    many = MANY_POINTS | {"function": "sum(lgamma(x)*arctan(sin(x)))"}  # seconds of work
    body = json.dumps(many).encode()
    asked = json.dumps(many | {"dry_run": True})
    quote = wait_until(lambda: json.loads(send(server, "/gradient/field", asked)[1]).get("quote"))

    before = processor_seconds(server)
    status, answer = send(server, "/gradient/field", body)
    used = processor_seconds(server) - before
    server.stop()

    assert quote["evaluations"] > 1_000_000
    assert quote["within_limits"]
    assert (status, json.loads(answer)["code"]) == (503, "overloaded")
    assert used < 1.5


def test_all_attacks_at_once_are_bounded_by_the_memory_of_each_worker(watched, reference):
    """What does not fit is put off with 503; `watched` holds the memory."""
    with ThreadPoolExecutor(12) as pool:
        seen = pool.map(lambda each: send(watched, each.path, each.written())[0], ATTACKS.values())
        unexpected = [
            (name, status)
            for (name, attack), status in zip(ATTACKS.items(), seen, strict=True)
            if status not in (503, attack.status)
        ]

    assert unexpected == []
    assert watched.request("POST", "/gradient", json.dumps(REFERENCE), JSON)[2] == reference


def test_forty_large_bodies_at_once_stay_within_the_memory(watched):
    body = b'{"x":[' + b"0.12345," * 999_999 + b"1]}"

    with ThreadPoolExecutor(40) as pool:
        statuses = set(pool.map(lambda _: send(watched, "/softmax", body)[0], range(40)))

    assert 200 in statuses <= {200, 503}
