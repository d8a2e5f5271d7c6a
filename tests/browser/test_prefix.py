"""The service under a prefix that a real nginx strips: pages, what they load and compute, links, problems."""

import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request
from urllib.parse import urljoin

import pytest

from tests.browser.visit import Visit
from tests.server.running import Server, free_port

CONFIGURATION = """
daemon off; {user} pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{}}
http {{
  access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  upstream api {{ server 127.0.0.1:{service}; }}
  server {{
    listen 127.0.0.1:{port};
    location /kobai/ {{ proxy_pass http://api/; proxy_set_header Host $http_host; }}
  }}
}}
"""
"""The line that docs/deployment.md gives, and what nginx needs around it."""

pytestmark = pytest.mark.nginx

HTML = {"Accept": "text/html"}


@pytest.fixture(scope="module")
def prefixed(program, tmp_path_factory):
    """The public address of the service, prefix included."""
    nginx, folder = program("nginx"), tmp_path_factory.mktemp("prefix")
    service = Server(folder, KOBAI_ROOT_PATH="/kobai")
    port = free_port()
    user = "user root;" if os.geteuid() == 0 else ""  # else its workers could not write in the folder
    text = CONFIGURATION.format(folder=folder, service=service.port, port=port, user=user)
    (folder / "nginx.conf").write_text(text)
    process = subprocess.Popen([nginx, "-c", folder / "nginx.conf"])
    wait_until_ready(f"http://127.0.0.1:{port}/kobai/livez")
    yield f"http://127.0.0.1:{port}/kobai"
    process.terminate()
    process.wait(20)
    assert service.stop() == 0


def wait_until_ready(address):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            if get(address)[0] == 200:
                return
        except urllib.error.URLError:
            time.sleep(0.05)
    raise AssertionError("nginx did not start")


def get(address, headers=(), data=None):
    """Ask, without following a redirect into a success; return status and text."""
    request = urllib.request.Request(address, data, dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            assert answer.url == address
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as answer:
        return answer.code, answer.read().decode()


def test_every_link_of_every_page_leads_somewhere_below_the_prefix(prefixed):
    waiting, seen = [f"{prefixed}/"], set()
    while waiting:
        address = waiting.pop()
        seen.add(address)
        status, text = get(address, HTML)
        assert status == 200, address
        if "<!doctype html" in text.lower():
            links = {urljoin(address, link) for link in re.findall(r'(?:href|src)="([^"#]+)', text)}
            here = {link for link in links if link.startswith(prefixed.removesuffix("kobai"))}
            assert all(link.startswith(f"{prefixed}/") for link in here), address
            waiting += [link for link in here if link not in seen and link not in waiting]

    assert {f"{prefixed}/{page}" for page in ("docs", "functions", "problems")} <= seen
    assert len(seen) > 20


def test_a_problem_names_a_page_that_is_there(prefixed):
    status, text = get(f"{prefixed}/softmax", {"Content-Type": "application/json"}, b'{"x": "no"}')
    problem = json.loads(text)

    assert (status, problem["instance"]) == (422, "/kobai/softmax")
    assert problem["type"].startswith("/kobai/problems/")
    assert get(urljoin(prefixed, problem["type"]))[0] == 200


@pytest.mark.parametrize("path", ["/softmax/", "/docs/", "/limits/"])
def test_nothing_is_redirected(prefixed, path):
    status, text = get(prefixed + path)

    assert (status, json.loads(text)["code"]) == (404, "not-found")


def test_a_client_finds_the_operations_by_the_document(prefixed):
    document = json.loads(get(f"{prefixed}/openapi.json")[1])
    base = urljoin(prefixed, document["servers"][0]["url"])

    status, text = get(f"{base}/sigmoid", {"Content-Type": "application/json"}, b'{"x": [0]}')

    assert (status, json.loads(text)) == (200, {"y": [0.5]})


@pytest.fixture
def visit(chromium, prefixed):
    """Open pages under the prefix; none may have an error or ask anything outside of it."""
    found = Visit(chromium, prefixed)
    yield found
    assert found.close() == []


def test_the_playground_computes_under_the_prefix(visit):
    visit.open("/")

    visit.wait_for_picture()

    assert visit.posts("/kobai/descent")


def test_the_page_on_the_api_loads_and_tries_operations_out(visit):
    page = visit.open("/docs#/compute/sigmoid")

    page.locator("#operations-compute-sigmoid .execute").click()

    page.locator(".live-responses-table").get_by_text("200").first.wait_for()
    assert visit.posts("/kobai/sigmoid")
