"""Pages of other origins in a real Chromium, which asks and obeys the service's CORS headers."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.browser.visit import PATIENCE_MS
from tests.server.running import Server

FETCH = """async ([url, options]) => {
  try {
    const answer = await fetch(url, options);
    return { status: answer.status, id: answer.headers.get("X-Request-ID"), body: await answer.json() };
  } catch (error) {
    return { refused: error.name };
  }
}"""


class Blank(BaseHTTPRequestHandler):
    """An empty page for any path."""

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>elsewhere</title><link rel=icon href=data:,>")

    def log_message(self, *given):
        """Print nothing."""


@pytest.fixture(scope="module")
def elsewhere():
    """The address of a page that is not the service's."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Blank) as serving:
        threading.Thread(target=serving.serve_forever).start()
        yield f"http://127.0.0.1:{serving.server_port}"
        serving.shutdown()


@pytest.fixture(scope="module")
def page(chromium, elsewhere):
    context = chromium.new_context()
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(elsewhere)
    yield page
    context.close()


@pytest.fixture(scope="module", params=["listed", "all", "another", "none"])
def allowed(request, elsewhere, tmp_path_factory):
    """A service and whether it lets the page read its answers."""
    port = elsewhere.rpartition(":")[2]
    origins = {
        "listed": f"https://app.example, {elsewhere}",
        "all": "*",
        "another": f"http://localhost:{port}",
        "none": "",
    }
    running = Server(tmp_path_factory.mktemp("cors"), KOBAI_CORS_ORIGINS=origins[request.param])
    yield f"http://127.0.0.1:{running.port}", request.param in ("listed", "all")
    assert running.stop() == 0


def posted(body):
    headers = {"Content-Type": "application/json", "X-Request-ID": "from-elsewhere"}
    return {"method": "POST", "headers": headers, "body": body}


@pytest.mark.parametrize(
    ("path", "options", "status"),
    [
        ("/softmax", posted('{"x": [0, 0]}'), 200),
        ("/softmax", posted('{"x": [0, "1"]}'), 422),
        ("/nowhere", posted("{}"), 404),
        ("/softmax", posted("{"), 400),
        ("/limits", {}, 200),
    ],
)
def test_a_page_reads_an_answer_where_its_origin_may(page, allowed, path, options, status):
    address, may_read = allowed

    # a path that is not there answers no preflight: the browser then refuses without a status
    found = page.evaluate(FETCH, [address + path, options])

    if not may_read or path == "/nowhere":
        assert found == {"refused": "TypeError"}
    else:
        assert found["status"] == status
        assert found["id"] == "from-elsewhere" or not options
        assert found["body"].get("status", status) == status


def test_cbor_goes_from_origin_to_origin(page, allowed):
    address, may_read = allowed
    script = """async (url) => {
      const type = "application/cbor";
      const body = new Uint8Array([0xa1, 0x61, 0x78, 0x82, 0, 0]);
      try {
        const headers = { "Content-Type": type, Accept: type };
        const answer = await fetch(url, { method: "POST", headers, body });
        return (await answer.arrayBuffer()).byteLength;
      } catch (error) {
        return error.name;
      }
    }"""

    assert page.evaluate(script, f"{address}/softmax") == (27 if may_read else "TypeError")
