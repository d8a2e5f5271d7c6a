"""Every test of this folder that has a client speaks each format."""

import pytest

from tests.formats import WRITERS, client_of


@pytest.fixture(params=WRITERS)
def client(app, request):
    """A caller of the application in this process."""
    return client_of(app, request.param)
