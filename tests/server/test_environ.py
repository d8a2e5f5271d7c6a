"""From an ASGI scope to a WSGI environment, without a server."""

import tracemalloc

import pytest

from service.server.environ import STREAM, environ_of
from tests.server.scopes import SCOPE


def made(headers=(), **scope):
    """Make the environment of a request."""
    return environ_of(SCOPE | {"headers": headers} | scope, b"{}", 1.5)


def test_it_is_that_of_the_request():
    environ = made([(b"content-type", b"application/json"), (b"accept", b"text/html"), (b"accept", b"*/*")])

    assert environ["REQUEST_METHOD"] == "POST"
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("127.0.0.1", "8000")
    assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"]) == ("192.0.2.1", "4711")
    assert (environ["CONTENT_LENGTH"], environ["wsgi.input"].read()) == ("2", b"{}")
    assert (environ["CONTENT_TYPE"], environ["HTTP_ACCEPT"]) == ("application/json", "text/html,*/*")
    assert environ["kobai.received_at"] == 1.5


def test_a_unix_socket_has_neither_address_nor_port():
    environ = made(client=None, server=None)

    assert (environ["REMOTE_ADDR"], environ["REMOTE_PORT"]) == ("", "0")
    assert (environ["SERVER_NAME"], environ["SERVER_PORT"]) == ("", "0")


def test_the_server_is_one_of_many_and_knows_where_a_body_ends():
    flags = {name: value for name, value in made().items() if isinstance(value, bool)}

    assert flags == {
        "wsgi.input_terminated": True,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }


@pytest.mark.parametrize(
    "name", [b"x_forwarded_for", b"content_length", b"content-length", b"transfer-encoding"]
)
def test_headers_that_would_pass_for_others_are_dropped(name):
    environ = made([(name, b"999")])

    assert "999" not in environ.values()


def test_a_path_is_decoded_once():
    assert made(raw_path=b"/a%20%252F%C3%A9")["PATH_INFO"] == "/a %2F\xc3\xa9"


@pytest.mark.parametrize(("version", "is_kept"), [("1.0", False), ("1.1", True)])
def test_http_1_0_gets_no_stream(version, is_kept):
    assert ("HTTP_ACCEPT" in made([(b"accept", STREAM.encode())], http_version=version)) is is_kept


def test_names_that_clients_invent_fill_no_memory():
    def invent(start):
        return made([(b"x-%d" % number, b"1") for number in range(start, start + 20_000)])

    invent(0)
    tracemalloc.start()
    invent(20_000)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert kept < 500_000
