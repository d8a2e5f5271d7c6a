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
