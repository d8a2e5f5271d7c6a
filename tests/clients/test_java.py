"""The Java client of openapi-generator: compiled with every warning an error, and right in every operation.

What it needs beside the JDK is Jackson, which the generator's own jar holds, and Jakarta's annotations.
"""

import importlib.resources
import json
import os
from pathlib import Path

import pytest

from tests.clients.workshop import PROGRAMS, QUICK_JAVA, example, numbers, warnings, what_the_page_prints

pytestmark = pytest.mark.clients

JACKSON = importlib.resources.files("openapi_generator_cli") / "openapi-generator.jar"
ANNOTATIONS = Path("/usr/share/java/jakarta-annotation-api.jar")
LIBRARIES = os.pathsep.join([str(JACKSON), str(ANNOTATIONS)])
CLASSES = os.pathsep.join(["classes", LIBRARIES])


@pytest.fixture(scope="module")
def generated(workshop, program):
    """The client's sources; the fixture is what the generator printed."""
    program("javac")
    if not ANNOTATIONS.exists() and os.environ.get("CI") != "true":
        pytest.skip("libjakarta-annotation-api-java is not installed")
    return workshop.generate("openapi-generator-cli", "java")


@pytest.fixture(scope="module")
def compiled(generated, workshop):
    """The client with its programs, the page's among them; the fixture is what the compiler printed.

    The generator's own runtime uses names that Jackson calls deprecated; what comes of the document does not.
    """
    workshop.write("Example.java", example("java"))
    sources = sorted((workshop.folder / "java" / "src" / "main").rglob("*.java"))
    options = [
        f"-J{QUICK_JAVA}",
        "-Xlint:all,-deprecation",
        "-Werror",
        "-proc:none",
        "-d",
        "classes",
        "-cp",
        LIBRARIES,
    ]
    return workshop.run("javac", *options, PROGRAMS / "Calls.java", "Example.java", *sources)


def test_openapi_generator_has_nothing_to_warn_of_in_java(generated):
    assert warnings(generated) == []


def test_the_compiler_has_nothing_to_warn_of(compiled):
    assert [line for line in compiled.splitlines() if not line.startswith("Note: ")] == []


def test_the_client_reads_what_the_service_answers(compiled, workshop, truth):
    assert json.loads(workshop.run("java", "-cp", CLASSES, "Calls", workshop.address)) == truth


def test_readme_program_prints_what_it_says(compiled, workshop):
    assert numbers(workshop.run("java", "-cp", CLASSES, "Example")) == what_the_page_prints()
