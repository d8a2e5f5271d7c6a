"""A service that is out of reach for a while: the page says so, and goes on when it is back."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_late import OTHER


@pytest.mark.parametrize(("button", "path"), [("#run", "**/gradient/field"), ("#zoom-in", "**/descent")])
def test_a_button_brings_back_what_was_out_of_reach(playground, button, path):
    found = playground()
    page = found.page
    found.expect("Failed to load resource")
    page.route("**/gradient/field", lambda route: route.abort())
    page.fill("#f", OTHER)
    expect(page.locator("#f-fault")).to_contain_text("cannot be reached")
    page.unroute("**/gradient/field")

    with page.expect_response(path):
        page.click(button)

    expect(page.locator("#f-fault")).to_be_empty()
    expect(page.locator("#figures")).to_contain_text("(−6.111e−10, 2.613e−22)")


PAGE = {"content_type": "text/html", "body": "<html><body>Bad gateway</body></html>"}
TICK = '{"step":0,"value":25.0,"gradient_norm":10.0,"variables":{"a":1.0,"b":2.0}}\n'
IN_PLACE_OF_ANSWERS = {
    "a proxy's page": ("**/gradient/field", {"status": 502, **PAGE}, "answered in its place (HTTP 502)"),
    "a login's page": ("**/gradient/field", {"status": 200, **PAGE}, "answered in its place (HTTP 200)"),
    "JSON of another kind": (
        "**/gradient/field",
        {"status": 403, "content_type": "application/json", "body": '{"message": "Forbidden"}'},
        "answered in its place (HTTP 403)",
    ),
    "JSON that is nothing": (
        "**/descent",
        {"status": 500, "content_type": "application/json", "body": "null"},
        "answered in its place (HTTP 500)",
    ),
    "an answer cut short": (
        "**/gradient/field",
        {"status": 200, "content_type": "application/json", "body": '{"values": [1.0, 2.'},
        "broke off before",
    ),
    "a page for a stream": ("**/descent", {"status": 200, **PAGE, "body": "<p>\n</p>\n"}, "(HTTP 200)"),
    "a stream that breaks off": ("**/descent", {"status": 200, "body": TICK + TICK[:9]}, "broke off before"),
    "a stream of nothing": ("**/descent", {"status": 200, "body": ""}, "broke off before"),
}


@pytest.mark.parametrize(("path", "answer", "words"), IN_PLACE_OF_ANSWERS.values(), ids=IN_PLACE_OF_ANSWERS)
def test_what_is_no_answer_of_the_service_is_told_in_the_readers_language(playground, path, answer, words):
    found = playground()
    page = found.page
    found.expect("Failed to load resource")
    page.route(path, lambda route: route.fulfill(**answer))
    shown = page.locator("#landscape .fault").filter(has_text=words)

    page.fill("#f", OTHER)
    expect(shown).to_have_count(1)
    page.click("#language")
    page.fill("#f", f"{OTHER} + 1")

    expect(shown).to_have_count(0)
    japanese = (
        "途中で接続が切れました。" if "broke" in words else f"応答しました（HTTP {answer['status']}）。"
    )
    expect(page.locator("#landscape .fault").filter(has_text=japanese)).to_have_count(1)


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 502, **PAGE},
        {"status": 200, **PAGE},
        {"status": 200, "content_type": "application/json", "body": '{"optimizers": ['},
        {"status": 403, "content_type": "application/json", "body": '{"message": "Forbidden"}'},
    ],
    ids=["a page", "a login's page", "cut short", "JSON of another kind"],
)
def test_without_the_tables_the_page_offers_its_first_optimizer(visit, answer):
    found = visit()
    found.expect("Failed to load resource")
    found.page.route("**/functions", lambda route: route.fulfill(**answer))

    page = found.open("/")

    expect(page.locator("#figures")).to_contain_text("(−6.111e−10, 8.148e−10)")
    expect(page.locator("#optimizer option")).to_have_count(1)
