// Descent: asks for a run or for a sweep of learning rates, follows it and can stop it.

import { clearFaults, faultsOf, showFault, showFaults } from "./fault.js";
import { words } from "./language.js";
import { runRequest, sweepRequest } from "./request.js";
import { ask, follow } from "./service.js";
import { makeTurns } from "./turn.js";

const STOPPED = "stopped by the reader";

/** Make the descent of a form's part, shown in a result and as paths on a plane. */
export function makeDescent(setting, part, plane, result) {
  const turns = makeTurns();

  async function run(signal) {
    const { path, body } = runRequest(setting);
    const passed = [];
    result.begin(path, body);
    await guard(signal, passed, async () => {
      const answer = await follow(path, body, signal, (line) => {
        passed.push(line);
        result.showProgress(passed, body.steps);
      });
      plane.showPaths([{ points: pointsOf(answer) }]);
      result.showRun(answer);
    });
  }

  async function sweep(signal) {
    const request = sweepRequest(setting);
    if (!request) {
      showFault(part, "rates", words("badRates"));
      return;
    }
    result.begin(request.path, request.body);
    await guard(signal, [], async () => {
      const answer = await ask(request.path, request.body, signal);
      plane.showPaths(answer.runs.map((each, index) => ({ points: pointsOf(each), label: String(index + 1) })));
      result.showSweep(answer);
    });
  }

  /** Do what may be refused, overtaken or stopped, and show which it was. */
  async function guard(signal, passed, work) {
    try {
      await work();
      clearFaults(part);
    } catch (error) {
      if (signal.reason === STOPPED) {
        result.showStopped(passed.at(-1));
      } else if (!signal.aborted) {
        showFaults(part, faultsOf(error), setting.f);
        clear();
      }
    }
  }

  function clear() {
    plane.showPaths([]);
    result.clear();
  }

  return {
    /** Do again, after a pause, what the setting says is shown. */
    start: (pauseMs) => turns.take(setting.show === "sweep" ? sweep : run, pauseMs),
    /** End what is under way and show how far it came. */
    stop: () => turns.end(STOPPED),
    /** Show nothing, since there is no function. */
    clear() {
      turns.end();
      clearFaults(part);
      clear();
    },
  };
}

function pointsOf({ history }) {
  return history.map(({ variables }) => variables.x);
}
