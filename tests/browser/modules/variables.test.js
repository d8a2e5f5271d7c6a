import "./browser.js";

import assert from "node:assert/strict";
import { test } from "node:test";

const { readData } = await import("../../../service/web/data.js");
const { completions, wordAround, wordBefore } = await import("../../../service/web/help.js");
const { forcesAt } = await import("../../../service/web/motion.js");
const { coordinatesOf, freeNames, packed, packedPoints, unpacked, unpackedRows } = await import(
  "../../../service/web/variables.js"
);

const labels = (text, known) => coordinatesOf(text, known).map(({ label }) => label).join(" ");

test("the free names of a text are its variables", () => {
  for (const [text, expected] of [
    ["x[0]**2 + x[1]**2", "x"],
    ["h = a*x; mean((h - y)**2)", "a x y"],
    ["x = x0 + 1; x*2", "x0"],
    ["x = x + 1", "x"],
    ["sum(x, axis=0)*b # c", "x b"],
    ["1e-5*x + e + pi", "x"],
    ["bend(u, v) = u*v + c; bend(p, q)", "c p q"],
    ["for k in range(3): z = z*k\nz", "z"],
    ["sum((A @ B.T)**2)", "A B"],
    ["mean(\n  x\n)", "x"],
    ["x <= y and not z == 2", "x y z"],
    ["", ""],
  ]) {
    assert.equal(freeNames(text).join(" "), expected, text);
  }
  assert.deepEqual(freeNames("mean((a*x + b - y)**2)", ["x", "y"]), ["a", "b"]);
});

test("an index of any size makes at most one number more than are shown", () => {
  assert.equal(labels("x[7]").split(" ").length, 8);
  assert.equal(labels("x[8]").split(" ").length, 9);
  assert.equal(labels("x[99999999999]"), labels("x[8]"));
});

test("a variable may be called as what every object has", () => {
  const coordinates = coordinatesOf("constructor[1] + toString");

  assert.equal(
    JSON.stringify(packed(coordinates, [1, 2, 3])),
    '{"constructor":[1,2],"toString":3}',
  );
});

test("a name is a vector where it is indexed, or alone and treated as one", () => {
  assert.equal(labels("x**4 - x"), "x");
  assert.equal(labels("x[0]**2 + x[2]"), "x[0] x[1] x[2]");
  assert.equal(labels("20 + sum(x**2 - 10*cos(2*pi*x))"), "x[0] x[1]");
  assert.equal(labels("sum(100*(x[1:] - x[:-1]**2)**2 + (1 - x[:-1])**2)"), "x[0] x[1]");
  assert.equal(labels("u**2 + v[1]"), "u v[0] v[1]");
  assert.equal(labels("mean((k*p - q)**2)", ["p", "q"]), "k");
  assert.equal(labels("x[-3]"), "x[0] x[1] x[2]");
  assert.deepEqual(coordinatesOf("x**2 + log", [], ["log"]).map(({ label }) => label), ["x"]);
});

test("numbers go into the variables of a request and come back", () => {
  const coordinates = coordinatesOf("u**2 + v[0]*v[1]");

  assert.deepEqual(packed(coordinates, [1, 2, 3]), { u: 1, v: [2, 3] });
  assert.deepEqual(unpacked(coordinates, { u: 1, v: [2, 3] }), [1, 2, 3]);
  assert.deepEqual(packedPoints(coordinates, [[1, 2, 3], [4, 5, 6]]), { u: [1, 4], v: [[2, 3], [5, 6]] });
  assert.deepEqual(unpackedRows(coordinates, { u: [1, null], v: [[2, 3], null] }, 2), [[1, 2, 3], null]);
});

test("pasted columns are read with and without names, by tabs, commas, semicolons and blanks", () => {
  const expected = { columns: { x: [1, 3], y: [2.5, -4] } };

  for (const text of ["1 2.5\n3 -4", "1,2.5\n3,-4\n", "1;2.5\r\n3;-4", "x\ty\n1\t2.5\n3\t-4", "1, 2.5\n\n3, -4"]) {
    assert.deepEqual(readData(text), expected, text);
  }
  assert.deepEqual(readData(""), { columns: {} });
  assert.deepEqual(readData("1 2\n3"), { columns: {}, fault: 2 });
  assert.deepEqual(readData("a b\n1 2\n3 four"), { columns: {}, fault: 3 });
  assert.equal(readData("1 2\n".repeat(2001)).fault, 2001);
  assert.deepEqual(Object.keys(readData("1 2 0\n3 4 1").columns), ["u", "v", "t"]);
});

test("a step is the sum of the gradient's part and of momentum", () => {
  const records = [
    { step: 0, place: [0, 0], gradient: [1, -2] },
    { step: 1, place: [0.4, 0.6], gradient: [1, 1] },
    { step: 5, place: [3, 3], gradient: [0, 0] },
  ];
  const track = { records, rate: 0.1, hasMomentum: true };

  const { step, momentum, gradient } = forcesAt(track, 0);
  assert.deepEqual(step, [0.4, 0.6]);
  assert.deepEqual(gradient, [-0.1, 0.2]);
  assert.deepEqual(momentum, [0.5, 0.39999999999999997]);
  assert.equal(forcesAt(track, 1).step, null); // four steps at once are not one
  assert.equal(forcesAt({ ...track, hasMomentum: false }, 0).momentum, null);
});

test("words are found at a place of a text, and what goes on from them", () => {
  const rows = ["log", "log1p", "log_sigmoid", "exp"].map((name) => ({ name }));

  assert.deepEqual(wordBefore("1 + lo", 6), { start: 4, written: "lo" });
  assert.equal(wordBefore("1 + ", 4), null);
  assert.equal(wordAround("abs(x)", 1), "abs");
  assert.deepEqual(completions(rows, "log").map(({ name }) => name), ["log1p", "log_sigmoid"]);
  assert.deepEqual(completions(rows, ""), []);
});
