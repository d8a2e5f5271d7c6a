"""What can be held about the deployment's files without an engine."""

import fnmatch
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

from service import __version__
from service.config import Settings, known_variables
from tests.server.running import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
NGINX = (ROOT / "deploy" / "nginx.conf").read_text()

SETTINGS = Settings()


def default_of(text):
    """Put the defaults in for Compose's variables."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(text))


def environment():
    """Return what the image and Compose set for the service."""
    of_image = dict(re.findall(r"\b([A-Z_]+)=(\S+)", DOCKERFILE[DOCKERFILE.rindex("\nFROM") :]))
    return of_image | {
        name: default_of(text) for name, text in COMPOSE["services"]["api"]["environment"].items()
    }


def seconds(text):
    """Read a time as Compose and nginx write it."""
    number, unit = re.fullmatch(r"(\d+)(ms|s|m)", text).groups()
    return int(number) * {"ms": 0.001, "s": 1, "m": 60}[unit]


def directive(name):
    """Return the arguments of a directive of nginx.conf, of the first one if there are several."""
    return re.search(rf"^\s*{name} ([^;]+);", NGINX, re.MULTILINE)[1]


def copied():
    """Return what the Dockerfile copies out of the checkout."""
    sources = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    return [word for line in sources for word in line.split()]


def test_hadolint_has_nothing_to_say_about_the_dockerfile():
    hadolint = Path(sysconfig.get_path("scripts")) / "hadolint"

    done = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout) == (0, "")


def test_the_compose_file_follows_the_specification():
    schema = ["--builtin-schema", "vendor.compose-spec"]
    program = [sys.executable, "-m", "check_jsonschema", *schema, ROOT / "docker-compose.yml"]

    done = subprocess.run(program, capture_output=True, text=True, timeout=60)

    assert done.returncode == 0, done.stdout


def test_every_file_that_the_dockerfile_copies_exists_and_is_let_through():
    lines = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if not line.startswith("#")]

    assert sorted(copied()) == ["deploy/requirements.lock", "openapi.yaml", "service/"]
    assert all((ROOT / source).exists() for source in copied())
    assert lines[0] == "*"
    assert sorted(line[1:] for line in lines if line.startswith("!")) == sorted(
        source.rstrip("/") for source in copied()
    )


def test_every_file_that_compose_mounts_exists():
    for config in COMPOSE["configs"].values():
        assert (ROOT / config["file"]).is_file()


def test_the_image_installs_the_requirements_without_pytest_each_by_its_hash():
    wanted = {
        line.split("#")[0].strip().lower() for line in (ROOT / "requirements.txt").read_text().splitlines()
    }
    lines = (ROOT / "deploy" / "requirements.lock").read_text().replace("\\\n", " ").splitlines()
    locked = [line for line in lines if not line.startswith("#")]

    pins = {line.split()[0] for line in locked}
    assert {pin for pin in wanted if pin and not pin.startswith("pytest==")} <= pins
    assert not [pin for pin in pins if pin.startswith("pytest")]
    assert all(re.fullmatch(r"[a-z0-9-]+==\S+( +--hash=sha256:[0-9a-f]{64})+ *", line) for line in locked)
    assert "--require-hashes -r requirements.lock" in DOCKERFILE


def test_the_image_runs_as_a_number_and_without_a_shell():
    end = DOCKERFILE[DOCKERFILE.rindex("\nFROM") :]

    assert "USER 10001:10001\n" in end
    assert 'CMD ["python", "-m", "service"]\n' in end
    assert re.findall(r"^RUN", end, re.MULTILINE) == []


def test_the_image_is_named_by_the_version():
    assert default_of(COMPOSE["services"]["api"]["image"]) == f"kobai:{__version__}"


def test_what_is_set_for_the_service_are_settings_of_it_with_good_values():
    others = {"PATH", "PYTHONDONTWRITEBYTECODE", "PROMETHEUS_MULTIPROC_DIR"}

    assert set(environment()) - others <= set(known_variables())
    assert Settings.from_environment(environment()).host == "0.0.0.0"


def test_only_the_proxy_publishes_a_port():
    published = {
        name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service
    }

    assert list(published) == ["proxy"]
    assert [default_of(port["published"]) for port in published["proxy"]] == ["8000"]
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    assert COMPOSE["services"]["api"]["networks"] == ["inside"]


@pytest.mark.parametrize("name", ["api", "proxy"])
def test_every_service_is_hardened_and_bounded(name):
    service = COMPOSE["services"][name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert set(service["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
    assert all(mount["type"] == "tmpfs" and mount["tmpfs"]["mode"] == 0o1777 for mount in service["volumes"])
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}


def test_what_the_service_writes_lies_in_memory():
    mounts = [mount["target"] for mount in COMPOSE["services"]["api"]["volumes"]]
    folder = environment()["PROMETHEUS_MULTIPROC_DIR"]

    assert folder in mounts
    assert f"install -d -m 1777 /opt{folder}" in DOCKERFILE
    assert "COPY --from=build /opt/run/ /run/" in DOCKERFILE


@pytest.mark.parametrize(
    "key",
    ["name", "version", "mem_limit", "cpus", "pids_limit", "profiles", "depends_on: {", "start_interval"],
)
def test_nothing_is_used_that_swarm_or_older_engines_refuse(key):
    text = (ROOT / "docker-compose.yml").read_text()

    assert not re.search(
        rf"^(  )?(  )?{re.escape(key)}", re.sub(r"(?s)\nconfigs:.*?\n\n", "\n\n", text), re.M
    )


def test_a_stop_lasts_longer_than_the_drain():
    chosen = Settings.from_environment(environment())

    grace = seconds(COMPOSE["services"]["api"]["stop_grace_period"])

    assert grace > chosen.graceful_timeout_s
    assert seconds(COMPOSE["services"]["proxy"]["stop_grace_period"]) > seconds(
        directive("worker_shutdown_timeout")
    )


def test_a_replica_is_served_until_the_proxy_knows_that_it_stops():
    forgotten_after = seconds(re.search(r"valid=(\w+)", directive("resolver"))[1])

    assert Settings.from_environment(environment()).drain_s > forgotten_after


def test_the_proxy_takes_bodies_as_large_as_the_service():
    limit = SETTINGS.limits.body_bytes

    assert directive("client_max_body_size") == f"{limit // 2**20}m"
    assert f"{limit:,} bytes" in NGINX


def test_the_proxy_waits_longer_than_the_service():
    assert seconds(directive("proxy_read_timeout")) == SETTINGS.proxy_timeout_s
    assert seconds(directive("proxy_send_timeout")) == SETTINGS.proxy_timeout_s
    assert SETTINGS.worker_timeout_s < SETTINGS.proxy_timeout_s


def test_the_proxy_closes_idle_connections_before_the_service_does():
    upstream = NGINX[NGINX.index("upstream replicas") :]

    assert seconds(re.search(r"keepalive_timeout (\w+);", upstream)[1]) < SETTINGS.keepalive_s


def test_what_was_computed_longer_than_any_deadline_is_not_tried_again():
    longest = SETTINGS.limits.deadline_ms / 1000
    pattern = re.search(r'map \$upstream_response_time .*?"~(.+?)" 1;', NGINX, re.DOTALL)[1]

    limit = seconds(directive("proxy_next_upstream_timeout"))

    assert longest < limit < SETTINGS.worker_timeout_s
    for spent in ("28.001", "60.000", "0.5, 31.250", "0.500 : 28.000", "120.000"):
        assert re.search(pattern, spent), spent
    for spent in ("0.500", "27.999", "0.028, 1.060", "1.001 : 0.500", "-"):
        assert not re.search(pattern, spent), spent


def test_what_python_leaves_behind_is_not_copied():
    patterns = (ROOT / ".dockerignore").read_text().splitlines()

    for name in ("service/__pycache__", "service/core/__pycache__"):
        assert any(fnmatch.fnmatch(f"/{name}", pattern) for pattern in patterns)
