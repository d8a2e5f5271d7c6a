"""Every limit of the service: one table, read by the settings, `/limits` and docs/operations.md."""

from __future__ import annotations

from dataclasses import dataclass

from service.core.limits import MIB, Limits, limit


@dataclass(frozen=True, slots=True)
class ServiceLimits(Limits):
    """The limits in force: those of a computation, of requests and of answers.

    Each is set by the environment variable ``KOBAI_<NAME>``.
    """

    body_bytes: int = limit(16 * MIB, "bytes", "a request's body")
    json_nesting: int = limit(
        32, "levels", "nesting of JSON arrays and objects", low=10, high=200
    )  # what the readers of a document have stack for
    json_parts: int = limit(
        250_000,
        "parts",
        "arrays, objects and members of objects in a body, rows of numbers left out",
        low=1_000,
    )
    response_bytes: int = limit(32 * MIB, "bytes", "an answer's body")


DEFAULT_LIMITS = ServiceLimits()
