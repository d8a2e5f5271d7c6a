import pytest

from tests.server.running import Server


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """A real Gunicorn on a free port, with two workers; it must have nothing to warn of."""
    running = Server(tmp_path_factory.mktemp("server"), WEB_CONCURRENCY="2")
    yield running
    assert running.stop() == 0
    assert running.err.read_text() == ""
