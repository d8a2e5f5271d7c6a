// The classes of a softmax: a line for each, with its logit to move, its probability and its gradient as bars.

import { showRead } from "./fault.js";
import { onLanguage, words } from "./language.js";
import { short } from "./numbers.js";

const LOGIT_ENDS = 8;

/** Make the lines in an element. `on.logit(index, value)` and `on.label(index)` are told of the reader's changes. */
export function makeClasses(element, on) {
  let rows = [];

  function name() {
    rows.forEach(({ radioName, slider, number, probability, slope }, index) => {
      radioName.textContent = words("classOf", { index });
      probability.name.textContent = words("probability");
      slope.name.textContent = words("gradient");
      slider.setAttribute("aria-label", words("logitSlider", { index }));
      number.setAttribute("aria-label", words("logit", { index }));
    });
  }
  onLanguage(name);

  return {
    /** Show logits and the right class. */
    showLogits(logits, label) {
      if (rows.length !== logits.length) {
        rows = logits.map((_, index) => makeRow(index, on));
        element.replaceChildren(...rows.map(({ row }) => row));
        name();
      }
      rows.forEach(({ row, radio, slider, number }, index) => {
        radio.checked = index === label;
        row.classList.toggle("right", index === label);
        slider.value = logits[index];
        if (number !== document.activeElement) {
          number.value = logits[index];
          showRead(number);
        }
      });
    },
    showProbabilities(probabilities) {
      rows.forEach(({ probability }, index) => {
        setBar(probability, probabilities[index], 0, 1);
      });
    },
    /** Show a gradient; its bars go left and right from the middle. */
    showGradient(gradient) {
      const largest = Math.max(1, ...gradient.map(Math.abs));
      rows.forEach(({ slope }, index) => {
        setBar(slope, gradient[index], -largest, largest);
      });
    },
  };
}

function makeRow(index, on) {
  const radio = makeInput({ type: "radio", name: "label" });
  const slider = makeInput({ type: "range", min: -LOGIT_ENDS, max: LOGIT_ENDS, step: 0.1 });
  const number = makeInput({ type: "text", inputMode: "decimal", autocomplete: "off" });
  radio.addEventListener("change", () => on.label(index));
  slider.addEventListener("input", () => on.logit(index, Number(slider.value)));
  number.addEventListener("input", () => {
    const isNumber = number.value.trim() !== "" && Number.isFinite(Number(number.value));
    number.setAttribute("aria-invalid", String(!isNumber));
    if (isNumber) {
      on.logit(index, Number(number.value));
    }
  });
  const probability = makeBar("probability");
  const slope = makeBar("slope");
  const radioName = document.createElement("span");
  const choice = document.createElement("label");
  choice.append(radio, radioName);
  const row = document.createElement("div");
  row.append(choice, slider, number, probability.frame, slope.frame);
  return { row, radio, radioName, slider, number, probability, slope };
}

function makeInput(properties) {
  return Object.assign(document.createElement("input"), properties);
}

function makeBar(kind) {
  const frame = document.createElement("div");
  frame.className = `bar ${kind}`;
  const fill = document.createElement("div");
  fill.className = "fill";
  const name = document.createElement("span");
  name.className = "name";
  const text = document.createElement("span");
  frame.append(fill, name, text);
  return { frame, fill, name, text };
}

/** Let a bar reach from 0 to a value on a scale between two ends. */
function setBar({ fill, text }, value, least, most) {
  const place = (number) => (100 * (number - least)) / (most - least);
  fill.style.left = `${place(Math.min(value, 0))}%`;
  fill.style.width = `${Math.abs(place(value) - place(0))}%`;
  fill.classList.toggle("negative", value < 0);
  text.textContent = short(value, 4);
}
