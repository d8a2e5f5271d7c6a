"""A service that is out of reach for a while: the page says so, and goes on when it is back."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_late import OTHER


@pytest.fixture
def cut_off(playground):
    """A page whose reader wrote another function while the service was out of reach, which it is no more."""
    found = playground()
    page = found.page
    found.expect("Failed to load resource")
    page.route("**/gradient/field", lambda route: route.abort())

    page.fill("#f", OTHER)

    expect(page.locator("#f-fault")).to_contain_text("cannot be reached")
    page.unroute("**/gradient/field")
    return found


def test_run_brings_back_landscape_and_path(cut_off):
    page = cut_off.page

    with page.expect_response("**/gradient/field"):
        page.click("#run")

    expect(page.locator("#f-fault")).to_be_empty()
    expect(page.locator("#figures")).to_contain_text("(−6.111e−10, 2.613e−22)")


def test_a_move_of_the_plane_does_as_well(cut_off):
    page = cut_off.page

    with page.expect_response("**/descent"):
        page.click("#zoom-in")

    expect(page.locator("#f-fault")).to_be_empty()
    expect(page.locator("#figures")).to_contain_text("(−6.111e−10, 2.613e−22)")
