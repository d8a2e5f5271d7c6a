import assert from "node:assert/strict";
import { test } from "node:test";

import { refined } from "../../../service/web/refine.js";

const xs = [-1, 0, 1, 2];
const ys = [0, 0.5, 1];
const GRID = { xs, ys, columns: 4, rows: 3 };

function refinedOf(value, slope) {
  const points = ys.flatMap((y) => xs.map((x) => [x, y]));
  return refined(GRID, points.map(value), points.map(slope));
}

test("a cubic function is met exactly between the points", () => {
  const value = ([x, y]) => x ** 3 - 2 * x * y + y ** 2;
  const { grid, values } = refinedOf(value, ([x, y]) => [3 * x ** 2 - 2 * y, -2 * x + 2 * y]);

  assert.equal(grid.columns, 7);
  assert.equal(grid.rows, 5);
  assert.deepEqual(grid.xs, [-1, -0.5, 0, 0.5, 1, 1.5, 2]);
  grid.ys.forEach((y, row) => {
    grid.xs.forEach((x, column) => {
      assert.ok(Math.abs(values[row * grid.columns + column] - value([x, y])) < 1e-12, `at ${x}, ${y}`);
    });
  });
});

test("what was asked for stays as it was", () => {
  const { grid, values } = refinedOf(([x, y]) => Math.cos(7 * x) + y, () => [0, 0]);

  assert.equal(values[0], Math.cos(7));
  assert.equal(values[4 * grid.columns + 6], Math.cos(14) + 1);
});
