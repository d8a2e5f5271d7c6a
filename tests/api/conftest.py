"""The application in this process, without a server, and a caller of it."""

import json

import pytest

from service.app import create_app


@pytest.fixture(scope="session")
def app():
    return create_app()


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture
def post(client):
    """Send a JSON value, or bytes as they are; returns the answer."""

    def send(path, body, **more):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return client.post(path, data=data, **{"content_type": "application/json"} | more)

    return send


@pytest.fixture
def ask(post):
    """Send a request that is right; returns the answer's document."""

    def answer(path, body):
        response = post(path, body)
        assert response.status_code == 200, response.get_data(as_text=True)
        return json.loads(response.data)

    return answer


@pytest.fixture
def refuse(post):
    """Send a request that is refused; returns the problem."""

    def problem(path, body, **more):
        response = post(path, body, **more)
        assert response.status_code >= 400, response.get_data(as_text=True)
        return json.loads(response.data)

    return problem
