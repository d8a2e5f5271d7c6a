"""TLS by Gunicorn's own settings: what is served, what stops the start, and what a SIGHUP changes."""

import http.client
import json
import socket
import ssl
import subprocess
import time
from contextlib import suppress

import pytest

from tests.server.test_start import CONFIGURED, end_of


def issue(openssl, certificate, key):
    """Write a certificate for localhost and its key."""
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    subprocess.run([*command, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)


@pytest.fixture
def certificate(tmp_path, program):
    """A certificate for localhost and its key."""
    files = tmp_path / "cert.pem", tmp_path / "key.pem"
    issue(program("openssl"), *files)
    return files


def test_a_certificate_on_the_command_line_is_used(serve, certificate):
    cert, key = certificate
    server = serve(GUNICORN_CMD_ARGS=f"--certfile {cert} --keyfile {key}", is_tls=True)
    connection = http.client.HTTPSConnection(
        "localhost", server.port, context=ssl.create_default_context(cafile=cert), timeout=10
    )

    connection.request("POST", "/echo", b"x" * 300_000)
    answered = connection.getresponse()

    assert (answered.status, json.loads(answered.read())["length"]) == (200, 300_000)
    assert "https://" in server.out.read_text()
    connection.close()


def test_over_tls_a_body_that_ends_short_is_nothing_to_warn_of(serve, certificate):
    cert, key = certificate
    server = serve(GUNICORN_CMD_ARGS=f"--certfile {cert} --keyfile {key}", is_tls=True)
    context = ssl.create_default_context(cafile=cert)
    with context.wrap_socket(server.socket(), server_hostname="localhost") as client:
        client.sendall(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{}")
        time.sleep(0.2)  # it comes behind the head

        with suppress(OSError):  # the server answers no close_notify with data in its hands
            client.unwrap()

    assert server.stop() == 0
    assert server.err.read_text() == ""


@pytest.mark.parametrize(
    ("options", "word"), [(["--ciphers", "none"], "cipher"), (["--ca-certs", "/nowhere.pem"], "No such file")]
)
def test_what_tls_cannot_do_stops_the_start_with_one_line(certificate, options, word):
    cert, key = certificate

    ended = end_of([*CONFIGURED, "--certfile", str(cert), "--keyfile", str(key), *options])

    assert ended.returncode != 0
    assert ended.stderr.count("\n") == 1, ended.stderr
    assert word in ended.stderr


def shown(port):
    """Return the certificate that the service shows, and the status of a probe."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with (
        socket.create_connection(("127.0.0.1", port), 20) as plain,
        context.wrap_socket(plain) as client,
    ):
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        return client.getpeercert(binary_form=True), client.makefile("rb").readline().split()[1]


@pytest.mark.parametrize("kind", ["asgi", "gthread"])
def test_a_sighup_reads_the_certificate_again_and_keeps_it_where_it_cannot(serve, certificate, program, kind):
    cert, key = certificate
    options = f"--certfile {cert} --keyfile {key}"
    server = serve(None, WEB_CONCURRENCY="2", KOBAI_WORKER_CLASS=kind, GUNICORN_CMD_ARGS=options, is_tls=True)
    first = shown(server.port)

    whole = cert.read_text()
    cert.write_text("-----BEGIN CERTIFICATE-----\nbroken\n")
    server.replace_workers()
    kept = [shown(server.port) for _ in range(8)]
    said = server.err.read_text()

    cert.write_text(whole)
    issue(program("openssl"), *certificate)
    server.replace_workers()
    renewed = {shown(server.port) for _ in range(8)}

    assert kept == [first] * 8
    assert (first[1], said.count("\n"), str(cert) in said) == (b"200", 1, True)
    assert len(renewed) == 1
    assert first not in renewed
    assert server.err.read_text() == said
