// How to read the heights: a bar of the colours with the values they stand for, and values on some of the contours.

import { short } from "./numbers.js";
import { heatTable, palette } from "./palette.js";

const BAR = { left: 52, top: 12, width: 150, height: 10 };
const APART_PIXELS = 95;
const EDGE_PIXELS = 46;
const BAR_BOTTOM = 60;
const FONT = "11px system-ui, sans-serif";

function write(context, text, left, top) {
  context.strokeStyle = palette().halo;
  context.lineWidth = 3;
  context.strokeText(text, left, top);
  context.fillStyle = palette().ink;
  context.fillText(text, left, top);
}

/** Draw the bar. A colour tells how much of the picture lies lower, so that its values are not evenly spaced. */
export function drawBar(context, heights) {
  const colours = heatTable();
  for (let pixel = 0; pixel < BAR.width; pixel++) {
    const [red, green, blue] = colours[Math.round((pixel / (BAR.width - 1)) * 255)];
    context.fillStyle = `rgb(${red}, ${green}, ${blue})`;
    context.fillRect(BAR.left + pixel, BAR.top, 1, BAR.height);
  }
  context.strokeStyle = palette().contour;
  context.lineWidth = 1;
  context.strokeRect(BAR.left - 0.5, BAR.top - 0.5, BAR.width + 1, BAR.height + 1);
  context.font = FONT;
  context.textAlign = "center";
  for (const part of heights.length ? [0, 0.5, 1] : []) {
    const height = heights[Math.round(part * (heights.length - 1))];
    write(context, short(height, 3), BAR.left + part * BAR.width, BAR.top + 23);
  }
  context.textAlign = "start";
}

/** Places for labels: on each contour the segment that is farthest from the labels before, if far enough. */
export function labelPlaces(contours, size) {
  const taken = [];
  const isInside = ([left, top]) =>
    left > EDGE_PIXELS && left < size.width - EDGE_PIXELS && top < size.height - EDGE_PIXELS && top > BAR_BOTTOM;
  contours.forEach(({ level, pixels }) => {
    let best = null;
    for (const place of pixels.filter(isInside)) {
      const gap = Math.min(...taken.map((other) => Math.hypot(place[0] - other.place[0], place[1] - other.place[1])));
      if (gap > (best?.gap ?? APART_PIXELS)) {
        best = { level, place, gap };
      }
    }
    if (best) {
      taken.push(best);
    }
  });
  return taken;
}

/** Draw the values of contours. */
export function drawLabels(context, contours, size) {
  context.font = FONT;
  context.textAlign = "center";
  for (const { level, place } of labelPlaces(contours, size)) {
    write(context, short(level, 3), place[0], place[1] + 4);
  }
  context.textAlign = "start";
}
