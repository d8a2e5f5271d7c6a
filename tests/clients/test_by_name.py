"""Clients that a program drives by the names of operations: each makes every call of the script."""

import json
import os
import shutil
import subprocess
import sys
from typing import NamedTuple

import pytest

from tests.clients import script
from tests.clients.workshop import PROGRAMS, warnings
from tests.contract.document import raw

pytestmark = pytest.mark.clients

UNSCRIPTED = {"pages"}
"""Tags of operations that are for browsers."""


class Client(NamedTuple):
    """Where a client comes from and how it is compiled and run.

    Attributes
    ----------
    needs : what must be installed.
    generator : words of the command in docs/clients.md that generates it.
    compiler : what prints nothing but `silence` when every generated file is right.
    runner : what runs the program; `after` its address and script.
    probe : what ends well where the library of its language that it needs is installed.
    renamed : the model whose name is a word of the language, of which the generator warns.
    """

    needs: tuple[str, ...]
    generator: tuple[str, ...]
    compiler: tuple[str, ...]
    silence: str
    runner: tuple[str, ...]
    after: tuple[str, ...] = ()
    probe: tuple[str, ...] = ()
    renamed: str = ""


CLIENTS = {
    "ruby": Client(
        ("java", "ruby"),
        ("openapi-generator-cli", "ruby"),
        ("sh", "-c", "find ruby/lib -name '*.rb' | xargs -n 1 ruby -wc | sort -u"),
        "Syntax OK\n",
        ("ruby", "-I", "ruby/lib", "by_name.rb"),
        probe=("ruby", "-e", "require 'typhoeus'"),
    ),
    "php": Client(
        ("java", "php"),
        ("openapi-generator-cli", "php"),
        ("sh", "-c", "find php/lib -name '*.php' | xargs -n 1 php -l | sed 's/ in .*//' | sort -u"),
        "No syntax errors detected\n",
        ("php", "-d", "error_reporting=E_ALL", "by_name.php"),
        ("php",),
        ("php", "-r", "require 'GuzzleHttp/autoload.php';"),
        "Function",
    ),
    "hey-api": Client(
        ("node",),
        ("npx", "openapi-ts"),
        ("npx", "tsc", "--project", "."),
        "",
        ("node", "js/by_name.js"),
    ),
    "datamodel-code-generator": Client(
        (),
        ("datamodel-codegen",),
        ("mypy", "--strict", "--cache-dir=/dev/null", "--config-file=", "kobai_models.py"),
        "Success: no issues found in 1 source file\n",
        (sys.executable, "-W", "error", "by_name.py"),
    ),
}


@pytest.fixture(scope="module", params=CLIENTS)
def made(request, workshop, program):
    """A client, what its generator and its compiler printed."""
    client = CLIENTS[request.param]
    for name in client.needs:
        program(name)
    if client.probe and subprocess.run(client.probe, capture_output=True).returncode:
        assert os.environ.get("CI") != "true", client.probe
        pytest.skip(f"{' '.join(client.probe)} fails: the library is not installed")
    if "npx" in client.generator:
        request.getfixturevalue("node")
    printed = workshop.generate(*client.generator)
    for path in PROGRAMS.glob("by_name.*"):
        shutil.copy(path, workshop.folder)
    workshop.write("script.json", json.dumps(script.rows()))
    return client, printed, workshop.run(*client.compiler)


def test_the_script_calls_every_operation():
    called = {row["operation"] for row in script.rows()}
    operations = [each for path in raw()["paths"].values() for each in path.values() if "operationId" in each]

    assert {each["operationId"] for each in operations if not UNSCRIPTED & set(each["tags"])} == called


def test_nothing_is_to_warn_of(made):
    client, generated, compiled = made

    assert [line for line in warnings(generated) if f" {client.renamed} (reserved word)" not in line] == []
    assert compiled == client.silence


def test_the_client_reads_what_the_service_answers(made, workshop, told):
    client = made[0]

    answers = json.loads(workshop.run(*client.runner, workshop.address, "script.json", *client.after))

    assert script.read(answers) == told
