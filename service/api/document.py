"""`openapi.yaml` as the service serves it, and what its pages quote from it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml

FILE = Path(__file__).parents[2] / "openapi.yaml"

SERVER = "  - url: /\n"
"""How the document says where the service is."""

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The one in C, which PyYAML's wheels have, reads the document ten times as fast."""


@dataclass(frozen=True, slots=True)
class Example:
    """How an operation is called, in the document's own words."""

    tag: str
    operation: str
    body: Any


@cache
def read_text(root_path: str = "") -> str:
    """Read the document as it was written; its server is the prefix that a proxy shows, if any."""
    return FILE.read_text(encoding="utf-8").replace(SERVER, f"  - url: {root_path or '/'}\n", 1)


@cache
def read_document(root_path: str = "") -> dict[str, Any]:
    """Read the document, once."""
    document: dict[str, Any] = yaml.load(read_text(root_path), Loader=LOADER)  # noqa: S506  # a safe one
    return document


def find_example(path: str) -> Example | None:
    """Find the first example of what is posted to a path; None where nothing is."""
    operation = read_document()["paths"].get(path, {}).get("post")
    if operation is None:
        return None
    examples = operation["requestBody"]["content"]["application/json"]["examples"]
    reference: str = next(iter(examples.values()))["$ref"]
    example = read_document()["components"]["examples"][reference.rpartition("/")[2]]
    return Example(operation["tags"][0], operation["operationId"], example["value"])
