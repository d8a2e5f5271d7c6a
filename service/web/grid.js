// The points at which the landscape is asked for, in one request.

import { bounds } from "./viewport.js";

const CELL_PIXELS = 6.5;
const FEWEST = 24;
const MOST = 128;
const PIXELS_OF_A_CURVE = 2;

/** An even number, so that a picture centred on 0 has no point exactly at 0, where many functions have a kink. */
function count(pixels) {
  return 2 * Math.round(Math.min(Math.max(pixels / CELL_PIXELS, FEWEST), MOST) / 2);
}

/** Coordinates of a grid over the whole picture. */
export function makeGrid(view, size) {
  const { left, right, bottom, top } = bounds(view, size);
  const columns = count(size.width);
  const rows = count(size.height);
  return { xs: spread(left, right, columns), ys: spread(bottom, top, rows), columns, rows };
}

/** Places along the whole width, for a function of one number. */
export function makeRow(view, size) {
  const { left, right } = bounds(view, size);
  return spread(left, right, 2 * Math.ceil(size.width / PIXELS_OF_A_CURVE / 2));
}

function spread(first, last, number) {
  const step = (last - first) / (number - 1);
  const digits = Math.min(Math.max(Math.ceil(-Math.log10(step)) + 3, 0), 20);
  return Array.from({ length: number }, (_, index) => Number((first + step * index).toFixed(digits)));
}

/** The points of a grid, row by row from the bottom. */
export function pointsOf({ xs, ys }) {
  return ys.flatMap((y) => xs.map((x) => [x, y]));
}
