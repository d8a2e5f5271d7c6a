"""The page on deployment: its commands run as they are, and its tables are those of the files."""

import re

import pytest
import yaml

from tests.deploy.engine import docker, is_ready, wait_until
from tests.documentation import PAGES, sections, shell_commands
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
    replicas = []

    for words in shell_commands(SECTIONS["More than one machine"]):
        docker(*[word.replace("10.0.0.1", "127.0.0.1") for word in words[1:]], **environment)
        if words[1:3] == ["stack", "deploy"]:
            wait_until(lambda: is_ready(port))
        if words[2] in ("scale", "rollback"):
            replicas.append(len(docker("ps", "-q", "--filter", "name=kobai_api").split()))

    assert replicas == [6, 2]
    wait_until(lambda: not docker("network", "ls", "-q", "--filter", "name=kobai_"))  # what goes last
