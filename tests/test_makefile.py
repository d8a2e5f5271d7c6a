"""`make run` makes what it needs, anew where that is gone."""

import os
import shutil
import subprocess
import sys

import pytest

from tests.documentation import ROOT

SECONDS = 120


@pytest.fixture
def checkout(tmp_path, program):
    """A folder with our Makefile, nothing to install, and a service that says that it runs."""
    program("make")
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / "requirements.txt").touch()
    (tmp_path / "service").mkdir()
    (tmp_path / "service" / "__main__.py").write_text("print('it runs')")
    return tmp_path


def make(folder, *words, python=sys.executable):
    """Run make and return what it prints."""
    command = ["make", "--silent", *words, f"PYTHON={python}"]
    return subprocess.run(
        command,
        cwd=folder,
        env={name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=True,
    ).stdout


def test_make_run_works_after_the_python_of_the_environment_is_gone(checkout):
    (checkout / ".venv" / "bin").mkdir(parents=True)
    (checkout / ".venv" / "bin" / "python").symlink_to("/nowhere/python3")
    (checkout / ".venv" / ".runtime").touch()

    assert make(checkout, "run") == "it runs\n"
    assert (checkout / ".venv" / ".runtime").exists(), "nothing was installed"
    assert make(checkout, "--dry-run", "run") == "exec .venv/bin/python -m service\n"


def test_make_run_refuses_a_python_that_is_too_old(checkout):
    old = checkout / "old"
    old.write_text(f'#!/bin/sh\nexec {sys.executable} -c "import sys; sys.version_info = (3, 10); $2"\n')
    old.chmod(0o755)

    with pytest.raises(subprocess.CalledProcessError) as refused:
        make(checkout, "run", python=old)

    assert "Kobai needs Python 3.11 or newer" in refused.value.stderr
    assert not (checkout / ".venv").exists()
