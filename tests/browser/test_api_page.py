"""The API page, and failures as a person meets them."""

import re

import pytest
from playwright.sync_api import expect


def test_the_api_page_lists_every_operation_and_tries_one_here(visit):
    found = visit("/docs")
    page = found.page
    documented = page.evaluate("async () => Object.keys((await (await fetch('/openapi.json')).json()).paths)")
    paths = page.locator(".opblock-summary-path")

    def shown():
        return {re.sub(r"[\u200b\s]", "", path) for path in paths.all_inner_texts()}

    found.wait_until(lambda: shown() == set(documented), "every operation is listed")

    page.locator("#operations-compute-softmax .opblock-summary-control").click()
    page.locator("#operations-compute-softmax .execute").click()

    answer = page.locator("#operations-compute-softmax .live-responses-table")
    expect(answer.locator(".response-col_status").last).to_contain_text("200")
    expect(answer).to_contain_text('"y"')
    assert found.posts("/softmax")


def test_each_try_out_has_a_request_id_of_its_own(visit):
    found = visit("/docs#/compute/softmax")
    page = found.page
    operation = page.locator("#operations-compute-softmax")

    ids = []
    for _ in range(2):
        with page.expect_response("**/softmax") as answered:
            operation.locator(".execute").click()
        ids.append(answered.value.headers["x-request-id"])

    assert ids[0] != ids[1]


@pytest.mark.parametrize("script", ["web/docs.js", "docs/swagger-ui-bundle.js"])
def test_a_script_that_does_not_load_is_said_on_the_api_page(visit, script):
    found = visit()
    found.expect("Failed to load resource")
    found.expect("SwaggerUIBundle is not defined")
    found.page.route(f"**/{script}", lambda route: route.abort())
    page = found.open("/docs")

    expect(page.locator("#unloaded")).to_be_visible()
    expect(page.locator("#unloaded")).to_contain_text("reload the page")


def test_a_computation_opened_in_a_browser_leads_to_where_it_is_tried(visit):
    found = visit()
    found.expect("405")
    page = found.open("/gradient")

    expect(page.get_by_role("heading", level=1)).to_have_text("The path does not take this method")
    page.get_by_role("link", name="Try it on the API page").click()

    expect(page.locator("#operations-compute-gradient .execute")).to_be_visible()


@pytest.mark.parametrize("path", ["/nowhere", "/problems/nothing"])
def test_an_unknown_path_leads_back_to_the_playground(visit, path):
    found = visit()
    found.expect("404")
    page = found.open(path)

    expect(page.get_by_role("heading", level=1)).to_have_text("There is no such page")
    page.get_by_role("link", name="The playground").click()
    expect(page.locator("#plane")).to_be_visible()
    found.wait_for_picture()


def test_the_codes_of_problems_are_read_one_by_one(visit):
    page = visit("/problems").page

    page.get_by_role("link", name="over-budget").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("The request would cost too much")
