"""Softmax and loss on the page, against plain Python."""

import math

import pytest
from playwright.sync_api import expect

BARS = "(bars) => bars.map((bar) => Number(bar.lastElementChild.textContent.replaceAll('−', '-')))"


@pytest.fixture
def probabilities(visit):
    """Open the second tab, and wait for its numbers."""

    def begin(**setting):
        parts = "&".join(f"{name}={value}" for name, value in setting.items())
        found = visit(f"/#tab=probabilities&{parts}")
        expect(found.page.locator("#loss-value")).not_to_be_empty()
        return found

    return begin


def bars(page, kind):
    return page.locator(f".bar.{kind}").evaluate_all(BARS)


def softmax(logits):
    powers = [math.exp(logit - max(logits)) for logit in logits]
    return [power / sum(powers) for power in powers]


def test_the_seeds_softmax_stands_in_bars(probabilities):
    page = probabilities().page

    assert bars(page, "probability") == [0.01821, 0.2452, 0.7366]
    widths = page.locator(".bar.probability .fill").evaluate_all(
        "(all) => all.map((each) => each.style.width)"
    )
    assert float(widths[2].rstrip("%")) == pytest.approx(73.66, abs=0.01)


def test_cross_entropy_and_its_gradient_are_of_the_right_class(probabilities):
    page = probabilities(label=1).page
    shares = softmax([0.3, 2.9, 4.0])

    expect(page.locator("#loss-value")).to_have_text(f"Loss {-math.log(shares[1]):.6g}")
    expected = [share - (index == 1) for index, share in enumerate(shares)]
    assert bars(page, "slope") == pytest.approx(expected, abs=1e-4)


def test_a_slider_a_temperature_and_a_label_move_everything(probabilities):
    found = probabilities()
    page = found.page

    page.get_by_role("slider", name="Logit of class 0").fill("6")
    page.fill("#temperature", "2")
    page.get_by_label("Class 0", exact=True).check()

    shares = softmax([3, 1.45, 2])
    expect(page.locator("#loss-value")).to_have_text(f"Loss {-math.log(shares[0]):.6g}")
    assert bars(page, "probability") == pytest.approx(shares, abs=1e-4)
    assert found.posts("/softmax")[-1] == {"x": [6, 2.9, 4], "temperature": 2}
    assert page.locator("#softmax-command pre").inner_text().endswith('{"x":[6,2.9,4],"temperature":2}\'')


def test_a_logit_that_is_no_number_is_marked_until_it_is_replaced(probabilities):
    page = probabilities().page
    logit = page.get_by_role("textbox", name="Logit of class 0")

    logit.fill("1,5")
    expect(logit).to_have_attribute("aria-invalid", "true")
    page.get_by_role("slider", name="Logit of class 1").fill("6")

    expect(logit).to_have_value("0.3")
    expect(logit).not_to_have_attribute("aria-invalid", "true")


@pytest.mark.parametrize(("text", "said"), [("-1", "Must be above 0, got -1."), ("1,5", "Write a number.")])
def test_a_temperature_that_is_none_is_refused_at_its_field(probabilities, text, said):
    found = probabilities()
    found.expect("422")
    page = found.page

    page.fill("#temperature", text)

    expect(page.locator("#temperature-fault")).to_have_text(said)
    expect(page.locator("#temperature")).to_have_attribute("aria-invalid", "true")
    page.fill("#temperature", "2")
    expect(page.locator("#temperature-fault")).to_be_empty()


def test_another_loss_is_of_the_probabilities(probabilities):
    page = probabilities().page

    page.select_option("#loss", "half_squared_error")

    shares = softmax([0.3, 2.9, 4.0])
    loss = sum((share - (index == 2)) ** 2 / 2 for index, share in enumerate(shares))
    expect(page.locator("#loss-value")).to_have_text(f"Loss {loss:.6g}")
    expect(page.locator("#gradient-of")).to_have_text("Gradient of the loss by probability")


def test_classes_come_and_go_within_bounds(probabilities):
    page = probabilities(logits="1,2,3,4,5,6,7,8,9", label=8).page

    page.click("#add-class")
    expect(page.locator("#classes > div")).to_have_count(10)
    expect(page.locator("#add-class")).to_be_disabled()
    for _ in range(8):
        page.click("#remove-class")

    expect(page.locator("#classes > div")).to_have_count(2)
    expect(page.locator("#remove-class")).to_be_disabled()
    expect(page.get_by_label("Class 1", exact=True)).to_be_checked()
    expect(page.locator("#loss-value")).to_have_text(f"Loss {math.log1p(math.exp(-1)):.6g}")


@pytest.mark.parametrize("key", ["ArrowRight", "ArrowLeft"])
def test_every_key_press_moves_the_temperature(visit, key):
    page = visit("/#tab=probabilities").page
    expect(page.locator("#loss-value")).not_to_be_empty()

    page.focus("#temperature-slider")
    seen = {"1"}
    for _ in range(5):
        page.keyboard.press(key)
        seen.add(page.input_value("#temperature"))

    assert len(seen) == 6
