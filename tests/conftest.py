import os
import shutil

import coverage
import pytest

from service.app import create_app
from tests.server.running import Server


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item):
    """Measure no coverage while an untraced test runs: for coverage lines take three times as long."""
    measured = coverage.Coverage.current()
    if measured is None or not item.get_closest_marker("untraced"):
        return (yield)
    measured.stop()
    try:
        return (yield)
    finally:
        measured.start()


@pytest.fixture(scope="session")
def app():
    """The application in this process, without a server."""
    return create_app()


@pytest.fixture
def client(app):
    """A caller of it."""
    return app.test_client()


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A real Gunicorn on a free port, with two workers; it must have nothing to warn of."""
    running = Server(tmp_path_factory.mktemp("server"), WEB_CONCURRENCY="2")
    yield running
    assert running.stop() == 0
    assert running.err.read_text() == ""


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
