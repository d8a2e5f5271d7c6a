"""Pages are for browsers alone: who takes JSON gets what programs always get."""

import gzip
import re
from dataclasses import replace
from pathlib import Path

import pytest

from service.api.pages import WEB
from service.api.problems import PROBLEM_TYPES
from tests.contract.document import PROBLEM
from tests.contract.failures import FAILURES
from tests.contract.test_problems import send

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
"""What Chromium and Firefox send when a person opens an address."""

PROGRAMS = (
    None,
    "*/*",
    "application/json",
    "application/problem+json",
    "text/html, application/json",
    "application/json, text/html",
    "text/html;q=0.5, application/json",
    "text/html;q=0.9, */*",
    "text/*, application/problem+json",
    "nonsense",
    "text/html;q=x, */*",
)

POSTED = [name for name, failure in FAILURES.items() if failure.method == "POST" and name != "internalError"]
OPENED = ("/gradient", "/descent/sweep", "/nowhere", "/problems/out-of-luck", "/web/nothing.js")


def open_page(client, path, accept=BROWSER, **headers):
    return client.get(path, headers={"Accept": accept} | headers if accept else headers)


@pytest.mark.parametrize("path", OPENED)
def test_a_browser_gets_a_page_that_says_what_to_do(client, path):
    response = open_page(client, path)
    same = client.get(path)

    assert response.status_code == same.status_code
    assert response.headers.get("Allow") == same.headers.get("Allow")
    assert response.headers["Content-Type"] == "text/html; charset=utf-8"
    assert same.json["title"] in response.text
    assert (
        "What to do" in response.text or "/openapi.json" in response.text or "the codes are" in response.text
    )


@pytest.mark.parametrize("accept", PROGRAMS)
@pytest.mark.parametrize("path", OPENED)
def test_a_program_gets_problem_json_whatever_else_it_takes(client, path, accept):
    response = open_page(client, path, accept)

    assert response.headers["Content-Type"] == PROBLEM


@pytest.mark.parametrize("name", POSTED)
def test_what_is_posted_is_answered_as_json_to_a_browser_too(client, name):
    failure = FAILURES[name]

    response = send(client, replace(failure, headers=failure.headers | {"Accept": BROWSER}))

    assert response.headers["Content-Type"] == PROBLEM


def test_a_computation_opened_in_a_browser_shows_a_command_for_it(client):
    text = open_page(client, "/gradient").text

    assert "curl http://localhost/gradient -H 'Content-Type: application/json'" in text
    assert 'href="./docs#/compute/gradient"' in text


def test_the_callers_path_is_text_in_a_page_never_markup(client):
    response = open_page(client, "/<script>alert(1)</script>\"'{{7*7}}")

    assert response.status_code == 404
    assert "<script" not in response.text
    assert "&lt;script&gt;" in response.text
    assert "{{7*7}}" in response.text


@pytest.mark.parametrize("code", PROBLEM_TYPES)
def test_every_code_reads_well_in_a_browser(client, code):
    text = open_page(client, f"/problems/{code}").text

    assert f"<h1>{PROBLEM_TYPES[code].title}</h1>" in text
    assert f"<code>{code}</code>" in text


def test_the_list_of_codes_leads_to_each(client):
    text = open_page(client, "/problems").text

    assert set(re.findall(r'href="(?:\.\./|\./)problems/([a-z-]+)"', text)) == PROBLEM_TYPES.keys()
    assert open_page(client, "/problems", "*/*").json["problems"]


@pytest.mark.parametrize("path", ["/", "/docs", "/problems", "/problems/over-budget", "/nowhere"])
def test_every_page_forbids_what_is_not_the_services_own(client, path):
    headers = open_page(client, path).headers
    policy = headers["Content-Security-Policy"]

    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "*" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", ["/", "/docs", "/problems", "/nowhere", "/gradient"])
def test_all_that_a_page_names_is_there(client, path):
    text = open_page(client, path).text

    for name in re.findall(r'(?:src|href)="(?!https?:|#)/?\.?/?([^"#]*)', text):
        assert client.get(f"/{name}").status_code == 200, name


@pytest.mark.parametrize("path", ["/", "/docs", "/problems", "/nowhere", "/gradient"])
def test_no_page_has_script_or_style_inside(client, path):
    text = open_page(client, path).text

    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\son\w+=|\sstyle=|javascript:", text)


def test_the_playground_asks_at_once_for_every_module_that_it_imports(client):
    text = client.get("/").text
    asked = set(re.findall(r'"modulepreload" href="web/([^"]+)"', text))
    needed, found = {"main.js"}, set()
    while needed - found:
        module = (needed - found).pop()
        found.add(module)
        needed |= set(re.findall(r'from "\./([^"]+)"', (WEB / module).read_text(encoding="utf-8")))

    assert asked == needed - {"main.js"}


@pytest.mark.parametrize(
    "path", sorted(f"/web/{each.name}" for each in WEB.iterdir() if each.suffix != ".html")
)
def test_a_packed_file_is_the_file(client, path):
    plain = client.get(path)
    packed = client.get(path, headers={"Accept-Encoding": "gzip, br"})

    assert plain.data == (WEB / Path(path).name).read_bytes()
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.headers["Vary"] == plain.headers["Vary"] == "Accept-Encoding"
    assert packed.headers["Content-Type"] == plain.headers["Content-Type"]
    assert gzip.decompress(packed.data) == plain.data


@pytest.mark.parametrize(
    "name", ["index.html", "failure.html", "../app.py", "..%2fapp.py", "%2e%2e/app.py", "main.js/", ".", ""]
)
def test_a_name_that_is_no_file_of_the_pages_leads_nowhere(client, name):
    assert client.get(f"/web/{name}").status_code == 404
    assert client.get(f"/docs/{name}").status_code == 404
