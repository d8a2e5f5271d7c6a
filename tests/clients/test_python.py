"""Python clients, by two generators: nothing to warn of, typed, and right in every operation."""

import json
import sys

import pytest

from tests.clients.workshop import PROGRAMS, example, numbers, warnings, what_the_page_prints
from tests.contract.document import raw

pytestmark = pytest.mark.clients

SCHEMAS = {
    name: node["properties"] for name, node in raw()["components"]["schemas"].items() if "properties" in node
}
"""The schemas with fields, each of which becomes a class."""


@pytest.fixture(scope="module")
def attrs_client(workshop):
    """The client of openapi-python-client; the fixture is what it printed."""
    return workshop.generate("openapi-python-client")


@pytest.fixture(scope="module")
def pydantic_client(workshop, program):
    """The client of openapi-generator; the fixture is what it printed."""
    program("java")
    return workshop.generate("openapi-generator-cli", "python")


def run(workshop, path, name):
    return workshop.run(sys.executable, "-W", "error", PROGRAMS / name, workshop.address, PYTHONPATH=path)


def fields_of(workshop, path, program):
    """Run a program that prints the fields of every class that has any."""
    return json.loads(workshop.run(sys.executable, "-W", "error", "-c", program, PYTHONPATH=path))


def test_openapi_python_client_has_nothing_to_warn_of(attrs_client):
    assert attrs_client == "Generating kobai_client\n"


def test_openapi_python_client_makes_a_class_of_every_schema_with_every_field(attrs_client, workshop):
    program = (
        "import json, attrs, kobai_client.models as models\n"
        "classes = {name: getattr(models, name) for name in models.__all__}\n"
        "found = {name: [f.name for f in attrs.fields(c)] for name, c in classes.items() if attrs.has(c)}\n"
        "print(json.dumps(found))\n"
    )

    found = fields_of(workshop, ".", program)

    for name, properties in SCHEMAS.items():
        fields = {field.rstrip("_") for field in found[name]} - {"additional_properties"}
        assert fields == properties.keys(), name


def test_openapi_python_client_reads_what_the_service_answers(attrs_client, workshop, truth):
    assert json.loads(run(workshop, ".", "openapi_python_client.py")) == truth


def test_a_program_with_openapi_python_client_passes_strict_types(attrs_client, workshop):
    options = ["--strict", "--follow-imports=silent", "--cache-dir=/dev/null", "--config-file="]

    printed = workshop.run("mypy", *options, PROGRAMS / "openapi_python_client.py", MYPYPATH=".")

    assert printed == "Success: no issues found in 1 source file\n"


def test_readme_program_with_a_generated_client_prints_what_it_says(attrs_client, workshop):
    workshop.write("example.py", example("py"))

    printed = workshop.run(sys.executable, "-W", "error", "example.py")

    assert numbers(printed) == what_the_page_prints()


def test_openapi_generator_has_nothing_to_warn_of_in_python(pydantic_client):
    assert warnings(pydantic_client) == []


def test_openapi_generator_makes_a_model_of_every_schema_with_every_field(pydantic_client, workshop):
    program = (
        "import json, pydantic, kobai_openapi.models as models\n"
        "found = {name: [f.alias or key for key, f in each.model_fields.items()]\n"
        "         for name, each in vars(models).items()\n"
        "         if isinstance(each, type) and issubclass(each, pydantic.BaseModel)}\n"
        "print(json.dumps(found))\n"
    )

    found = fields_of(workshop, "python", program)

    for name, properties in SCHEMAS.items():
        assert set(found[name]) - {"additional_properties"} == properties.keys(), name


def test_openapi_generator_reads_what_the_service_answers_in_python(pydantic_client, workshop, truth):
    assert json.loads(run(workshop, "python", "openapi_generator.py")) == truth
