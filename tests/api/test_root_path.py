"""Behind a proxy that strips a prefix, all that the service says of itself has it."""

import re

import pytest
import yaml

from service.app import create_app
from service.config import Settings

ROOT = "/kobai"
HTML = {"Accept": "text/html"}


@pytest.fixture
def client():
    return create_app(Settings(root_path=ROOT)).test_client()


def test_a_problem_names_itself_and_its_request_by_the_public_path(client):
    answer = client.post("/softmax", json={"x": "no"})

    assert answer.json["type"] == "/kobai/problems/invalid-request"
    assert answer.json["instance"] == "/kobai/softmax"


def test_the_codes_are_explained_under_the_public_path(client):
    assert client.get("/problems/not-found").json["type"] == "/kobai/problems/not-found"
    assert all(each["type"].startswith("/kobai/") for each in client.get("/problems").json["problems"])


def test_the_document_names_the_public_path_as_its_server(client):
    assert client.get("/openapi.json").json["servers"][0]["url"] == ROOT
    assert yaml.safe_load(client.get("/openapi.yaml").data)["servers"][0]["url"] == ROOT


def test_without_a_prefix_the_document_is_served_as_it_was_written(app):
    assert app.test_client().get("/openapi.json").json["servers"][0]["url"] == "/"


@pytest.mark.parametrize(
    "path", ["/", "/docs", "/functions", "/problems", "/problems/not-found", "/softmax", "/none", "/a/b/c"]
)
def test_every_link_of_a_page_is_relative_and_stays_below_the_prefix(client, path):
    text = client.get(path, headers=HTML).get_data(as_text=True)

    links = re.findall(r'(?:href|src)="([^"#]+)', text)
    depth = path.count("/") - 1
    assert links
    for link in links:
        assert not link.startswith("/"), link
        assert link.count("../") <= depth, link


@pytest.mark.parametrize("path", ["/problems", "/problems/not-found", "/softmax", "/a/b/c"])
def test_a_page_leads_to_what_it_loads(client, path):
    text = client.get(path, headers=HTML).get_data(as_text=True)

    (style,) = re.findall(r'href="((?:\.\.?/)+web/style.css)"', text)
    assert style.replace("./", "", 1) == "web/style.css" or style.count("../") == path.count("/") - 1
    assert client.get("/web/style.css").status_code == 200
