"""What is written about the functions is what the table of operations says."""

import doctest
import importlib
import pkgutil
import re

import pytest

import service
from service.core.language.operations import describe_operations
from tests.documentation import PAGES

ACTING = ("__main__", ".wsgi", ".asgi", ".gunicorn_conf")
"""Modules that act when they are imported: they start applications, and set the environment of servers."""

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(service.__path__, "service.")
    if not module.name.endswith(ACTING)
)


def test_the_page_on_the_language_lists_every_function_as_the_service_does():
    table = PAGES["docs/language.md"].split("| function | meaning |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| `(.+)` \| (.+) \| (.*) \|$", table.replace("\\|", "/"), re.M)

    listed = [row for row in describe_operations() if row["kind"] == "function"]

    expected = [(row["signature"], row["meaning"], row["kinks"]) for row in listed]
    assert [tuple(cell.strip() for cell in row) for row in rows] == [
        tuple(cell.replace("|", "/") for cell in row) for row in expected
    ]


def test_every_row_says_how_it_is_written_and_what_it_means():
    for row in describe_operations():
        assert row["signature"]
        assert row["meaning"]
        assert row["name"].strip("[]") in row["signature"]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_docstrings_are_right(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
