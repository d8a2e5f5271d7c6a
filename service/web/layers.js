// The layers of the plane, from the ground up: landscape or curve, paths, start and axes.

import { drawArrows } from "./arrows.js";
import { drawAxes } from "./axes.js";
import { drawLandscape, heightAt } from "./landscape.js";
import { drawMotion } from "./motion.js";
import { drawPath, drawStart } from "./path.js";
import { placeOf, startOf } from "./problem.js";
import { drawProfile, drawTangents, makeScale, profileHeight } from "./profile.js";
import { drawSurface, makeSurface } from "./surface.js";
import { toPixel } from "./viewport.js";

const SIGNS = { gradient: 1, down: -1 };

/** From a place of the picture, for a curve with its height, to a pixel. */
export function scaleOf(setting, size, { profile }) {
  return profile ? makeScale(setting, size, profile) : (place) => toPixel(setting, size, place);
}

/** Whether the landscape is drawn in three dimensions. */
export function isSurface(setting, { landscape, profile }) {
  return setting.picture === "surface" && landscape !== null && !profile;
}

/** Where the start is in the picture: on the curve, or in the plane. */
export function startPlace(setting, { profile }) {
  const place = placeOf(setting, startOf(setting));
  if (profile) {
    return [place[0], profileHeight(profile, place[0]) ?? 0];
  }
  return place.length === 2 ? place : [place[0], 0];
}

function drawGround(context, size, setting, { landscape, profile, isStale }) {
  context.globalAlpha = isStale ? 0.3 : 1;
  if (profile) {
    drawProfile(context, setting, size, profile);
    return;
  }
  drawLandscape(context, setting, size, landscape);
  if (setting.arrows in SIGNS) {
    drawArrows(context, setting, size, landscape.field, SIGNS[setting.arrows]);
  }
}

/** Draw one path as far as the moment that is played, with what moves it there. */
function drawTrack(context, size, scale, { track, index, moment, isCurve }) {
  const { records, label } = track;
  const passed = moment === null ? records : records.filter(({ step }) => step <= moment);
  const pixels = passed.map(({ place }) => scale(place));
  if (isCurve) {
    drawTangents(context, scale, passed.filter(({ gradient }) => gradient).slice(moment === null ? 0 : -1), index);
  }
  drawPath(context, size, pixels, index, label);
  if (!isCurve && moment !== null) {
    drawMotion(context, scale, track, passed.length - 1);
  }
}

function drawAsSurface(context, size, setting, layers) {
  const { landscape, isStale, paths } = layers;
  const place = startPlace(setting, layers);
  landscape.surface ??= makeSurface(landscape);
  context.globalAlpha = isStale ? 0.3 : 1;
  drawSurface(context, size, setting.turn, landscape.surface, paths, { place, value: heightAt(landscape, place) ?? 0 });
}

function drawAsPlane(context, size, setting, layers, backdrop) {
  const { landscape, profile, isStale, paths } = layers;
  if (profile ?? landscape) {
    const { cx, cy, span, arrows } = setting;
    const paint = (own) => drawGround(own, size, setting, layers);
    backdrop.draw(context, size, [profile ?? landscape, isStale, cx, cy, span, arrows], paint);
  }
  const scale = scaleOf(setting, size, layers);
  // The first on top: rates usually rise, and the shorter path of a smaller one would be covered.
  for (let index = paths.all.length - 1; index >= 0; index--) {
    const track = paths.all[index];
    if (track.isCurve === (profile !== null)) {
      drawTrack(context, size, scale, { track, index, moment: paths.moment, isCurve: track.isCurve });
    }
  }
  drawStart(context, size, scale(startPlace(setting, layers)));
  if (!profile) {
    drawAxes(context, setting, size);
  }
}

/** Draw everything; a backdrop keeps the ground while only paths move. */
export function drawLayers(context, size, setting, layers, backdrop) {
  if (isSurface(setting, layers)) {
    drawAsSurface(context, size, setting, layers);
  } else {
    drawAsPlane(context, size, setting, layers, backdrop);
  }
  if (layers.profile ?? layers.landscape) {
    performance.mark("landscape drawn");
  }
}
