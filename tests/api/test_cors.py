"""Pages of other origins may call the service where its operator allows it, and nowhere else."""

import pytest

from service.app import create_app
from service.config import Settings

ORIGIN, OTHER = "https://app.example", "https://elsewhere.example"
PREFLIGHT = {
    "Access-Control-Request-Method": "POST",
    "Access-Control-Request-Headers": "content-type",
}


def client_of(origins):
    return create_app(Settings(cors_origins=origins)).test_client()


def of_cors(answer):
    return {name: value for name, value in answer.headers.items() if name.startswith("Access-Control-")}


def test_without_the_setting_no_answer_has_a_header_of_these():
    client = client_of("")

    for answer in (
        client.post("/softmax", json={"x": [1]}, headers={"Origin": ORIGIN}),
        client.options("/softmax", headers={"Origin": ORIGIN} | PREFLIGHT),
        client.get("/nowhere", headers={"Origin": ORIGIN}),
    ):
        assert of_cors(answer) == {}
        assert "Vary" not in answer.headers


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        ("*", ORIGIN, "*"),
        ("*", None, "*"),
        (ORIGIN, ORIGIN, ORIGIN),
        (f"{OTHER}, {ORIGIN}", ORIGIN, ORIGIN),
        (f"{OTHER} {ORIGIN}", ORIGIN, ORIGIN),
        (ORIGIN, OTHER, None),
        (ORIGIN, None, None),
        (ORIGIN, "null", None),
        (ORIGIN, ORIGIN + ".evil.example", None),
        (ORIGIN, ORIGIN.upper(), None),
    ],
)
def test_an_allowed_origin_may_read_answers_errors_included(origins, origin, allowed):
    client = client_of(origins)
    headers = {"Origin": origin} if origin else {}

    for answer in (
        client.post("/softmax", json={"x": [1]}, headers=headers),
        client.post("/softmax", json={"x": "no"}, headers=headers),
        client.post("/softmax", data=b"{", headers=headers),
        client.get("/nowhere", headers=headers),
        client.get("/limits", headers=headers),
    ):
        assert answer.headers.get("Access-Control-Allow-Origin") == allowed
        assert answer.headers.get("Vary") == (None if origins == "*" else "Origin")
        assert "X-Request-ID" in answer.headers["Access-Control-Expose-Headers"]
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_preflight_is_answered_and_kept_for_ten_minutes():
    answer = client_of(ORIGIN).options("/softmax", headers={"Origin": ORIGIN} | PREFLIGHT)

    assert (answer.status_code, answer.data) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert answer.headers["Access-Control-Allow-Methods"] == "OPTIONS, POST"
    assert "Content-Type" in answer.headers["Access-Control-Allow-Headers"]
    assert answer.headers["Access-Control-Max-Age"] == "600"


def test_a_preflight_from_elsewhere_is_not_allowed():
    answer = client_of(ORIGIN).options("/softmax", headers={"Origin": OTHER} | PREFLIGHT)

    assert answer.status_code == 204
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_a_stream_has_the_headers_too():
    body = {"function": "x**2", "variables": {"x": 1}, "steps": 3}
    headers = {"Origin": ORIGIN, "Accept": "application/x-ndjson"}

    answer = client_of("*").post("/descent", json=body, headers=headers)

    assert answer.content_type == "application/x-ndjson"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
