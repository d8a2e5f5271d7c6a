// Motion: the paths are played, stepped through and scrubbed, with what moves each at every step.

import { makeForces } from "./forces.js";
import { onLanguage, words } from "./language.js";
import { isCurve } from "./problem.js";
import { lastStep } from "./track.js";

const PLAY_MS = 6000;
const CALM_MS = 600;
/** Who wants no motion sees single steps, one at a time. */

const element = (id) => document.getElementById(id);
const isCalm = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Make a clock: `play(from, last, onStep)` calls back for every step that is to be seen, `pause()` ends that. */
function makeClock() {
  let frame = null;
  let timer = null;

  function pause() {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
    frame = timer = null;
  }

  function walk(step, last, onStep) {
    timer = setTimeout(() => {
      timer = null;
      if (step < last) {
        walk(step + 1, last, onStep);
      }
      onStep(Math.min(step + 1, last));
    }, CALM_MS);
  }

  function play(from, last, onStep) {
    if (isCalm()) {
      walk(from, last, onStep);
      return;
    }
    const began = performance.now() - (from / last) * PLAY_MS;
    const tick = (now) => {
      const step = Math.min(last, Math.floor(((now - began) / PLAY_MS) * last));
      frame = step < last ? requestAnimationFrame(tick) : null;
      onStep(Math.max(from, step));
    };
    frame = requestAnimationFrame(tick);
  }
  return { play, pause, isPlaying: () => frame !== null || timer !== null };
}

/** Make the player of a plane's paths; `onMoment(step)` is told what is shown. Its `show(tracks)` shows paths. */
export function makePlayer(setting, plane, onMoment) {
  const clock = makeClock();
  const forces = makeForces(setting, () => plane.showPaths(tracks, moment));
  let tracks = [];
  let moment = null; // a number of steps, or null for the whole paths

  function tell() {
    const steps = lastStep(tracks);
    const step = moment ?? steps;
    const text = words("momentOf", { step, steps });
    element("moment").max = steps;
    element("moment").value = step;
    element("moment").setAttribute("aria-valuetext", text);
    element("moment-text").textContent = text;
    const label = words(clock.isPlaying() ? "pause" : "play");
    element("play").textContent = clock.isPlaying() ? "❚❚" : "▶";
    element("play").setAttribute("aria-label", label);
    element("play").title = label;
    element("player").hidden = !tracks.length;
    element("forces").hidden = moment === null || isCurve(setting);
  }

  function showMoment(step) {
    moment = step === null ? null : Math.max(0, Math.min(step, lastStep(tracks)));
    if (moment !== null || isCurve(setting)) {
      forces.add(tracks); // the arrows, or the tangents of a curve
    }
    plane.showPaths(tracks, moment);
    onMoment(moment);
    tell();
  }

  function seek(step) {
    clock.pause();
    showMoment(step);
  }

  element("play").addEventListener("click", () => {
    const steps = lastStep(tracks);
    if (clock.isPlaying() || steps === 0) {
      seek(moment);
    } else {
      const from = moment === null || moment >= steps ? 0 : moment;
      clock.play(from, steps, showMoment);
      showMoment(from);
    }
  });
  element("step-back").addEventListener("click", () => seek((moment ?? lastStep(tracks)) - 1));
  element("step-on").addEventListener("click", () => seek((moment ?? -1) + 1));
  element("moment").addEventListener("input", ({ target }) => seek(Number(target.value)));
  onLanguage(tell);

  return {
    /** Show paths that still grow. */
    pass(found) {
      clock.pause();
      [tracks, moment] = [found, null];
      plane.showPaths(tracks);
      tell();
    },
    show(found) {
      forces.end();
      tracks = found;
      seek(null);
    },
  };
}
