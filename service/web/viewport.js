// The part of the plane that is seen: its centre, and its extent along the shorter side of the picture.
// Both axes have the same scale, so that gradients stand at right angles to contours.

const SMALLEST_SPAN = 1e-9;
const LARGEST_SPAN = 1e9;

/** Data units per pixel. */
export function unit(view, size) {
  return view.span / Math.min(size.width, size.height);
}

/** Pixel of a point; the second coordinate points up. */
export function toPixel(view, size, [x, y]) {
  const perPixel = unit(view, size);
  return [size.width / 2 + (x - view.cx) / perPixel, size.height / 2 - (y - view.cy) / perPixel];
}

/** Point under a pixel. */
export function toPoint(view, size, [left, top]) {
  const perPixel = unit(view, size);
  return [view.cx + (left - size.width / 2) * perPixel, view.cy - (top - size.height / 2) * perPixel];
}

/** What is seen: least and greatest coordinates. */
export function bounds(view, size) {
  const [left, top] = toPoint(view, size, [0, 0]);
  const [right, bottom] = toPoint(view, size, [size.width, size.height]);
  return { left, right, bottom, top };
}

/** The view after a drag by so many pixels. */
export function panned(view, size, across, down) {
  const perPixel = unit(view, size);
  return { ...view, cx: view.cx - across * perPixel, cy: view.cy + down * perPixel };
}

/** The view `factor` times as wide, with the point under a pixel staying where it is. */
export function zoomed(view, size, pixel, factor) {
  const span = Math.min(Math.max(view.span * factor, SMALLEST_SPAN), LARGEST_SPAN);
  const applied = span / view.span;
  const [x, y] = toPoint(view, size, pixel);
  return { cx: x + (view.cx - x) * applied, cy: y + (view.cy - y) * applied, span };
}

/** A number written no finer than a fraction of a pixel tells. */
export function rounded(value, step) {
  const digits = Math.min(Math.max(Math.ceil(-Math.log10(step)) + 1, 0), 20);
  return Number(value.toFixed(digits));
}
