"""Prometheus' configuration, the alerts and the dashboard, held against the metrics that the service has."""

import itertools
import json
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest
import yaml

from service.api.metrics import Metrics
from tests.deploy.engine import wait_until
from tests.deploy.load import REQUESTS
from tests.server.running import ROOT, free_port

DEPLOY = ROOT / "deploy"
RULES = yaml.safe_load((DEPLOY / "alerts.yml").read_text())["groups"][0]["rules"]
DASHBOARD = json.loads((DEPLOY / "grafana-dashboard.json").read_text())

ENDINGS = {"counter": ["_total"], "histogram": ["_bucket", "_sum", "_count"], "gauge": [""]}
"""How Prometheus names the series of a metric."""

DRAWN = {
    f"{panel['title']} {target['refId']}": target["expr"]
    for panel in DASHBOARD["panels"]
    for target in panel["targets"]
}
QUERIES = {rule["alert"]: rule["expr"] for rule in RULES} | DRAWN


@pytest.fixture(scope="module")
def promtool(program):
    """Run promtool and return what it says."""
    path = program("promtool")

    def run(*words):
        done = subprocess.run([path, *map(str, words)], capture_output=True, text=True, timeout=60)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture(scope="module")
def series():
    """Name every series of the service, with its labels."""
    metrics = Metrics()
    kinds = {family.name: family.type for family in metrics.registry.collect()}
    return {
        f"{name}{ending}": {*labels, "le"} if ending == "_bucket" else {*labels}
        for name, labels in metrics.labels.items()
        for ending in ENDINGS[kinds[name]]
    } | {"up": set()}


class Prometheus:
    """A real Prometheus with the project's configuration, but one server in place of the replicas."""

    def __init__(self, program, folder, server):
        self.port = free_port()
        text = (DEPLOY / "prometheus.yml").read_text().replace("15s", "1s")
        found = re.search(r"dns_sd_configs:\n.*\n", text)[0]
        target = f"static_configs:\n      - {{targets: ['127.0.0.1:{server}']}}\n"
        (folder / "prometheus.yml").write_text(text.replace(found, target))
        shutil.copy(DEPLOY / "alerts.yml", folder)
        options = {
            "config.file": folder / "prometheus.yml",
            "storage.tsdb.path": folder / "data",
            "web.listen-address": f"127.0.0.1:{self.port}",
            "log.level": "error",
        }
        self.process = subprocess.Popen([program, *(f"--{name}={value}" for name, value in options.items())])

    def get(self, path):
        """Ask for data; nothing before it listens."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}/api/v1/{path}", timeout=20
            ) as response:
                return json.load(response)["data"]
        except urllib.error.URLError:
            return {}

    def query(self, text):
        """Return what a query finds."""
        return self.get("query?" + urllib.parse.urlencode({"query": text})).get("result", [])

    def stop(self):
        """Stop it and wait for its end."""
        self.process.terminate()
        self.process.wait(20)


@pytest.fixture(scope="module")
def prometheus(program, server, tmp_path_factory):
    """A Prometheus that has looked several times at a server with something to tell."""
    path = program("prometheus")
    for route, body in REQUESTS:
        assert server.post(route, body)[0] == 200
    assert server.post("/softmax", b"{}")[0] == 422
    running = Prometheus(path, tmp_path_factory.mktemp("prometheus"), server.port)
    try:
        wait_until(lambda: running.query("sum(count_over_time(kobai_build[1m])) > 2"))
        yield running
    finally:
        running.stop()


@pytest.mark.parametrize("words", [("check", "config", "prometheus.yml"), ("check", "rules", "alerts.yml")])
def test_promtool_accepts_the_file(promtool, words):
    code, said = promtool(*words[:-1], DEPLOY / words[-1])

    assert code == 0, said


def test_the_alerts_fire_when_they_should_and_only_then(promtool):
    code, said = promtool("test", "rules", ROOT / "tests" / "deploy" / "alerts.yml")

    assert code == 0, said


def test_every_alert_has_a_test():
    tests = yaml.safe_load((ROOT / "tests" / "deploy" / "alerts.yml").read_text())["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]

    fired = {case["alertname"] for case in cases if case.get("exp_alerts")}
    quiet = {case["alertname"] for case in cases if not case.get("exp_alerts")}

    assert fired == quiet == {rule["alert"] for rule in RULES}


@pytest.mark.parametrize("title", QUERIES)
def test_every_query_asks_for_series_and_labels_that_exist(series, title):
    query = QUERIES[title]
    names = set(re.findall(r"\b(kobai_\w+|up)\b", re.sub(r'"[^"]*"', "", query)))
    labels = set(re.findall(r"(\w+)\s*(?:=~|!=|=)\s*\"", query)) | {
        label for group in re.findall(r"by \(([^)]*)\)", query) for label in group.split(", ")
    }

    allowed = set(itertools.chain({"job", "instance"}, *(series.get(name, ()) for name in names)))

    assert names
    assert names <= set(series)
    assert labels <= allowed


def test_promtool_can_read_every_query_of_the_dashboard(promtool, tmp_path):
    queries = [query.replace("$__rate_interval", "1m") for query in QUERIES.values()]
    rules = [{"record": f"query_{number}", "expr": query} for number, query in enumerate(queries)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))

    code, said = promtool("check", "rules", file)

    assert code == 0, said


@pytest.mark.parametrize("title", DRAWN)
def test_every_panel_shows_something_of_a_running_service(prometheus, title):
    assert prometheus.query(DRAWN[title].replace("$__rate_interval", "1m"))


def test_a_running_service_wakes_nobody(prometheus):
    groups = prometheus.get("rules")["groups"]

    states = {rule["name"]: (rule["health"], rule["state"]) for group in groups for rule in group["rules"]}

    assert states == {rule["alert"]: ("ok", "inactive") for rule in RULES}


def test_the_panels_of_the_dashboard_are_told_apart_and_do_not_overlap():
    panels = DASHBOARD["panels"]
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]

    assert len({panel["id"] for panel in panels}) == len({panel["title"] for panel in panels}) == len(panels)
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_a_panel_whose_answer_is_a_label_shows_its_name_and_no_number():
    panel = next(panel for panel in DASHBOARD["panels"] if panel["title"] == "Version")

    assert panel["options"]["textMode"] == "name"
    assert panel["targets"][0]["legendFormat"] == "{{version}}"


def test_prometheus_finds_the_replicas_by_their_name_in_compose():
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    job = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["scrape_configs"][0]

    found = job["dns_sd_configs"][0]

    assert job["job_name"] == "kobai"
    assert found["names"] == [name for name in services if name != "proxy"]
    assert services["api"]["deploy"]["endpoint_mode"] == "dnsrr"
