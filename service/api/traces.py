"""Whether requests become spans: OpenTelemetry's own variables ask for them, and its SDK must be installed.

The SDK is an extra (``tracing`` in pyproject.toml). What imports it is imported only where spans are wanted.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from service.api.exchange import Exchange

NONE = "none"
EXPORTERS = ("otlp", "console", NONE)
EXPORT_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")


def exporter(environ: Mapping[str, str] = os.environ) -> str:
    """Name what spans are handed to; where only a collector is named, it is that.

    >>> exporter({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://localhost:4318"}), exporter({})
    ('otlp', 'none')
    """
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return NONE
    asked = environ.get("OTEL_TRACES_EXPORTER", "").strip().lower()
    return asked or ("otlp" if any(environ.get(each) for each in EXPORT_ENDPOINTS) else NONE)


def why_not(name: str) -> str:
    """Say why there are no spans although some are asked for; empty where there are."""
    if name not in EXPORTERS:
        return f"OTEL_TRACES_EXPORTER must be one of {', '.join(EXPORTERS)}"
    return "" if name == NONE or _spans() else "the extra 'tracing' is not installed"


def recorders() -> tuple[Callable[[Exchange], None], ...]:
    """List what makes a span of an exchange: nothing where none is wanted."""
    spans = _wanted()
    return (spans.record,) if spans else ()


def start() -> None:
    """Begin to hand spans on, in a worker: the thread that does so would not live through a fork."""
    spans = _wanted()
    if spans:
        spans.start(exporter())


def _wanted() -> Any:
    name = exporter()
    return None if name == NONE or why_not(name) else _spans()


def _spans() -> ModuleType | None:
    try:
        return importlib.import_module("service.api.spans")
    except ModuleNotFoundError:
        return None
