// Descent: asks for a run or for several to compare, follows it, can stop it and go on.

import { askComparison, comparisonOf } from "./compare.js";
import { clearFaults, faultsOf, showFault, showFaults } from "./fault.js";
import { words } from "./language.js";
import { expectFew } from "./problem.js";
import { curvatureRequest, runRequest } from "./request.js";
import { ask, follow } from "./service.js";
import { makeTrack } from "./track.js";
import { makeTurns } from "./turn.js";

/** Outcomes of a run that came to a place where the gradient vanishes. */
const ENDED = new Set(["converged", "stalled"]);

/**
 * Make the descent of a form's part. A result says what came of it; `show` has passing(tracks) and done(tracks).
 *
 * What is under way belongs to the setting that it was `asked` with: the reader may write another function meanwhile.
 */
export function makeDescent(setting, form, result, show) {
  const turns = makeTurns();
  let isStopping = false;
  let last = null; // the answer that a run can go on from

  async function run(signal, before = null, steps = setting.steps) {
    const asked = { ...setting };
    const showPassing = (records) => {
      show.passing([makeTrack(asked, records)]);
      result.showProgress(records, steps);
    };
    isStopping = false;
    result.begin(asked, runRequest(asked, before, steps));
    await guard(asked, signal, async () => {
      const askNext = (answer, onLine) => askPart(runRequest(asked, answer, steps), signal, onLine);
      last = await runInParts(askNext, before, showPassing, () => isStopping);
      show.done([makeTrack(asked, last.history)]);
      const status = isStopping && last.status === "deadline" ? "stopped" : last.status;
      const kind = ENDED.has(status) ? await kindOf(asked, last, signal) : undefined;
      result.showRun({ ...last, status, kind });
    });
  }

  /** What kind of place a run came to; nothing where that cannot be told. */
  async function kindOf(asked, { variables }, signal) {
    const request = curvatureRequest(asked, variables);
    const answer = await ask(request.path, request.body, signal).catch(() => null);
    signal.throwIfAborted();
    return answer?.curvature.kind;
  }

  async function compare(signal) {
    const asked = { ...setting };
    const comparison = comparisonOf(asked);
    if (!comparison) {
      showFault(form, "rates", words("badRates"));
      clear();
      return;
    }
    result.begin(asked, ...comparison.requests);
    await guard(asked, signal, async () => {
      const found = await askComparison(asked, comparison, signal);
      show.done(found.map((each, index) => ({ ...each.track, label: String(index + 1) })));
      result.showRuns(found, comparison.runs ? "runsDone" : "sweepDone");
    });
  }

  /** Do what may be refused or overtaken, and show which it was. */
  async function guard(asked, signal, work) {
    try {
      expectFew(asked);
      await work();
      clearFaults(form);
    } catch (error) {
      if (!signal.aborted) {
        showFaults(form, faultsOf(error), asked.f);
        clear();
      }
    }
  }

  function clear() {
    show.done([]);
    result.clear();
  }

  return {
    /** Do again, after a pause, what the setting says is shown. */
    start: (pauseMs) => turns.take(setting.show === "sweep" ? compare : (signal) => run(signal), pauseMs),
    /** End what is under way with the part that is running; a run keeps how far it came. */
    stop() {
      isStopping = true;
      result.showStopping();
      if (setting.show === "sweep") {
        turns.end();
        clear();
      }
    },
    /** Go on from where the last run ended, for as many steps again where all were run. */
    goOn() {
      const before = last;
      const more = before.status === "max_steps" ? before.steps : 0;
      return turns.take((signal) => run(signal, before, more + setting.steps));
    },
    /** Show nothing, since there is no function. */
    clear() {
      turns.end();
      clearFaults(form);
      clear();
    },
  };
}

const askPart = ({ path, body }, signal, onLine) => follow(path, body, signal, onLine);

/** Run in parts, each going on from the state of the last, until all steps are run or `isStopping()`. */
async function runInParts(askNext, before, onProgress, isStopping) {
  let answer = before;
  let part = null;
  do {
    const passed = [...(answer?.history ?? [])];
    part = await askNext(answer, (line) => {
      passed.push(line);
      onProgress(passed);
    });
    answer = answer ? joined(answer, part) : part;
  } while (part.status === "deadline" && part.steps > 0 && !isStopping());
  return answer;
}

/** Two parts of one run as one answer. */
function joined(before, part) {
  return {
    ...part,
    steps: before.steps + part.steps,
    evaluations: before.evaluations + part.evaluations,
    history: [...before.history, ...part.history.slice(1)],
  };
}
