// What moves a descent at a step: the arrows of the gradient, of what is left of earlier steps, and of the step itself.

import { palette } from "./palette.js";
import { drawArrow } from "./path.js";

const LONGEST_PIXELS = 90;

/**
 * The arrows at a record of a path, in the coordinates of the picture: the step taken from there, the part of it that
 * the gradient alone makes, and the rest, which is momentum. Only single steps have parts.
 */
export function forcesAt({ records, rate, hasMomentum }, index) {
  const [here, next] = [records[index], records[index + 1]];
  if (!here) {
    return {};
  }
  const pull = here.gradient?.map((each) => -rate * each);
  const step = next && next.step === here.step + 1 ? next.place.map((each, axis) => each - here.place[axis]) : null;
  const momentum = step && pull && hasMomentum ? step.map((each, axis) => each - pull[axis]) : null;
  return { step, momentum, gradient: pull };
}

/** Draw the arrows at a record of a path, all enlarged alike, so that the longest can be seen. */
export function drawMotion(context, scale, path, index) {
  const forces = Object.entries(forcesAt(path, index)).filter(([, force]) => force);
  if (!forces.length) {
    return;
  }
  const { place } = path.records[index];
  const from = scale(place);
  const arrows = forces.map(([name, force]) => {
    const to = scale(place.map((each, axis) => each + force[axis]));
    return { name, by: [to[0] - from[0], to[1] - from[1]] };
  });
  const longest = Math.max(...arrows.map(({ by }) => Math.hypot(...by)));
  const factor = longest > 0 ? LONGEST_PIXELS / longest : 0;
  for (const { name, by } of arrows) {
    drawArrow(context, from, by.map((each) => each * factor), palette().force[name]);
  }
}
