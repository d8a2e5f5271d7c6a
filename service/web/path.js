// Paths of descent: a line, its steps as dots, its start as a ring and its end as a disc.

import { palette, pathColour } from "./palette.js";

const MARGIN = 50;
const DOT_GAP = 5;

/**
 * The part of a segment inside a box, or null (Liang and Barsky). A diverging path reaches 1e13, where a canvas
 * does not draw reliably.
 */
export function clipped([x1, y1], [x2, y2], { left, right, top, bottom }) {
  let [from, to] = [0, 1];
  const walls = [
    [x1 - x2, x1 - left],
    [x2 - x1, right - x1],
    [y1 - y2, y1 - top],
    [y2 - y1, bottom - y1],
  ];
  for (const [towards, distance] of walls) {
    if (towards === 0 && distance < 0) {
      return null;
    }
    if (towards < 0) {
      from = Math.max(from, distance / towards);
    } else if (towards > 0) {
      to = Math.min(to, distance / towards);
    }
  }
  const at = (part) => [x1 + part * (x2 - x1), y1 + part * (y2 - y1)];
  return from <= to ? [at(from), at(to)] : null;
}

/** Draw one path, given by its pixels; `label` stands at its end where there are several. */
export function drawPath(context, size, pixels, index, label = "") {
  if (!pixels.length) {
    return;
  }
  const colour = pathColour(index);
  const line = lineOf(pixels, size);
  context.lineJoin = context.lineCap = "round";
  for (const [style, width] of [
    [palette().halo, 4.5],
    [colour, 2],
  ]) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.stroke(line);
  }
  context.fillStyle = colour;
  context.fill(dotsOf(pixels, size));
  drawEnds(context, pixels, size, colour, label);
}

function lineOf(pixels, size) {
  const box = { left: -MARGIN, right: size.width + MARGIN, top: -MARGIN, bottom: size.height + MARGIN };
  const line = new Path2D();
  for (let index = 1; index < pixels.length; index++) {
    const part = clipped(pixels[index - 1], pixels[index], box);
    if (part) {
      line.moveTo(...part[0]);
      line.lineTo(...part[1]);
    }
  }
  return line;
}

function isSeen([left, top], size) {
  return left > -MARGIN && top > -MARGIN && left < size.width + MARGIN && top < size.height + MARGIN;
}

/** A dot for each step that is far enough from the last dot to be told from it. */
function dotsOf(pixels, size) {
  const dots = new Path2D();
  let last = [Number.NEGATIVE_INFINITY, 0];
  for (const pixel of pixels) {
    if (isSeen(pixel, size) && Math.hypot(pixel[0] - last[0], pixel[1] - last[1]) >= DOT_GAP) {
      dots.moveTo(pixel[0] + 2.6, pixel[1]);
      dots.arc(pixel[0], pixel[1], 2.6, 0, 2 * Math.PI);
      last = pixel;
    }
  }
  return dots;
}

function drawEnds(context, pixels, size, colour, label) {
  const end = pixels[pixels.length - 1];
  if (!isSeen(end, size)) {
    return;
  }
  disc(context, end, 6, colour, palette().halo);
  if (label) {
    context.font = "600 13px system-ui, sans-serif";
    context.lineWidth = 4;
    context.strokeStyle = palette().halo;
    context.strokeText(label, end[0] + 9, end[1] - 7);
    context.fillStyle = colour;
    context.fillText(label, end[0] + 9, end[1] - 7);
  }
}

/** Draw where the descent starts. */
export function drawStart(context, size, place) {
  if (isSeen(place, size)) {
    disc(context, place, 6.5, palette().halo, palette().ink);
    disc(context, place, 2, palette().ink, palette().ink);
  }
}

function disc(context, [left, top], radius, fill, edge) {
  context.beginPath();
  context.arc(left, top, radius, 0, 2 * Math.PI);
  context.fillStyle = fill;
  context.fill();
  context.lineWidth = 2;
  context.strokeStyle = edge;
  context.stroke();
}

const HEAD_PIXELS = 9;

/** Add to a path an arrow from a pixel by so many pixels; its head is at most half as long as it. */
export function addArrow(path, [left, top], [across, down], longestHead) {
  const end = [left + across, top + down];
  const angle = Math.atan2(down, across);
  const head = Math.min(longestHead, Math.hypot(across, down) / 2);
  path.moveTo(left, top);
  path.lineTo(...end);
  for (const turn of [2.6, -2.6]) {
    path.moveTo(...end);
    path.lineTo(end[0] + head * Math.cos(angle + turn), end[1] + head * Math.sin(angle + turn));
  }
}

/** Draw an arrow from a pixel by so many pixels. */
export function drawArrow(context, [left, top], [across, down], colour) {
  const length = Math.hypot(across, down);
  if (!(length > 1)) {
    return;
  }
  const arrow = new Path2D();
  addArrow(arrow, [left, top], [across, down], HEAD_PIXELS);
  context.lineCap = "round";
  for (const [style, width] of [
    [palette().halo, 6],
    [colour, 3],
  ]) {
    context.strokeStyle = style;
    context.lineWidth = width;
    context.stroke(arrow);
  }
}
