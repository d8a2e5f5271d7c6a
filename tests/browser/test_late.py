"""Answers that come late: the reader has gone on, and they still belong to what was asked."""

from urllib.parse import urlencode

import pytest
from playwright.sync_api import expect

from tests.browser.test_motion import FORCES, MOMENTUM
from tests.browser.visit import HEAVY

LONG = {"f": HEAVY, "method": "central", "rate": "1e-7", "steps": "100000"}

OTHER = "a**2 + 2*b**2"
"""A function that has no variable in common with those of the examples."""


@pytest.fixture
def hold():
    """Let the requests to a path of a page wait, and let go the first of them.

    That a request is seen does not say yet that it is held.
    """

    def begin(found, path):
        held = []
        found.page.route(path, lambda route: held.append(route))

        def let_go():
            found.wait_until(lambda: held, f"a request to {path} is held")
            held.pop(0).continue_()

        return let_go

    return begin


def test_a_run_is_shown_as_that_of_the_function_it_was_asked_for(playground, hold):
    found = playground()
    page = found.page
    let_run_go, _ = hold(found, "**/descent"), hold(found, "**/gradient/field")
    with page.expect_request("**/descent"):
        page.fill("#rate", "0.2")
    with page.expect_request("**/gradient/field"):
        page.fill("#f", OTHER)

    let_run_go()
    found.wait_for_result()

    expect(page.locator("#figures")).to_contain_text("(−1.96e−22, 2.613e−22)")
    expect(page.locator("#descent-card [data-fault]:not(:empty)")).to_have_count(0)


def test_the_arrows_of_a_path_are_those_of_the_function_it_was_asked_for(playground, hold):
    found = playground(MOMENTUM)
    page = found.page
    let_field_go = hold(found, "**/gradient/field")
    with page.expect_request("**/gradient/field"):
        page.locator("#moment").fill("9")
    with page.expect_request("**/gradient/field"):
        page.fill("#f", OTHER)

    let_field_go()

    for arrow in FORCES:
        found.wait_for_colour("#plane", arrow, 20)


def test_a_long_run_goes_on_with_its_function_while_one_writes_another(visit, hold):
    found = visit(f"/#{urlencode(LONG)}")
    page = found.page
    expect(page.locator("#progress")).to_be_visible()
    hold(found, "**/gradient/field")

    with page.expect_request("**/gradient/field"):
        page.fill("#f", OTHER)
    with page.expect_request("**/descent") as asked:
        pass

    assert asked.value.post_data_json["function"] == LONG["f"]


def test_rates_that_cannot_be_read_end_what_is_under_way(visit):
    page = visit(f"/#{urlencode(LONG)}").page
    expect(page.locator("#progress")).to_be_visible()

    page.fill("#rates", "0.1; 0.2")

    expect(page.locator("#rates-fault")).to_contain_text("separated by commas")
    expect(page.locator("#progress")).to_be_hidden()
    expect(page.locator("#stop")).to_be_disabled()
