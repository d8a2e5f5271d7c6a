// What is kept of a setting as one run among others.

export const MOST_RUNS = 8;
export const KEPT = ["optimizer", "rate", "start", "steps", "method"];

/** The part of a setting that is one run. */
export function keptOf(setting) {
  return structuredClone(Object.fromEntries(KEPT.map((name) => [name, setting[name]])));
}
