import pytest

from service.app import create_app
from service.config import Settings


@pytest.fixture(scope="session")
def client():
    """The application in this process."""
    return create_app(Settings.from_environment({"KOBAI_LOG_LEVEL": "error"})).test_client()
