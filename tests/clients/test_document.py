"""The document as linters and the generators' own validators read it."""

import pytest

from tests.clients.workshop import HERE
from tests.contract.document import FILE

pytestmark = pytest.mark.clients


def test_spectral_finds_nothing(workshop, node):
    printed = workshop.run("npx", "spectral", "lint", FILE, "--ruleset", HERE / "spectral.yaml")

    assert printed == "No results with a severity of 'error' found!\n"


def test_redocly_finds_nothing(workshop, node):
    silent = {"REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_UPDATE_NOTICE": "true"}

    printed = workshop.run("npx", "redocly", "lint", FILE, "--config", HERE / "redocly.yaml", **silent)

    assert printed.endswith("Your API description is valid. 🎉\n\n")


def test_openapi_generator_finds_nothing(workshop, program):
    program("java")

    printed = workshop.run("openapi-generator-cli", "validate", "-i", FILE, "--recommend")

    assert printed.endswith("No validation issues detected.\n")
