import "./browser.js";

import assert from "node:assert/strict";
import { test } from "node:test";

const { isWithin, marked, tokenAt, valueAt } = await import("../../../service/web/fault.js");
const { FUNCTIONS, nameOf } = await import("../../../service/web/functions.js");
const { bestLanguage, words } = await import("../../../service/web/language.js");
const { learn } = await import("../../../service/web/options.js");
const { pair, short } = await import("../../../service/web/numbers.js");
const { shownOf } = await import("../../../service/web/problem.js");
const { lossRequest, ratesOf, runRequest, sweepRequest } = await import("../../../service/web/request.js");
const { curlLine } = await import("../../../service/web/service.js");
const { defaults, readFragment, writeFragment } = await import("../../../service/web/setting.js");
const { makeTurns } = await import("../../../service/web/turn.js");
const { ENGLISH } = await import("../../../service/web/words-en.js");
const { JAPANESE } = await import("../../../service/web/words-ja.js");

learn({
  optimizers: [
    { name: "gradient_descent", options: [], defaults: {} },
    { name: "nesterov", options: ["momentum"], defaults: { momentum: 0.9 } },
  ],
  options: [{ name: "momentum", meaning: "the share of the last update in the next" }],
});

test("a setting survives its fragment", () => {
  const setting = {
    ...defaults(),
    f: "y = x[0]**2 # & % + \n y + x[1]",
    start: [-1.5e-7, 4],
    h: 1e-5,
    optimizer: "nesterov",
    momentum: 0.5,
    show: "sweep",
    logits: [1, -2.5, 3, 0],
    label: 3,
    against: "kept",
    runs: [
      { optimizer: "nesterov", rate: 1e-3, start: [1, -2, 3], steps: 10, method: "central", momentum: 0.5 },
      { optimizer: "gradient_descent", rate: 0.1, start: [4], steps: 100, method: "exact", momentum: null },
    ],
  };

  assert.deepEqual(readFragment(`#${writeFragment(setting)}`), setting);
});

test("what a fragment holds beside is left out, and what does not fit is as for a newcomer", () => {
  const found = readFragment("#start=one&rate=fast&span=-1&tab=__proto__&constructor=1&toString=2&label=9&steps=20");

  assert.deepEqual(found, { ...defaults(), steps: 20, label: 2 });
});

test("every example is found again by its text", () => {
  for (const [name, { text, run }] of Object.entries(FUNCTIONS)) {
    assert.equal(nameOf(text), name);
    assert.ok(ratesOf(run.rates).includes(run.rate), name);
  }
  assert.equal(nameOf("x[0]"), "own");
});

test("both languages have the same words with the same gaps", () => {
  const gaps = (text) => ([text].flat().at(-1).match(/\{\w+\}/g) ?? []).sort();

  assert.deepEqual(Object.keys(ENGLISH), Object.keys(JAPANESE));
  for (const [name, text] of Object.entries(ENGLISH)) {
    assert.deepEqual(gaps(text), gaps(JAPANESE[name]), name);
  }
});

test("a single step is no plural", () => {
  for (const status of ["stopped", "max_steps", "converged", "diverged", "stalled", "deadline", "atRest"]) {
    assert.match(words(status, { steps: 1 }), /\b1 step\b|only step/);
    assert.match(words(status, { steps: 2 }), /\b2 steps\b/);
    assert.match(words(status, { steps: 0 }), /\b0 steps\b/);
  }
});

test("the first language that the page has is taken", () => {
  assert.equal(bestLanguage(["fr-CA", "ja-JP", "en"]), "ja");
  assert.equal(bestLanguage(["en-GB", "ja"]), "en");
  assert.equal(bestLanguage(["de"]), "en");
});

test("an option stands in the request only where it counts", () => {
  const setting = { ...defaults(), momentum: 0.5, h: 1e-3, tolerance: 1e-6 };

  assert.equal("momentum" in runRequest(setting).body, false);
  assert.equal("h" in runRequest(setting).body, false);
  assert.equal(runRequest({ ...setting, optimizer: "nesterov" }).body.momentum, 0.5);
  assert.equal(runRequest({ ...setting, method: "central" }).body.h, 1e-3);
  assert.equal(runRequest(setting).body.tolerance, 1e-6);
});

test("learning rates are read by commas of both languages", () => {
  assert.deepEqual(ratesOf("0.1, 1e-3、2"), [0.1, 1e-3, 2]);
  assert.equal(ratesOf("0.1,"), null);
  assert.equal(ratesOf("fast"), null);
  assert.equal(sweepRequest({ ...defaults(), rates: "" }), null);
});

test("cross entropy is asked for by logits, any other loss by probabilities", () => {
  const setting = { ...defaults(), temperature: 2, logits: [2, 4], label: 1 };

  assert.deepEqual(lossRequest(setting, [0.3, 0.7]).body.predictions, [1, 2]);
  assert.deepEqual(lossRequest({ ...setting, loss: "huber" }, [0.3, 0.7]).body.targets, [0, 1]);
});

test("a command survives quotes in a function", () => {
  const line = curlLine({ path: "gradient", body: { function: "it's" } });

  assert.equal(
    line,
    `curl http://localhost:8000/gradient -H 'Content-Type: application/json' -d '{"function":"it'\\''s"}'`,
  );
});

test("the caret stands under the column, also in a line too long to show", () => {
  assert.equal(marked("a\nb + * c", { line: 2, column: 5 }), "b + * c\n    ^");
  const [shown, caret] = marked(`${"x + ".repeat(50)}* y`, { line: 1, column: 201 }).split("\n");
  assert.ok(shown.length < 80);
  assert.equal(shown[caret.indexOf("^")], "*");
});

test("numbers are short, with a true minus", () => {
  assert.equal(short(-0.000000123456), "−1.235e−7");
  assert.equal(short(0.30000000000000004), "0.3");
  assert.equal(short(25), "25");
  assert.equal(short(1e21), "1e21");
  assert.equal(short(0), "0");
  assert.equal(pair([-3, 4]), "(−3, 4)");
});

test("only the newest turn is taken to its end", async () => {
  const turns = makeTurns();
  const done = [];

  const first = turns.take(async (signal) => {
    await new Promise((resume) => setTimeout(resume, 5));
    done.push(["first", signal.aborted]);
  });
  const second = turns.take(() => done.push("never"), 5);
  const third = turns.take((signal) => done.push(["third", signal.aborted]));
  await Promise.all([first, second, third]);

  assert.deepEqual(done, [["third", false], ["first", true]]);
});

test("a fault belongs to the field whose pointer leads to it, not to one that begins alike", () => {
  assert.ok(isWithin("/learning_rate", "/learning_rate"));
  assert.ok(isWithin("/variables/x/1", "/variables"));
  assert.ok(!isWithin("/learning_rates/1", "/learning_rate"));
  assert.ok(!isWithin("/history", "/h"));
  assert.ok(isWithin("/anything", ""));
});

test("the token at a fault and the value at a pointer are found for a sentence in another language", () => {
  assert.equal(tokenAt("y = 1\nx + sqare(2)", { line: 2, column: 5 }), "sqare");
  assert.equal(tokenAt("x ** 2", { line: 1, column: 3 }), "**");
  assert.equal(tokenAt("x +", { line: 1, column: 4 }), "");
  assert.equal(valueAt({ learning_rates: [0.1, -1] }, "/learning_rates/1"), "-1");
  assert.equal(valueAt({}, "/nothing/1"), "");
});

test("axes that are no places of the start are replaced by the first that are", () => {
  const shown = (...axes) => shownOf({ f: "a*b*c", data: "", axes });

  assert.deepEqual(shown(2, 0), [2, 0]);
  assert.deepEqual(shown(1, 1), [1, 0]);
  assert.deepEqual(shown(0.5, 2), [2, 0]);
  assert.deepEqual(shown(-1, 7), [0, 1]);
  assert.deepEqual(shownOf({ f: "a", data: "", axes: [0, 1] }), [0]);
});
