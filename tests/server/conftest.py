import pytest

from tests.server.running import Server


@pytest.fixture
def serve(tmp_path):
    """Start servers that a test may stop, kill or overload."""
    started = []

    def start(application="tests.server.tiny:app", **environment):
        started.append(Server(tmp_path, application, **environment))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """A server with a small application behind the bridge; it must have nothing to warn of."""
    folder = tmp_path_factory.mktemp("tiny")
    server = Server(folder, "tests.server.tiny:app", KOBAI_DEADLINE_DEFAULT_MS="1000")
    yield server
    assert server.stop() == 0
    assert server.err.read_text() == ""
