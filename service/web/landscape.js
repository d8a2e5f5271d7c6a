// The landscape of a function: its heights as colours, and its contours.

import { contour, levelsOf, ranksOf, sortedHeights } from "./contour.js";
import { drawBar, drawLabels } from "./legend.js";
import { heatTable, palette } from "./palette.js";
import { refined } from "./refine.js";
import { toPixel } from "./viewport.js";

const HATCH_PIXELS = 9;
const LABEL_STRIDE = 8;

/** What is drawn of one answer of /gradient/field over a grid; made once, drawn at every zoom. */
export function makeLandscape(asked, answered, gradient) {
  const { grid, values } = refined(asked, answered, gradient);
  const { columns, rows } = grid;
  const levels = levelsOf(values);
  const lines = levels.map((level) => contour(values, columns, rows, level));
  const field = { grid: asked, gradient };
  const heights = sortedHeights(answered);
  return { field, grid, values, levels, lines, heights, ranks: ranksOf(values), image: null, theme: null };
}

/** The height at a point, between the four grid points around it; null outside the grid. */
export function heightAt({ grid, values }, [x, y]) {
  const { xs, ys, columns, rows } = grid;
  const across = ((x - xs[0]) / (xs[columns - 1] - xs[0])) * (columns - 1);
  const up = ((y - ys[0]) / (ys[rows - 1] - ys[0])) * (rows - 1);
  if (!(across >= 0 && up >= 0 && across <= columns - 1 && up <= rows - 1)) {
    return null;
  }
  const [column, row] = [Math.min(Math.floor(across), columns - 2), Math.min(Math.floor(up), rows - 2)];
  const [right, top] = [across - column, up - row];
  const at = row * columns + column;
  const below = values[at] * (1 - right) + values[at + 1] * right;
  const above = values[at + columns] * (1 - right) + values[at + columns + 1] * right;
  return below * (1 - top) + above * top;
}

/** Draw the landscape as it lies under the view. */
export function drawLandscape(context, view, size, landscape) {
  if (landscape.theme !== palette()) {
    landscape.theme = palette();
    landscape.image = paint(landscape);
  }
  const { grid, image, lines } = landscape;
  const place = placeOf(grid, view, size);
  if (landscape.heights.length < answeredCount(landscape)) {
    drawHatching(context, grid, place);
  }
  drawHeights(context, grid, image, place);
  drawContours(context, lines, place);
  drawLabels(context, labelled(landscape, place), size);
  drawBar(context, landscape.heights);
}

/** Every second contour with places on it, in pixels, for its label. */
function labelled({ levels, lines }, { left, bottom, wide, high }) {
  const chosen = levels.map((level, index) => ({ level, line: lines[index] })).filter((_, index) => index % 2 === 0);
  return chosen.map(({ level, line }) => {
    const pixels = [];
    for (let at = 0; at < line.length; at += 4 * LABEL_STRIDE) {
      pixels.push([left + line[at] * wide, bottom - line[at + 1] * high]);
    }
    return { level, pixels };
  });
}

const answeredCount = ({ field }) => field.grid.columns * field.grid.rows;

/** Pixel of the first grid point, and pixels from one to the next. */
function placeOf({ xs, ys, columns, rows }, view, size) {
  const [left, bottom] = toPixel(view, size, [xs[0], ys[0]]);
  const [right, top] = toPixel(view, size, [xs[columns - 1], ys[rows - 1]]);
  return { left, bottom, wide: (right - left) / (columns - 1), high: (bottom - top) / (rows - 1) };
}

function paint({ grid, ranks }) {
  const { columns, rows } = grid;
  const image = new ImageData(columns, rows);
  const table = heatTable();
  ranks.forEach((rank, index) => {
    const row = rows - 1 - Math.floor(index / columns);
    if (!Number.isNaN(rank)) {
      const [red, green, blue] = table[Math.round(rank * 255)];
      image.data.set([red, green, blue, 255], 4 * (row * columns + (index % columns)));
    }
  });
  const canvas = document.createElement("canvas");
  canvas.width = columns;
  canvas.height = rows;
  canvas.getContext("2d").putImageData(image, 0, 0);
  return canvas;
}

/** Stripes under the whole picture, seen where a function has no value. */
function drawHatching(context, { columns, rows }, { left, bottom, wide, high }) {
  const [right, top] = [left + wide * (columns - 1), bottom - high * (rows - 1)];
  context.save();
  context.beginPath();
  context.rect(left, top, right - left, bottom - top);
  context.clip();
  context.strokeStyle = palette().faint;
  context.lineWidth = 2;
  context.beginPath();
  for (let at = left - (bottom - top); at < right; at += HATCH_PIXELS) {
    context.moveTo(at, bottom);
    context.lineTo(at + bottom - top, top);
  }
  context.stroke();
  context.restore();
}

function drawHeights(context, { columns, rows }, image, { left, bottom, wide, high }) {
  // A grid point is the middle of its pixel of the image, so half a cell stands out on every side.
  const top = bottom - (rows - 1) * high;
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(image, left - wide / 2, top - high / 2, wide * columns, high * rows);
}

function drawContours(context, lines, { left, bottom, wide, high }) {
  context.strokeStyle = palette().contour;
  context.lineWidth = 1;
  context.beginPath();
  for (const line of lines) {
    for (let at = 0; at < line.length; at += 4) {
      context.moveTo(left + line[at] * wide, bottom - line[at + 1] * high);
      context.lineTo(left + line[at + 2] * wide, bottom - line[at + 3] * high);
    }
  }
  context.stroke();
}
