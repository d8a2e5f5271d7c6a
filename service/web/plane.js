// The plane: a canvas with the landscape, arrows, paths and axes over it, that hands can move.

import { makeBackdrop } from "./backdrop.js";
import { makeCanvas } from "./canvas.js";
import { FUNCTIONS, nameOf } from "./functions.js";
import { listen } from "./gestures.js";
import { heightAt } from "./landscape.js";
import { drawLayers, isSurface, scaleOf, startPlace } from "./layers.js";
import { pair, short } from "./numbers.js";
import { isCurve, placeOf, pointAt, startOf } from "./problem.js";
import { profileHeight } from "./profile.js";
import { turned } from "./surface.js";
import { panned, rounded, toPixel, toPoint, unit, zoomed } from "./viewport.js";

const FIRST_VIEW = { cx: 0, cy: 0, span: 10 };
const BUTTON_FACTOR = 1.5;
const GRIP_PIXELS = 16;
const NO_PATHS = { all: [], moment: null };

/**
 * Make the plane of a canvas. The view is part of the setting; `on.view()` is told when it or the canvas' size
 * changes, `on.start()` when the reader sets another start, `on.turn()` when a surface is turned.
 */
export function makePlane(element, setting, on) {
  const layers = { landscape: null, profile: null, isStale: false, paths: NO_PATHS };
  const backdrop = makeBackdrop();
  const canvas = makeCanvas(element, (context) => drawLayers(context, canvas.size, setting, layers, backdrop), on.view);
  const { size } = canvas;

  function look(view) {
    Object.assign(setting, view);
    canvas.ask();
    on.view();
  }

  function begin(place) {
    const step = unit(setting, size);
    setting.start = pointAt(setting, place).map((each) => rounded(each, step));
    canvas.ask();
    on.start();
  }

  function nudge(across, down) {
    const [x, y] = placeOf(setting, startOf(setting));
    const [left, top] = toPixel(setting, size, [x, y ?? 0]);
    begin(toPoint(setting, size, [left + across, top + down]));
  }

  function turn(across, down) {
    setting.turn = turned(setting.turn, across, down).map((each) => rounded(each, 0.01));
    canvas.ask();
    on.turn();
  }

  const zoom = (pixel, factor) => look(zoomed(setting, size, pixel, factor));
  const zoomMiddle = (factor) => zoom([size.width / 2, size.height / 2], factor);
  const home = () => look(FUNCTIONS[nameOf(setting.f)]?.view ?? FIRST_VIEW);
  listen(element, {
    zoom,
    home,
    nudge,
    pan(across, down) {
      if (isSurface(setting, layers)) {
        turn(across, down);
      } else {
        look(panned(setting, size, across, isCurve(setting) ? 0 : down));
      }
    },
    click: (pixel) => isSurface(setting, layers) || begin(toPoint(setting, size, pixel)),
    drag: (pixel) => begin(toPoint(setting, size, pixel)),
    /** Whether a pixel is on the start's marker, which then is what a hand drags. */
    isGrip([left, top]) {
      if (isSurface(setting, layers)) {
        return false;
      }
      const [startLeft, startTop] = scaleOf(setting, size, layers)(startPlace(setting, layers));
      return Math.hypot(left - startLeft, top - startTop) <= GRIP_PIXELS;
    },
  });

  return {
    size,
    home,
    redraw: canvas.ask,
    zoomIn: () => zoomMiddle(1 / BUTTON_FACTOR),
    zoomOut: () => zoomMiddle(BUTTON_FACTOR),
    /** Show a landscape, or a curve; null leaves the last one faintly, where it is not the function's any more. */
    showGround({ landscape = null, profile = null }) {
      layers.isStale = !landscape && !profile;
      if (!layers.isStale) {
        Object.assign(layers, { landscape, profile });
      }
      canvas.ask();
    },
    /** Show paths, each {records, label}, up to a moment: a number of steps, or null for all of them. */
    showPaths(all, moment = null) {
      layers.paths = { all, moment };
      canvas.ask();
    },
    /** Words for a pixel: its point and, where the picture knows it, the height there. */
    describe(pixel) {
      const place = toPoint(setting, size, pixel).map((each) => rounded(each, unit(setting, size)));
      const shown = isCurve(setting) ? place.slice(0, 1) : place;
      const height = layers.isStale ? null : heightOf(layers, place);
      return Number.isFinite(height ?? Number.NaN) ? `${pair(shown, 8)} ≈ ${short(height, 4)}` : pair(shown, 8);
    },
  };
}

function heightOf({ landscape, profile }, place) {
  if (profile) {
    return profileHeight(profile, place[0]);
  }
  return landscape && heightAt(landscape, place);
}
