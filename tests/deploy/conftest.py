import fcntl
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.deploy.engine import answers, docker


@pytest.fixture(scope="session")
def program():
    """Find a program of the machine's by its name; where it is missing, skip, but never in CI."""

    def find(name):
        path = shutil.which(name)
        if path is None and os.environ.get("CI") != "true":
            pytest.skip(f"{name} is not installed")
        assert path, f"{name} must be installed in CI"
        return path

    return find


@pytest.fixture(scope="module")
def engine():
    """Skip without a Docker engine; with one, let no other file's tests use it at the same time."""
    if not answers():
        pytest.skip("no Docker engine with Compose answers")
    with (Path(tempfile.gettempdir()) / "kobai-tests-docker.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="module")
def image(engine):
    """Build the service's image from the checkout."""
    docker("build", "--tag", "kobai:tests", ".")
    return "kobai:tests"
