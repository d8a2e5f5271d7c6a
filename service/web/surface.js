// A landscape in three dimensions: a surface that turns, drawn from its far side to its near one.

import { heatTable, palette } from "./palette.js";
import { drawPath, drawStart } from "./path.js";

const MOST_CELLS = 60;
const CUT = 0.9; // of the heights: higher ones are cut off, so that a steep edge does not press the rest flat
const TALL = 0.55; // beside the width
const LOWEST_LOOK = 0.1;
const HIGHEST_LOOK = Math.PI / 2;

/** The surface of a landscape: corners of its cells, with heights from 0 to 1; made once, turned at will. */
export function makeSurface({ grid, values, heights, ranks }) {
  const { xs, ys, columns, rows } = grid;
  const stride = Math.max(1, Math.ceil(Math.max(columns, rows) / MOST_CELLS));
  const low = heights[0];
  const high = heights[Math.round(CUT * (heights.length - 1))];
  const levelOf = (value) => Math.min(1, Math.max(0, (value - low) / (high - low || 1)));
  const cells = [];
  for (let row = 0; row + stride < rows; row += stride) {
    for (let column = 0; column + stride < columns; column += stride) {
      const places = [0, stride, stride * (columns + 1), stride * columns].map((by) => row * columns + column + by);
      const corners = places.map((at) => [xs[at % columns], ys[Math.floor(at / columns)], levelOf(values[at])]);
      if (places.every((at) => !Number.isNaN(values[at]))) {
        cells.push({ corners, rank: ranks[places[0]] });
      }
    }
  }
  const middle = [(xs[0] + xs[columns - 1]) / 2, (ys[0] + ys[rows - 1]) / 2];
  return { cells, levelOf, middle, wide: xs[columns - 1] - xs[0] };
}

/** From a point of space to a pixel and its depth, for a view from `turn`: around, and up. */
function projection(surface, size, [around, up]) {
  const scale = Math.min(size.width / 1.5, size.height / 1.1) / surface.wide;
  const [sine, cosine] = [Math.sin(around), Math.cos(around)];
  const [rise, level] = [Math.sin(up), Math.cos(up)];
  return ([x, y, height]) => {
    const [across, away] = [x - surface.middle[0], y - surface.middle[1]];
    const [left, depth] = [cosine * across - sine * away, sine * across + cosine * away];
    const tall = (height - 0.4) * TALL * surface.wide;
    return [
      size.width / 2 + left * scale,
      size.height / 2 - (depth * rise + tall * level) * scale,
      depth * level - tall * rise,
    ];
  };
}

/** The direction of view after a drag by so many pixels. */
export function turned([around, up], across, down) {
  return [around + across * 0.01, Math.min(HIGHEST_LOOK, Math.max(LOWEST_LOOK, up + down * 0.01))];
}

/** Draw the surface with the paths on it, up to a moment. */
export function drawSurface(context, size, turn, surface, { all, moment }, start) {
  const project = projection(surface, size, turn);
  const colours = heatTable().map((channels) => `rgb(${channels.map(Math.round).join(", ")})`);
  const cells = surface.cells.map(({ corners, rank }) => ({ pixels: corners.map(project), rank }));
  cells.sort((one, other) => other.pixels[0][2] - one.pixels[0][2]);
  context.fillStyle = palette().paper;
  context.fillRect(0, 0, size.width, size.height);
  context.lineWidth = 0.6;
  context.strokeStyle = palette().contour;
  for (const { pixels, rank } of cells) {
    context.beginPath();
    pixels.forEach(([left, top]) => context.lineTo(left, top));
    context.closePath();
    context.fillStyle = colours[Math.round(rank * 255)];
    context.fill();
    context.stroke();
  }
  const onSurface = ({ place, value }) => project([...place, surface.levelOf(value)]).slice(0, 2);
  for (let index = all.length - 1; index >= 0; index--) {
    const { records, label } = all[index];
    const passed = moment === null ? records : records.filter(({ step }) => step <= moment);
    drawPath(context, size, passed.map(onSurface), index, label);
  }
  if (start) {
    drawStart(context, size, onSurface(start));
  }
}
