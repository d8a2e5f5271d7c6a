// The gradient as arrows, as in a quiver plot.

import { palette } from "./palette.js";
import { addArrow } from "./path.js";
import { toPixel } from "./viewport.js";

const APART_PIXELS = 42;
const HEAD_PIXELS = 5;

/** Of so many grid points in a row, one has an arrow, so that they stand well apart. */
export function strideOf(cellPixels) {
  return Math.max(1, Math.round(APART_PIXELS / cellPixels));
}

/**
 * Length of an arrow, from 0 to 1, for a gradient's norm and the largest one: its square root, since
 * gradients of one picture differ by orders of magnitude and the small ones are the interesting ones.
 */
export function lengthOf(norm, largest) {
  return largest > 0 ? Math.sqrt(norm / largest) : 0;
}

/** Draw the gradient (`sign` 1) or the way down (`sign` -1) over a field. */
export function drawArrows(context, view, size, { grid, gradient }, sign) {
  const { xs, ys, columns, rows } = grid;
  const [first] = toPixel(view, size, [xs[0], ys[0]]);
  const [second] = toPixel(view, size, [xs[1], ys[0]]);
  const stride = strideOf(size.width / columns);
  const longest = Math.abs(second - first) * stride * 0.85;
  const chosen = [];
  for (let row = Math.floor(stride / 2); row < rows; row += stride) {
    for (let column = Math.floor(stride / 2); column < columns; column += stride) {
      const slope = gradient[row * columns + column];
      if (slope) {
        chosen.push({ point: [xs[column], ys[row]], slope });
      }
    }
  }
  const norms = chosen.map(({ slope }) => Math.hypot(...slope));
  const largest = Math.max(...norms);
  context.strokeStyle = palette().arrow;
  context.lineWidth = 1.4;
  context.beginPath();
  chosen.forEach(({ point, slope }, index) => {
    const length = longest * lengthOf(norms[index], largest);
    if (length > 1) {
      const scale = (sign * length) / norms[index];
      const [across, down] = [slope[0] * scale, -slope[1] * scale];
      const [left, top] = toPixel(view, size, point);
      addArrow(context, [left - across / 2, top - down / 2], [across, down], HEAD_PIXELS);
    }
  });
  context.stroke();
}
