import assert from "node:assert/strict";
import { test } from "node:test";

import { contour, levelsOf, ranksOf } from "../../../service/web/contour.js";

/** Values of a function on the points of a grid of whole numbers. */
function sampled(columns, rows, value) {
  return Array.from({ length: columns * rows }, (_, at) => value(at % columns, Math.floor(at / columns)));
}

function segmentsOf(values, columns, rows, level) {
  const flat = contour(values, columns, rows, level);
  return Array.from({ length: flat.length / 4 }, (_, at) => flat.slice(4 * at, 4 * at + 4));
}

test("a plane has straight contours at the right place", () => {
  const values = sampled(4, 3, (x) => x);

  for (const [x1, , x2] of segmentsOf(values, 4, 3, 1.25)) {
    assert.deepEqual([x1, x2], [1.25, 1.25]);
  }
  assert.equal(segmentsOf(values, 4, 3, 1.25).length, 2);
});

test("a level that no value reaches has no contour", () => {
  const values = sampled(5, 5, (x, y) => x * y);

  assert.deepEqual(contour(values, 5, 5, 100), []);
  assert.deepEqual(contour(values, 5, 5, -1), []);
});

test("every one of the sixteen cells is crossed on the edges between a corner above and one below", () => {
  const places = [[0, 0], [1, 0], [1, 1], [0, 1]];
  for (let row = 0; row < 16; row++) {
    const corners = places.map((_, corner) => (row >> corner) & 1);
    const [first, second, third, fourth] = corners;
    const flat = contour([first, second, fourth, third], 2, 2, 0.5);

    const ends = [];
    for (let at = 0; at < flat.length; at += 2) {
      ends.push(`${flat[at]},${flat[at + 1]}`);
    }
    const expected = places
      .map(([x, y], corner) => [[x, y], places[(corner + 1) % 4], corners[corner] !== corners[(corner + 1) % 4]])
      .filter(([, , isCrossed]) => isCrossed)
      .map(([[x1, y1], [x2, y2]]) => `${(x1 + x2) / 2},${(y1 + y2) / 2}`);
    assert.deepEqual(ends.sort(), expected.sort(), `corners ${corners}`);
  }
});

test("the contours of a saddle do not cross, and the mean says which corners belong together", () => {
  const joined = segmentsOf([1, 0.2, 0.2, 1], 2, 2, 0.5);
  const parted = segmentsOf([0.6, 0, 0, 0.6], 2, 2, 0.5);

  const cutsOff = ([x1, y1, x2, y2], [x, y]) => Math.hypot((x1 + x2) / 2 - x, (y1 + y2) / 2 - y) < 0.5;
  assert.ok(joined.some((each) => cutsOff(each, [1, 0])) && joined.some((each) => cutsOff(each, [0, 1])));
  assert.ok(parted.some((each) => cutsOff(each, [0, 0])) && parted.some((each) => cutsOff(each, [1, 1])));
});

test("the contour of a circle is closed and round", () => {
  const values = sampled(41, 41, (x, y) => Math.hypot(x - 20, y - 20));
  const ends = new Map();

  for (const [x1, y1, x2, y2] of segmentsOf(values, 41, 41, 13.3)) {
    for (const [x, y] of [[x1, y1], [x2, y2]]) {
      assert.ok(Math.abs(Math.hypot(x - 20, y - 20) - 13.3) < 0.02);
      const key = `${x.toFixed(9)},${y.toFixed(9)}`;
      ends.set(key, (ends.get(key) ?? 0) + 1);
    }
  }
  assert.ok([...ends.values()].every((count) => count === 2));
});

test("levels rise, lie between the ends, and follow where the values are", () => {
  const values = sampled(50, 50, (x, y) => Math.exp((x + y) / 7));
  const levels = levelsOf(values, 18);

  assert.ok(levels.length >= 18);
  assert.ok(levels.every((level, index) => index === 0 || level > levels[index - 1]));
  assert.ok(levels[0] > Math.min(...values) && levels.at(-1) < Math.max(...values));
});

test("a flat landscape has no levels and one colour", () => {
  assert.deepEqual(levelsOf(new Array(9).fill(3)), []);
  assert.ok(ranksOf(new Array(9).fill(3)).every((rank) => rank === 0));
});

test("ranks are from 0 to 1 in the order of the values, whatever their size", () => {
  assert.deepEqual([...ranksOf([1e300, -5, 0, 2, 1e-300])], [1, 0, 0.25, 0.75, 0.5]);
});
