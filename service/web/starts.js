// A field for each number that a function depends on, and the choice of the two that the picture shows.

import { showRead, showUnread, writeField } from "./fault.js";
import { words } from "./language.js";
import { problemOf, shownOf, startOf } from "./problem.js";

const element = (id) => document.getElementById(id);

/** Make the fields of the start; `onChange()` is told of each change of the reader's. Returns `show()`. */
export function makeStarts(setting, onChange) {
  let labels = "";

  function build(coordinates) {
    element("starts").replaceChildren(...coordinates.map(({ label }, place) => makeField(label, place)));
    for (const select of document.querySelectorAll("[data-axis]")) {
      select.replaceChildren(...coordinates.map(({ label }, place) => new Option(label, place)));
    }
  }

  function makeField(label, place) {
    const input = document.createElement("input");
    input.id = `start-${place}`;
    input.inputMode = "decimal";
    input.autocomplete = "off";
    input.dataset.name = label;
    input.setAttribute("aria-describedby", "start-fault");
    input.addEventListener("input", () => {
      const value = input.value.trim() ? Number(input.value) : Number.NaN;
      if (Number.isFinite(value)) {
        setting.start = startOf(setting).with(place, value);
        showRead(input);
        onChange();
      } else {
        showUnread(input, String(startOf(setting)[place]));
      }
    });
    input.addEventListener("change", () => show());
    return input;
  }

  /** Show the start; leave the field alone that the reader is writing in. */
  function show() {
    const { coordinates } = problemOf(setting);
    const wanted = coordinates.map(({ label }) => label).join();
    if (wanted !== labels) {
      labels = wanted;
      build(coordinates);
    }
    startOf(setting).forEach((value, place) => {
      const input = element(`start-${place}`);
      const name = words("startOf", { name: coordinates[place].label });
      input.setAttribute("aria-label", name);
      input.title = name;
      if (document.activeElement !== input || Number(input.value) !== value) {
        writeField(input, String(value));
      }
    });
    showAxes(coordinates);
  }

  function showAxes(coordinates) {
    element("axes").hidden = coordinates.length < 3;
    element("arrows").parentElement.hidden = element("picture").hidden = coordinates.length === 1;
    const shown = shownOf(setting);
    for (const select of document.querySelectorAll("[data-axis]")) {
      select.value = String(shown[select.dataset.axis]);
    }
    const names = coordinates.map(({ label }) => label);
    element("f-label").textContent = words("functionOf", { names: listed(names) });
  }

  for (const select of document.querySelectorAll("[data-axis]")) {
    select.addEventListener("change", () => {
      const shown = shownOf(setting);
      const axis = Number(select.dataset.axis);
      const other = shown[1 - axis];
      const chosen = Number(select.value);
      setting.axes = axis === 0 ? [chosen, other] : [other, chosen];
      if (chosen === other) {
        setting.axes = [...shown].reverse();
      }
      onChange("axes");
    });
  }
  return show;
}

function listed(names) {
  return names.length < 2 ? names.join("") : words("and", { first: names.slice(0, -1).join(", "), last: names.at(-1) });
}
