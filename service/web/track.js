// The track of a run: what is drawn and played of it.

import { isCurve, placeOf, problemOf } from "./problem.js";
import { unpacked } from "./variables.js";

const REMEMBERING = new Set(["momentum", "nesterov"]);

/** Records of a history as places of the picture; for a curve a place has the height as well. */
export function makeTrack(setting, history) {
  const { coordinates } = problemOf(setting);
  const hasHeight = isCurve(setting);
  const records = history
    .filter(({ variables }) => variables)
    .map(({ step, value, variables }) => {
      const point = unpacked(coordinates, variables);
      return { step, value, point, place: hasHeight ? [point[0], value] : placeOf(setting, point) };
    });
  // What a batch's own gradient adds to that of all rows is not momentum.
  const hasMomentum = REMEMBERING.has(setting.optimizer) && setting.batch === null;
  return { records, isCurve: hasHeight, rate: setting.rate, hasMomentum };
}

/** The last step of several tracks. */
export function lastStep(tracks) {
  return Math.max(0, ...tracks.map(({ records }) => records.at(-1)?.step ?? 0));
}
