"""The landscape: a function as text becomes a picture that hands and keys move."""

import pytest
from playwright.sync_api import expect

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
    ("touchStart", ((300, 300), (380, 300))),
    ("touchMove", ((280, 300), (400, 300))),
    ("touchMove", ((240, 300), (440, 300))),
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

    found.page.fill("#f", "y = x[0]**2\ny + z")

    expect(found.page.locator("#f-fault pre")).to_have_text("y + z\n    ^")


def test_a_window_without_finite_values_says_so_and_another_shows_the_function(visit):
    found = visit()
    found.expect("422")
    page = found.open("/#f=log(x[0])&start=2,1&cx=0&cy=0&span=2")
    expect(page.locator("#f-fault")).to_contain_text("no finite value")

    page.evaluate("location.hash = location.hash.replace('cx=0', 'cx=5')")

    expect(page.locator("#f-fault")).to_be_empty()


def test_arrows_come_and_go_without_a_further_request(playground):
    found = playground()
    page = found.page
    plain = page.locator("#plane").evaluate("(canvas) => canvas.toDataURL()")

    page.select_option("#arrows", "gradient")
    found.wait("(plain) => document.getElementById('plane').toDataURL() !== plain", plain)
    uphill = page.locator("#plane").evaluate("(canvas) => canvas.toDataURL()")
    page.select_option("#arrows", "down")
    found.wait("(uphill) => document.getElementById('plane').toDataURL() !== uphill", uphill)
    page.select_option("#arrows", "none")

    found.wait("(plain) => document.getElementById('plane').toDataURL() === plain", plain)
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
