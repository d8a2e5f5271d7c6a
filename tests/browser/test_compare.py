"""Several runs on one picture: optimizers, schedules, starts, and runs that the reader kept."""

import json
import shlex

import pytest
from playwright.sync_api import expect

from service.core.descent import OPTIMIZERS
from tests.browser.visit import ROSENBROCK

MOST_RUNS = 8


def rows_of(page):
    return [row.split("\t") for row in page.locator("#sweep tbody").inner_text().split("\n")]


def test_optimizers_are_compared_each_with_its_verdict_and_evaluations(playground, keep):
    found = playground(ROSENBROCK)
    page = found.page

    page.select_option("#against", "optimizers")

    expect(page.locator("#status")).to_contain_text("runs compared; the lowest value is that of")
    rows = rows_of(page)
    bodies = found.posts("/descent/sweep")[-len(rows) :]
    assert len(rows) == min(MOST_RUNS, len(OPTIMIZERS))
    assert len({body["optimizer"] for body in bodies}) == len(rows)
    assert all(int(evaluations) > 0 for *_, evaluations, _ in rows)
    lowest = page.locator("#sweep tr.best td").nth(1).inner_text()
    assert lowest in page.locator("#status").inner_text()
    keep(page, "compare-optimizers", full_page=True)


@pytest.mark.parametrize(
    ("against", "count", "differs"),
    [("schedules", 4, "schedule"), ("starts", MOST_RUNS, "variables")],
)
def test_schedules_and_starts_are_compared(playground, against, count, differs):
    found = playground(ROSENBROCK)

    found.page.select_option("#against", against)

    expect(found.page.locator("#sweep tbody tr")).to_have_count(count)
    bodies = found.posts("/descent/sweep")[-count:]
    assert len({str(body[differs]) for body in bodies}) == count
    assert all(body["learning_rates"] == [0.001] for body in bodies)


def test_the_command_of_a_comparison_is_all_of_its_requests(playground):
    found = playground(ROSENBROCK)
    page = found.page

    page.select_option("#against", "schedules")

    expect(page.locator("#sweep tbody tr")).to_have_count(4)
    lines = [shlex.split(line) for line in page.locator("#descent-command pre").inner_text().splitlines()]
    bodies = [json.loads(words[words.index("-d") + 1]) for words in lines]
    assert len(bodies) == 4
    assert all(body in found.posts("/descent/sweep")[-4:] for body in bodies)


def test_a_reader_keeps_runs_to_compare_and_the_link_holds_them(playground, visit):
    found = playground(ROSENBROCK)
    page = found.page
    page.click("#keep")
    expect(page.locator("#sweep tbody tr")).to_have_count(2)

    page.select_option("#optimizer", "momentum")
    page.fill("#rate", "0.0005")

    expect(page.locator("#sweep tbody tr").nth(1)).to_contain_text("momentum 0.0005")
    expect(page.locator("#sweep tbody tr").nth(0)).to_contain_text("gradient descent 0.001")
    found.wait_for_setting("rate", "text === '0.0005'")
    other = visit(page.evaluate("location.href").removeprefix(found.base)).page
    expect(other.locator("#sweep tbody tr").nth(1)).to_contain_text("momentum 0.0005")
    assert rows_of(other) == rows_of(page)


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ({"against": "kept"}, "Only one run, gradient descent 0.001. Add others to compare it with."),
        ({"rates": "0.5"}, "Only one run, 0.5. Add others to compare it with."),
    ],
)
def test_one_run_alone_is_no_comparison(playground, setting, told):
    page = playground(ROSENBROCK | setting).page

    page.click("#compare")

    expect(page.locator("#status")).to_have_text(told)


def test_the_learning_rates_field_is_shown_for_learning_rates_alone(playground):
    page = playground().page
    expect(page.locator("#rates")).to_be_visible()

    page.select_option("#against", "starts")

    expect(page.locator("#rates")).to_be_hidden()
