"""The settings: one table, read from the environment once, checked before anything starts."""

from __future__ import annotations

import difflib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, dataclass, field, fields, replace
from ipaddress import ip_network
from typing import Any

from service.address import bind_of
from service.core.exceptions import quote_text
from service.core.limits import LARGEST, MIB, setting_of
from service.limits import ServiceLimits
from service.machine import available_cpus, memory_limit

ARRAYS = 2
"""Planned peaks of requests that a worker's computations may hold together."""

PROCESS_BYTES = 128 * MIB
"""What a worker takes beside what it holds for its clients, what it shares with others left out."""

_HOST = re.compile(r"\*|unix:/.{1,100}|\[[0-9A-Fa-f:.%]{2,60}\]|[A-Za-z0-9_.:%-]{1,253}")
_KUBERNETES = re.compile(r"KOBAI_(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)")
_KUBERNETES_PORT = re.compile(r"(tcp|udp|sctp)://")
_DOCKER_LINK = re.compile(r"KOBAI_(\w+_)?(NAME|ENV_\w+)")


class SettingsError(ValueError):
    """A setting has a bad value; the message names its variable and what is allowed."""


def _row(
    variable: str,
    default: object,
    unit: str,
    meaning: str,
    *,
    low: int = 1,
    high: int = LARGEST,
    **more: object,
) -> Any:
    """One row of the table: the field's name, the variable, the unit, the range and what it means."""
    metadata = {"variable": variable, "unit": unit, "meaning": meaning, "low": low, "high": high, **more}
    if callable(default):
        return field(default_factory=default, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set from outside. A value that is absent or empty means the default."""

    host: str = _row("HOST", "127.0.0.1", "address", "address to listen on; * is all, unix:/path a socket")
    port: int = _row("PORT", 8000, "port", "the port to listen on", high=65_535)
    workers: int = _row(
        "WEB_CONCURRENCY",
        available_cpus,
        "processes",
        "worker processes; as many as there are CPUs, and memory for",
        high=256,
    )
    worker_class: str = _row(
        "KOBAI_WORKER_CLASS", "asgi", "", "Gunicorn's worker: asgi is faster", choices=("asgi", "gthread")
    )
    threads: int = _row("KOBAI_THREADS", 8, "threads", "threads of a gthread worker", high=256)
    connections: int = _row(
        "KOBAI_CONNECTIONS", 1_000, "connections", "open connections of a worker", low=10, high=65_535
    )
    held_body_bytes: int = _row(
        "KOBAI_HELD_BODY_BYTES",
        64 * MIB,
        "bytes",
        "request bodies that a worker holds; beyond it reading pauses",
    )
    held_answer_bytes: int = _row(
        "KOBAI_HELD_ANSWER_BYTES", 64 * MIB, "bytes", "unsent answers that a worker holds; beyond it 503"
    )
    discarded_bytes: int = _row(
        "KOBAI_DISCARDED_BYTES",
        64 * MIB,
        "bytes",
        "read and thrown away so that a refusal can be read",
        low=0,
    )
    inline_body_bytes: int = _row(
        "KOBAI_INLINE_BODY_BYTES",
        65_536,
        "bytes",
        "largest body computed without going through the queue",
        low=0,
    )
    queue: int = _row(
        "KOBAI_QUEUE",
        32,
        "requests",
        "long computations that wait in a worker; beyond it 503",
        low=0,
        high=10_000,
    )
    body_timeout_s: int = _row(
        "KOBAI_BODY_TIMEOUT_S",
        30,
        "seconds",
        "time for a body to arrive, and 1 more for each 64 KiB",
        high=3_600,
    )
    send_timeout_s: int = _row(
        "KOBAI_SEND_TIMEOUT_S",
        30,
        "seconds",
        "an answer that is not taken for so long is dropped",
        high=3_600,
    )
    keepalive_s: int = _row(
        "KOBAI_KEEPALIVE_S", 75, "seconds", "an idle connection stays open; longer than a proxy's", high=3_600
    )
    worker_timeout_s: int = _row(
        "KOBAI_WORKER_TIMEOUT_S", 30, "seconds", "a worker silent for so long is killed", low=2, high=3_600
    )
    drain_s: int = _row(
        "KOBAI_DRAIN_S",
        1,
        "seconds",
        "at a stop, connections are still taken while readyz says 503",
        low=0,
        high=600,
    )
    graceful_timeout_s: int = _row(
        "KOBAI_GRACEFUL_TIMEOUT_S",
        28,
        "seconds",
        "a worker has so long to stop, draining included",
        high=3_600,
    )
    proxy_timeout_s: int = _row(
        "KOBAI_PROXY_TIMEOUT_S", 60, "seconds", "what a proxy in front waits for an answer", high=86_400
    )
    log_level: str = _row(
        "KOBAI_LOG_LEVEL",
        "info",
        "",
        "info logs every request, warning only the failed ones",
        choices=("debug", "info", "warning", "error"),
    )
    server_timing: bool = _row(
        "KOBAI_SERVER_TIMING", True, "", "answers carry Server-Timing", choices=("true", "false")
    )
    cors_origins: str = _row(
        "KOBAI_CORS_ORIGINS",
        "",
        "origins",
        "pages of these origins may call the service: a list, or * for all",
        pattern=r"\*|https?://[A-Za-z0-9.:\[\]-]+([ ,]+https?://[A-Za-z0-9.:\[\]-]+)*",
        rule="* or a list of origins such as https://example.org",
    )
    root_path: str = _row(
        "KOBAI_ROOT_PATH",
        "",
        "path",
        "the prefix under which a proxy shows the service, and which it strips",
        pattern=r"(/[A-Za-z0-9._~-]+)+",
        rule="a path such as /kobai, without a slash at its end",
    )
    trusted_proxies: str = _row(
        "KOBAI_TRUSTED_PROXIES",
        "",
        "networks",
        "proxies whose X-Forwarded-For and X-Client-Name name the client in the log",
        networks=True,
    )
    limits: ServiceLimits = field(default_factory=ServiceLimits)

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read all settings; a bad value and an unknown ``KOBAI_`` variable raise `SettingsError`."""
        environ = os.environ if environ is None else environ
        _refuse_unknown(environ)
        settings = cls(**_read_rows(cls, environ), limits=ServiceLimits(**_read_rows(ServiceLimits, environ)))
        _check_together(settings)
        if environ.get("WEB_CONCURRENCY", "").strip():
            return settings
        room = memory_limit() or LARGEST
        return replace(settings, workers=max(1, min(settings.workers, room // settings.worker_bytes)))

    @property
    def worker_bytes(self) -> int:
        """What a worker may need at most: itself, bodies, answers, and the arrays of its computations."""
        return PROCESS_BYTES + self.held_body_bytes + self.held_answer_bytes + ARRAYS * self.limits.peak_bytes

    @property
    def bind(self) -> str:
        """The address as Gunicorn writes it, an IPv6 one in brackets."""
        return bind_of(self.host, self.port)


def variable_of(name: str) -> str:
    """Name the environment variable of a setting or a limit by its field's name.

    >>> variable_of("workers"), variable_of("steps")
    ('WEB_CONCURRENCY', 'KOBAI_STEPS')
    """
    for row in fields(Settings):
        if row.name == name and row.metadata:
            return str(row.metadata["variable"])
    return setting_of(name)


def describe_settings(settings: Settings) -> dict[str, dict[str, object]]:
    """List every setting but the limits: name to value, unit, variable and meaning."""
    return {
        row.name: {
            "value": getattr(settings, row.name),
            "unit": row.metadata["unit"],
            "setting": row.metadata["variable"],
            "meaning": row.metadata["meaning"],
        }
        for row in fields(settings)
        if row.metadata
    }


def known_variables() -> list[str]:
    """Every environment variable that is read, in the order of the tables."""
    mine = [str(row.metadata["variable"]) for row in fields(Settings) if row.metadata]
    return mine + [setting_of(row.name) for row in fields(ServiceLimits)]


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    """Stop at a ``KOBAI_`` variable that nothing reads: a typing slip must not become a default.

    What Kubernetes sets in every container for a Service called ``kobai``, and Docker for a container that
    is linked by that name, is not ours, and left alone.
    """
    known = known_variables()
    for variable, value in sorted(environ.items()):
        if not variable.upper().startswith("KOBAI_") or variable in known:
            continue
        if _KUBERNETES.fullmatch(variable) or (variable.endswith("_PORT") and _KUBERNETES_PORT.match(value)):
            continue
        if _DOCKER_LINK.fullmatch(variable) and (value.startswith("/") or "_ENV_" in variable):
            continue
        short = {name.removeprefix("KOBAI_"): name for name in known}
        nearest = difflib.get_close_matches(variable.upper().removeprefix("KOBAI_"), short, n=1)
        hint = f" Did you mean {short[nearest[0]]}?" if nearest else ""
        raise SettingsError(f"{quote_text(variable)} is not a setting of this service.{hint}")


def _read_rows(table: type, environ: Mapping[str, str]) -> dict[str, Any]:
    """Read the fields of `table` that the environment gives."""
    given: dict[str, Any] = {}
    for row in fields(table):
        if not row.metadata:
            continue
        variable = row.metadata.get("variable") or setting_of(row.name)
        text = environ.get(variable, "").strip()
        if text:
            given[row.name] = _reader_of(row.default, row.metadata)(variable, text, row.metadata)
    return given


Reader = Callable[[str, str, Mapping[str, Any]], object]


def _reader_of(default: object, metadata: Mapping[str, Any]) -> Reader:
    """Choose how a row's text is read, by its default's type."""
    if isinstance(default, bool):
        return _read_switch
    if "choices" in metadata:
        return _read_choice
    if "pattern" in metadata:
        return _read_pattern
    if "networks" in metadata:
        return _read_networks
    if isinstance(default, int) or default is MISSING:
        return _read_number
    return _read_host


def _read_number(variable: str, text: str, metadata: Mapping[str, Any]) -> int:
    low, high = metadata["low"], metadata["high"]
    if re.fullmatch(r"[0-9]{1,16}", text) and low <= int(text) <= high:
        return int(text)
    unit = f" ({metadata['unit']})" if metadata["unit"] else ""
    raise SettingsError(
        f"{variable} must be a whole number from {low} to {high}{unit}, got {quote_text(text)}."
    )


def _read_choice(variable: str, text: str, metadata: Mapping[str, Any]) -> str:
    if text in metadata["choices"]:
        return text
    allowed = " or ".join(metadata["choices"])
    raise SettingsError(f"{variable} must be {allowed}, got {quote_text(text)}.")


def _read_switch(variable: str, text: str, metadata: Mapping[str, Any]) -> bool:
    return _read_choice(variable, text.lower(), metadata) == "true"


def _read_pattern(variable: str, text: str, metadata: Mapping[str, Any]) -> str:
    if re.fullmatch(metadata["pattern"], text):
        return text
    raise SettingsError(f"{variable} must be {metadata['rule']}, got {quote_text(text)}.")


def _read_networks(variable: str, text: str, metadata: Mapping[str, Any]) -> str:
    for each in re.split("[ ,]+", text):
        try:
            ip_network(each)
        except ValueError:
            raise SettingsError(
                f"{variable} must be a list of addresses and networks such as 10.0.0.0/8, "
                f"got {quote_text(each)}."
            ) from None
    return text


def _read_host(variable: str, text: str, metadata: Mapping[str, Any]) -> str:
    if _HOST.fullmatch(text):
        return text.strip("[]")
    raise SettingsError(
        f"{variable} must be an IP address, a host name, * or unix:/path, got {quote_text(text)}."
    )


ORDER: tuple[tuple[tuple[str, ...], str, str], ...] = (
    (("deadline_default_ms",), "<=", "deadline_ms"),
    (("deadline_ms",), "<", "worker_timeout_s"),  # else a worker is killed before its answer
    (("worker_timeout_s",), "<", "proxy_timeout_s"),  # else the proxy gives up before
    (("drain_s", "deadline_ms"), "<", "graceful_timeout_s"),  # else a stop cuts off what was accepted
    (("graceful_timeout_s",), "<=", "worker_timeout_s"),
    (("body_bytes",), "<=", "held_body_bytes"),
    (("response_bytes",), "<=", "held_answer_bytes"),
)
"""What must be in order between the settings: those on the left are added up."""


def _check_together(settings: Settings) -> None:
    """Refuse settings that contradict each other, by the table `ORDER`."""
    for left, sign, right in ORDER:
        low, high = sum(_amount(settings, name) for name in left), _amount(settings, right)
        if low > high or (sign == "<" and low == high):
            unit = "seconds" if right.endswith(("_s", "_ms")) else "bytes"
            relation = "less than" if sign == "<" else "at most"
            raise SettingsError(
                f"{' + '.join(map(variable_of, left))} must be {relation} {variable_of(right)}, "
                f"got {low:.16g} and {high:.16g} {unit}."
            )


def _amount(settings: Settings, name: str) -> float:
    """Read a setting or limit by its name, times in seconds."""
    value = getattr(settings, name) if hasattr(settings, name) else getattr(settings.limits, name)
    return float(value) / 1000 if name.endswith("_ms") else float(value)
