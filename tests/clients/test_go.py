"""The Go client of openapi-generator: vetted, compiled, and right."""

import json
import shutil

import pytest

from tests.clients import script
from tests.clients.workshop import PROGRAMS, warnings

pytestmark = pytest.mark.clients

MODULE = "kobai.test/kobai"
GO_MOD = f"module calls\n\ngo 1.19\n\nrequire {MODULE} v0.0.0\n\nreplace {MODULE} => ../go\n"
OFFLINE = {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "GOTOOLCHAIN": "local"}


@pytest.fixture(scope="module")
def generated(workshop, program):
    """The client's sources; the fixture is what the generator printed."""
    program("go")
    return workshop.generate("openapi-generator-cli", "go")


@pytest.fixture(scope="module")
def compiled(generated, workshop):
    """The client with its program."""
    module = workshop.folder / "go" / "go.mod"
    lines = module.read_text().splitlines()
    module.write_text("\n".join([f"module {MODULE}", "go 1.19", *lines[3:]]))
    shutil.copytree(PROGRAMS / "go", workshop.folder / "calls")
    (workshop.folder / "calls" / "go.mod").write_text(GO_MOD)
    return workshop.run("sh", "-c", "cd calls && go vet . && go build -o ../calls-in-go .", **OFFLINE)


def test_openapi_generator_has_nothing_to_warn_of_in_go(generated):
    assert warnings(generated) == []


def test_go_vet_has_nothing_to_say(compiled):
    assert compiled == ""


def test_the_client_reads_what_the_service_answers(compiled, workshop, told):
    workshop.write("script.json", json.dumps(script.rows()))

    answers = json.loads(workshop.run(workshop.folder / "calls-in-go", workshop.address, "script.json"))

    assert script.read(answers) == told
