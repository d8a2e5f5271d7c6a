"""Descent on the page: every option, its course in words, live progress, and learning rates side by side."""

import json
import re
import shlex
import subprocess

import pytest
from playwright.sync_api import expect

from service.core.descent import OPTIMIZERS
from tests.browser.visit import HEAVY


def asked_by(page, act, path="**/descent"):
    """Do something, and return the request that it leads to."""
    with page.expect_request(path) as asked:
        act()
    return asked.value.post_data_json


def test_every_control_stands_in_the_request(playground):
    page = playground().page
    last = {}

    for act, expected in (
        (lambda: page.fill("#start-0", "-2.5"), {"variables": {"x": [-2.5, 4]}}),
        (lambda: page.fill("#start-1", "1e-1"), {"variables": {"x": [-2.5, 0.1]}}),
        (lambda: page.select_option("#optimizer", "momentum"), {"optimizer": "momentum"}),
        (lambda: page.fill("#rate", "0.05"), {"learning_rate": 0.05}),
        (lambda: page.fill("#steps", "250"), {"steps": 250}),
        (lambda: page.select_option("#method", "central"), {"method": "central"}),
        (
            lambda: page.fill("#momentum", "0.8"),
            {"momentum": 0.8},
        ),
        (
            lambda: page.get_by_text("More options").click() or page.fill("#h", "1e-5"),
            {"h": 1e-5},
        ),
        (lambda: page.fill("#tolerance", "0.001"), {"tolerance": 0.001}),
    ):
        last = asked_by(page, act)
        assert expected.items() <= last.items()

    assert last["history"] == 1000
    expect(page.locator("#status")).to_contain_text("Converged after")


@pytest.mark.parametrize("optimizer", [name for name in OPTIMIZERS if name != "gradient_descent"])
def test_every_optimizer_comes_down(playground, optimizer):
    found = playground()
    page = found.page

    asked = found.ask(lambda: page.select_option("#optimizer", optimizer))

    assert asked["optimizer"] == optimizer
    is_rule = OPTIMIZERS[optimizer].stepper == "rule"
    said = "All 100 steps were run." if is_rule else "Converged after"
    expect(page.locator("#status")).to_contain_text(said)


def test_only_the_options_that_count_are_shown(playground):
    page = playground({"optimizer": "adam", "method": "exact"}).page
    expect(page.locator("#momentum")).to_be_hidden()
    page.get_by_text("More options").click()

    expect(page.locator("#tolerance")).to_be_visible()
    expect(page.locator("#h")).to_be_hidden()
    page.select_option("#optimizer", "nesterov")
    page.select_option("#method", "forward")

    expect(page.locator("#momentum")).to_be_visible()
    expect(page.locator("#h")).to_be_visible()


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"start": "0,0"}, "At rest after 0 steps: the gradient is exactly 0. This is a minimum."),
        ({"f": "x[0]**2 - x[1]**2", "start": "1,0", "tolerance": "1e-6"}, "This is a saddle, not a minimum."),
        ({"tolerance": "1e-6"}, "This is a minimum."),
    ],
)
def test_a_place_where_a_run_comes_to_rest_is_told(playground, setting, said):
    page = playground(setting).page

    expect(page.locator("#status")).to_contain_text(said)


def test_a_flag_of_an_optimizer_is_switched_on(playground):
    found = playground({"rate": "10"})
    page = found.page
    expect(page.locator("#status")).to_contain_text("Diverged")

    asked = found.ask(lambda: page.select_option("#line_search", "true"))

    assert asked["line_search"] is True
    expect(page.locator("#status")).to_contain_text("All 100 steps were run.")
    page.select_option("#optimizer", "momentum")
    expect(page.locator("#line_search")).to_be_hidden()


def test_a_run_goes_on_for_as_many_steps_as_if_it_had_never_ended(playground):
    found = playground({"optimizer": "momentum", "rate": "0.01"})
    page = found.page

    page.click("#go-on")

    expect(page.locator("#status")).to_have_text("All 200 steps were run.")
    expect(page.locator("#moment-text")).to_have_text("Step 200 of 200")
    twice = playground({"optimizer": "momentum", "rate": "0.01", "steps": "200"}).page
    assert page.locator("#figures").inner_text() == twice.locator("#figures").inner_text()


def test_a_value_that_rises_is_said_first_and_in_red_with_the_services_message(playground):
    page = playground({"rate": "1.05", "steps": "50"}).page

    expect(page.locator("#status")).to_contain_text("The value rose from 25 to")
    expect(page.locator("#status")).to_have_attribute("data-status", "rising")
    expect(page.locator("#message")).to_contain_text("The value rose from 25 to")


def test_a_learning_rate_too_large_is_seen_to_diverge(playground):
    page = playground().page

    page.fill("#rate", "10")

    expect(page.locator("#status")).to_have_text("Diverged after 5 steps.")
    expect(page.locator("#status")).to_have_attribute("data-status", "diverged")


def test_the_slider_sets_the_learning_rate_on_a_logarithmic_scale(playground):
    page = playground().page

    asked = asked_by(page, lambda: page.locator("#rate-slider").fill("-2"))

    assert asked["learning_rate"] == 0.01
    expect(page.locator("#rate")).to_have_value("0.01")
    expect(page.locator("#rate-slider")).to_have_attribute("aria-valuetext", "0.01")


@pytest.mark.parametrize("rate", ["0.1", "0.01", "0.001", "1"])
@pytest.mark.parametrize(("key", "grows"), [("ArrowRight", True), ("ArrowLeft", False)])
def test_every_key_press_moves_the_learning_rate(playground, rate, key, grows):
    page = playground({"rate": rate}).page

    page.focus("#rate-slider")
    seen = [float(rate)]
    for _ in range(5):
        page.keyboard.press(key)
        seen.append(float(page.input_value("#rate")))

    assert seen == sorted(seen, reverse=not grows)
    assert len(set(seen)) == len(seen)


@pytest.mark.parametrize(
    ("field", "text", "said"),
    [
        ("rate", "-1", "above 0"),
        ("rate", "fast", "Write a number."),
        ("steps", "100001", "100,000"),
        ("steps", "2.5", "whole number"),
        ("start-0", "", "Write a number."),
        ("rates", "0.1; 0.2", "separated by commas"),
    ],
)
def test_a_refusal_stands_at_its_field(playground, field, text, said):
    found = playground()
    found.expect("422")
    page = found.page

    page.fill(f"#{field}", text)

    place = page.locator(f"#{field.removesuffix('-0').removesuffix('-1')}-fault")
    expect(place).to_contain_text(said)
    expect(page.locator(f"#{field}")).to_have_attribute("aria-invalid", "true")


@pytest.mark.parametrize(
    ("field", "text"), [("rate", "0,05"), ("steps", "100,000"), ("start-1", "four"), ("weight_decay", "1%")]
)
def test_a_text_that_is_no_number_stays_with_its_fault_and_is_not_run_over(playground, field, text):
    found = playground()
    page = found.page
    place = page.locator(f"#{'start' if field == 'start-1' else field}-fault")
    page.fill(f"#{field}", text)
    page.locator("#f").focus()
    sent = len(found.posts("/descent"))

    page.click("#run")

    expect(page.locator(f"#{field}")).to_be_focused()
    expect(page.locator(f"#{field}")).to_have_value(text)
    expect(place).to_have_text("Write a number.")
    page.wait_for_timeout(300)
    assert len(found.posts("/descent")) == sent

    found.ask(lambda: page.select_option("#optimizer", "momentum"))

    expect(page.locator(f"#{field}")).to_have_value(text)
    expect(page.locator(f"#{field}")).to_have_attribute("aria-invalid", "true")
    expect(place).to_have_text("Write a number.")

    found.ask(lambda: page.fill(f"#{field}", "2"))

    expect(place).to_be_empty()
    expect(page.locator(f"#{field}")).not_to_have_attribute("aria-invalid", "true")


def test_a_slider_writes_over_a_text_that_is_no_number(playground):
    found = playground()
    page = found.page
    page.fill("#rate", "0,05")

    found.ask(lambda: page.press("#rate-slider", "ArrowRight"))

    expect(page.locator("#rate")).to_have_value("0.105")
    expect(page.locator("#rate-fault")).to_be_empty()


def test_a_fault_of_one_rate_in_many_stands_at_the_rates(playground):
    found = playground()
    found.expect("422")
    page = found.page

    page.fill("#rates", "0.1, -1")

    expect(page.locator("#rates-fault")).to_contain_text("above 0")
    expect(page.locator("#rate-fault")).to_be_empty()


def test_one_fault_is_said_once(playground):
    found = playground()
    found.expect("422")
    page = found.page

    page.fill("#f", "x[0] +")
    expect(page.locator("#f-fault")).to_contain_text("ends here")
    found.ask(lambda: page.click("#run"))

    assert (
        page.locator("[data-fault] p").all_inner_texts().count(page.locator("#f-fault p").inner_text()) == 1
    )


def test_what_a_method_refuses_is_said_with_its_column(playground):
    found = playground({"f": "abs(x[0]) + x[1]**2"})
    found.expect("422")

    found.page.select_option("#method", "complex_step")

    expect(found.page.locator("#descent-card")).to_contain_text("'abs' is not complex-analytic")


def test_a_long_run_shows_its_progress_and_can_be_stopped(playground):
    found = playground()
    page = found.page
    body = asked_by(page, lambda: page.fill("#f", HEAVY))  # the new function is checked, and a run follows
    assert body["function"] == HEAVY
    page.select_option("#method", "central")
    page.fill("#rate", "1e-7")
    page.fill("#steps", "100000")

    expect(page.locator("#progress")).to_be_visible()
    expect(page.locator("#status")).to_contain_text("of 100000")
    first = float(page.locator("#progress").evaluate("(bar) => bar.value"))
    found.wait("(first) => document.getElementById('progress').value > first", first)
    page.click("#stop")

    expect(page.locator("#status")).to_contain_text("Stopped by you after")
    expect(page.locator("#progress")).to_be_hidden()
    expect(page.locator("#stop")).to_be_disabled()
    expect(page.locator("#figures")).to_contain_text("Last point")
    done = int(re.search(r"after (\d+) steps", page.locator("#status").inner_text())[1])
    rest = asked_by(page, lambda: page.click("#go-on"))
    assert rest["steps"] == 100_000 - done
    assert rest["state"]
    found.wait("(done) => document.getElementById('progress').value > done / 1e5", done)
    page.click("#stop")
    expect(page.locator("#status")).to_contain_text("Stopped by you after")


def test_learning_rates_are_compared_as_paths_with_verdicts(playground):
    found = playground()
    page = found.page
    page.fill("#rates", "0.01, 0.1, 1, 10")
    expect(page.locator("#sweep tbody tr")).to_have_count(4)

    body = found.ask(lambda: page.click("#compare"), "**/descent/sweep")

    assert body["learning_rates"] == [0.01, 0.1, 1, 10]
    assert "learning_rate" not in body
    expect(page.locator("#status")).to_have_text("4 learning rates compared; the best is 0.1.")
    rows = [row.split("\t") for row in page.locator("#sweep tbody").inner_text().split("\n")]
    assert [row[2] for row in rows] == ["improving", "improving", "oscillating", "diverged"]
    assert [row[3] for row in rows] == ["101", "101", "101", "6"]
    expect(page.locator("#sweep tr.best")).to_contain_text("0.1")


def test_a_run_takes_the_place_of_a_comparison(playground):
    page = playground({"show": "sweep"}).page
    expect(page.locator("#sweep")).to_be_visible()

    page.click("#run")

    expect(page.locator("#sweep")).to_be_hidden()
    expect(page.locator("#figures")).to_contain_text("Last point")


@pytest.mark.parametrize("show", ["run", "sweep"])
def test_the_command_is_the_very_request_and_works(playground, show):
    found = playground({"show": show, "f": "y = x[0]**2\ny + x[1]**2", "rates": "0.01,0.2"})
    page = found.page
    path = "/descent" if show == "run" else "/descent/sweep"

    words = shlex.split(page.locator("#descent-command pre").inner_text())
    done = subprocess.run([words[0], "-s", *words[1:]], capture_output=True, check=True, timeout=30)

    assert words[1] == f"{found.base}{path}"
    assert json.loads(words[words.index("-d") + 1]) == found.posts(path)[-1]
    answer = json.loads(done.stdout)
    assert (answer if show == "run" else answer["runs"][0])["status"] == "max_steps"


def test_the_command_is_copied(playground):
    found = playground()
    found.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = found.page
    found.note("#descent-command button")

    page.locator("#descent-command button").click()

    found.wait_for_noted("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#descent-command pre").inner_text()


def test_a_link_holds_the_whole_setting(playground, visit):
    found = playground()
    found.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = found.page
    page.select_option("#example", "himmelblau")
    page.select_option("#optimizer", "adam")
    page.fill("#steps", "77")
    page.select_option("#arrows", "down")
    page.get_by_role("button", name="Zoom in").click()
    found.note("#copy-link")
    page.click("#copy-link")
    found.wait_for_noted("Copied")
    link = page.evaluate("navigator.clipboard.readText()")

    other = visit(link.removeprefix(found.base))
    other.wait_for_picture()

    for control in (
        "#f",
        "#example",
        "#optimizer",
        "#steps",
        "#arrows",
        "#rate",
        "#start-0",
        "#start-1",
        "#rates",
    ):
        assert other.page.input_value(control) == page.input_value(control), control
    for path in ("/gradient/field", "/descent"):
        found.wait_for_post(path, other.posts(path)[-1])


@pytest.mark.parametrize(
    "fragment", ["f=%", "steps=x&rate=&cx=1e400&tab=nowhere", "f=x[0]**2&span=-5&start=1", "🙂"]
)
def test_a_broken_link_shows_what_can_be_read_of_it(visit, fragment):
    found = visit()
    found.expect("422")
    page = found.open(f"/#{fragment}")

    expect(page.locator("#steps")).to_have_value("100")
    expect(page.locator("#tab-landscape")).to_have_attribute("aria-selected", "true")
