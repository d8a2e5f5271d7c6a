// Axes: round numbers along the edges of a picture.

import { palette } from "./palette.js";
import { bounds, toPixel } from "./viewport.js";

const LABEL_GAP = 14;

/** Round numbers between two ends, about `number` of them: steps of 1, 2 or 5 times a power of ten. */
export function ticks(first, last, number) {
  const rough = (last - first) / number;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((each) => each * power >= rough * 0.999);
  const start = Math.ceil(first / step);
  // Far from 0, steps are lost in rounding: the number of ticks is bounded, and equal ones are one.
  const all = Array.from({ length: Math.ceil(number) + 2 }, (_, index) => (start + index) * step);
  return { step, values: [...new Set(all)].filter((value) => value >= first && value <= last) };
}

/** A tick's number with the digits that tell it from its neighbours. */
export function tickText(value, step) {
  const place = Math.floor(Math.log10(step) + 1e-9); // of the last digit
  const size = Math.abs(value) < step / 2 ? place : Math.floor(Math.log10(Math.abs(value)) + 1e-9);
  const isPlain = (size < 6 && place >= -6) || (size >= -4 && size < 6);
  const text = isPlain ? value.toFixed(Math.max(0, -place)) : exponential(value, Math.max(0, size - place));
  return text.replace(/^-(0(\.0+)?)$/, "$1").replaceAll("-", "−");
}

function exponential(value, digits) {
  return value === 0 ? "0" : value.toExponential(Math.min(digits, 20)).replace(/\.?0+e/, "e").replace("e+", "e");
}

/** Ticks so far apart that their labels do not touch. */
function labelled(context, first, last, most, pixels) {
  let found = ticks(first, last, most);
  for (let number = most - 1; number > 1; number--) {
    const widest = Math.max(...found.values.map((value) => context.measureText(tickText(value, found.step)).width));
    if ((widest + LABEL_GAP) * ((last - first) / found.step) <= pixels) {
      break;
    }
    found = ticks(first, last, number);
  }
  return found;
}

/** Draw the coordinates along the lower and the left edge. */
export function drawAxes(context, view, size) {
  const seen = bounds(view, size);
  const { ink, halo } = palette();
  context.font = "12px system-ui, sans-serif";
  context.lineWidth = 3;
  context.strokeStyle = halo;
  context.fillStyle = ink;
  const write = (text, left, top) => {
    context.strokeText(text, left, top);
    context.fillText(text, left, top);
  };
  const most = Math.max(6, Math.round(size.width / 90));
  const across = labelled(context, seen.left, seen.right, most, size.width);
  context.textAlign = "center";
  for (const value of across.values) {
    const [left] = toPixel(view, size, [value, 0]);
    if (left > 40 && left < size.width - 20) {
      context.fillRect(left - 0.5, size.height - 5, 1, 5);
      write(tickText(value, across.step), left, size.height - 9);
    }
  }
  const up = ticks(seen.bottom, seen.top, Math.max(5, size.height / 70));
  context.textAlign = "left";
  for (const value of up.values) {
    const [, top] = toPixel(view, size, [0, value]);
    if (top > 14 && top < size.height - 24) {
      context.fillRect(0, top - 0.5, 5, 1);
      write(tickText(value, up.step), 8, top + 4);
    }
  }
}
