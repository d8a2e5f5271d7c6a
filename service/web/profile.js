// A function of one number: its curve, with the steps of a descent along it and the tangent at each.

import { tickText, ticks } from "./axes.js";
import { palette, pathColour } from "./palette.js";
import { bounds, toPixel } from "./viewport.js";

const ROOM = 0.12;
const FENCE = 1.5; // Tukey's: so many times the middle half's height is shown beyond it
const CORNER_PIXELS = 30;
const TANGENT_PIXELS = 46;
const MOST_TANGENTS = 12;

/** Heights over a row of places, null where there is none: made once, drawn at every zoom. */
export function makeProfile(xs, values) {
  return { xs, values };
}

/** The height at a place, between the two that were asked for; null outside and beside a gap. */
export function profileHeight({ xs, values }, x) {
  const step = (xs[xs.length - 1] - xs[0]) / (xs.length - 1);
  const at = (x - xs[0]) / step;
  const left = Math.min(Math.floor(at), xs.length - 2);
  if (!(at >= 0 && at <= xs.length - 1) || values[left] === null || values[left + 1] === null) {
    return null;
  }
  return values[left] + (at - left) * (values[left + 1] - values[left]);
}

/** Lowest and highest height of the picture; a pole, or a steep end, does not press the rest flat. */
function range({ values }) {
  const sorted = values.filter((value) => value !== null).sort((a, b) => a - b);
  if (!sorted.length) {
    return { low: -1, high: 1 };
  }
  const at = (part) => sorted[Math.round(part * (sorted.length - 1))];
  const fence = FENCE * (at(0.75) - at(0.25));
  const low = Math.max(at(0), at(0.25) - fence);
  const high = Math.min(at(1), at(0.75) + fence);
  const room = Math.max((high - low) * ROOM, Math.abs(high) * 1e-9, 1e-12);
  return { low: low - room, high: high + room };
}

/** From a place and a height to a pixel. */
export function makeScale(view, size, profile) {
  const { low, high } = range(profile);
  return ([x, value]) => [toPixel(view, size, [x, 0])[0], size.height * (1 - (value - low) / (high - low))];
}

/** Draw the curve, with its axes. */
export function drawProfile(context, view, size, profile) {
  const scale = makeScale(view, size, profile);
  const { low, high } = range(profile);
  context.fillStyle = palette().paper;
  context.fillRect(0, 0, size.width, size.height);
  drawFrame(context, view, size, { low, high, scale });
  context.strokeStyle = palette().ink;
  context.lineWidth = 2;
  context.lineJoin = "round";
  context.beginPath();
  profile.xs.forEach((x, index) => {
    if (profile.values[index] !== null) {
      const isGap = index === 0 || profile.values[index - 1] === null;
      context[isGap ? "moveTo" : "lineTo"](...scale([x, profile.values[index]]));
    }
  });
  context.stroke();
}

function drawFrame(context, view, size, { low, high, scale }) {
  const seen = bounds(view, size);
  const { faint, ink, halo } = palette();
  context.font = "12px system-ui, sans-serif";
  context.strokeStyle = faint;
  context.lineWidth = 1;
  const write = (text, left, top) => {
    context.strokeStyle = halo;
    context.lineWidth = 3;
    context.strokeText(text, left, top);
    context.fillStyle = ink;
    context.fillText(text, left, top);
    context.strokeStyle = faint;
    context.lineWidth = 1;
  };
  const up = ticks(low, high, Math.max(3, size.height / 70));
  for (const value of up.values) {
    const [, top] = scale([seen.left, value]);
    context.strokeRect(0, top, size.width, 0);
    if (top < size.height - CORNER_PIXELS) {
      write(tickText(value, up.step), 8, top - 4);
    }
  }
  const across = ticks(seen.left, seen.right, Math.max(4, size.width / 110));
  context.textAlign = "center";
  for (const x of across.values) {
    const [left] = scale([x, low]);
    context.strokeRect(left, 0, 0, size.height);
    if (left > CORNER_PIXELS) {
      write(tickText(x, across.step), left, size.height - 9);
    }
  }
  context.textAlign = "start";
}

/** Draw the tangents at the first places of a path: the derivative that each step follows. */
export function drawTangents(context, scale, points, index) {
  context.strokeStyle = pathColour(index);
  context.globalAlpha = 0.55;
  context.lineWidth = 1.5;
  context.beginPath();
  for (const { place, gradient } of points.slice(0, MOST_TANGENTS)) {
    const [left, top] = scale(place);
    const [ahead, risen] = scale([place[0] + 1, place[1] + gradient[0]]);
    const length = Math.hypot(ahead - left, risen - top);
    const [across, down] = [(ahead - left) / length, (risen - top) / length].map((each) => each * TANGENT_PIXELS);
    context.moveTo(left - across, top - down);
    context.lineTo(left + across, top + down);
  }
  context.stroke();
  context.globalAlpha = 1;
}
