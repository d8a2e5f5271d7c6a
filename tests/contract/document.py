"""`openapi.yaml` as the contract tests read it: operations, schemas without references, examples."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml
from openapi_schema_validator import OAS30Validator

FILE = Path(__file__).resolve().parents[2] / "openapi.yaml"

JSON, PROBLEM, CBOR = "application/json", "application/problem+json", "application/cbor"


@cache
def raw():
    """The document as it stands in the file."""
    return yaml.safe_load(FILE.read_text(encoding="utf-8"))


def resolve(node):
    """Copy a part of the document with every reference replaced by what it names."""
    if isinstance(node, dict):
        if "$ref" in node:
            target = raw()
            for key in node["$ref"].removeprefix("#/").split("/"):
                target = target[key.replace("~1", "/").replace("~0", "~")]
            return resolve(target)
        return {key: resolve(value) for key, value in node.items()}
    if isinstance(node, list):
        return [resolve(item) for item in node]
    return node


@cache
def schema(name):
    """One of the named schemas, without references."""
    return resolve(raw()["components"]["schemas"][name])


@dataclass(frozen=True)
class Operation:
    """One method of one path."""

    path: str
    method: str
    node: dict

    @property
    def name(self):
        return self.node["operationId"]

    @property
    def example_path(self):
        """The path with the example of each parameter in its place."""
        path = self.path
        for parameter in self.node.get("parameters", ()):
            path = path.replace(f"{{{parameter['name']}}}", str(parameter.get("example", "")))
        return path

    @property
    def request(self):
        """The content of the request's body, or None."""
        return self.node["requestBody"]["content"][JSON] if "requestBody" in self.node else None

    def response(self, status, media_type):
        """The content that the document promises for a status, as the status itself or as the default."""
        responses = self.node["responses"]
        return responses.get(str(status), responses["default"])["content"][media_type]


@cache
def operations():
    """Every operation, without references, by operationId."""
    found = [
        Operation(path, method.upper(), resolve(node))
        for path, methods in raw()["paths"].items()
        for method, node in methods.items()
    ]
    return {operation.name: operation for operation in found}


def takes_null(node):
    """Tell whether a schema allows null: `nullable` widens a type, and where there is none all is allowed."""
    return node.get("nullable", False) or "type" not in node


def request_examples():
    """Every request example with the answer it promises: (operation, name, request, answer)."""
    return [
        (operation, name, example["value"], operation.response(200, JSON)["examples"][name]["value"])
        for operation in operations().values()
        if operation.request
        for name, example in operation.request["examples"].items()
    ]


def problem_examples():
    """Every example of a problem in the document, by name."""
    return {
        name: example["value"]
        for name, example in raw()["components"]["examples"].items()
        if isinstance(example["value"], dict) and "request_id" in example["value"]
    }


def closed(node):
    """Copy a schema so that fields it does not name are faults: answers may have them, ours must not.

    A map, which names no field, stays open, and so does the opaque state of a descent. The document does not
    say `additionalProperties: true` of answers: generated TypeScript would take any misspelt field.
    """
    if isinstance(node, list):
        return [closed(item) for item in node]
    if not isinstance(node, dict):
        return node
    copy = {key: closed(value) for key, value in node.items()}
    if isinstance(copy.get("properties"), dict) and "additionalProperties" not in copy:
        copy["additionalProperties"] = False
    return copy


def check(instance, node):
    """Validate against a schema of the document (OpenAPI 3.0), with every fault in the message."""
    faults = sorted(OAS30Validator(closed(node)).iter_errors(instance), key=lambda fault: list(fault.path))
    assert not faults, "\n".join(f"{fault.json_path}: {fault.message}" for fault in faults[:5])


def check_answer(operation, response):
    """Check an answer against all that the document says of it; return its body."""
    promised = operation.node["responses"].get(
        str(response.status_code), operation.node["responses"]["default"]
    )
    for name, header in promised.get("headers", {}).items():
        assert name in response.headers or not header.get("required"), name
        if name in response.headers:
            value = response.headers[name]
            check(int(value) if header["schema"]["type"] == "integer" else value, header["schema"])
    media_type = response.headers["Content-Type"].split(";")[0]
    node = promised["content"][JSON if media_type == CBOR else media_type]["schema"]
    body = response.json if media_type in (JSON, PROBLEM, CBOR) else response.get_data(as_text=True)
    check(body, node)
    return body
