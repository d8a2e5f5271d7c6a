// The requests of the page: from its setting to what the service is sent.

import { optionsOf } from "./options.js";

const RUN_RECORDS = 1000;
const SWEEP_RECORDS = 250;
const DEADLINE_MS = 25_000;

/** Heights and gradient over the points of a grid. */
export function fieldRequest({ f }, points) {
  return { path: "gradient/field", body: { function: f, points: { x: points } } };
}

/** One run of descent. */
export function runRequest(setting) {
  return {
    path: "descent",
    body: { ...commonOf(setting), learning_rate: setting.rate, history: RUN_RECORDS },
  };
}

/** A run for each learning rate, or null when the rates cannot be read. */
export function sweepRequest(setting) {
  const rates = ratesOf(setting.rates);
  return (
    rates && {
      path: "descent/sweep",
      body: { ...commonOf(setting), learning_rates: rates, history: SWEEP_RECORDS },
    }
  );
}

function commonOf(setting) {
  const { f, start, optimizer, steps, method, h, tolerance } = setting;
  const given = optionsOf(optimizer).filter((name) => setting[name] !== null);
  return {
    function: f,
    variables: { x: start },
    optimizer,
    steps,
    method,
    ...(h !== null && method !== "exact" && { h }),
    ...Object.fromEntries(given.map((name) => [name, setting[name]])),
    ...(tolerance !== null && { tolerance }),
    deadline_ms: DEADLINE_MS,
  };
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
