"""Schemathesis hooks: right requests beside the schema's own, resumed descents, and what no schema says."""

import json

import schemathesis
from hypothesis import strategies as st

from tests.clients.fuzzing.bodies import BODIES

RIGHT, RESUMED = "right-by-construction", "resumed"
"""Request ids: of what must be accepted, and of what shall go on from an earlier descent."""

SAID_BY_THE_SCHEMA = {
    "missing-field", "unknown-field", "null-field", "out-of-range", "unknown-choice", "not-a-string",
    "no-names", "too-many-names",
}  # fmt: skip
"""Reasons for which no request that fits the schema may be refused; the others are about meaning."""

ABOUT_OTHER_FIELDS = ("/batch/", "/project/")
"""Where a value is also held against rows and shapes of the request, of which the schema knows nothing."""

SHORT_MS = 1_000
RUNS = ("learning_rates", "starts", "random_starts")

_resumable = {}
"""The last request that led to a state, with that state."""


@schemathesis.hook
def flatmap_case(context, case):
    """Let half of the positive cases be requests that are right by construction."""
    bodies = BODIES.get(context.operation.label)
    if bodies is None or case.meta.generation.mode.is_negative:
        return st.just(case)
    ids = st.sampled_from([RIGHT, RESUMED] if context.operation.label == "POST /descent" else [RIGHT])
    right = st.builds(_put, st.just(case), bodies, ids)
    return st.booleans().flatmap(lambda is_right: right if is_right else st.just(case))


def _put(case, body, request_id):
    case.body = body
    case.headers = {**(case.headers or {}), "X-Request-ID": request_id}
    return case


@schemathesis.hook
def before_call(context, case, kwargs):
    """Follow the link `resume`: the same request, options included, with the state of its answer."""
    if _id_of(case) == RESUMED:
        case.body = dict(_resumable) or case.body


@schemathesis.hook
def after_call(context, case, response):
    """Remember how to go on from a descent."""
    if context.operation.label == "POST /descent" and response.status_code == 200 and response.text:
        answer = json.loads(response.text.splitlines()[-1])  # a stream's last line is the answer too
        _resumable.clear()
        _resumable.update(case.body, state=answer["state"])


@schemathesis.hook
def filter_failure(context, failure, case, response):
    """Keep every failure but a refusal for what no schema can say, and a deadline of the caller's own."""
    if response.status_code == 503:
        return not _has_short_deadline(case.body)
    if failure.code == "ST202" and not _lacks_runs(case):
        return _id_of(case) in (RIGHT, RESUMED) or is_said_by_the_schema(response.json())
    return failure.code != "ST202"


def _lacks_runs(case):
    """Tell whether a sweep names not exactly one kind of runs, which no schema of OpenAPI 3.0 can ask for."""
    if case.operation.path != "/descent/sweep" or not isinstance(case.body, dict):
        return False
    return sum(case.body.get(kind) is not None for kind in RUNS) != 1


def _id_of(case):
    return (case.headers or {}).get("X-Request-ID")


def is_said_by_the_schema(problem):
    """Tell whether a problem blames what the schema states, which a request that fits it has kept."""
    if problem["status"] != 422:
        return True
    return any(
        fault["code"] in SAID_BY_THE_SCHEMA and not fault["pointer"].startswith(ABOUT_OTHER_FIELDS)
        for fault in problem["errors"]
    )


def _has_short_deadline(body):
    """Tell whether the caller asked for less time than a busy machine may need to begin at all."""
    asked = body.get("deadline_ms") if isinstance(body, dict) else None
    return isinstance(asked, (int, float)) and asked < SHORT_MS
