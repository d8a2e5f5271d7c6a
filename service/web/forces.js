// The gradient along paths: asked for in one request when a reader wants to see what moves them.

import { placeOf, problemOf } from "./problem.js";
import { fieldRequest } from "./request.js";
import { ask } from "./service.js";
import { makeTurns } from "./turn.js";
import { unpackedRows } from "./variables.js";

/** Make what adds gradients to the records of tracks: `add(tracks)` once, `onAdded()` when they are there. */
export function makeForces(setting, onAdded) {
  const turns = makeTurns();
  let had = null;

  async function askFor(tracks, signal) {
    const all = tracks.flatMap(({ records }) => records).filter(({ point }) => point.every(Number.isFinite));
    const asked = { ...setting }; // another function may be written meanwhile
    const { path, body } = fieldRequest(asked, all.map(({ point }) => point));
    const { gradient } = await ask(path, body, signal).catch(() => ({})); // the arrows of steps are there without
    if (gradient && !signal.aborted) {
      unpackedRows(problemOf(asked).coordinates, gradient, all.length).forEach((row, index) => {
        all[index].gradient = row && placeOf(asked, row);
      });
      onAdded();
    }
  }

  return {
    add(tracks) {
      if (had !== tracks && tracks.some(({ records }) => records.length)) {
        had = tracks;
        turns.take((signal) => askFor(tracks, signal));
      }
    },
    end: turns.end,
  };
}
