"""The landscape: a function as text becomes a picture that hands and keys move."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.visit import PHONE

FUNCTIONS = ["bowl", "rosenbrock", "himmelblau", "beale", "rastrigin", "ackley", "saddle"]

COLOURS = """
(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const found = new Set();
  for (let at = 0; at < data.length; at += 4) {
    found.add((data[at] << 16) | (data[at + 1] << 8) | data[at + 2]);
  }
  return found.size;
}
"""

PINCH = (
    ("touchStart", ((300, 450), (380, 450))),
    ("touchMove", ((280, 450), (400, 450))),
    ("touchMove", ((240, 450), (440, 450))),
    ("touchEnd", ()),
)


def span_of(body):
    """Width of the window that a field was asked for."""
    across = [x for x, _ in body["points"]["x"]]
    return max(across) - min(across)


def test_a_newcomer_sees_the_seeds_function_from_one_request(playground):
    found = playground()
    page = found.page

    expect(page.locator("#f")).to_have_value("x[0]**2 + x[1]**2")
    expect(page.locator("#figures")).to_contain_text("(−6.111e−10, 8.148e−10)")
    assert len(found.posts("/gradient/field")) == 1
    assert page.locator("#plane").evaluate(COLOURS) > 100


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_example_has_its_landscape_and_a_descent_that_comes_down(playground, name):
    found = playground()
    page = found.page

    page.select_option("#example", "own")
    with page.expect_request("**/descent") as asked:
        page.select_option("#example", name)
    body = asked.value.post_data_json
    expect(page.locator("#result-card[aria-busy=false] #figures")).to_contain_text("at step")

    assert page.input_value("#f") == body["function"]
    expect(page.locator("#f-fault")).to_be_empty()
    assert page.locator("#plane").evaluate(COLOURS) > 100
    first, last = page.evaluate(
        """async (body) => {
          const answer = await (await fetch("descent", {
            method: "POST", headers: {"Content-Type": "application/json"}, body: JSON.stringify(body)
          })).json();
          return [answer.history[0].value, answer.value];
        }""",
        body,
    )
    assert last < first


def test_a_fault_is_marked_under_the_text_while_one_types(playground):
    found = playground()
    found.expect("422")
    page = found.page

    page.fill("#f", "x[0]**2 + * x[1]")
    marked = page.locator("#f-fault pre")
    expect(marked).to_be_visible()
    text, caret = marked.inner_text().split("\n")

    assert text == "x[0]**2 + * x[1]"
    assert caret.index("^") == text.index("* x[1]")
    expect(page.locator("#f-fault p")).to_contain_text("column 11")
    expect(page.locator("#f")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#example")).to_have_value("own")

    page.fill("#f", "x[0]**2 + 3*x[1]**2")

    expect(page.locator("#f-fault")).to_be_empty()
    expect(page.locator("#f")).not_to_have_attribute("aria-invalid", "true")
    expect(page.locator("#status")).not_to_be_empty()


def test_a_fault_in_a_later_line_shows_that_line(playground):
    found = playground()
    found.expect("422")

    found.page.fill("#f", "y = x[0]**2\ny + sqare(x[1])")

    expect(found.page.locator("#f-fault pre")).to_have_text("y + sqare(x[1])\n    ^")


def test_a_window_without_finite_values_says_so_and_another_shows_the_function(visit):
    found = visit()
    page = found.open("/#f=log(x[0])%2Bx[1]&start=2,1&cx=-5&cy=0&span=2")
    expect(page.locator("#f-fault")).to_contain_text("Nowhere in this window")

    page.evaluate("location.hash = location.hash.replace('cx=-5', 'cx=5')")

    expect(page.locator("#f-fault")).to_be_empty()


def test_an_address_of_the_readers_counts_though_the_page_writes_its_own_over_it(playground):
    page = playground().page

    page.evaluate("location.hash = 'f=x[0]**4'; history.replaceState(null, '', '#f=x[0]**2')")

    expect(page.locator("#f")).to_have_value("x[0]**4")


@pytest.mark.parametrize("function", ["log(x[0]) + x[1]**2", "sqrt(x[0]*x[1])"])
def test_points_without_a_finite_value_are_hatched_and_the_others_are_shown(playground, keep, function):
    found = playground({"f": function, "start": "2,1", "arrows": "gradient"})
    page = found.page

    expect(page.locator("#f-fault")).to_be_empty()
    assert page.locator("#plane").evaluate(COLOURS) > 100
    box = page.locator("#plane").bounding_box()
    page.locator("#plane").hover(position={"x": 0.2 * box["width"], "y": 0.3 * box["height"]})
    expect(page.locator("#readout")).to_have_text(re.compile(r"^\([^≈]+\)$"))
    page.locator("#plane").hover(position={"x": 0.7 * box["width"], "y": 0.3 * box["height"]})
    expect(page.locator("#readout")).to_contain_text("≈")
    keep(page, f"hatched-{function[:3]}")


def test_arrows_come_and_go_without_a_further_request(playground):
    found = playground()
    page = found.page
    plain = found.picture("#plane")

    page.select_option("#arrows", "gradient")
    uphill = found.wait_for_another_picture("#plane", plain)
    page.select_option("#arrows", "down")
    found.wait_for_another_picture("#plane", uphill)
    page.select_option("#arrows", "none")

    found.wait_until(lambda: found.picture("#plane") == plain, "the picture without arrows")
    assert len(found.posts("/gradient/field")) == 1


def test_the_wheel_zooms_to_where_it_points(playground):
    found = playground()
    page = found.page
    box = page.locator("#plane").bounding_box()

    page.mouse.move(box["x"] + box["width"] * 0.75, box["y"] + box["height"] / 2)
    with page.expect_response("**/gradient/field"):
        page.mouse.wheel(0, -400)
    found.wait_for_setting("span", "Number(text) < 10")

    assert float(found.setting["cx"]) > 0
    before, after = found.posts("/gradient/field")[0], found.posts("/gradient/field")[-1]
    assert span_of(after) < span_of(before)


def test_two_fingers_zoom(playground):
    found = playground(has_touch=True)
    page = found.page
    session = found.context.new_cdp_session(page)

    for kind, places in PINCH:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    found.wait_for_setting("span", "Number(text) < 6")
    assert found.setting["start"] == "-3,4"


def test_a_drag_moves_the_window_and_a_click_sets_the_start(playground):
    found = playground()
    page = found.page
    box = page.locator("#plane").bounding_box()
    left, top = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(left + 60, top + 30, steps=4)
    page.mouse.up()
    found.wait_for_setting("cx", "Number(text) < 0")
    assert found.setting["start"] == "-3,4"
    assert float(found.setting["cy"]) > 0

    with page.expect_request("**/descent") as asked:
        page.mouse.click(left, top)
    start = asked.value.post_data_json["variables"]["x"]
    found.wait_for_setting("start", "text !== '-3,4'")

    seen = found.setting
    assert start == pytest.approx([float(seen["cx"]), float(seen["cy"])], abs=0.05)
    assert page.input_value("#start-0") == str(start[0])


def test_keys_do_what_hands_do(playground):
    found = playground()
    page = found.page
    page.focus("#plane")

    page.keyboard.press("ArrowRight")
    found.wait_for_setting("cx", "Number(text) > 0")
    page.keyboard.press("+")
    found.wait_for_setting("span", "Number(text) < 10")
    page.keyboard.press("-")
    found.wait_for_setting("span", "Number(text) === 10")
    page.keyboard.press("Shift+ArrowUp")
    found.wait_for_setting("start", "Number(text.split(',')[1]) > 4")
    page.keyboard.press("0")
    found.wait_for_setting("cx", "text === '0'")
    page.keyboard.press("Enter")
    found.wait_for_setting("start", "text === '0,0'")


def test_buttons_zoom_too(playground):
    found = playground()
    page = found.page

    page.get_by_role("button", name="Zoom in").click()
    found.wait_for_setting("span", "Number(text) < 10")
    page.get_by_role("button", name="Zoom out").click()
    page.get_by_role("button", name="Zoom out").click()
    found.wait_for_setting("span", "Number(text) > 10")
    page.get_by_role("button", name="Reset the view").click()
    found.wait_for_setting("span", "Number(text) === 10")


def test_the_pointer_reads_off_point_and_value(playground):
    found = playground()
    page = found.page
    box = page.locator("#plane").bounding_box()

    page.mouse.move(box["x"] + box["width"] / 2 + 92, box["y"] + box["height"] / 2)

    expect(page.locator("#readout")).to_contain_text("≈")
    place, _, value = page.locator("#readout").inner_text().partition(" ≈ ")
    x = float(place.strip("()").split(",")[0])
    assert float(value) == pytest.approx(x**2, rel=0.01)


def test_without_the_service_the_page_says_so_and_recovers(playground):
    found = playground()
    found.expect("ERR_INTERNET_DISCONNECTED")
    page = found.page

    found.context.set_offline(True)
    page.fill("#f", "x[0]**2 + 2*x[1]**2")
    expect(page.locator("#f-fault")).to_have_text("The service cannot be reached.")
    found.context.set_offline(False)
    page.fill("#f", "x[0]**2 + 3*x[1]**2")

    expect(page.locator("#f-fault")).to_be_empty()


def swipe(found, *places):
    """Move one finger along places of the window."""
    session = found.context.new_cdp_session(found.page)
    for number, (x, y) in enumerate(places):
        kind = "touchMove" if number else "touchStart"
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y, "id": 0}]})
        found.page.wait_for_timeout(20)
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


def marker_of(page, start=(-3, 4), span=10):
    """Return the place in the window of a start that is set."""
    box = page.locator("#plane").bounding_box()
    pixels = min(box["width"], box["height"]) / span
    return box["x"] + box["width"] / 2 + start[0] * pixels, box["y"] + box["height"] / 2 - start[1] * pixels


def test_a_swipe_on_a_phone_scrolls_the_page(playground):
    found = playground(has_touch=True, viewport=PHONE)
    page = found.page
    box = page.locator("#plane").bounding_box()
    middle, low = box["x"] + box["width"] / 2, box["y"] + 0.8 * box["height"]

    swipe(found, *((middle, low - down) for down in range(0, 200, 20)))
    found.wait("window.scrollY > 50")
    assert page.input_value("#start-0") == "-3"


def test_a_swipe_that_begins_on_the_marker_drags_the_start(playground):
    found = playground(has_touch=True, viewport=PHONE)
    page = found.page
    left, top = marker_of(page)

    swipe(found, *((left + each, top + each) for each in range(0, 80, 10)))

    found.wait_for_setting("start", "text !== '-3,4'")
    assert page.evaluate("window.scrollY") == 0


def test_the_starts_marker_is_dragged(playground):
    found = playground()
    page = found.page
    left, top = marker_of(page)

    page.mouse.move(left, top)
    page.mouse.down()
    page.mouse.move(left + 50, top + 50, steps=5)
    page.mouse.up()

    found.wait_for_setting("start", "Number(text.split(',')[0]) > -2.9 && Number(text.split(',')[1]) < 3.9")
    assert found.setting["cx"] == "0"


def test_a_landscape_turns_in_three_dimensions_by_pointer_and_keys(playground):
    found = playground({"f": "x[0]**2 - x[1]**2", "start": "-2.5,0.001", "span": "6"})
    page = found.page
    flat = found.picture("#plane")

    page.click("#picture")
    expect(page.locator("#picture")).to_have_attribute("aria-pressed", "true")
    found.wait_for_setting("picture", "text === 'surface'")
    surface = found.wait_for_another_picture("#plane", flat)
    page.locator("#plane").hover()
    page.mouse.down()
    page.mouse.move(600, 600, steps=5)
    page.mouse.up()
    found.wait_for_setting("turn", "text !== '0.6,0.7'")
    dragged = found.setting["turn"]
    page.focus("#plane")
    page.keyboard.press("ArrowLeft")
    found.wait_for_setting("turn", f"text !== '{dragged}'")

    assert found.wait_for_another_picture("#plane", surface) != flat
    page.click("#picture")
    found.wait_for_setting("picture", "text === 'plane'")
    assert found.setting["start"] == "-2.5,0.001"


def test_heights_are_read_from_a_bar_and_from_the_contours(playground, keep):
    page = playground({"f": "x[0]**2 + x[1]**2"}).page

    found = page.evaluate("""async () => {
      const { labelPlaces } = await import("./web/legend.js");
      const contours = [1, 4, 9].map((level) => ({
        level,
        pixels: Array.from({ length: 40 }, (_, i) => {
          const radius = 90 * Math.sqrt(level);
          return [400 + radius * Math.cos(i / 6.4), 400 + radius * Math.sin(i / 6.4)];
        }),
      }));
      return labelPlaces(contours, { width: 800, height: 800 }).map(({ level, place }) => [level, ...place]);
    }""")
    assert [level for level, *_ in found] == [1, 4, 9]
    keep(page, "heights")
