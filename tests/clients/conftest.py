import json
import os
import shutil

import pytest

from tests.clients import script
from tests.clients.calls import expected
from tests.clients.workshop import HERE, Workshop


@pytest.fixture(scope="module")
def workshop(tmp_path_factory, server):
    """A folder for the clients of the running service."""
    return Workshop(tmp_path_factory.mktemp("workshop"), server)


@pytest.fixture(scope="module")
def truth(server):
    """What every client must read, in the service's own words."""
    return json.loads(json.dumps(expected(server)))


@pytest.fixture(scope="module")
def told(server):
    """What a client that makes the calls of the script must read."""
    return script.truth_of(server)


@pytest.fixture(scope="module")
def node(workshop, program):
    """Node and the packages of package.json, in the workshop."""
    program("node")
    if not (HERE / "node_modules").is_dir() and os.environ.get("CI") != "true":
        pytest.skip("npm ci --prefix tests/clients was not run")
    (workshop.folder / "node_modules").symlink_to(HERE / "node_modules")
    for name in ("package.json", "tsconfig.json"):
        shutil.copy(HERE / name, workshop.folder)
