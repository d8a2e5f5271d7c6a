// Looks over the part of the plane that is seen: asks the service for its heights and gradient, in one request.

import { addNote, clearFaults, faultsOf, showFaults } from "./fault.js";
import { makeGrid, pointsOf } from "./grid.js";
import { makeLandscape } from "./landscape.js";
import { words } from "./language.js";
import { fieldRequest } from "./request.js";
import { ask } from "./service.js";
import { makeTurns } from "./turn.js";

/**
 * Make a surveyor of a plane, who tells faults of the function in a part of the page.
 *
 * `onChecked(isUsable)` is told of each text once: whether the service takes it as a function. A function without a
 * finite value somewhere in the window is one.
 */
export function makeSurvey(setting, plane, part, onChecked) {
  const turns = makeTurns();
  let checked = null;

  function tell(text, isUsable) {
    if (text !== checked) {
      checked = text;
      onChecked(isUsable);
    }
  }

  async function survey(signal) {
    if (!plane.size.width) {
      return;
    }
    const text = setting.f;
    const grid = makeGrid(setting, plane.size);
    const { path, body } = fieldRequest(setting, pointsOf(grid));
    try {
      const { values, gradient } = await ask(path, body, signal);
      clearFaults(part);
      plane.showLandscape(makeLandscape(grid, values, gradient.x));
      tell(text, true);
    } catch (error) {
      if (signal.aborted) {
        return;
      }
      const isUsable = error.code === "non-finite-result";
      showFaults(part, faultsOf(error), text);
      if (isUsable) {
        addNote(part, words("notFiniteHere"));
      }
      plane.showLandscape(null);
      tell(text, isUsable);
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
  };
}
