"""Paths that move: played, stepped through and scrubbed, with the forces at each step."""

from playwright.sync_api import expect

from tests.browser.test_speed import TRIES
from tests.browser.visit import ROSENBROCK

MOMENTUM = ROSENBROCK | {"optimizer": "momentum", "rate": "0.0005", "steps": "1000"}

FORCES = [11, 93, 51], [138, 63, 252], [22, 22, 22]
"""Colours of the arrows: the gradient's, that of momentum and the step's."""

PLAY_AND_PAUSE = """
async () => {
  const [play, text] = ["play", "moment-text"].map((id) => document.getElementById(id));
  play.click();
  const label = play.getAttribute("aria-label");
  while (text.textContent.startsWith("Step 0 ")) {
    await new Promise(requestAnimationFrame);
  }
  play.click();
  return label;
}
"""
"""Both presses in the page, since it plays for seconds alone, however slowly this process gets its turn."""

FRAMES = """
async () => {
  document.getElementById("play").click();
  const took = [];
  let last = await new Promise(requestAnimationFrame);
  for (let turn = 0; turn < 90; turn++) {
    const now = await new Promise(requestAnimationFrame);
    took.push(now - last);
    last = now;
  }
  document.getElementById("play").click();
  return took.sort((a, b) => a - b)[45];
}
"""


def test_a_path_is_stepped_through_with_the_arrows_of_its_forces(playground, keep):
    found = playground(MOMENTUM)
    page = found.page
    fields = len(found.posts("/gradient/field"))

    page.locator("#moment").fill("9")

    expect(page.locator("#moment-text")).to_have_text("Step 9 of 1000")
    expect(page.locator("#forces")).to_be_visible()
    for arrow in FORCES:
        found.wait_for_colour("#plane", arrow, 20)
    assert len(found.posts("/gradient/field")) == fields + 1

    page.click("#step-on")
    expect(page.locator("#moment-text")).to_have_text("Step 10 of 1000")
    page.click("#step-back")
    page.click("#step-back")
    expect(page.locator("#moment-text")).to_have_text("Step 8 of 1000")
    assert len(found.posts("/gradient/field")) == fields + 1
    keep(page, "motion", full_page=True)


def test_it_plays_from_the_start_pauses_and_is_moved_by_keys(playground):
    page = playground(MOMENTUM).page

    assert page.evaluate(PLAY_AND_PAUSE) == "Pause"

    expect(page.locator("#play")).to_have_attribute("aria-label", "Play")
    step = int(page.input_value("#moment"))
    assert 0 < step < 1000
    page.focus("#moment")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#moment-text")).to_have_text(f"Step {step + 1} of 1000")


def test_who_wants_no_motion_sees_single_steps(playground):
    found = playground(MOMENTUM, reduced_motion="reduce")
    page = found.page
    found.note("#moment-text")

    page.click("#play")
    found.wait_for_noted("Step 3 of 1000")

    times, texts = zip(*page.evaluate("noted"), strict=True)
    assert texts == tuple(f"Step {step} of 1000" for step in range(len(texts)))
    assert times[-1] - times[0] > 300 * (len(times) - 1)  # twice that, if nothing held up the first


def test_momentum_has_a_slider_beside_its_optimizer(playground):
    page = playground().page
    expect(page.locator("#momentum-slider")).to_be_hidden()

    with page.expect_request("**/descent"):
        page.select_option("#optimizer", "momentum")
    with page.expect_request("**/descent") as asked:
        page.locator("#momentum-slider").fill("0.5")

    assert asked.value.post_data_json["momentum"] == 0.5
    expect(page.locator("#momentum")).to_have_value("0.5")


def test_four_runs_of_a_thousand_steps_play_smoothly(playground):
    page = playground(ROSENBROCK | {"show": "sweep", "rates": "0.0002,0.0005,0.001,0.0015"}).page
    expect(page.locator("#sweep tbody tr")).to_have_count(4)

    found = []
    for _ in range(TRIES):
        found.append(page.evaluate(FRAMES))
        if found[-1] < 17.5:
            break

    assert min(found) < 17.5, found  # 60 frames a second
