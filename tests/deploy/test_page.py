"""The page on deployment: its commands run as they are, and its tables are those of the files."""

import contextlib
import http.client
import json
import os
import re
import shutil
import socket
import ssl
import subprocess

import pytest
import yaml

from tests.deploy.engine import docker, is_ready, wait_until
from tests.deploy.load import HEADERS, Load
from tests.deploy.nginx import make_certificate
from tests.documentation import PAGES, blocks, sections, shell_commands
from tests.server.running import ROOT, free_port

SECTIONS = sections(PAGES["docs/deployment.md"])


def rows(title):
    """List the rows of the table under a heading, the code in them without its marks."""
    lines = re.findall(r"^\| (`.+) \|$", SECTIONS[title], re.M)
    return [line.replace("`", "").split(" | ") for line in lines]


def test_the_table_of_variables_is_that_of_the_compose_file():
    file = (ROOT / "docker-compose.yml").read_text()

    assert {row[0]: row[1] for row in rows("One machine")} == dict(re.findall(r"\$\{(\w+):-([^}]*)\}", file))


def test_the_table_of_alerts_is_that_of_the_rules():
    rules = yaml.safe_load((ROOT / "deploy" / "alerts.yml").read_text())["groups"][0]["rules"]

    assert [row[:2] for row in rows("Monitoring")] == [
        [rule["alert"], rule["labels"]["severity"]] for rule in rules
    ]


def script(title):
    """Return the commands of a section, as a shell takes them."""
    return "\n".join(block for kind, block in blocks(SECTIONS[title]) if kind == "sh")


def bash(text, folder=ROOT, **environment):
    """Run commands until one fails."""
    done = subprocess.run(
        ["bash", "-ec", text],
        cwd=folder,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, f"{text}: {done.stdout}{done.stderr}"


@pytest.fixture
def project(image, tmp_path):
    """Copy what Compose reads, so that a test may change it; take its project down at the end."""
    shutil.copy(ROOT / "docker-compose.yml", tmp_path)
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    port = free_port()
    names = {"API_IMAGE": image, "PROXY_PORT": str(port), "COMPOSE_PROJECT_NAME": f"kobai-{port}"}
    yield tmp_path, port, names
    bash("docker compose down --timeout 5", tmp_path, **names)


@pytest.mark.docker
def test_the_commands_for_one_container_work(image):
    port = free_port()
    text = (
        script("One container").replace(":8000:", f":{port}:").replace("--name kobai", f"--name kobai-{port}")
    )
    build, start, end = text.strip().splitlines()

    bash(build)
    bash(start)
    try:
        wait_until(lambda: is_ready(port))
    finally:
        bash(end.replace("--force kobai", f"--force kobai-{port}"))

    assert not is_ready(port)


@pytest.mark.docker
def test_where_the_proxys_port_is_taken_nothing_runs(project):
    folder, port, names = project
    with socket.create_server(("", port)), pytest.raises(AssertionError, match="in use"):
        bash("docker compose up --detach --wait", folder, **names)

    assert docker("ps", "--quiet", "--filter", f"name=kobai-{port}") == ""


def largest_body(port):
    """Find which of two limits is in force: through the proxy and behind it."""
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        connection.request("GET", "/limits")
        behind = json.loads(connection.getresponse().read())["body_bytes"]["value"]
        connection.request("POST", "/softmax", b'{"x": [0]}'.ljust(20 * 2**20), HEADERS)
        answer = connection.getresponse()
        return behind, (answer.status, len(answer.read()) > 0)


@pytest.mark.docker
def test_the_commands_that_change_a_setting_work_and_lose_no_request(project):
    folder, port, names = project
    bash("docker compose up --detach --wait", folder, **names)
    before = largest_body(port)
    shared = folder / "deploy" / "kobai.env"
    shared.write_text(shared.read_text().replace("KOBAI_BODY_BYTES=16777216", "KOBAI_BODY_BYTES=25165824"))

    with Load(port) as load:
        bash(script("Changing a setting"), folder, **names)

    load.assert_all_answered()
    assert before == (16 * 2**20, (413, True))
    assert largest_body(port) == (24 * 2**20, (200, True))
    assert len(docker("compose", "ps", "-q", "api", **names).split()) == 2


@pytest.mark.docker
def test_the_commands_for_what_is_in_front_work(project):
    folder, _, names = project
    make_certificate(folder)
    (folder / "certificate").rename(folder / "certificate.pem")
    (folder / "certificate-key").rename(folder / "certificate-key.pem")
    (folder / "clients.keys").write_text('"Bearer secret-1" alice;\n')
    for name in ("certificate.pem", "certificate-key.pem", "clients.keys"):
        os.chown(folder / name, 10001, 10001)
    port = free_port()

    commands = script("In front").replace("=c", f"={folder}/c")
    bash(commands, folder, PROXY_TLS_PORT=str(port), **names)

    trusted = ssl.create_default_context(cafile=folder / "certificate.pem")

    def status(key):
        with contextlib.closing(
            http.client.HTTPSConnection("127.0.0.1", port, timeout=60, context=trusted)
        ) as connection:
            connection.request(
                "POST",
                "/softmax",
                b'{"x": [0]}',
                HEADERS | {"Authorization": f"Bearer {key}", "X-Client-Name": "eve"},
            )
            return connection.getresponse().status

    found = [status("secret-1"), status("secret-2")]
    replicas = docker("compose", "ps", "-q", "api", **names).split()

    def names_logged():
        lines = [line for each in replicas for line in docker("logs", each).splitlines()]
        return [json.loads(line)["client_name"] for line in lines if '"route":"/softmax"' in line]

    assert found == [200, 401]
    assert wait_until(names_logged, 10) == ["alice"]
    assert not is_ready(int(names["PROXY_PORT"]))  # no plain port is open

    (folder / "new.keys").write_text('"Bearer secret-2" bob;\n')
    lines = script("Changing a setting").splitlines()
    reload = [line for line in lines if line.startswith(("proxy=", "docker exec "))]
    bash("\n".join(["cp new.keys clients.keys", *reload]), folder, **names)

    wait_until(lambda: [status("secret-1"), status("secret-2")] == [401, 200], 20)


@pytest.mark.docker
def test_the_commands_for_one_machine_work(image):
    port = free_port()
    environment = {"API_IMAGE": image, "PROXY_PORT": str(port), "COMPOSE_PROJECT_NAME": f"kobai-{port}"}
    seen = []

    for words in shell_commands(SECTIONS["One machine"]):
        docker(*words[1:], **environment)
        seen.append((is_ready(port), len(docker("compose", "ps", "-q", "api", **environment).split())))

    assert seen == [(True, 2), (True, 4), (True, 4), (False, 0)]


@pytest.fixture
def no_swarm(engine):
    """Begin outside of a swarm, and end there."""
    if docker("info", "--format", "{{.Swarm.LocalNodeState}}") != "inactive":
        pytest.skip("this engine belongs to a swarm, which no test leaves")
    yield
    docker("swarm", "leave", "--force")


@pytest.mark.docker
def test_the_commands_for_several_machines_work(image, no_swarm):
    port = free_port()
    environment = {"API_IMAGE": image, "PROXY_PORT": str(port)}
    replicas = {"scale": 6, "rollback": 2}

    for words in shell_commands(SECTIONS["More than one machine"]):
        docker(*[word.replace("10.0.0.1", "127.0.0.1") for word in words[1:]], **environment)
        if words[1:3] == ["stack", "deploy"]:
            wait_until(lambda: is_ready(port))
        if count := replicas.pop(words[2], None):  # who is taken away may still be answering
            wait_until(lambda: len(docker("ps", "-q", "--filter", "name=kobai_api").split()) == count)

    assert not replicas
    wait_until(lambda: not docker("network", "ls", "-q", "--filter", "name=kobai_"))  # what goes last
