import fcntl
import tempfile
from pathlib import Path

import pytest

from tests.deploy.engine import answers, docker


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
