// What the reader chose for all visits. A browser may forbid storage; then it holds for this visit.

/** The remembered value, or null. */
export function recall(name) {
  try {
    return localStorage.getItem(`kobai.${name}`);
  } catch {
    return null;
  }
}

/** Remember a value. */
export function remember(name, value) {
  try {
    localStorage.setItem(`kobai.${name}`, value);
  } catch {
    // Nothing depends on it.
  }
}
