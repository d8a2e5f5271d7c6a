// What is kept of a setting as one run among others.

import { optionNames } from "./options.js";

export const MOST_RUNS = 8;
const NEEDED = ["optimizer", "rate", "start", "steps", "method"];

const namesOfRun = () => [...NEEDED, ...optionNames()];

/** The part of a setting that is one run. */
export function keptOf(setting) {
  return structuredClone(Object.fromEntries(namesOfRun().map((name) => [name, setting[name]])));
}

/** Write a run as text; `kinds` write each part of a setting. An option that is not given is left out. */
export function writeRun(run, kinds) {
  const given = namesOfRun().filter((name) => run[name] !== null);
  return given.map((name) => `${name}:${kinds[name].write(run[name])}`).join("~");
}

/** Read what `writeRun` wrote; undefined where something is missing or does not fit. */
export function readRun(text, kinds) {
  const names = namesOfRun();
  const run = Object.fromEntries(optionNames().map((name) => [name, null]));
  for (const part of text.split("~")) {
    const [name, value] = [part.slice(0, part.indexOf(":")), part.slice(part.indexOf(":") + 1)];
    run[name] = names.includes(name) ? kinds[name].read(value) : undefined;
  }
  return [...NEEDED, ...Object.keys(run)].every((name) => run[name] !== undefined) ? run : undefined;
}
