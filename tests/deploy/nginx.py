"""Debian's nginx with the project's own configuration, on free ports of this machine."""

import os
import re
import socket
import subprocess
import time

from tests.server.running import ROOT, free_port

CONFIGURATION = ROOT / "deploy" / "nginx.conf"
START = ROOT / "deploy" / "proxy.sh"

SHARED = dict(re.findall(r"^(\w+)=(.*)$", (ROOT / "deploy" / "kobai.env").read_text(), re.M))
"""What service and proxy must agree in, by the file that both read."""

NEWS, KNOWS_NEWS_SINCE = "keepalive_min_timeout 10s;", (1, 27, 4)

RESOLVES_SINCE = (1, 27, 3)
"""nginx's version since which an upstream's server can be looked up again and again."""


def version_of(nginx):
    """Return nginx's version as a tuple."""
    told = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True).stderr
    return tuple(int(number) for number in re.search(r"nginx/([\d.]+)", told)[1].split("."))


FRONT = ROOT / "deploy" / "front"


def put_in_front(folder, port, keys, changes=()):
    """Lay TLS, keys and rates of deploy/front beside a configuration, with another port and a certificate."""
    (folder / "front").mkdir()
    (folder / "front" / "clients.keys").write_text(keys)
    make_certificate(folder)
    replacements = ((" 8443 ", f" 127.0.0.1:{port} "), ("/run/secrets/", f"{folder}/"), *changes)
    texts = {name: (FRONT / name).read_text() for name in ("http.conf", "server.conf")}
    for old, new in replacements:
        assert any(old in text for text in texts.values()), f"{old!r} is not in deploy/front any more"
        texts = {name: text.replace(old, new) for name, text in texts.items()}
    for name, text in texts.items():
        (folder / "front" / name).write_text(text)


def make_certificate(folder):
    """Make a certificate for localhost that signs itself."""
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2"]
    files = ["-keyout", folder / "certificate-key", "-out", folder / "certificate"]
    kind = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run(["openssl", *kind, *subject, *files], check=True, capture_output=True, timeout=20)


def adapted(folder, port, replicas, changes=()):
    """Take the configuration to this machine: other ports, another folder, replicas by their ports."""
    server = "        server api:8000 resolve max_fails=3 fail_timeout=1s;\n"
    here = "".join(server.replace("api:8000 resolve", f"127.0.0.1:{each}") for each in replicas)
    replacements = (
        (server, here),
        ("listen 8000 ", f"listen 127.0.0.1:{port} "),
        ("listen 127.0.0.1:8001;", f"listen 127.0.0.1:{free_port()};"),
        ("/etc/nginx/front/", f"{folder}/front/"),
        ("error_log stderr error;", f"error_log {folder}/error.log error;"),
        ("access_log /dev/stdout", f"access_log {folder}/access.log"),
        *changes,
    )
    text = CONFIGURATION.read_text()
    if os.geteuid() == 0:
        text = f"user root;\n{text}"  # else the workers could not reach the folder
    for old, new in replacements:
        assert old in text, f"{old!r} is not in nginx.conf any more"
        text = text.replace(old, new)
    return without_news(text)


def without_news(text):
    """Leave out what Debian's nginx does not know yet."""
    assert NEWS in text
    return text if version_of("nginx") >= KNOWS_NEWS_SINCE else text.replace(NEWS, "")


class Proxy:
    """One running nginx before replicas that listen at ports of this machine."""

    def __init__(self, folder, replicas, changes=(), **settings):
        self.port, self.folder = free_port(), folder
        self.environment = os.environ | SHARED | settings
        file = folder / "given.conf"
        file.write_text(adapted(folder, self.port, replicas, changes))
        with file.open() as text:
            self.process = subprocess.Popen(["sh", START, folder], env=self.environment, stdin=text)
        self._wait()

    def reload(self, replicas, changes=(), **settings):
        """Put an edited file, or changed settings, in force; return what was said against it."""
        done = subprocess.run(
            ["sh", START, self.folder, "reload"],
            env=self.environment | settings,
            input=adapted(self.folder, self.port, replicas, changes),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        return done.stderr if done.returncode else ""

    def _wait(self):
        end = time.monotonic() + 20
        while time.monotonic() < end and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        raise AssertionError("nginx did not start")

    def log(self):
        """Return the lines of the access log."""
        return (self.folder / "access.log").read_text().splitlines()

    def stop(self):
        """Stop nginx and wait for its end."""
        self.process.terminate()
        self.process.wait(20)
