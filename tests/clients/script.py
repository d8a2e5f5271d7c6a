"""The same calls for clients that are driven by name: rows that a program reads, and what it must answer.

A program of `programs/` reads the rows from a file, makes each call through its generated client, in order,
and prints one JSON object: of every row its answer or its problem, as the client's own types hold it. Rows
name operations and models as openapi.yaml does; programs write them as their generator does.
"""

import json

from tests.clients.calls import CALLS, DESCENT, REQUEST_ID, WRONG, fields, walked
from tests.contract.document import raw

FAULT = fields("pointer", "detail", "line", "column")


def told(answer):
    problem = fields("status", "code", "title", "instance", "request_id")(answer)
    return problem | {"errors": [FAULT(fault) for fault in answer["errors"]]}


def names(list_name, name):
    return lambda answer: [each[name] for each in answer[list_name]]


REST = DESCENT | {"steps": 40, "history": 3}
"""The last steps of a descent of 100, from the state of the call `descent`."""

POSTS = CALLS | {"resumed": ("/descent", REST, walked), "problem": ("/gradient", WRONG, told)}
GETS = {
    "functions": ("/functions", {}, names("functions", "name")),
    "limits": ("/limits", {}, lambda answer: fields("value", "unit", "setting")(answer["body_bytes"])),
    "problems": ("/problems", {}, names("problems", "code")),
    "explained": ("/problems/{code}", {"code": "overloaded"}, fields("title")),
    "live": ("/livez", {}, fields("status")),
    "ready": ("/readyz", {}, fields("status")),
    "healthy": ("/healthz", {}, fields("status")),
    "metrics": ("/metrics", {}, lambda text: "# HELP" in text),
    "yaml": ("/openapi.yaml", {}, lambda text: text.split("\n")[0]),
    "json": ("/openapi.json", {}, fields("openapi")),
}


def rows():
    """List the calls, with what openapi.yaml calls their operations and models."""
    paths = raw()["paths"]
    posts = [_row(name, path, paths[path]["post"], request=sent) for name, (path, sent, _) in POSTS.items()]
    gets = [_row(name, path, paths[path]["get"], arguments=given) for name, (path, given, _) in GETS.items()]
    named = {"resumed": {"state_of": "descent"}, "problem": {"request_id": REQUEST_ID}}
    return [row | named.get(row["name"], {}) for row in posts + gets]


def _row(name, path, operation, **more):
    row = {
        "name": name,
        "path": path,
        "operation": operation["operationId"],
        "tag": operation["tags"][0],
    } | more
    if "request" in more:
        row["model"] = _schema(operation["requestBody"])
        row["answer"] = _schema(operation["responses"]["200"])
    return row


def _schema(node):
    return node["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]


def read(answers):
    """Take of each answer what is compared."""
    found = {}
    for name, (_, _, reader) in (POSTS | GETS).items():
        found[name] = reader(answers[name])
    return found


def truth_of(server):
    """Ask the service itself."""
    answers = {}
    for name, (path, request, _) in POSTS.items():
        if name == "resumed":
            request = request | {"state": answers["descent"]["state"]}
        headers = {"X-Request-ID": REQUEST_ID} if name == "problem" else {}
        status, answers[name] = server.post(path, request, **headers)
        assert status == (422 if name == "problem" else 200)
    for name, (path, arguments, _) in GETS.items():
        status, headers, body = server.get(path.format(**arguments))
        assert status == 200
        is_json = headers["Content-Type"].startswith("application/json")
        answers[name] = json.loads(body) if is_json else body.decode()
    return read(answers)
