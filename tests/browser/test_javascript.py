"""The JavaScript is read as carefully as the Python: linted, and its pure modules have tests of their own."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.browser.visit import NODE_MODULES, require
from tests.server.running import ROOT

HERE = Path(__file__).parent
WEB = ROOT / "service" / "web"
LONGEST = 250


@pytest.fixture
def node():
    return require(shutil.which("node"), "node")


def test_the_javascript_is_linted(node):
    eslint = NODE_MODULES / "eslint" / "bin" / "eslint.js"
    require(eslint.exists(), "ESLint (npm install --prefix tests/browser)")
    files = [str(file) for folder in (WEB, HERE / "modules") for file in sorted(folder.glob("*.js"))]

    done = subprocess.run(
        [node, eslint, "--config", HERE / "eslint.config.js", "--max-warnings", "0", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_pure_modules_pass_their_own_tests(node, tmp_path):
    """In a copy that says that it is of modules, which Node before 20 does not find out by itself."""
    (tmp_path / "package.json").write_text('{"type": "module"}')
    shutil.copytree(WEB, tmp_path / "service" / "web")
    shutil.copytree(HERE / "modules", tmp_path / "tests" / "browser" / "modules")
    tests = sorted((tmp_path / "tests" / "browser" / "modules").glob("*.test.js"))

    done = subprocess.run([node, "--test", *tests], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
    assert tests


@pytest.mark.parametrize("file", sorted(WEB.iterdir()), ids=lambda file: file.name)
def test_no_file_of_the_pages_is_too_long_to_read(file):
    assert len(file.read_text(encoding="utf-8").splitlines()) <= LONGEST
