"""TypeScript clients, by two generators: strict types without a complaint, and right in every operation."""

import json
import shutil

import pytest

from tests.clients.workshop import PROGRAMS, example, numbers, warnings, what_the_page_prints

pytestmark = pytest.mark.clients

CLIENTS = ("openapi_fetch", "typescript_fetch")


@pytest.fixture(scope="module")
def generated(workshop, node, program):
    """Both clients; the fixture is what openapi-generator printed."""
    program("java")
    workshop.generate("npx", "openapi-typescript")
    return workshop.generate("openapi-generator-cli", "typescript-fetch")


@pytest.fixture(scope="module")
def compiled(generated, workshop):
    """The clients with their programs, the page's among them; the fixture is what the compiler printed."""
    for name in CLIENTS:
        shutil.copy(PROGRAMS / f"{name}.ts", workshop.folder)
    workshop.write("example.ts", example("ts"))
    return workshop.run("npx", "tsc", "--project", ".")


def test_openapi_generator_has_nothing_to_warn_of_in_typescript(generated):
    assert warnings(generated) == []


def test_both_clients_pass_strict_types(compiled):
    assert compiled == ""


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_reads_what_the_service_answers(compiled, workshop, truth, name):
    assert json.loads(workshop.run("node", f"js/{name}.js", workshop.address)) == truth


def test_readme_program_prints_what_it_says(compiled, workshop):
    assert numbers(workshop.run("node", "js/example.js")) == what_the_page_prints()


def test_the_page_s_javascript_reads_typed_arrays(workshop, node):
    workshop.write("cbor.js", example("js"))

    printed = workshop.run("node", "cbor.js")

    assert printed == "[ 2 ] Float64Array(2) [ 0.5, 0.5 ]\n"
