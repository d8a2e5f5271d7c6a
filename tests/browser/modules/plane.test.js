import "./browser.js";

import assert from "node:assert/strict";
import { test } from "node:test";

const { ticks, tickText } = await import("../../../service/web/axes.js");
const { lengthOf, strideOf } = await import("../../../service/web/arrows.js");
const { heightOf, logScale, powers } = await import("../../../service/web/curve.js");
const { makeGrid, pointsOf } = await import("../../../service/web/grid.js");
const { heightAt } = await import("../../../service/web/landscape.js");
const { clipped } = await import("../../../service/web/path.js");
const { panned, rounded, toPixel, toPoint, zoomed } = await import("../../../service/web/viewport.js");

const SIZE = { width: 800, height: 500 };
const VIEW = { cx: 1, cy: -2, span: 4 };
const BOX = { left: 0, right: 10, top: 0, bottom: 10 };

test("a pixel's point has that pixel", () => {
  const point = toPoint(VIEW, SIZE, [123, 456]);

  assert.deepEqual(toPixel(VIEW, SIZE, point).map(Math.round), [123, 456]);
  assert.deepEqual(toPoint(VIEW, SIZE, [400, 250]), [1, -2]);
});

test("zooming keeps the point under the hand", () => {
  const before = toPoint(VIEW, SIZE, [700, 90]);

  const after = toPoint(zoomed(VIEW, SIZE, [700, 90], 0.3), SIZE, [700, 90]);

  assert.ok(Math.hypot(after[0] - before[0], after[1] - before[1]) < 1e-12);
});

test("zooming ends before numbers do", () => {
  assert.equal(zoomed(VIEW, SIZE, [0, 0], 1e-300).span, 1e-9);
  assert.equal(zoomed(VIEW, SIZE, [0, 0], 1e300).span, 1e9);
});

test("a drag carries the plane along", () => {
  const moved = panned(VIEW, SIZE, 125, 250);

  assert.deepEqual([moved.cx, moved.cy], [0, 0]);
});

test("a number has no more digits than a pixel tells", () => {
  assert.equal(rounded(1.23456789, 0.01), 1.235);
  assert.equal(rounded(1234567.891, 1000), 1234568);
});

test("a grid covers the picture, in an even number of points, rows from below", () => {
  const grid = makeGrid(VIEW, SIZE);
  const points = pointsOf(grid);

  assert.equal(points.length, grid.columns * grid.rows);
  assert.equal(grid.columns % 2, 0);
  assert.ok(Math.abs(grid.xs[0] - -2.2) < 1e-3 && Math.abs(grid.xs.at(-1) - 4.2) < 1e-3);
  assert.ok(points[0][1] < points.at(-1)[1]);
});

test("the height between grid points is between their heights", () => {
  const landscape = { grid: { xs: [0, 1], ys: [0, 2], columns: 2, rows: 2 }, values: [0, 1, 2, 3] };

  assert.equal(heightAt(landscape, [0.5, 1]), 1.5);
  assert.equal(heightAt(landscape, [1, 2]), 3);
  assert.equal(heightAt(landscape, [1.1, 1]), null);
  assert.equal(heightAt(landscape, [Number.NaN, 1]), null);
});

test("ticks are round numbers in the range", () => {
  const { step, values } = ticks(-0.95, 1.03, 5);

  assert.equal(step, 0.5);
  assert.deepEqual(values.map((value) => tickText(value, step)), ["−0.5", "0.0", "0.5", "1.0"]);
  assert.equal(tickText(1e9, 1e8), "1e9");
  assert.equal(tickText(-3e-7, 1e-7), "−3e−7");
  assert.equal(tickText(0, 1e-8), "0");
});

test("what leaves the picture is cut off at its edge", () => {
  assert.deepEqual(clipped([5, 5], [1e13, 5], BOX), [[5, 5], [10, 5]]);
  assert.deepEqual(clipped([-5, 5], [15, 5], BOX), [[0, 5], [10, 5]]);
  assert.deepEqual(clipped([2, 3], [4, 5], BOX), [[2, 3], [4, 5]]);
  assert.equal(clipped([-5, -5], [-1, 20], BOX), null);
  assert.equal(clipped([12, 0], [12, 10], BOX), null);
});

test("arrows stand apart and the small ones are seen", () => {
  assert.equal(strideOf(42), 1);
  assert.equal(strideOf(6.5), 6);
  assert.equal(lengthOf(0, 5), 0);
  assert.equal(lengthOf(5, 5), 1);
  assert.ok(lengthOf(0.05, 5) >= 0.1);
  assert.equal(lengthOf(0, 0), 0);
});

test("a logarithmic scale takes zeros, negative values and a single value", () => {
  const run = (...values) => values.map((value, step) => ({ step, value }));

  assert.equal(logScale([run(100, 1, 0.01)]).offset, 0);
  assert.equal(logScale([run(3, -2)]).offset, -2);
  assert.equal(heightOf(-2, logScale([run(3, -2)])), 0);
  assert.ok(heightOf(3, logScale([run(3, -2)])) > 0);
  const { low, high } = logScale([run(7, 7)]);
  assert.ok(low < high);
  assert.deepEqual(logScale([run(0, 0)]), { offset: 0, low: -1, high: 1 });
});

test("powers of ten are whole where two or more are in sight", () => {
  assert.deepEqual(powers({ low: -3.2, high: 2.5 }), [-2, 0, 2]);
  assert.ok(powers({ low: 0.1, high: 0.4 }).length > 1);
});

test("neighbouring ticks have different labels, however far one has zoomed in", () => {
  for (const middle of [0, 1, -0.3, 1e-5, 123456.7, 1e7, 3e11]) {
    for (let power = -9; power <= 9; power++) {
      const span = 10 ** power;
      const { step, values } = ticks(middle - span, middle + span, 6);
      const labels = values.map((value) => tickText(value, step));
      assert.equal(new Set(labels).size, labels.length, `${middle} ± ${span}: ${labels}`);
    }
  }
});
