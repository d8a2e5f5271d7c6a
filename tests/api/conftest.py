"""Callers of the application in this process."""

import json

import pytest

from tests.formats import CBOR, WRITERS


@pytest.fixture(params=WRITERS)
def post(client, request):
    """Send a value in each format, or bytes as they are; returns the answer, which is JSON."""
    write = WRITERS[request.param]

    def send(path, body, **more):
        if isinstance(body, bytes) or "content_type" in more or write is None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            return client.post(path, data=data, **{"content_type": "application/json"} | more)
        return client.post(path, data=write(body), **{"content_type": CBOR} | more)

    return send
