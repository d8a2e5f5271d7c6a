"""The image and `docker compose up`, on a real engine."""

import http.client
import json
import os
import re
import subprocess
import threading
import time

import pytest

from tests.deploy.engine import (
    BASE,
    Project,
    docker,
    inside,
    inspect,
    restart,
    seconds_to_healthy,
    wait_until,
)
from tests.deploy.load import HEADERS, REQUESTS, SQUARE, TWO_SECONDS, Load, follow
from tests.documentation import PAGES, blocks
from tests.server.running import ROOT

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("engine")]

MIB = 2**20

PAGE = PAGES["docs/deployment.md"]

LARGEST_IMAGE_BYTES = 200 * MIB
"""What the image may add to its base."""

START_SECONDS = 5
"""A container is healthy within this time, where no other work slows its start."""


@pytest.fixture(scope="module")
def started(image):
    """The whole project."""
    project = Project(image)
    project.up(2)
    yield project
    project.down()


@pytest.fixture
def project(started):
    """The project with two replicas, whatever the test before has done to it."""
    if len(started.replicas()) != 2 or not started.proxy():
        started.up(2)
    return started


@pytest.fixture
def ask(project):
    """Send a request through the proxy; return status, headers and body."""

    def send(method, path, value=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", project.port, timeout=60)
        body = value if isinstance(value, bytes | None) else json.dumps(value).encode()
        try:
            connection.request(method, path, body, HEADERS | headers)
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()

    return send


def status_of(container, number=1):
    """Read what the kernel says about a process of a container."""
    text = docker("exec", container, "cat", f"/proc/{number}/status")
    return dict(line.split(":", 1) for line in text.splitlines())


# | the image |


def test_the_image_adds_little_to_its_base(image):
    added = inspect(image, "Size") - inspect(BASE, "Size")

    print(f"the image adds {added / MIB:.0f} MiB to its base")
    assert added < LARGEST_IMAGE_BYTES
    assert abs(added / MIB - int(re.search(r"there are (\d+) MiB", PAGE)[1])) < 5


def test_the_image_holds_what_runs_and_nothing_else(image):
    program = (
        "import importlib.util, json, os\n"
        "found = {name: importlib.util.find_spec(name) is not None for name in ('pytest', 'pip', 'numpy')}\n"
        "print(json.dumps({'found': found, 'app': sorted(os.listdir('/app'))}))\n"
    )

    told = json.loads(docker("run", "--rm", "--network=none", image, "python", "-c", program))

    assert told["found"] == {"pytest": False, "pip": False, "numpy": True}
    assert told["app"] == ["openapi.yaml", "service"]


def test_every_module_of_the_image_is_compiled_and_belongs_to_root(image):
    program = (
        "import importlib.util, pathlib\n"
        "files = [*pathlib.Path('/app').rglob('*.py'), *pathlib.Path('/opt/venv/lib').rglob('*.py')]\n"
        "compiled = [f for f in files if pathlib.Path(importlib.util.cache_from_source(f)).exists()]\n"
        "ours = [f for f in files if f.stat().st_uid != 0 or f.stat().st_mode & 0o022]\n"
        "print(len(files) > 300, len(files) - len(compiled), len(ours))\n"
    )

    assert docker("run", "--rm", "--network=none", image, "python", "-c", program) == "True 0 0"


def test_the_image_starts_by_itself_without_any_mount_or_right(image):
    hardening = ["--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=none"]
    container = docker("run", "--detach", *hardening, image)
    try:
        healthy = wait_until(lambda: inspect(container, "State.Health.Status") == "healthy", 30)
        docker("stop", container)

        assert healthy
        assert inspect(container, "State.ExitCode") == 0
    finally:
        docker("rm", "--force", container)


@pytest.mark.parametrize(
    "options",
    [["--tmpfs=/tmp"], ["--tmpfs=/run/kobai"], ["--tmpfs=/work:mode=1777", "--env=TMPDIR=/work"]],
    ids=" ".join,
)
def test_any_folder_in_memory_will_do(image, options):
    bare = ["--read-only", "--ipc=none", "--cap-drop=ALL", "--network=none"]
    container = docker("run", "--detach", *bare, *options, image)
    try:
        assert wait_until(lambda: inspect(container, "State.Health.Status") == "healthy", 30)
    finally:
        docker("rm", "--force", container)


FILL = """
import contextlib, sys
with contextlib.suppress(OSError), open("/run/kobai/full", "wb", buffering=0) as file:
    while True:
        file.write(bytes(4096))
"""


def test_a_folder_of_metrics_that_is_full_costs_no_request_and_no_worker(image):
    options = ["--read-only", "--network=none", "--cpus=1", "--env=PROMETHEUS_MULTIPROC_DIR=/run/kobai"]
    container = docker("run", "--detach", "--tmpfs=/run/kobai:size=4m,mode=1777", *options, image)
    try:
        wait_until(lambda: inspect(container, "State.Health.Status") == "healthy", 30)
        inside(container, FILL)
        first = inside(container, CHILDREN)
        answered = [inside(container, ASK) for _ in range(3)]
        stayed = inside(container, CHILDREN)
        docker("exec", container, "python", "-c", f"import os; os.kill({first}, 9)")
        wait_until(lambda: inside(container, CHILDREN) not in ("", first), 30)
        time.sleep(1)  # a successor that dies does so at once
        successor = inside(container, CHILDREN)
        answered.append(inside(container, ASK))

        assert answered == ["200"] * 4
        assert stayed == first
        assert inside(container, CHILDREN) == successor
        assert docker("logs", container).count("SIGBUS") == 0
    finally:
        docker("rm", "--force", container)


CHILDREN = "print(open('/proc/1/task/1/children').read().strip())"

ASK = """
import http.client
connection = http.client.HTTPConnection("127.0.0.1", 8000)
connection.request("POST", "/softmax", '{"x": [0, 0]}', {"Content-Type": "application/json"})
print(connection.getresponse().status)
"""


def test_an_image_of_the_documented_lines_writes_spans(image):
    lines = next(text for kind, text in blocks(PAGES["docs/operations.md"]) if kind == "dockerfile")
    docker("build", "--tag", "kobai:tests-tracing", "-", text=lines.replace("FROM kobai", f"FROM {image}"))
    options = ["--read-only", "--network=none", "--env=OTEL_TRACES_EXPORTER=console"]
    container = docker("run", "--detach", *options, "kobai:tests-tracing")
    try:
        wait_until(lambda: inspect(container, "State.Health.Status") == "healthy", 30)
        status = inside(container, ASK)
        docker("stop", container)

        assert status == "200"
        assert '"name": "POST /softmax"' in docker("logs", container)
    finally:
        docker("rm", "--force", container)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--memory=256m"], "1 workers may be killed for their memory"),
        (["--memory=1g", "--cpus=2"], "1 workers for 2 CPUs: a worker may need 768 MiB"),
    ],
)  # fmt: skip
def test_a_line_says_when_the_memory_limit_leaves_fewer_workers(image, options, said):
    container = docker("run", "--detach", *options, image)
    try:
        wait_until(lambda: inspect(container, "State.Health.Status") == "healthy", 30)
        done = subprocess.run(["docker", "logs", container], capture_output=True, text=True, check=True)
    finally:
        docker("rm", "--force", container)

    lines = [line for line in (done.stdout + done.stderr).splitlines() if said in line]
    assert len(lines) == 1


# | the project, at rest |


def test_the_files_are_clean_for_compose_and_for_swarm():
    words = (["compose", "config", "--quiet"], ["stack", "config", "-c", "docker-compose.yml"])

    told = [docker(*each) for each in words]

    assert told[0] == ""
    assert "endpoint_mode: dnsrr" in told[1]


@pytest.mark.parametrize("name", ["api", "proxy"])
def test_a_container_is_healthy_soon_after_its_start(project, name):
    container = {"api": project.replicas()[0], "proxy": project.proxy()}[name]
    spent = [seconds_to_healthy(container)]

    while min(spent) >= START_SECONDS and len(spent) < 4:
        restart(container)
        spent.append(seconds_to_healthy(container))

    others = max(1, os.getloadavg()[0] / os.cpu_count())  # who wants the same CPU, when all are taken
    print(f"{name} is healthy after {', '.join(f'{each:.1f}' for each in spent)} s, {others:.1f} at each CPU")
    assert min(spent) < START_SECONDS * others


def test_a_replica_runs_without_rights(project):
    status = status_of(project.replicas()[0])

    assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"10001"}
    assert {int(status[name], 16) for name in ("CapEff", "CapPrm", "CapBnd", "CapInh", "CapAmb")} == {0}
    assert status["NoNewPrivs"].strip() == "1"
    assert status["Groups"].split() in ([], ["10001"])


def test_the_proxy_runs_without_rights(project):
    status = status_of(project.proxy())

    assert set(status["Uid"].split()) == {"10001"}
    assert int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"].strip() == "1"


@pytest.mark.parametrize("path", ["/app/x", "/opt/venv/x", "/etc/x", "/usr/x", "/home/x", "/run/x"])
def test_a_replica_cannot_write_to_its_file_system(project, path):
    program = "import sys\ntry: open(sys.argv[1], 'w')\nexcept OSError as error: print(error.strerror)"

    assert inside(project.replicas()[0], program, path) in (
        "Read-only file system",
        "Permission denied",
        "No such file or directory",
    )


def test_a_replica_writes_to_memory_alone(project):
    program = (
        "lines = [line.split() for line in open('/proc/mounts')]\n"
        "kinds = {line[1]: (line[2], line[3].split(',')[0]) for line in lines}\n"
        "print(kinds['/'][1], kinds['/run/kobai'][0], kinds['/tmp'][0])\n"
        "import os; print('counter_1.db' in os.listdir('/run/kobai'))\n"
    )

    assert inside(project.replicas()[0], program).splitlines() == [
        "ro tmpfs tmpfs",
        "True",
    ]


def test_a_replica_has_no_way_out(project):
    networks = inspect(project.replicas()[0], "NetworkSettings.Networks")

    assert [inspect(name, "Internal") for name in networks] == [True]


@pytest.mark.parametrize("name", ["api", "proxy"])
def test_a_container_may_open_a_file_for_each_connection(project, name):
    container = {"api": project.replicas()[0], "proxy": project.proxy()}[name]

    lines = docker("exec", container, "cat", "/proc/1/limits").splitlines()

    assert next(line.split()[3:5] for line in lines if line.startswith("Max open files")) == [
        "16384",
        "16384",
    ]


def test_a_replica_starts_one_worker_for_each_cpu_of_its_limit(project):
    program = "print(len(open('/proc/1/task/1/children').read().split()))"

    assert inside(project.replicas()[0], program) == "1"


def test_a_replica_comes_back_after_a_restart(project):
    assert restart(project.replicas()[0])


@pytest.mark.parametrize(
    "path",
    ["/livez", "/readyz", "/healthz", "/functions", "/limits", "/problems", "/openapi.yaml", "/openapi.json"],
)
def test_what_can_be_read_comes_through_the_proxy(ask, path):
    assert ask("GET", path)[0] == 200


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_a_page_comes_through_the_proxy_with_all_it_loads(ask, path):
    status, headers, page = ask("GET", path)

    loaded = set(re.findall(r'<(?:link|script|img)\b[^>]* (?:href|src)="([^"]+)"', page.decode()))

    assert (status, headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert len(loaded) >= 4
    assert {name: ask("GET", f"/{name}")[0] for name in loaded} == dict.fromkeys(loaded, 200)


def test_the_seeds_calls_come_through_the_proxy(ask):
    central = SQUARE | {"method": "central", "h": 1e-4}
    run = {"variables": {"x": [-3, 4]}, "learning_rate": 0.1, "steps": 100}
    loss = {"loss": "cross_entropy", "predictions": [0.1, 0.05, 0.85], "targets": [2]}

    gradient = json.loads(ask("POST", "/gradient", central)[2])["gradient"]["x"]
    descent = json.loads(ask("POST", "/descent", SQUARE | run)[2])["variables"]["x"]
    softmax = json.loads(ask("POST", "/softmax", {"x": [0.3, 2.9, 4.0]})[2])["y"]

    assert gradient == [6.00000000000378, 7.999999999999119]
    assert descent == [-6.111107929003464e-10, 8.148143905337951e-10]
    assert softmax == [0.01821127329554753, 0.24519181293507392, 0.7365969137693786]
    assert json.loads(ask("POST", "/loss", loss)[2]) == {"loss": 0.1625188118507231}


def test_a_stream_comes_through_the_proxy_line_by_line(project):
    first, last, spent = follow(project.port, TWO_SECONDS)

    assert (first["step"], last["status"]) == (0, "deadline")
    assert spent > 1


def test_a_large_body_comes_through_and_a_larger_one_is_refused_readably(ask):
    body = json.dumps(SQUARE).encode()

    assert ask("POST", "/gradient", body.ljust(16 * MIB))[0] == 200
    status, headers, answer = ask("POST", "/gradient", body.ljust(64 * MIB))
    assert (status, headers["Content-Type"]) == (413, "application/problem+json")
    assert json.loads(answer)["code"] == "body-too-large"


def test_metrics_are_open_inside_alone(project, ask):
    program = (
        "import http.client, sys\n"
        "connection = http.client.HTTPConnection('api', 8000)\n"
        "connection.request('GET', '/metrics')\n"
        "print(connection.getresponse().read().count(b'kobai_build'))\n"
    )

    assert ask("GET", "/metrics")[0] == 404
    assert int(inside(project.replicas()[0], program)) > 0


def test_prometheus_finds_every_replica(project, program):
    mounts = [f"{program('prometheus')}:/bin/prometheus:ro", f"{ROOT / 'deploy'}:/etc/prometheus:ro"]
    volumes = [word for mount in mounts for word in ("--volume", mount)]
    command = ["prometheus", "--config.file=/etc/prometheus/prometheus.yml", "--storage.tsdb.path=/tmp/data"]
    count = (
        "import json, urllib.request\n"
        "try: answer = urllib.request.urlopen('http://127.0.0.1:9090/api/v1/query?query=sum(up)')\n"
        "except OSError: raise SystemExit\n"  # it does not listen yet
        "print(*(row['value'][1] for row in json.load(answer)['data']['result']))\n"
    )
    container = docker("run", "--detach", f"--network={project.name}_inside", *volumes, BASE, *command)
    try:
        wait_until(lambda: inside(container, count) == "2")
    finally:
        docker("rm", "--force", container)


def test_requests_are_balanced_one_by_one_over_the_replicas(project):
    count = (
        "import http.client\n"
        "connection = http.client.HTTPConnection('127.0.0.1', 8000)\n"
        "connection.request('GET', '/metrics')\n"
        "text = connection.getresponse().read().decode()\n"
        "rows = [row.split() for row in text.splitlines() if row.startswith('kobai_requests_total')]\n"
        "print(int(sum(float(row[-1]) for row in rows if '/sigmoid' in row[0])))\n"
    )
    connection = http.client.HTTPConnection("127.0.0.1", project.port, timeout=60)

    for _ in range(100):  # one connection of one client
        connection.request("POST", "/sigmoid", b'{"x": [0]}', HEADERS)
        connection.getresponse().read()
    connection.close()

    counts = [int(inside(each, count)) for each in project.replicas()]
    assert sum(counts) == 100
    assert min(counts) > 20


# | the project, under load |


def test_scaling_up_and_down_under_load_fails_no_request(project):
    project.up(1)

    with Load(project.port) as load:
        project.up(4)
        load.wait_for(load.sent + 500)
        project.up(2)

    load.assert_all_answered()
    assert len(project.replicas()) == 2


def test_killing_a_replica_under_load_fails_no_request(project):
    victim = project.replicas()[0]

    with Load(project.port) as load:
        docker("kill", victim)

    load.assert_all_answered()


def test_stopping_a_replica_under_load_fails_no_request(project):
    victim = project.replicas()[0]

    with Load(project.port) as load:
        docker("stop", victim)

    load.assert_all_answered()
    assert inspect(victim, "State.ExitCode") == 0


def test_workers_that_are_replaced_by_sighup_under_load_fail_no_request(project):
    victim = project.replicas()[0]
    workers = "print(open('/proc/1/task/1/children').read())"
    before = inside(victim, workers)

    with Load(project.port) as load:
        docker("kill", "--signal", "HUP", victim)
        load.wait_for(load.sent + 500)

    load.assert_all_answered()
    assert not set(before.split()) & set(inside(victim, workers).split())


def test_a_worker_that_dies_under_load_fails_no_request(project):
    kill = "import os; os.kill(int(open('/proc/1/task/1/children').read().split()[0]), 9)"

    with Load(project.port) as load:
        inside(project.replicas()[0], kill)

    load.assert_all_answered()


def test_stopping_the_only_replica_lets_it_finish_what_it_has(project, ask):
    project.up(1)
    only = project.replicas()[0]
    long = TWO_SECONDS | {"deadline_ms": 8_000}
    answers = []
    client = threading.Thread(target=lambda: answers.append(ask("POST", "/descent", long)))

    client.start()
    wait_until(lambda: works(only))
    begun = time.monotonic()
    docker("stop", only)
    spent = time.monotonic() - begun
    client.join(60)

    assert [answer[0] for answer in answers] == [200]
    assert json.loads(answers[0][2])["status"] == "deadline"
    assert spent > 4  # it was waited for, and not computed again elsewhere: there is no other replica
    assert inspect(only, "State.ExitCode") == 0


def works(container):
    """Tell whether a replica has a request in hand; the one that asks does not count."""
    program = (
        "import http.client, re\n"
        "connection = http.client.HTTPConnection('127.0.0.1', 8000)\n"
        "connection.request('GET', '/metrics')\n"
        "text = connection.getresponse().read().decode()\n"
        "print(re.search(r'^kobai_requests_in_flight (.*)', text, re.M)[1])\n"
    )
    return float(inside(container, program)) >= 1


def test_taking_it_down_ends_everything_in_order(project):
    project.compose("stop")

    ended = [inspect(each, "State.ExitCode") for each in project.compose("ps", "-aq").split()]

    assert ended == [0, 0, 0]


def test_the_load_of_these_tests_notices_a_failure(project):
    project.compose("stop")

    load = Load(project.port, at_least=10, clients=1)
    with load:
        pass

    assert load.sent >= 10
    assert len(load.failures) == load.sent
    assert not load.answers
    assert len(REQUESTS) > 1
