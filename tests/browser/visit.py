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

HEAVY = """y = reshape(x, (2, 1)) @ reshape(x, (1, 2)) / 8
z = reshape(y, (4, 1)) @ reshape(y, (1, 4))
w = reshape(z, (16, 1)) @ reshape(z, (1, 16))
mean(w**2) + sum(x**2)"""
"""A function whose 100,000 steps take seconds."""

PATIENCE_MS = 60_000

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

COUNT_COLOUR = """
([place, red, green, blue]) => {
  const canvas = document.querySelector(place);
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let found = 0;
  for (let at = 0; at < data.length; at += 4) {
    found += data[at] === red && data[at + 1] === green && data[at + 2] === blue;
  }
  return found;
}
"""

PICTURE = "(canvas) => canvas.toDataURL()"

NOTE_TEXTS = """
(element) => {
  window.noted = [];
  const note = () => window.noted.push([performance.now(), element.textContent]);
  new MutationObserver(note).observe(element, { childList: true });
}
"""

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
        self.wait_until(lambda: self.page.evaluate(expression, argument), expression)

    def wait_until(self, is_so, what):
        """Wait until something is true, while the page goes on."""
        end = time.monotonic() + PATIENCE_MS / 1000
        while not is_so():
            assert time.monotonic() < end, f"never true: {what}"
            self.page.wait_for_timeout(20)

    def wait_for_picture(self):
        """Wait until the landscape is drawn and the descent has ended."""
        self.wait("performance.getEntriesByName('landscape drawn').length > 0")
        self.wait_for_result()
        self.page.evaluate(
            "new Promise(requestAnimationFrame)"
        )  # what is asked for is drawn with the next frame

    def wait_for_result(self):
        """Wait until what came of the descent is shown."""
        self.wait("document.getElementById('result-card').getAttribute('aria-busy') === 'false'")

    def ask(self, act, path="**/descent"):
        """Do something at a page at rest, wait for the result it leads to, and return the request's body.

        The words of a result may be those of the one before, so no wait for words tells whether it is there.
        """
        with self.page.expect_response(path) as answered:
            act()
        self.wait_for_result()
        return answered.value.request.post_data_json

    def wait_for_colour(self, canvas, colour, pixels):
        """Wait until more than so many pixels of a canvas have a colour."""
        self.expect("willReadFrequently")
        self.wait(f"(sought) => ({COUNT_COLOUR})(sought) > {pixels}", [canvas, *colour])

    def picture(self, canvas):
        """Return what is drawn on a canvas."""
        return self.page.locator(canvas).evaluate(PICTURE)

    def wait_for_another_picture(self, canvas, before):
        """Wait until a canvas has another picture than the one before, and return it."""
        self.wait_until(lambda: self.picture(canvas) != before, f"another picture on {canvas}")
        return self.picture(canvas)

    def note(self, place):
        """Note each text that an element gets from now on, with its time: some are there for a moment."""
        self.page.locator(place).evaluate(NOTE_TEXTS)

    def wait_for_noted(self, text):
        """Wait until the element that is noted has had a text."""
        self.wait("(text) => noted.some(([, noted]) => noted === text)", text)

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

    def wait_for_post(self, path, body):
        """Wait until the newest body that was sent to a path is this one."""
        self.wait_until(lambda: self.posts(path)[-1:] == [body], f"{path}: {body}")

    def close(self):
        """Close, and return what went wrong."""
        violations = self.page.evaluate("window.violations") if "http" in self.page.url else []
        self.context.close()
        return self.faults + [f"against the policy: {each}" for each in violations]
