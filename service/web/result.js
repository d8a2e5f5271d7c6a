// What came of a descent: its status in words, its figures, and the curve of its values.

import { makeCanvas } from "./canvas.js";
import { makeCommand } from "./command.js";
import { drawCurves, logScale } from "./curve.js";
import { onLanguage, words } from "./language.js";
import { pair, short } from "./numbers.js";
import { pathColour } from "./palette.js";

const element = (id) => document.getElementById(id);

/** Make the result; `onBusy(isBusy)` is told when a run begins and ends. */
export function makeResult(onBusy) {
  const command = makeCommand(element("descent-command"), "request");
  let runs = [];
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

  function end(isSweep) {
    element("progress").hidden = true;
    element("figures").hidden = isSweep;
    element("sweep").hidden = !isSweep;
    onBusy(false);
  }

  return {
    redraw: () => {
      canvas.ask();
      tell();
    },
    begin(path, body) {
      command.show(path, body);
      onBusy(true);
    },
    showProgress(passed, steps) {
      const last = passed.at(-1);
      element("progress").hidden = false;
      element("progress").value = last.step / steps;
      show([passed], () => {
        element("status").textContent = words("progress", { ...last, steps, value: short(last.value) });
      });
    },
    showRun(answer) {
      end(false);
      show([answer.history], () => writeRun(answer));
    },
    showSweep(answer) {
      end(true);
      show(
        answer.runs.map(({ history }) => history),
        () => writeSweep(answer),
      );
    },
    showStopped(last) {
      end(false);
      element("figures").replaceChildren();
      tell = () => {
        const text = last ? words("stoppedAt", { ...last, value: short(last.value) }) : words("stopped");
        element("status").textContent = text;
      };
      tell();
    },
    clear() {
      end(false);
      show([], () => {
        element("status").textContent = "";
        element("figures").replaceChildren();
      });
    },
  };
}

function writeRun({ status, steps, variables, value, gradient_norm: norm, best }) {
  element("status").textContent = words(status, { steps });
  element("status").dataset.status = status;
  const rows = [
    ["point", pair(variables.x)],
    ["value", short(value)],
    ["gradientNorm", short(norm)],
    ["lowest", words("atStep", { value: short(best.value), step: best.step })],
  ];
  element("figures").replaceChildren(
    ...rows.flatMap(([name, text]) => [textElement("dt", words(name)), textElement("dd", text)]),
  );
}

function writeSweep({ runs, best }) {
  const rate = short(runs[best].learning_rate);
  element("status").textContent = words("sweepDone", { number: runs.length, rate });
  element("status").dataset.status = "sweep";
  const rows = runs.map((run, index) => {
    const row = document.createElement("tr");
    const number = textElement("td", String(index + 1));
    number.style.color = pathColour(index);
    row.append(
      number,
      textElement("td", short(run.learning_rate)),
      textElement("td", words(`${run.verdict}Verdict`)),
      textElement("td", short(run.best.value, 4)),
    );
    row.classList.toggle("best", index === best);
    return row;
  });
  element("sweep").tBodies[0].replaceChildren(...rows);
}

function textElement(name, text) {
  const made = document.createElement(name);
  made.textContent = text;
  return made;
}
