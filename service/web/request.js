// The requests of the page: from its setting to what the service is sent.

import { optionsOf, takesBatches } from "./options.js";
import { problemOf, startOf } from "./problem.js";
import { packed, packedPoints } from "./variables.js";

const RUN_RECORDS = 1000;
const SWEEP_RECORDS = 250;
const COMPARED_RECORDS = 1000;
const DEADLINE_MS = 25_000;
const PART_MS = 2000;
/** A long run is asked for in parts of this length, each going on from the state of the last: so it can be stopped. */

/** Heights and gradient at points; null where the function has no finite value. */
export function fieldRequest(setting, points) {
  const { coordinates, constants } = problemOf(setting);
  const body = { function: setting.f, points: packedPoints(coordinates, points), ...given({ constants }) };
  return { path: "gradient/field", body: { ...body, skip_non_finite: true } };
}

/** What kind of place a point is: a minimum, a maximum or a saddle, where the gradient vanishes. */
export function curvatureRequest(setting, variables) {
  const { constants } = problemOf(setting);
  return { path: "hessian", body: { function: setting.f, variables, ...given({ constants }), curvature: true } };
}

/** One run of descent; with the answer of its last part, what is left of so many steps. */
export function runRequest(setting, before = null, steps = setting.steps) {
  const whole = {
    ...commonOf(setting),
    learning_rate: setting.rate,
    history: RUN_RECORDS,
    deadline_ms: PART_MS,
    ticks: "variables",
  };
  const rest = before && { steps: steps - before.steps, state: before.state };
  return { path: "descent", body: { ...whole, ...rest } };
}

/** A run for each learning rate, or null when the rates cannot be read. */
export function sweepRequest(setting) {
  const rates = ratesOf(setting.rates);
  return (
    rates && {
      path: "descent/sweep",
      body: { ...commonOf(setting), learning_rates: rates, history: SWEEP_RECORDS, deadline_ms: DEADLINE_MS },
    }
  );
}

/** One run of a comparison: a sweep of one, so that the service judges it as it judges learning rates. */
export function comparedRequest(setting) {
  const more = { learning_rates: [setting.rate], history: COMPARED_RECORDS, deadline_ms: DEADLINE_MS };
  return { path: "descent/sweep", body: { ...commonOf(setting), ...more } };
}

/** The parts that are not empty: a request names no constants where there are none. */
const given = (parts) =>
  Object.fromEntries(Object.entries(parts).filter(([, part]) => Object.keys(part).length));

function commonOf(setting) {
  const { f, optimizer, steps, method, h, tolerance } = setting;
  const { coordinates, constants } = problemOf(setting);
  const options = optionsOf(optimizer).filter((name) => setting[name] !== null && setting[name] !== undefined);
  return {
    function: f,
    variables: packed(coordinates, startOf(setting)),
    ...given({ constants }),
    optimizer,
    steps,
    method,
    ...(h !== null && method !== "exact" && { h }),
    ...Object.fromEntries(options.map((name) => [name, setting[name]])),
    ...setting.schedule,
    ...(tolerance !== null && { tolerance }),
    ...batchOf(setting, constants),
  };
}

/** Each update sees some rows of the data alone, where the reader asks for it and the optimizer can. */
function batchOf({ batch, optimizer }, constants) {
  const of = Object.keys(constants);
  return batch !== null && of.length && takesBatches(optimizer) ? { batch: { size: batch, of, seed: 0 } } : {};
}

/** Numbers written by commas, or null. */
export function ratesOf(text) {
  const parts = text.split(/[,、]/).map((part) => part.trim());
  const rates = parts.map(Number);
  return parts.every(Boolean) && rates.every(Number.isFinite) ? rates : null;
}

/** Probabilities of logits. */
export function softmaxRequest({ logits, temperature }) {
  return { path: "softmax", body: { x: logits, temperature } };
}

/** Loss against a label, with its gradient: of cross entropy by the logits, of the others by the probabilities. */
export function lossRequest({ loss, logits, temperature, label }, probabilities) {
  if (loss === "cross_entropy") {
    const scaled = logits.map((logit) => logit / temperature);
    return {
      path: "loss",
      body: { loss, predictions: scaled, targets: [label], from_logits: true, gradient: true },
    };
  }
  const targets = logits.map((_, index) => Number(index === label));
  return { path: "loss", body: { loss, predictions: probabilities, targets, gradient: true } };
}
