// What came of a descent: its status in words, its figures, and the curve of its values.

import { makeCanvas } from "./canvas.js";
import { makeCommand } from "./command.js";
import { drawCurves, logScale } from "./curve.js";
import { onLanguage, words } from "./language.js";
import { pair, short } from "./numbers.js";
import { pathColour } from "./palette.js";
import { problemOf } from "./problem.js";
import { unpacked } from "./variables.js";

const CAN_GO_ON = new Set(["max_steps", "stopped", "deadline"]);

const element = (id) => document.getElementById(id);

/** Make the result; `onBusy(isBusy)` is told when a run begins and ends. */
export function makeResult(onBusy) {
  const command = makeCommand(element("descent-command"), "request");
  let runs = [];
  let coordinates = []; // of what is under way
  let tell = () => {};
  const canvas = makeCanvas(element("curve"), (context, size) => drawCurves(context, size, runs));
  onLanguage(() => tell());

  /** Show curves, and by `write` all words; it is called again for another language. */
  function show(curves, write) {
    runs = curves;
    canvas.ask();
    element("curve").hidden = element("curve-title").hidden = !runs.length;
    tell = () => {
      const isAboveLowest = logScale(runs).offset !== 0;
      element("curve-title").textContent = words(isAboveLowest ? "curveOffset" : "curve");
      write();
    };
    tell();
  }

  function end({ isRun = false, isSweep = false, canGoOn = false }) {
    element("progress").hidden = true;
    element("figures").hidden = !isRun;
    element("sweep").hidden = !isSweep;
    element("go-on").hidden = !canGoOn;
    element("keep").hidden = !isRun;
    element("message").textContent = "";
    onBusy(false);
  }

  return {
    redraw: () => {
      canvas.ask();
      tell();
    },
    begin(asked, ...requests) {
      ({ coordinates } = problemOf(asked));
      command.show(...requests);
      element("go-on").hidden = true;
      onBusy(true);
    },
    showProgress(passed, steps) {
      const last = passed.at(-1);
      const point = unpacked(coordinates, last.variables);
      element("progress").hidden = false;
      element("progress").value = last.step / steps;
      element("figures").hidden = false;
      element("sweep").hidden = true;
      element("message").textContent = "";
      element("status").dataset.status = "running";
      show([passed], () => {
        element("status").textContent = words("progress", { ...last, steps, value: short(last.value) });
        writeFigures({ point, value: last.value, norm: last.gradient_norm });
      });
    },
    showStopping: () => {
      element("status").textContent = words("stopping");
    },
    showRun(answer) {
      end({ isRun: true, canGoOn: CAN_GO_ON.has(answer.status) });
      const point = unpacked(coordinates, answer.variables);
      show([answer.history], () => writeRun({ ...answer, point }));
    },
    /** Show runs side by side, each {name(), answer}; `done` is the sentence for them. */
    showRuns(found, done) {
      end({ isSweep: true });
      show(
        found.map(({ answer }) => answer.history),
        () => writeRuns(found, done),
      );
    },
    clear() {
      end({});
      show([], () => {
        element("status").textContent = "";
      });
    },
  };
}

const hasRisen = ({ status, history, value }) => value > history[0].value && status !== "diverged";

/** What came of a run, in sentences. */
function sentencesOf(answer) {
  const { status, kind, steps, history, value, gradient_norm: norm } = answer;
  const risen = { first: short(history[0].value, 4), last: short(value, 4) };
  return [
    ...(hasRisen(answer) ? [words("rose", risen)] : []),
    words(status === "stalled" && norm === 0 ? "atRest" : status, { steps }),
    ...(kind ? [words(`${kind}Kind`)] : []),
  ];
}

function writeRun(answer) {
  const { status, message, point, value, gradient_norm: norm, best } = answer;
  element("status").textContent = sentencesOf(answer).join(" ");
  element("status").dataset.status = hasRisen(answer) ? "rising" : status;
  // Where all went as asked, the figures say the same.
  element("message").textContent = status === "max_steps" && !hasRisen(answer) ? "" : message;
  writeFigures({ point, value, norm, best });
}

function writeFigures({ point, value, norm, best }) {
  const rows = [
    ["point", pair(point)],
    ["value", short(value)],
    ["gradientNorm", short(norm)],
    ...(best ? [["lowest", words("atStep", { value: short(best.value), step: best.step })]] : []),
  ];
  element("figures").replaceChildren(
    ...rows.flatMap(([name, text]) => [textElement("dt", words(name)), textElement("dd", text)]),
  );
}

function writeRuns(found, done) {
  const lowest = found.reduce((best, { answer }, index) => {
    return answer.best.value < found[best].answer.best.value ? index : best;
  }, 0);
  const told = { number: found.length, name: found[lowest].name() };
  element("status").textContent = words(found.length === 1 ? "oneRun" : done, told);
  element("status").dataset.status = "sweep";
  const rows = found.map(({ name, answer }, index) => {
    const row = document.createElement("tr");
    const number = textElement("td", String(index + 1));
    number.style.color = pathColour(index);
    row.append(
      number,
      textElement("td", name()),
      textElement("td", words(`${answer.verdict}Verdict`)),
      textElement("td", String(answer.evaluations)),
      textElement("td", short(answer.best.value, 3)),
    );
    row.classList.toggle("best", index === lowest);
    return row;
  });
  element("sweep").tBodies[0].replaceChildren(...rows);
}

function textElement(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
