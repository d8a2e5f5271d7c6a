// The whole setting of the page, and how the fragment of its address holds it.

import { FUNCTIONS } from "./functions.js";
import { MOST_RUNS, readRun, writeRun } from "./kept.js";
import { isFlag, optimizerNames, optionNames } from "./options.js";

const number = {
  read: (text) => (text.trim() && Number.isFinite(Number(text)) ? Number(text) : undefined),
  write: String,
};
const list = {
  read: (text) => {
    const numbers = text.split(",").map(number.read);
    return numbers.every((each) => each !== undefined) ? numbers : undefined;
  },
  write: (numbers) => numbers.join(","),
};
const optional = { read: (text) => (text === "" ? null : number.read(text)), write: (value) => value ?? "" };
const flag = { read: (text) => ({ "": null, true: true })[text], write: (value) => value ?? "" };
const asItIs = { read: (value) => value, write: (value) => value };
const oneOf = (...names) => ({ read: (value) => (names.includes(value) ? value : undefined), write: String });
const sized = (kind, least, most) => ({
  ...kind,
  read: (value) => {
    const found = kind.read(value);
    return found && found.length >= least && found.length <= most ? found : undefined;
  },
});
const runs = {
  read: (text) => {
    const found = text ? text.split(";").map((run) => readRun(run, fields())) : [];
    return found.length <= MOST_RUNS && found.every(Boolean) ? found : undefined;
  },
  write: (all) => all.map((run) => writeRun(run, fields())).join(";"),
};
const within = (least, most) => ({
  ...number,
  read: (value) => {
    const found = number.read(value);
    return found >= least && found <= most ? found : undefined;
  },
});

const FIXED = {
  tab: oneOf("landscape", "probabilities"),
  f: asItIs,
  cx: within(-1e12, 1e12),
  cy: within(-1e12, 1e12),
  span: within(1e-9, 1e9),
  arrows: oneOf("none", "gradient", "down"),
  start: sized(list, 1, 8),
  axes: sized(list, 2, 2),
  picture: oneOf("plane", "surface"),
  turn: sized(list, 2, 2),
  data: asItIs,
  model: asItIs,
  batch: optional,
  rate: number,
  steps: number,
  method: oneOf("exact", "central", "forward", "complex_step"),
  h: optional,
  tolerance: optional,
  rates: asItIs,
  show: oneOf("run", "sweep"),
  against: oneOf("rates", "optimizers", "schedules", "starts", "kept"),
  runs,
  logits: sized(list, 2, 10),
  temperature: number,
  label: within(0, 9),
  loss: oneOf("cross_entropy", "half_squared_error", "squared_error", "absolute_error", "huber"),
};

/**
 * Every part of the setting, the options of the service's optimizers included. The name in the fragment is the name
 * in the setting. A value that does not fit is left out.
 */
export function fields() {
  const options = Object.fromEntries(optionNames().map((name) => [name, isFlag(name) ? flag : optional]));
  return { ...FIXED, optimizer: oneOf(...optimizerNames()), ...options };
}

/** The setting that a newcomer finds: the seed's function, start and learning rate. */
export function defaults() {
  const { text: f, view, run } = FUNCTIONS.bowl;
  return {
    tab: "landscape",
    f,
    ...view,
    arrows: "none",
    ...run,
    optimizer: optimizerNames()[0],
    method: "exact",
    h: null,
    ...Object.fromEntries(optionNames().map((name) => [name, null])),
    tolerance: null,
    axes: [0, 1],
    picture: "plane",
    turn: [0.6, 0.7],
    data: "",
    model: "",
    batch: null,
    show: "run",
    against: "rates",
    runs: [],
    logits: [0.3, 2.9, 4.0],
    temperature: 1,
    label: 2,
    loss: "cross_entropy",
  };
}

/** Read a fragment, with or without its `#`; what is missing or does not fit is as for a newcomer. */
export function readFragment(fragment) {
  const setting = defaults();
  const known = fields();
  for (const [name, value] of new URLSearchParams(fragment.replace(/^#/, ""))) {
    const found = Object.hasOwn(known, name) ? known[name].read(value) : undefined;
    if (found !== undefined) {
      setting[name] = found;
    }
  }
  setting.label = Math.min(Math.floor(setting.label), setting.logits.length - 1);
  return setting;
}

/** Write a setting as a fragment, without its `#`. */
export function writeFragment(setting) {
  const pairs = Object.entries(fields()).map(([name, kind]) => [name, kind.write(setting[name])]);
  return new URLSearchParams(pairs).toString();
}
