"""The Docker engine, Compose and Swarm, as an operator uses them, with the project's own files."""

import http.client
import json
import os
import subprocess
from datetime import datetime

from tests.server.running import ROOT, free_port, wait_until

BASE = "python:3.13-slim"


def answers():
    """Tell whether an engine answers, with Compose beside it."""
    try:
        tried = [
            subprocess.run(["docker", *words], capture_output=True, timeout=30, check=False).returncode
            for words in (["version"], ["compose", "version"])
        ]
    except OSError:
        return False
    return tried == [0, 0]


def docker(*words, timeout=300, text=None, **environment):
    """Run a command of Docker's and return what it prints."""
    done = subprocess.run(
        ["docker", *words],
        cwd=ROOT,
        env=os.environ | environment,
        input=text,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.returncode == 0, f"docker {' '.join(words)}: {done.stdout}{done.stderr}"
    return done.stdout.strip()


def inspect(name, path=""):
    """Read what the engine knows about a container, an image or a service."""
    return json.loads(docker("inspect", name, "--format", f"{{{{json .{path}}}}}"))


def inside(container, program, *arguments):
    """Run a program of Python inside a container."""
    return docker("exec", container, "python", "-c", program, *arguments)


def seconds_to_healthy(container):
    """Measure from the container's last start to the end of the first check that passed."""
    state = inspect(container, "State")
    started = moment(state["StartedAt"])
    ends = [moment(check["End"]) for check in state["Health"]["Log"] if check["ExitCode"] == 0]
    return min((end - started).total_seconds() for end in ends if end > started)


def restart(container):
    """Start a container anew; return whether it became healthy."""
    docker("restart", container)
    return wait_until(lambda: inspect(container, "State.Health.Status") == "healthy", 30)


def moment(text):
    """Read a time as the engine writes it, in nanoseconds."""
    return datetime.fromisoformat(text[:26].rstrip("Z") + "+00:00")


def is_ready(port):
    """Tell whether the service answers through the proxy."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


class Project:
    """One project of Compose."""

    def __init__(self, image):
        self.port = free_port()
        self.name = f"kobai-tests-{self.port}"
        self.environment = {"API_IMAGE": image, "PROXY_PORT": str(self.port)}

    def compose(self, *words):
        """Run a command of Compose's."""
        return docker("compose", "-p", self.name, *words, **self.environment)

    def up(self, replicas):
        """Start, or change the number of replicas, and wait until all are healthy."""
        self.compose("up", "-d", "--wait", "--no-build", "--no-recreate", "--scale", f"api={replicas}")

    def replicas(self):
        """List the running containers of the service."""
        return self.compose("ps", "-q", "api").split()

    def proxy(self):
        """Name the proxy's container."""
        return self.compose("ps", "-q", "proxy")

    def down(self):
        """Take everything away."""
        self.compose("down", "--timeout", "5", "--volumes")


class Stack:
    """One stack in Swarm, of the same file."""

    def __init__(self, image, replicas):
        self.port = free_port()
        self.name = f"kobai-tests-{self.port}"
        self.environment = {
            "API_IMAGE": image,
            "API_REPLICAS": str(replicas),
            "PROXY_PORT": str(self.port),
            "PROXY_CONFIG": f"{self.name}-nginx",
        }

    def deploy(self, **changes):
        """Deploy, for the first time or with changes."""
        self.environment |= changes
        file = ("-c", "docker-compose.yml", "--resolve-image", "never")
        docker("stack", "deploy", *file, self.name, **self.environment)

    def tasks(self, service="api"):
        """List the running containers of a service."""
        return docker("ps", "-q", "--filter", f"name={self.name}_{service}").split()

    def running(self):
        """Return how many tasks of each service run, as `docker service ls` shows it."""
        listed = docker(
            "service", "ls", "--filter", f"name={self.name}", "--format", "{{.Name}} {{.Replicas}}"
        )
        return {
            line.split()[0].removeprefix(f"{self.name}_"): line.split()[1] for line in listed.splitlines()
        }

    def update_state(self):
        """Return how far the last change of the service has come."""
        status = inspect(f"{self.name}_api", "UpdateStatus")
        return (status or {}).get("State", "")

    def image(self):
        """Return the image that the service is told to run."""
        return inspect(f"{self.name}_api", "Spec.TaskTemplate.ContainerSpec.Image")

    def down(self):
        """Take everything away, and wait until the networks are gone too."""
        docker("stack", "rm", self.name)
        wait_until(lambda: not docker("network", "ls", "-q", "--filter", f"name={self.name}"))
