// Points that a reader pastes: columns of numbers, from a spreadsheet or a CSV file, become constants of the function.

const SEPARATOR = /[\t;,]|[ ]+/;
const NAME = /^[A-Za-z]\w{0,63}$/;
const USUAL_NAMES = { 1: ["y"], 2: ["x", "y"], 3: ["u", "v", "t"] };

/** The address of the page holds the data, which bounds it. */
export const MOST_ROWS = 2000;

/**
 * Read columns: `{columns: {name: numbers}}`, with `fault`, the number of the first line that does not fit or is
 * one too many, in their place.
 *
 * A first line of names gives the names; without one, two columns are x and y, three are u, v and t.
 */
export function readData(text) {
  const lines = text.split(/\r?\n/).map((line) => line.trim());
  const rows = lines.map((line) => (line ? line.split(SEPARATOR).filter(Boolean) : [])).filter((row) => row.length);
  if (!rows.length) {
    return { columns: {} };
  }
  const isHeaded = rows[0].every((cell) => NAME.test(cell)) && new Set(rows[0]).size === rows[0].length;
  const names = isHeaded ? rows[0] : namesFor(rows[0].length);
  const numbers = (isHeaded ? rows.slice(1) : rows).map((row) => row.map(Number));
  const fits = (row, index) => index < MOST_ROWS && row.length === names.length && row.every(Number.isFinite);
  const wrong = numbers.findIndex((row, index) => !fits(row, index));
  if (wrong >= 0) {
    return { columns: {}, fault: wrong + 1 + Number(isHeaded) };
  }
  return { columns: Object.fromEntries(names.map((name, column) => [name, numbers.map((row) => row[column])])) };
}

function namesFor(count) {
  return USUAL_NAMES[count] ?? Array.from({ length: count }, (_, index) => `c${index + 1}`);
}
