"""Help while one writes a function, and the page that lists all of it."""

import re

import pytest
from playwright.sync_api import expect

from service.api.messages import MESSAGES
from service.core.language.operations import describe_operations
from tests.browser.test_javascript import WEB
from tests.browser.test_looks import assert_it_fits, assert_nothing_hinders
from tests.browser.visit import DESKTOP, PHONE


def test_names_are_completed_as_one_types(playground):
    found = playground()
    found.expect("422")
    page = found.page
    page.fill("#f", "")

    page.locator("#f").press_sequentially("x[0] + log")
    names = page.locator("#f-names")
    expect(names).to_be_visible()
    shown = [name.split("(")[0] for name in names.locator("code").all_inner_texts()]
    assert shown == [row["name"] for row in describe_operations() if row["name"].startswith("log")][1:9]
    page.keyboard.press("ArrowDown")
    expect(names.locator("[aria-selected=true] code")).to_contain_text(shown[1])
    page.keyboard.press("Enter")

    expect(page.locator("#f")).to_have_value(f"x[0] + {shown[1]}(")
    expect(names).to_be_hidden()


def test_the_list_is_closed_by_escape_and_taken_by_pointer(playground):
    found = playground()
    found.expect("422")
    page = found.page
    page.fill("#f", "")
    page.locator("#f").press_sequentially("sof")
    page.keyboard.press("Escape")
    expect(page.locator("#f-names")).to_be_hidden()

    page.locator("#f").press_sequentially("t")
    page.locator("#f-names li").first.click()

    expect(page.locator("#f")).to_have_value("softplus(")
    expect(page.locator("#f")).to_be_focused()


def test_a_functions_name_is_explained_under_cursor_and_pointer(playground):
    page = playground({"f": "softplus(x[0]) + abs(x[1])"}).page

    page.focus("#f")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#f-help")).to_have_text("softplus(x): log(1 + exp(x)), accurate at both tails")
    for _ in range(18):
        page.keyboard.press("ArrowRight")

    expect(page.locator("#f-help")).to_have_text(
        "abs(x): absolute value; 0 at 0; second derivatives there are 0"
    )


def test_a_functions_name_is_explained_under_the_pointer(playground):
    page = playground({"f": "softplus(x[0]) + abs(x[1])"}).page

    page.locator("#f").hover(position={"x": 40, "y": 20})

    expect(page.locator("#f-help")).to_contain_text("softplus(x): log(1 + exp(x))")


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_functions_are_a_page_in_a_browser(visit, keep, axe, size, scheme):
    page = visit("/functions", viewport=size, color_scheme=scheme).page

    for row in describe_operations():
        assert page.get_by_text(row["signature"], exact=True).count() >= 1
    expect(page.get_by_text("gradient_descent", exact=True)).to_be_visible()
    meaning = page.locator(".reference td:nth-child(2)").first.bounding_box()
    assert meaning["x"] + meaning["width"] <= size["width"]  # read without moving the table aside
    assert_it_fits(page)
    assert_nothing_hinders(page, axe)
    keep(page, f"page-functions-{size['width']}-{scheme}")


def test_a_program_gets_the_functions_as_json(client):
    answer = client.get("/functions", headers={"Accept": "*/*"})

    assert answer.content_type == "application/json"
    assert answer.json["functions"]


FAULTS = [
    ("f", "x[0] + sqare(x[1])", "#f-fault", "知らない関数です: sqare"),
    ("f", "x[0] +", "#f-fault", "関数が途中で終わっています。"),
    ("rate", "-1", "#rate-fault", "許される範囲の値ではありません: -1"),
]


@pytest.mark.parametrize(("field", "text", "place", "said"), FAULTS)
def test_faults_are_said_in_japanese_with_the_services_sentence(playground, field, text, place, said):
    found = playground(locale="ja-JP")
    found.expect("422")
    page = found.page

    page.fill(f"#{field}", text)

    expect(page.locator(f"{place} p").first).to_have_text(said)
    expect(page.locator(f"{place} p[lang=en]")).not_to_be_empty()


def test_every_code_that_is_said_in_japanese_is_one_of_the_services():
    table = (WEB / "faults-ja.js").read_text(encoding="utf-8")
    codes = set(re.findall(r'^  "?([a-z-]+)"?: "', table, re.M))

    assert codes <= set(MESSAGES)
