"""A browser on the pages of a running service, and what goes wrong there."""

import json
import os
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

ARTIFACTS = Path(__file__).parents[1] / "artifacts"
NODE_MODULES = Path(__file__).parent / "node_modules"

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}

ROSENBROCK = {
    "f": "100*(x[1] - x[0]**2)**2 + (1 - x[0])**2",
    "cx": "0",
    "cy": "0.8",
    "span": "4",
    "start": "-1.2,1",
    "rate": "0.001",
    "steps": "1000",
}
"""A setting with a path of a thousand steps."""

PATIENCE_MS = 15_000

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

TELL_VIOLATIONS = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => {
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`);
});
"""


def require(found, what):
    """Skip where something is missing, but never in CI."""
    if not found and os.environ.get("CI") != "true":
        pytest.skip(f"{what} is not installed")
    assert found, f"{what} must be installed in CI"
    return found


class Visit:
    """A page in a browser of its own, and what went wrong on it."""

    met_change = False
    """Whether the machine's network changed while a page loaded something: Chromium gives that up."""

    def __init__(self, browser, base, **options):
        self.base = base
        self.context = browser.new_context(**{"locale": "en-US", "viewport": DESKTOP} | options)
        self.context.add_init_script(TELL_VIOLATIONS)
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.requests, self.faults, self.expected = [], [], []
        self.page.on("request", self._see)
        self.page.on("requestfailed", self._miss)
        self.page.on("console", self._hear)
        self.page.on("pageerror", lambda error: self._note("uncaught", str(error)))

    def _see(self, request):
        self.requests.append(request)
        if not request.url.startswith((self.base, "data:", "blob:")):
            self.faults.append(f"asked another host: {request.url}")

    def _miss(self, request):
        Visit.met_change |= "ERR_NETWORK_CHANGED" in (request.failure or "")

    def _hear(self, message):
        if message.type in ("error", "warning"):
            self._note(message.type, message.text)

    def _note(self, kind, text):
        if not any(expected in text for expected in self.expected):
            self.faults.append(f"{kind}: {text}")

    def expect(self, text):
        """Do not count as a fault what a test provokes: a browser logs every refusal."""
        self.expected.append(text)

    def open(self, path="/"):
        """Open a path."""
        self.page.goto(f"{self.base}{path}")
        return self.page

    def wait(self, expression, argument=None):
        """Wait until a JavaScript expression is true of the page.

        Playwright's own wait evaluates in the page, which the page's policy forbids.
        """
        end = time.monotonic() + PATIENCE_MS / 1000
        while not self.page.evaluate(expression, argument):
            assert time.monotonic() < end, f"never true: {expression}"
            self.page.wait_for_timeout(20)

    def wait_for_picture(self):
        """Wait until the landscape is drawn and the descent has ended."""
        self.wait("performance.getEntriesByName('landscape drawn').length > 0")
        self.wait("document.getElementById('result-card').getAttribute('aria-busy') === 'false'")
        self.page.evaluate(
            "new Promise(requestAnimationFrame)"
        )  # what is asked for is drawn with the next frame

    @property
    def setting(self):
        """The setting as the address of the page has it."""
        return self.page.evaluate("Object.fromEntries(new URLSearchParams(location.hash.slice(1)))")

    def wait_for_setting(self, name, test):
        """Wait until a part of the setting in the address passes a test, in JavaScript, of its `text`."""
        self.wait(
            f"""(() => {{
              const text = new URLSearchParams(location.hash.slice(1)).get("{name}");
              return text !== null && ({test});
            }})()"""
        )

    def posts(self, path):
        """List the bodies that were sent to a path."""
        return [
            json.loads(request.post_data)
            for request in self.requests
            if request.method == "POST" and urlsplit(request.url).path == path
        ]

    def close(self):
        """Close, and return what went wrong."""
        violations = self.page.evaluate("window.violations") if "http" in self.page.url else []
        self.context.close()
        return self.faults + [f"against the policy: {each}" for each in violations]
