import shutil
from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect, sync_playwright

from tests.browser.visit import ARTIFACTS, FLAGS, NODE_MODULES, PATIENCE_MS, Visit, require

MORE_TRIES = 4


class NetworkChanged(AssertionError):
    """The machine's network changed under a test, as it does when a container starts."""


def pytest_collection_modifyitems(items):
    """Run a test again when the network changed under it."""
    for item in items:
        if "tests/browser" in item.path.as_posix():
            item.add_marker(
                pytest.mark.flaky(reruns=MORE_TRIES, only_rerun=["NetworkChanged", "ERR_NETWORK_CHANGED"])
            )


@pytest.hookimpl(wrapper=True)
def pytest_pyfunc_call():
    """Tell a failure that a change of the network led to from all others."""
    Visit.met_change = False
    try:
        return (yield)
    except Exception as error:
        if Visit.met_change:
            raise NetworkChanged from error
        raise


@pytest.fixture(scope="session")
def axe():
    """The source of axe-core, which looks for what hinders people."""
    file = NODE_MODULES / "axe-core" / "axe.min.js"
    require(file.exists(), "axe-core (npm install --prefix tests/browser)")
    return file.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def chromium():
    """A headless Chromium; one for a file, since Playwright keeps an event loop of its own while it runs."""
    program = require(shutil.which("chromium") or shutil.which("chromium-browser"), "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        expect.set_options(timeout=PATIENCE_MS)
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, server):
    """Open pages of the running service; in the end none may have had an error or asked another host."""
    visits = []

    def begin(path=None, **options):
        visits.append(Visit(chromium, f"http://127.0.0.1:{server.port}", **options))
        if path is not None:
            visits[-1].open(path)
        return visits[-1]

    yield begin
    assert [fault for each in visits for fault in each.close()] == []


@pytest.fixture
def playground(visit):
    """Open the playground, with a setting or as a newcomer finds it, and wait for its picture."""

    def begin(setting=None, **options):
        fragment = f"#{urlencode(setting)}" if setting else ""
        found = visit(f"/{fragment}", **options)
        found.wait_for_picture()
        return found

    return begin


@pytest.fixture
def keep():
    """Keep a picture of a page among the artifacts, to look at.

    A test takes it last: for a picture of all of it Chromium may lay the page out anew, and the page then
    asks for its landscape again.
    """
    ARTIFACTS.mkdir(parents=True, exist_ok=True)

    def take(page, name, **options):
        page.screenshot(path=ARTIFACTS / f"{name}.png", **options)

    return take
