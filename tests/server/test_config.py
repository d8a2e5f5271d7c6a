import dataclasses

import pytest

from service.config import (
    Settings,
    SettingsError,
    describe_settings,
    known_variables,
    variable_of,
)
from service.core.limits import MIB, describe_limits
from service.limits import ServiceLimits
from tests.documentation import PAGES

PROCESSES = "WEB_CONCURRENCY must be a whole number from 1 to 256 (processes), got"
PORT = "PORT must be a whole number from 1 to 65535 (port), got"
HOST = "HOST must be an IP address, a host name, * or unix:/path, got"
STEPS = "KOBAI_STEPS must be a whole number from 1 to 9007199254740991 (steps), got"
UNKNOWN = "is not a setting of this service."

BAD = [
    ("WEB_CONCURRENCY", "two", f"{PROCESSES} 'two'."),
    ("WEB_CONCURRENCY", "-1", f"{PROCESSES} '-1'."),
    ("WEB_CONCURRENCY", "0", f"{PROCESSES} '0'."),
    ("WEB_CONCURRENCY", "1.5", f"{PROCESSES} '1.5'."),
    ("WEB_CONCURRENCY", "²", rf"{PROCESSES} '\xb2'."),
    ("PORT", "0", f"{PORT} '0'."),
    ("PORT", "65536", f"{PORT} '65536'."),
    ("PORT", "http", f"{PORT} 'http'."),
    ("KOBAI_STEPS", "1e6", f"{STEPS} '1e6'."),
    ("KOBAI_STEPS", "9" * 100, f"{STEPS} '{'9' * 57}...'."),
    ("KOBAI_STEPS", "1\n2", rf"{STEPS} '1\n2'."),
    ("KOBAI_STEP", "1", f"'KOBAI_STEP' {UNKNOWN} Did you mean KOBAI_STEPS?"),
    ("kobai_steps", "1", f"'kobai_steps' {UNKNOWN} Did you mean KOBAI_STEPS?"),
    ("KOBAI_XYZZY", "1", f"'KOBAI_XYZZY' {UNKNOWN}"),
    ("KOBAI_PORT", "9000", f"'KOBAI_PORT' {UNKNOWN} Did you mean PORT?"),
    ("HOST", "local host", f"{HOST} 'local host'."),
    ("HOST", "[::1", f"{HOST} '[::1'."),
    ("KOBAI_WORKER_CLASS", "sync", "KOBAI_WORKER_CLASS must be asgi or gthread, got 'sync'."),
    ("KOBAI_LOG_LEVEL", "loud", "KOBAI_LOG_LEVEL must be debug or info or warning or error, got 'loud'."),
    ("KOBAI_SERVER_TIMING", "1", "KOBAI_SERVER_TIMING must be true or false, got '1'."),
    ("kobai_steps", "1", "'kobai_steps' is not a setting of this service. Did you mean KOBAI_STEPS?"),
    (
        "KOBAI_DEADLINE_DEFAULT_MS", "26000",
        "KOBAI_DEADLINE_DEFAULT_MS must be at most KOBAI_DEADLINE_MS, got 26 and 25 seconds.",
    ),
    (
        "KOBAI_DEADLINE_MS", "30000",
        "KOBAI_DEADLINE_MS must be less than KOBAI_WORKER_TIMEOUT_S, got 30 and 30 seconds.",
    ),
    (
        "KOBAI_WORKER_TIMEOUT_S", "60",
        "KOBAI_WORKER_TIMEOUT_S must be less than KOBAI_PROXY_TIMEOUT_S, got 60 and 60 seconds.",
    ),
    (
        "KOBAI_DRAIN_S", "3",
        "KOBAI_DRAIN_S + KOBAI_DEADLINE_MS must be less than KOBAI_GRACEFUL_TIMEOUT_S, "
        "got 28 and 28 seconds.",
    ),
    (
        "KOBAI_GRACEFUL_TIMEOUT_S", "31",
        "KOBAI_GRACEFUL_TIMEOUT_S must be at most KOBAI_WORKER_TIMEOUT_S, got 31 and 30 seconds.",
    ),
    (
        "KOBAI_BODY_BYTES", "67108865",
        "KOBAI_BODY_BYTES must be at most KOBAI_HELD_BODY_BYTES, got 67108865 and 67108864 bytes.",
    ),
    ("KOBAI_RANK", "33", "KOBAI_RANK must be a whole number from 1 to 32 (axes), got '33'."),
    (
        "KOBAI_JSON_NESTING", "201",
        "KOBAI_JSON_NESTING must be a whole number from 10 to 200 (levels), got '201'.",
    ),
    (
        "KOBAI_CORS_ORIGINS", "example.org",
        "KOBAI_CORS_ORIGINS must be * or a list of origins such as https://example.org, got 'example.org'.",
    ),
    (
        "KOBAI_CORS_ORIGINS", "https://a.b/path",
        "KOBAI_CORS_ORIGINS must be * or a list of origins such as https://example.org, "
        "got 'https://a.b/path'.",
    ),
    (
        "KOBAI_ROOT_PATH", "/kobai/",
        "KOBAI_ROOT_PATH must be a path such as /kobai, without a slash at its end, got '/kobai/'.",
    ),
    (
        "KOBAI_ROOT_PATH", "kobai",
        "KOBAI_ROOT_PATH must be a path such as /kobai, without a slash at its end, got 'kobai'.",
    ),
    (
        "KOBAI_RESPONSE_BYTES", "67108865",
        "KOBAI_RESPONSE_BYTES must be at most KOBAI_HELD_ANSWER_BYTES, got 67108865 and 67108864 bytes.",
    ),
]  # fmt: skip

GOOD = [
    ("HOST", "0.0.0.0", "host", "0.0.0.0"),
    ("HOST", "::1", "host", "::1"),
    ("HOST", "localhost", "host", "localhost"),
    ("HOST", "[::]", "host", "::"),
    ("HOST", "*", "host", "*"),
    ("HOST", "unix:/tmp/kobai.sock", "host", "unix:/tmp/kobai.sock"),
    ("PORT", " 9000 ", "port", 9000),
    ("PORT", "", "port", 8000),
    ("WEB_CONCURRENCY", "3", "workers", 3),
    ("KOBAI_WORKER_CLASS", "gthread", "worker_class", "gthread"),
    ("KOBAI_SERVER_TIMING", "False", "server_timing", False),
    ("KOBAI_QUEUE", "0", "queue", 0),
    ("KOBAI_CORS_ORIGINS", "*", "cors_origins", "*"),
    ("KOBAI_CORS_ORIGINS", "https://a.b, http://c:3000", "cors_origins", "https://a.b, http://c:3000"),
    ("KOBAI_ROOT_PATH", "/kobai/v1", "root_path", "/kobai/v1"),
]


@pytest.mark.parametrize(("variable", "text", "message"), BAD, ids=lambda value: str(value)[:30])
def test_a_bad_setting_names_its_variable_what_was_given_and_what_is_allowed(variable, text, message):
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({variable: text})

    assert str(caught.value) == message


@pytest.mark.parametrize(("variable", "text", "name", "value"), GOOD)
def test_a_setting_is_read_from_its_variable(variable, text, name, value):
    assert getattr(Settings.from_environment({variable: text}), name) == value


@pytest.mark.parametrize("row", dataclasses.fields(ServiceLimits), ids=lambda row: row.name)
def test_every_limit_is_set_by_its_variable(row):
    environ = {variable_of(row.name): str(row.default)}

    settings = Settings.from_environment(environ)

    assert getattr(settings.limits, row.name) == row.default
    assert variable_of(row.name) in known_variables()


def test_an_empty_environment_gives_the_defaults():
    assert Settings.from_environment({}) == Settings()


def test_settings_cannot_be_changed():
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().port = 1


def test_every_setting_is_described_with_its_variable():
    described = describe_settings(Settings())

    assert [row["setting"] for row in described.values()] + [
        variable_of(row.name) for row in dataclasses.fields(ServiceLimits)
    ] == known_variables()
    assert described["port"] == {
        "value": 8000,
        "unit": "port",
        "setting": "PORT",
        "meaning": "the port to listen on",
    }


def shown(name, value, unit):
    """Write a default as docs/operations.md does."""
    if name == "workers":
        return "one per CPU"
    if unit == "bytes" and value % MIB == 0:
        return f"{value // MIB} MiB"
    is_number = isinstance(value, int) and not isinstance(value, bool) and unit != "port"
    return f"{value:,} {unit}" if is_number else str(value).lower()


def test_the_page_on_operations_lists_every_setting_and_every_limit_with_its_default():
    settings = Settings()
    tables = describe_settings(settings) | describe_limits(settings.limits)
    page = PAGES["docs/operations.md"]

    rows = [
        f"| `{row['setting']}` | {shown(name, row['value'], row['unit'])} | {row['meaning']} |"
        for name, row in tables.items()
    ]

    assert [row for row in rows if f"\n{row}\n" not in page] == []


@pytest.mark.parametrize(
    "variable",
    ["KOBAI_SERVICE_HOST", "KOBAI_SERVICE_PORT_HTTP", "KOBAI_PORT_8000_TCP_ADDR", "KOBAI_API_SERVICE_PORT"],
)
def test_what_kubernetes_sets_for_a_service_of_our_name_is_left_alone(variable):
    assert (
        Settings.from_environment({variable: "10.0.0.1", "KOBAI_PORT": "tcp://10.0.0.1:8000"}) == Settings()
    )


@pytest.mark.parametrize("alias", ["KOBAI", "KOBAI_API"])
def test_what_docker_sets_for_a_link_of_our_name_is_left_alone(alias):
    linked = {
        f"{alias}_NAME": "/client/kobai", f"{alias}_PORT": "tcp://172.17.0.2:8000",
        f"{alias}_PORT_8000_TCP": "tcp://172.17.0.2:8000", f"{alias}_ENV_KOBAI_STEPS": "5",
    }  # fmt: skip

    assert Settings.from_environment(linked) == Settings()


def test_a_setting_that_only_looks_like_a_links_is_refused():
    with pytest.raises(SettingsError, match="KOBAI_NAME"):
        Settings.from_environment({"KOBAI_NAME": "gradients"})


def test_an_ipv6_address_is_bound_in_brackets():
    assert Settings.from_environment({"HOST": "::1"}).bind == "[::1]:8000"
