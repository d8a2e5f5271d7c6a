// The plane: a canvas with the landscape, arrows, paths and axes over it, that hands can move.

import { drawArrows } from "./arrows.js";
import { drawAxes } from "./axes.js";
import { makeCanvas } from "./canvas.js";
import { FUNCTIONS, nameOf } from "./functions.js";
import { listen } from "./gestures.js";
import { drawLandscape, heightAt } from "./landscape.js";
import { pair, short } from "./numbers.js";
import { drawPath, drawStart } from "./path.js";
import { panned, rounded, toPixel, toPoint, unit, zoomed } from "./viewport.js";

const FIRST_VIEW = { cx: 0, cy: 0, span: 10 };
const BUTTON_FACTOR = 1.5;
const SIGNS = { gradient: 1, down: -1 };

/**
 * Make the plane of a canvas. The view is part of the setting; `on.view()` is told when it or the canvas' size
 * changes, `on.start()` when the reader sets another start.
 */
export function makePlane(element, setting, on) {
  const layers = { landscape: null, paths: [], isStale: false };
  const canvas = makeCanvas(element, draw, on.view);
  const { size } = canvas;

  function draw(context) {
    if (layers.landscape) {
      context.globalAlpha = layers.isStale ? 0.3 : 1;
      drawLandscape(context, setting, size, layers.landscape);
      performance.mark("landscape drawn");
      if (setting.arrows in SIGNS) {
        drawArrows(context, setting, size, layers.landscape.field, SIGNS[setting.arrows]);
      }
      context.globalAlpha = 1;
    }
    // The first on top: rates usually rise, and the shorter path of a smaller one would be covered.
    for (let index = layers.paths.length - 1; index >= 0; index--) {
      const { points, label } = layers.paths[index];
      drawPath(context, setting, size, points, index, label);
    }
    drawStart(context, setting, size, setting.start);
    drawAxes(context, setting, size);
  }

  function look(view) {
    Object.assign(setting, view);
    canvas.ask();
    on.view();
  }

  function begin(point) {
    const step = unit(setting, size);
    setting.start = point.map((each) => rounded(each, step));
    canvas.ask();
    on.start();
  }

  function nudge(across, down) {
    const [left, top] = toPixel(setting, size, setting.start);
    begin(toPoint(setting, size, [left + across, top + down]));
  }

  const zoom = (pixel, factor) => look(zoomed(setting, size, pixel, factor));
  const zoomMiddle = (factor) => zoom([size.width / 2, size.height / 2], factor);
  const home = () => look(FUNCTIONS[nameOf(setting.f)]?.view ?? FIRST_VIEW);
  listen(element, {
    zoom,
    home,
    nudge,
    pan: (across, down) => look(panned(setting, size, across, down)),
    click: (pixel) => begin(toPoint(setting, size, pixel)),
  });

  return {
    size,
    home,
    redraw: canvas.ask,
    zoomIn: () => zoomMiddle(1 / BUTTON_FACTOR),
    zoomOut: () => zoomMiddle(BUTTON_FACTOR),
    /** Show a landscape; null leaves the last one faintly, where it is not the function's any more. */
    showLandscape(landscape) {
      layers.isStale = landscape === null;
      layers.landscape = landscape ?? layers.landscape;
      canvas.ask();
    },
    /** Show paths, each {points, label}. */
    showPaths(paths) {
      layers.paths = paths;
      canvas.ask();
    },
    /** Words for a pixel: its point and, where the landscape knows it, the height there. */
    describe(pixel) {
      const point = toPoint(setting, size, pixel).map((each) => rounded(each, unit(setting, size)));
      const height = layers.landscape && !layers.isStale ? heightAt(layers.landscape, point) : null;
      return height === null ? pair(point, 8) : `${pair(point, 8)} ≈ ${short(height, 4)}`;
    },
  };
}
