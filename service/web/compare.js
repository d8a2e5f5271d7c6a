// Several runs on one picture: what differs between them, by name.

import { MOST_RUNS, keptOf } from "./kept.js";
import { words, wordsFor } from "./language.js";
import { pair, short } from "./numbers.js";
import { optimizerNames } from "./options.js";
import { placeOf, pointAt, startOf } from "./problem.js";
import { comparedRequest, sweepRequest } from "./request.js";
import { ask } from "./service.js";
import { makeTrack } from "./track.js";

const PREFERRED = ["gradient_descent", "momentum", "nesterov", "adam", "rmsprop", "adagrad", "lbfgs", "newton"];

/** Every optimizer, with the options and the rate of the setting; the best known ones where there are too many. */
function optimizers(setting) {
  const known = optimizerNames();
  const chosen = [...new Set([...PREFERRED, ...known])].filter((name) => known.includes(name));
  return chosen.slice(0, MOST_RUNS).map((optimizer) => ({
    name: () => wordsFor("optimizer", optimizer),
    setting: { ...setting, optimizer },
  }));
}

/** The learning rate as it is, and lowered on the way in three manners. */
function schedules(setting) {
  const steps = Math.max(1, setting.steps);
  const found = {
    constant: {},
    step: { schedule_every: Math.max(1, Math.round(steps / 4)), schedule_rate: 0.5 },
    exponential: { schedule_rate: Number((0.1 ** (1 / steps)).toPrecision(6)) },
    cosine: {},
  };
  return Object.entries(found).map(([schedule, options]) => ({
    name: () => words(`${schedule}Schedule`),
    setting: { ...setting, schedule: { schedule, ...options } },
  }));
}

/** The setting's start, and seven more around the middle of what is seen. */
function starts(setting) {
  const [x, y] = placeOf(setting, startOf(setting));
  const radius = 0.38 * setting.span;
  const around = Array.from({ length: MOST_RUNS - 1 }, (_, index) => {
    const angle = Math.atan2((y ?? 0) - setting.cy, x - setting.cx) + (2 * Math.PI * (index + 1)) / MOST_RUNS;
    return [setting.cx + radius * Math.cos(angle), setting.cy + radius * Math.sin(angle)];
  });
  const rounded = (point) => point.map((each) => Number(each.toPrecision(4)));
  const all = [startOf(setting), ...around.map((place) => rounded(pointAt(setting, place)))];
  return all.map((start) => ({
    name: () => pair(placeOf(setting, start), 3),
    setting: { ...setting, start },
  }));
}

/** The runs that the reader kept, and the one that is set now. */
function kept(setting) {
  const all = [...setting.runs, keptOf(setting)];
  return all.slice(-MOST_RUNS).map((run) => ({
    name: () => `${wordsFor("optimizer", run.optimizer)} ${short(run.rate)}`,
    setting: { ...setting, ...run },
  }));
}

const KINDS = { optimizers, schedules, starts, kept };

/**
 * What a setting compares: its requests, and the runs, each {name(), setting}, where every one has a request of its
 * own. Null when the learning rates, which are compared in one request, cannot be read.
 */
export function comparisonOf(setting) {
  const runs = KINDS[setting.against]?.(setting) ?? null;
  const requests = runs ? runs.map((run) => comparedRequest(run.setting)) : [sweepRequest(setting)];
  return requests[0] && { requests, runs };
}

/** Ask for all runs of a comparison; each comes with its name, its answer and its track. */
export async function askComparison(setting, { requests, runs }, signal) {
  if (runs) {
    return Promise.all(runs.map((run, index) => askOne(run, requests[index], signal)));
  }
  const [{ path, body }] = requests;
  const answered = await ask(path, body, signal);
  return answered.runs.map((answer) => ({
    name: () => short(answer.learning_rate),
    answer,
    track: makeTrack({ ...setting, rate: answer.learning_rate }, answer.history),
  }));
}

async function askOne({ name, setting }, { path, body }, signal) {
  const { runs } = await ask(path, body, signal);
  return { name, answer: runs[0], track: makeTrack(setting, runs[0].history) };
}
