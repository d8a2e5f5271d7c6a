"""Callers of the application in this process."""

import json

import pytest


@pytest.fixture
def post(client):
    """Send a JSON value, or bytes as they are; returns the answer."""

    def send(path, body, **more):
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return client.post(path, data=data, **{"content_type": "application/json"} | more)

    return send
