"""What the image is made of: its packages' known vulnerabilities, and its bill of materials."""

import json
import re
import subprocess
import sysconfig
from pathlib import Path

import pytest

from tests.documentation import PAGES, sections, shell_commands
from tests.server.running import ROOT

LOCK = ROOT / "deploy" / "requirements.lock"
SCRIPTS = Path(sysconfig.get_path("scripts"))
COMMANDS = {
    Path(words[0]).name: words[1:]
    for words in shell_commands(sections(PAGES["docs/deployment.md"])["What it is made of"])
}


def run(name, folder, *more):
    """Run a documented command where it may write."""
    words = [str(ROOT / word) if word.startswith("deploy/") else word for word in COMMANDS[name]]
    command = [SCRIPTS / name, *words, *more]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=300, check=False)


def locked():
    """The names and versions of the lock."""
    return dict(re.findall(r"^([a-z0-9-]+)==(\S+)", LOCK.read_text(), re.M))


def vulnerable(report):
    """List what a report of pip-audit warns of; nothing where no registry answered it."""
    try:
        rows = json.loads(report)["dependencies"]
    except json.JSONDecodeError:
        return []
    return [f"{row['name']} {row['version']}: {each['id']}" for row in rows for each in row.get("vulns", ())]


def test_no_package_has_a_known_vulnerability_as_far_as_a_registry_tells(tmp_path):
    done = run("pip-audit", tmp_path, "--format", "json", "--timeout", "10", "--progress-spinner", "off")

    assert vulnerable(done.stdout) == []


@pytest.mark.parametrize(
    ("report", "found"),
    [
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "PYSEC-1"}]}]}', ["a 1: PYSEC-1"]),
        ('{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}', []),
        ('{"dependencies": [{"name": "a", "skip_reason": "not found"}]}', []),
        ("", []),
    ],
)  # fmt: skip
def test_a_vulnerability_is_noticed_and_a_registry_that_does_not_answer_is_none(report, found):
    assert vulnerable(report) == found


def test_the_bill_of_materials_lists_every_package_of_the_lock(tmp_path):
    done = run("cyclonedx-py", tmp_path)

    assert done.returncode == 0, done.stderr
    document = json.loads((tmp_path / "sbom.json").read_text())
    assert document["bomFormat"] == "CycloneDX"
    assert {row["name"].lower(): row["version"] for row in document["components"]} == locked()
