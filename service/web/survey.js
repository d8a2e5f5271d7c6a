// Looks over the part of the plane that is seen: asks the service for its heights and gradient, in one request.

import { addNote, clearFaults, faultsOf, showFaults } from "./fault.js";
import { makeGrid, makeRow, pointsOf } from "./grid.js";
import { makeLandscape } from "./landscape.js";
import { words } from "./language.js";
import { expectFew, isCurve, placeOf, pointAt, problemOf } from "./problem.js";
import { makeProfile } from "./profile.js";
import { fieldRequest } from "./request.js";
import { ask } from "./service.js";
import { makeTurns } from "./turn.js";
import { unpackedRows } from "./variables.js";

/** Ask for the heights and the gradient at places of the picture; null where there is none. */
async function heightsAt(setting, places, signal) {
  expectFew(setting);
  const { coordinates } = problemOf(setting);
  const points = places.map((place) => pointAt(setting, place));
  const { path, body } = fieldRequest(setting, points);
  const { values, gradient } = await ask(path, body, signal);
  const rows = unpackedRows(coordinates, gradient, values.length).map((row) => row && placeOf(setting, row));
  return { values, rows };
}

/** What lies under the paths: a landscape over the plane, or the curve of a function of one number. */
async function ground(setting, size, signal) {
  if (isCurve(setting)) {
    const xs = makeRow(setting, size);
    const { values } = await heightsAt(setting, xs.map((x) => [x]), signal);
    return { values, profile: makeProfile(xs, values) };
  }
  const grid = makeGrid(setting, size);
  const { values, rows } = await heightsAt(setting, pointsOf(grid), signal);
  const heights = values.map((value) => value ?? Number.NaN);
  return { values, landscape: makeLandscape(grid, heights, rows) };
}

/**
 * Make a surveyor of a plane, who tells faults of the function in a part of the page.
 *
 * `onChecked(isUsable)` is told of each text once whether the service takes it as a function, and when it does so
 * after all: it may have been out of reach.
 */
export function makeSurvey(setting, plane, part, onChecked) {
  const turns = makeTurns();
  let checked = null;
  let wasUsable = false;

  function tell(text, isUsable) {
    const isNews = text !== checked || (isUsable && !wasUsable);
    [checked, wasUsable] = [text, isUsable];
    if (isNews) {
      onChecked(isUsable);
    }
  }

  async function survey(signal) {
    if (!plane.size.width) {
      return;
    }
    const text = setting.f;
    try {
      const { values, ...found } = await ground(setting, plane.size, signal);
      clearFaults(part);
      if (values.every((value) => value === null)) {
        addNote(part, words("notFiniteHere"));
      }
      plane.showGround(found);
      tell(text, true);
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      showFaults(part, faultsOf(error), text);
      plane.showGround({});
      tell(text, false);
    }
  }

  return {
    /** Look again, after a pause. */
    start: (pauseMs) => turns.take(survey, pauseMs),
    /** Look at once, and tell of the function even when its text is the same. */
    restart() {
      checked = null;
      return turns.take(survey);
    },
    /** Look again where the last text has no picture yet. */
    retry() {
      if (!wasUsable) {
        turns.take(survey);
      }
    },
  };
}
