// Points that a reader pastes: columns of numbers, from a spreadsheet or a CSV file, become constants of the function.

const SEPARATOR = /[\t;,]|[ ]+/;
const NAME = /^[A-Za-z]\w{0,63}$/;
const USUAL_NAMES = { 1: ["y"], 2: ["x", "y"], 3: ["u", "v", "t"] };
const MOST_ROWS = 2000;

/**
 * Read columns: `{columns: {name: numbers}}`, or `{fault: line}` for the first line that does not fit.
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
  const numbers = (isHeaded ? rows.slice(1) : rows).slice(0, MOST_ROWS).map((row) => row.map(Number));
  const wrong = numbers.findIndex((row) => row.length !== names.length || !row.every(Number.isFinite));
  if (wrong >= 0) {
    return { columns: {}, fault: wrong + 1 + Number(isHeaded) };
  }
  return { columns: Object.fromEntries(names.map((name, column) => [name, numbers.map((row) => row[column])])) };
}

function namesFor(count) {
  return USUAL_NAMES[count] ?? Array.from({ length: count }, (_, index) => `c${index + 1}`);
}
