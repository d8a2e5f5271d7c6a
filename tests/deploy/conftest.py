import os
import shutil

import pytest


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
