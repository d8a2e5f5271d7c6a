// What a setting asks: its function with the data that it uses, the numbers to vary, and the two that are shown.

import { readData } from "./data.js";
import { functionRows } from "./options.js";
import { Unusable } from "./service.js";
import { MOST_NUMBERS, coordinatesOf, freeNames } from "./variables.js";

const NOBODYS = ["x[0]", "x[1]"].map((label, index) => ({ name: "x", index, label }));
/** Of a text without a variable: the service says what is wrong with it. */

let last = { f: null, data: null, problem: null };

function read(f, data) {
  const { columns } = readData(data);
  const used = freeNames(f).filter((name) => Object.hasOwn(columns, name));
  const constants = Object.fromEntries(used.map((name) => [name, columns[name]]));
  // A function's name is not yet a variable: one is still writing its parenthesis.
  const found = coordinatesOf(f, used, functionRows().map(({ name }) => name));
  const coordinates = found.length ? found.slice(0, MOST_NUMBERS) : NOBODYS;
  return { constants, coordinates, isLarge: found.length > MOST_NUMBERS };
}

/** The problem of a setting, found once for each function and data. */
export function problemOf({ f, data }) {
  if (f !== last.f || data !== last.data) {
    last = { f, data, problem: read(f, data) };
  }
  return last.problem;
}

/** Refuse a function of more numbers than the page shows: a request of a part of them would be another one. */
export function expectFew(setting) {
  if (problemOf(setting).isLarge) {
    throw new Unusable("tooManyNumbers", { most: MOST_NUMBERS });
  }
}

/** Places among the coordinates of those that the picture shows: one, or the two that the reader chose. */
export function shownOf(setting) {
  const places = [...problemOf(setting).coordinates.keys()];
  const wanted = setting.axes.filter((place) => places.includes(place));
  return [...new Set([...wanted, ...places])].slice(0, 2);
}

/** Where the descent starts: a number for each coordinate. */
export function startOf(setting) {
  return problemOf(setting).coordinates.map((_, place) => setting.start[place] ?? 1);
}

/** The whole point at a place of the picture; what is not shown is as at the start. */
export function pointAt(setting, place) {
  const point = startOf(setting);
  shownOf(setting).forEach((coordinate, index) => {
    point[coordinate] = place[index];
  });
  return point;
}

/** The place of a point in the picture. */
export function placeOf(setting, point) {
  return shownOf(setting).map((coordinate) => point[coordinate]);
}

/** Whether the picture is a curve, that of a function of one number. */
export const isCurve = (setting) => problemOf(setting).coordinates.length === 1;
