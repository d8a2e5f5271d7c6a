// The value over the steps, on a logarithmic scale.

import { ticks } from "./axes.js";
import { palette, pathColour } from "./palette.js";

const EDGE = { left: 58, right: 14, top: 12, bottom: 26 };

/**
 * Heights of several runs on one logarithmic scale.
 *
 * A logarithm needs positive numbers. Where a value is negative, heights are measured from the lowest value of all
 * instead of from 0; a height of exactly 0 lies on the lower edge.
 */
export function logScale(runs) {
  const values = runs.flatMap((run) => run.map(({ value }) => value));
  const lowest = values.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const offset = lowest < 0 ? lowest : 0;
  const logs = values.map((value) => Math.log10(value - offset)).filter(Number.isFinite);
  const low = logs.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = logs.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  if (!logs.length) {
    return { offset, low: -1, high: 1 };
  }
  const room = Math.max((high - low) * 0.06, 0.1);
  return { offset, low: low - room, high: high + room };
}

/** Where a value stands between the lower (0) and the upper (1) edge. */
export function heightOf(value, { offset, low, high }) {
  const log = Math.log10(value - offset);
  return Number.isFinite(log) ? (log - low) / (high - low) : 0;
}

/** Draw the runs, each an array of {step, value}. */
export function drawCurves(context, size, runs) {
  const filled = runs.filter((run) => run.length);
  if (!filled.length) {
    return;
  }
  const scale = logScale(filled);
  const lastStep = Math.max(1, ...filled.map((run) => run[run.length - 1].step));
  const wide = size.width - EDGE.left - EDGE.right;
  const high = size.height - EDGE.top - EDGE.bottom;
  const place = ({ step, value }) => [
    EDGE.left + (step / lastStep) * wide,
    EDGE.top + (1 - heightOf(value, scale)) * high,
  ];
  drawFrame(context, size, scale, lastStep);
  runs.forEach((run, index) => {
    drawCurve(context, run.map(place), pathColour(index));
  });
}

function drawCurve(context, pixels, colour) {
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = 2;
  context.lineJoin = "round";
  context.beginPath();
  for (const pixel of pixels) {
    context.lineTo(...pixel);
  }
  context.stroke();
  if (pixels.length) {
    context.beginPath();
    context.arc(...pixels[pixels.length - 1], 3.5, 0, 2 * Math.PI);
    context.fill();
  }
}

function drawFrame(context, size, scale, lastStep) {
  const { ink, faint } = palette();
  const [right, bottom] = [size.width - EDGE.right, size.height - EDGE.bottom];
  context.font = "12px system-ui, sans-serif";
  context.fillStyle = ink;
  context.strokeStyle = faint;
  context.lineWidth = 1;
  context.textAlign = "right";
  for (const power of powers(scale)) {
    const top = Math.round(EDGE.top + (1 - (power - scale.low) / (scale.high - scale.low)) * (bottom - EDGE.top)) + 0.5;
    stroke(context, [EDGE.left, top], [right, top]);
    context.fillText(powerText(power), EDGE.left - 7, top + 4);
  }
  context.textAlign = "center";
  const steps = ticks(0, lastStep, Math.max(2, size.width / 110));
  for (const step of steps.values.filter(Number.isInteger)) {
    const left = Math.round(EDGE.left + (step / lastStep) * (right - EDGE.left)) + 0.5;
    stroke(context, [left, EDGE.top], [left, bottom]);
    context.fillText(step.toLocaleString("en"), Math.min(left, right - 12), bottom + 17);
  }
}

/** Exponents for the lines across: whole ones, and thirds of a decade where less than two are seen. */
export function powers({ low, high }) {
  const { values } = ticks(low, high, 5);
  const whole = [...new Set(values.map(Math.round))].filter((power) => power >= low && power <= high);
  return whole.length > 1 ? whole : values;
}

function powerText(power) {
  const value = 10 ** power;
  const isPlain = power >= -3 && power <= 5;
  const text = isPlain ? String(Number(value.toPrecision(3))) : value.toExponential(Number.isInteger(power) ? 0 : 1);
  return text.replace("+", "").replace("-", "−");
}

function stroke(context, from, to) {
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
}
