"""A folder in which the commands of docs/clients.md generate clients, and programs use them."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.documentation import PAGES, blocks, shell_commands

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"
SECONDS = 600
QUICK_JAVA = "-XX:TieredStopAtLevel=1"  # what runs for seconds is not worth optimizing

SAID_OF_ANY_DOCUMENT = ("Failed to get the schema name: null", "Ignoring complex example on request body")
"""What openapi-generator warns of as soon as a document has one object, or one example of a body."""

PAGE = PAGES["docs/clients.md"]


def example(kind):
    """Return the page's one program in a language."""
    (found,) = [text for language, text in blocks(PAGE) if language == kind]
    return found


def what_the_page_prints():
    """Return the numbers that the page says its programs print."""
    return numbers(example("text"))


def numbers(text):
    """List the numbers in a text."""
    return [float(each) for each in re.findall(r"-?\d+(?:\.\d+)?(?:[eE]-?\d+)?", text)]


class Workshop:
    """One folder and one service."""

    def __init__(self, folder, server):
        self.folder, self.host = folder, f"127.0.0.1:{server.port}"

    @property
    def address(self):
        """The service's address."""
        return f"http://{self.host}"

    def write(self, name, text):
        """Write a program of the page, for this service."""
        (self.folder / name).write_text(text.replace("localhost:8000", self.host))

    def run(self, *words, **environment):
        """Run a command in the folder; return all that it prints. No coverage is measured of a client."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        own = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}
        done = subprocess.run(
            [str(word) for word in words],
            cwd=self.folder,
            env=own | {"PATH": path, "JAVA_OPTS": QUICK_JAVA} | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def generate(self, *words):
        """Run the page's one command with all these words in it."""
        (command,) = [line for line in shell_commands(PAGE) if set(words) <= set(line)]
        return self.run(*(word.replace("localhost:8000", self.host) for word in command))


def warnings(output):
    """List what openapi-generator warns of."""
    found = [line for line in output.splitlines() if " WARN " in line]
    return [line for line in found if not any(each in line for each in SAID_OF_ANY_DOCUMENT)]
