// Axes: round numbers along the edges of a picture.

import { palette } from "./palette.js";
import { bounds, toPixel } from "./viewport.js";

/** Round numbers between two ends, about `number` of them: steps of 1, 2 or 5 times a power of ten. */
export function ticks(first, last, number) {
  const rough = (last - first) / number;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((each) => each * power >= rough * 0.999);
  const found = [];
  for (let index = Math.ceil(first / step); index * step <= last; index++) {
    found.push(index * step);
  }
  return { step, values: found };
}

/** A tick's number with the digits that its step needs. */
export function tickText(value, step) {
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const isPlain = Math.abs(value) < 1e6 && digits <= 6;
  const text = isPlain ? value.toFixed(digits) : value.toPrecision(4).replace(/\.?0+(e|$)/, "$1").replace("e+", "e");
  return text.replace(/^-(0(\.0+)?)$/, "$1").replace("-", "−");
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
  const across = ticks(seen.left, seen.right, Math.max(6, size.width / 90));
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
