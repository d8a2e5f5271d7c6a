"""What is written about the functions is what the table of operations says."""

import doctest
import importlib
import pkgutil

import numpy as np
import pytest

import service
from service.core.language.operations import describe_operations
from tests.core.function_page import page
from tests.documentation import PAGES

ACTING = ("__main__", ".wsgi", ".asgi", ".gunicorn_conf")
"""Modules that act when they are imported: they start applications, and set the environment of servers."""

ROWS = describe_operations()

MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(service.__path__, "service.")
    if not module.name.endswith(ACTING)
)


def test_the_page_on_the_functions_is_the_table_of_operations():
    assert PAGES["docs/functions.md"] == page()


def test_every_row_says_how_it_is_written_and_what_it_means():
    for row in ROWS:
        assert row["signature"]
        assert row["meaning"]
        assert row["group"]
        assert row["name"].strip("[]") in row["signature"]
        assert row["name"].strip("[]") in row["example"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["signature"])
def test_an_example_runs_as_it_stands(client, row):
    answer = client.post("/value", json={"function": row["example"]})

    assert answer.status_code == 200, answer.json
    assert np.all(np.isfinite(answer.json["value"]))


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_docstrings_are_right(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
