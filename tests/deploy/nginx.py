"""Debian's nginx with the project's own configuration, on free ports of this machine."""

import os
import re
import socket
import subprocess
import time

from tests.server.running import ROOT, free_port

CONFIGURATION = ROOT / "deploy" / "nginx.conf"

RESOLVES_SINCE = (1, 27, 3)
"""nginx's version since which an upstream's server can be looked up again and again."""


def version_of(nginx):
    """Return nginx's version as a tuple."""
    told = subprocess.run([nginx, "-v"], capture_output=True, text=True, check=True).stderr
    return tuple(int(number) for number in re.search(r"nginx/([\d.]+)", told)[1].split("."))


def adapted(folder, port, replicas, changes=()):
    """Take the configuration to this machine: other ports, another folder, replicas by their ports."""
    server = "        server api:8000 resolve max_fails=3 fail_timeout=1s;\n"
    here = "".join(server.replace("api:8000 resolve", f"127.0.0.1:{each}") for each in replicas)
    replacements = (
        (server, here),
        ("listen 8000 ", f"listen 127.0.0.1:{port} "),
        ("listen 127.0.0.1:8001;", f"listen 127.0.0.1:{free_port()};"),
        (" /tmp/", f" {folder}/"),
        ("error_log stderr error;", f"error_log {folder}/error.log error;"),
        ("access_log /dev/stdout", f"access_log {folder}/access.log"),
        *changes,
    )
    text = CONFIGURATION.read_text()
    for old, new in replacements:
        assert old in text, f"{old!r} is not in nginx.conf any more"
        text = text.replace(old, new)
    return text


class Proxy:
    """One running nginx before replicas that listen at ports of this machine."""

    def __init__(self, nginx, folder, replicas, changes=()):
        self.port, self.folder = free_port(), folder
        file = folder / "nginx.conf"
        file.write_text(adapted(folder, self.port, replicas, changes))
        user = "user root;" if os.geteuid() == 0 else ""  # else the workers could not reach the folder
        self.process = subprocess.Popen([nginx, "-e", "stderr", "-c", file, "-g", f"daemon off; {user}"])
        self._wait()

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
