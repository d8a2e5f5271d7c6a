"""What can be held about the deployment's files without an engine."""

import fnmatch
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

from service import __version__
from service.api.messages import too_large
from service.config import Settings, known_variables
from tests.deploy.nginx import CONFIGURATION, SHARED, START
from tests.server.running import ROOT

DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())


def rendered(folder, **changes):
    """Return nginx.conf as the proxy runs it, with some settings changed."""
    nginx = folder / "nginx"
    nginx.write_text("#!/bin/sh\n")  # all that is needed of it here
    nginx.chmod(0o755)
    environment = {"PATH": f"{folder}:{os.environ['PATH']}"} | SHARED | changes
    with CONFIGURATION.open() as text:
        subprocess.run(["sh", START, folder], env=environment, stdin=text, check=True, timeout=20)
    return (folder / "nginx.conf").read_text()


@pytest.fixture(scope="module")
def conf(tmp_path_factory):
    """nginx.conf as the proxy runs it."""
    return rendered(tmp_path_factory.mktemp("conf"))


def default_of(text):
    """Put the defaults in for Compose's variables."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(text))


def environment():
    """Return what the image and Compose set for the service."""
    lines = re.search(r"ENV ((.*\\\n)*.*)", DOCKERFILE[DOCKERFILE.rindex("\nFROM") :])[1]
    of_image = dict(re.findall(r"\b([A-Z_]+)=(\S+)", lines))
    of_compose = COMPOSE["services"]["api"]["environment"].items()
    return of_image | SHARED | {name: default_of(text) for name, text in of_compose}


def seconds(text):
    """Read a time as Compose and nginx write it."""
    number, unit = re.fullmatch(r"(\d+)(ms|s|m)", text).groups()
    return int(number) * {"ms": 0.001, "s": 1, "m": 60}[unit]


def directive(conf, name):
    """Return the arguments of a directive of nginx.conf, of the first one if there are several."""
    return re.search(rf"^\s*{name} ([^;]+);", conf, re.MULTILINE)[1]


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


def test_the_image_is_named_and_labelled_by_the_version():
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', DOCKERFILE))

    assert default_of(COMPOSE["services"]["api"]["image"]) == f"kobai:{__version__}"
    assert labels["version"] == __version__
    assert (labels["source"], labels["revision"]) == ("${SOURCE}", "${REVISION}")
    assert COMPOSE["services"]["api"]["build"]["args"] == ["SOURCE", "REVISION"]


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


def test_a_stop_lasts_longer_than_the_drain(conf):
    chosen = Settings.from_environment(environment())

    grace = seconds(COMPOSE["services"]["api"]["stop_grace_period"])

    assert grace > chosen.graceful_timeout_s
    assert seconds(COMPOSE["services"]["proxy"]["stop_grace_period"]) > seconds(
        directive(conf, "worker_shutdown_timeout")
    )


def test_service_and_proxy_read_one_file_whose_values_are_the_defaults():
    read = [service.get("env_file") for service in COMPOSE["services"].values()]
    default = Settings.from_environment({"KOBAI_DRAIN_S": "2"})

    assert read == [["deploy/kobai.env"]] * 2
    assert Settings.from_environment(SHARED) == default
    used = set(re.findall(r"KOBAI_\w+", re.sub("#.*", "", START.read_text())))
    assert used <= set(SHARED)


def test_a_replica_is_served_until_the_proxy_knows_that_it_stops(conf):
    forgotten_after = seconds(re.search(r"valid=(\w+)", directive(conf, "resolver"))[1])

    assert Settings.from_environment(environment()).drain_s > forgotten_after


LONGER = {
    "KOBAI_BODY_BYTES": "33554432",
    "KOBAI_DEADLINE_MS": "100000",
    "KOBAI_GRACEFUL_TIMEOUT_S": "105",
    "KOBAI_WORKER_TIMEOUT_S": "110",
    "KOBAI_PROXY_TIMEOUT_S": "120",
    "KOBAI_KEEPALIVE_S": "20",
}


@pytest.mark.parametrize("changes", [{}, LONGER], ids=["as they are", "changed"])
def test_the_proxy_agrees_with_the_settings_of_the_service(tmp_path, changes):
    chosen = Settings.from_environment(SHARED | changes)
    conf = rendered(tmp_path, **changes)
    upstream = conf[conf.index("upstream replicas") :]

    assert directive(conf, "client_max_body_size") == str(chosen.limits.body_bytes)
    assert too_large(chosen.limits.body_bytes)[1] in conf
    assert seconds(directive(conf, "proxy_read_timeout")) == chosen.proxy_timeout_s
    assert seconds(directive(conf, "proxy_send_timeout")) == chosen.proxy_timeout_s
    assert seconds(directive(conf, "client_body_timeout")) == chosen.body_timeout_s
    assert seconds(directive(conf, "send_timeout")) == chosen.send_timeout_s
    assert seconds(re.search(r"keepalive_timeout (\w+);", upstream)[1]) < chosen.keepalive_s
    assert seconds(directive(conf, "worker_shutdown_timeout")) > chosen.graceful_timeout_s
    limit = seconds(directive(conf, "proxy_next_upstream_timeout"))
    assert chosen.limits.deadline_ms / 1000 < limit < chosen.worker_timeout_s
    assert_tells(conf, limit)


@pytest.mark.parametrize(
    ("deadline", "worker"), [(800, 2), (9_000, 10), (25_000, 30), (98_900, 100), (199_500, 200)]
)
def test_what_was_computed_longer_than_any_deadline_is_not_tried_again(tmp_path, deadline, worker):
    conf = rendered(tmp_path, KOBAI_DEADLINE_MS=str(deadline), KOBAI_WORKER_TIMEOUT_S=str(worker))

    limit = seconds(directive(conf, "proxy_next_upstream_timeout"))

    assert deadline / 1000 < limit <= worker
    assert_tells(conf, limit)


def assert_tells(conf, limit):
    """Hold the pattern of what took too long against times around the limit, as nginx writes them."""
    pattern = re.search(r'map \$upstream_response_time .*?"~(.+?)" 1;', conf, re.DOTALL)[1]
    for whole in (*range(3 * limit), 1000, 3600, 86_400):
        for written in (f"{whole}.001", f"0.5, {whole}.250", f"0.500 : {whole}.999"):
            assert bool(re.search(pattern, written)) == (whole >= limit), written
    for written in ("-", "0.028, 0.060", f"0.500 : 0.{limit}0"):
        assert not re.search(pattern, written), written


def test_what_python_leaves_behind_is_not_copied():
    patterns = (ROOT / ".dockerignore").read_text().splitlines()

    for name in ("service/__pycache__", "service/core/__pycache__"):
        assert any(fnmatch.fnmatch(f"/{name}", pattern) for pattern in patterns)
