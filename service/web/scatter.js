// The data of a problem as points, with what the model says: a line through them, or a border of two kinds.

import { tickText, ticks } from "./axes.js";
import { makeCanvas } from "./canvas.js";
import { contour } from "./contour.js";
import { palette, pathColour } from "./palette.js";

const EDGE = { left: 40, right: 12, top: 10, bottom: 24 };
const ROOM = 0.08;
const POINT_PIXELS = 4;
const BORDER_LEVEL = 0.5;

function rangeOf(numbers) {
  const low = numbers.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = numbers.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const room = (high - low) * ROOM || 1;
  return { low: low - room, high: high + room };
}

/** What is on the axes: the columns that the model reads; of a line, the column that it should meet. */
export function axesOf({ inputs, target }, columns) {
  const [across, up] = inputs.length === 1 ? [inputs[0], target] : inputs;
  return { across, up, x: rangeOf(columns[across]), y: rangeOf(columns[up]) };
}

/** Make the picture of the data. Returns `show(plan, columns, fits)`: one fit for each path. */
export function makeScatter(element) {
  let shown = null;
  const canvas = makeCanvas(element, (context, size) => shown && draw(context, size, shown));
  return {
    redraw: canvas.ask,
    show(plan, columns, fits) {
      shown = plan && { plan, columns, fits, axes: axesOf(plan, columns) };
      canvas.ask();
    },
  };
}

function draw(context, size, { plan, columns, fits, axes }) {
  const wide = size.width - EDGE.left - EDGE.right;
  const high = size.height - EDGE.top - EDGE.bottom;
  const place = (x, y) => [
    EDGE.left + ((x - axes.x.low) / (axes.x.high - axes.x.low)) * wide,
    EDGE.top + (1 - (y - axes.y.low) / (axes.y.high - axes.y.low)) * high,
  ];
  drawFrame(context, size, axes, place);
  context.save();
  context.beginPath();
  context.rect(EDGE.left, EDGE.top, wide, high);
  context.clip();
  drawPoints(context, plan, columns, axes, place);
  fits.forEach((fit, index) => {
    context.strokeStyle = pathColour(index);
    context.lineWidth = 2.5;
    context.beginPath();
    (plan.inputs.length === 1 ? addLine : addBorder)(context, fit, place);
    context.stroke();
  });
  context.restore();
}

function addLine(context, { grid, values }, place) {
  grid.xs.forEach((x, index) => {
    if (Number.isFinite(values[index] ?? Number.NaN)) {
      context.lineTo(...place(x, values[index]));
    }
  });
}

function addBorder(context, { grid, values }, place) {
  const { xs, ys, columns, rows } = grid;
  const at = (places, index) => places[0] + (index / (places.length - 1)) * (places[places.length - 1] - places[0]);
  const line = contour(values, columns, rows, BORDER_LEVEL);
  for (let index = 0; index < line.length; index += 4) {
    context.moveTo(...place(at(xs, line[index]), at(ys, line[index + 1])));
    context.lineTo(...place(at(xs, line[index + 2]), at(ys, line[index + 3])));
  }
}

function drawPoints(context, { inputs, target }, columns, { across, up }, place) {
  const isKinds = inputs.length === 2;
  const { kinds, ink, halo } = palette();
  columns[across].forEach((x, index) => {
    const [left, top] = place(x, columns[up][index]);
    const kind = isKinds ? Number(columns[target]?.[index] > BORDER_LEVEL) : 0;
    context.beginPath();
    if (kind) {
      context.rect(left - POINT_PIXELS, top - POINT_PIXELS, 2 * POINT_PIXELS, 2 * POINT_PIXELS);
    } else {
      context.arc(left, top, POINT_PIXELS, 0, 2 * Math.PI);
    }
    context.fillStyle = isKinds ? kinds[kind] : ink;
    context.fill();
    context.strokeStyle = halo;
    context.lineWidth = 1;
    context.stroke();
  });
}

function drawFrame(context, size, { x, y }, place) {
  const { ink, faint } = palette();
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = ink;
  context.strokeStyle = faint;
  context.lineWidth = 1;
  context.textAlign = "center";
  const across = ticks(x.low, x.high, Math.max(3, size.width / 90));
  for (const value of across.values) {
    const [left] = place(value, y.low);
    context.strokeRect(left, EDGE.top, 0, size.height - EDGE.top - EDGE.bottom);
    context.fillText(tickText(value, across.step), left, size.height - 8);
  }
  context.textAlign = "right";
  const up = ticks(y.low, y.high, Math.max(3, size.height / 55));
  for (const value of up.values) {
    const [, top] = place(x.low, value);
    context.strokeRect(EDGE.left, top, size.width - EDGE.left - EDGE.right, 0);
    context.fillText(tickText(value, up.step), EDGE.left - 6, top + 4);
  }
}
