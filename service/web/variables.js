// The variables of a function: which names of its text are free, and the numbers that they are made of.

/** More are not shown. */
export const MOST_NUMBERS = 8;

const TOKEN = /#[^\n]*|(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|[A-Za-z]\w*|[=<>!]=|\S|\n/g;
const WORDS_OF_THE_LANGUAGE = new Set(["pi", "e", "True", "False", "None", "for", "in", "and", "or", "not"]);
const END = new Set([";", "\n", ":"]);
const OF_ARRAYS = /\b(sum|mean|min|max|prod|norm|logsumexp|dot|reshape|softmax|transpose|len|var|std)\s*\(|@/;

/** The statements of a text, each as its tokens; a line break within brackets ends none. */
function statementsOf(text) {
  const statements = [[]];
  let depth = 0;
  for (const token of (text.match(TOKEN) ?? []).filter((each) => !each.startsWith("#"))) {
    depth += "([".includes(token) ? 1 : 0;
    depth -= ")]".includes(token) ? 1 : 0;
    if (depth <= 0 && END.has(token)) {
      statements.push([]);
    } else {
      statements.at(-1).push(token);
    }
  }
  return statements;
}

const isName = (token) => /^[A-Za-z]/.test(token);

/** What a statement gives a value to, if anything: a name, or a function with its arguments. */
function givenBy(tokens) {
  const equals = tokens.indexOf("=");
  const head = tokens.slice(0, equals);
  if (equals < 1 || !isName(head[0]) || (equals > 1 && (head[1] !== "(" || head.at(-1) !== ")"))) {
    return { name: null, names: [], body: tokens };
  }
  return { name: head[0], names: head.slice(1).filter(isName), body: tokens.slice(equals + 1) };
}

/** The names that a text uses without giving them a value, in order; `known` are constants of the request. */
export function freeNames(text, known = []) {
  const bound = new Set([...WORDS_OF_THE_LANGUAGE, ...known]);
  const found = new Set();
  for (const statement of statementsOf(text)) {
    const { name, names, body } = givenBy(statement);
    statement.filter((_, index) => statement[index - 1] === "for").forEach((each) => bound.add(each));
    body.forEach((token, index) => {
      const isOther = "(=".includes(body[index + 1] ?? " ") || body[index - 1] === "."; // a call, an option, .T
      if (isName(token) && !isOther && !bound.has(token) && !names.includes(token)) {
        found.add(token);
      }
    });
    bound.add(name);
  }
  return [...found];
}

/** How many numbers a name stands for: null for a single one, else its vector's length, up to one more than shown. */
function lengthOf(name, text, isAlone) {
  const indices = [...text.matchAll(new RegExp(`\\b${name}\\s*\\[\\s*(-?\\d*)\\s*([\\]:,])`, "g"))];
  if (indices.length) {
    const single = indices.filter(([, , end]) => end === "]").map(([, index]) => Number(index));
    const isSliced = single.length < indices.length;
    const lengths = single.map((index) => (index < 0 ? -index : index + 1));
    return Math.min(MOST_NUMBERS + 1, Math.max(isSliced ? 2 : 1, ...lengths));
  }
  return isAlone && OF_ARRAYS.test(text) ? 2 : null;
}

/**
 * The numbers that a function depends on: each with its name, its index in a vector (null for a number) and a label.
 * Of more than `MOST_NUMBERS` there are some.
 *
 * `known` are constants of the request, `functions` names of the language.
 * A name is a vector where it is indexed, and where it is alone and the text treats it as one: `sum(x**2)`.
 */
export function coordinatesOf(text, known = [], functions = []) {
  const names = freeNames(text, [...known, ...functions]);
  const isAlone = names.length === 1 && !known.length; // beside data, sum and mean are of the data
  return names.flatMap((name) => {
    const length = lengthOf(name, text, isAlone);
    return length === null
      ? [{ name, index: null, label: name }]
      : Array.from({ length }, (_, index) => ({ name, index, label: `${name}[${index}]` }));
  });
}

/** Put numbers, one for each coordinate, into the variables of a request. */
export function packed(coordinates, numbers) {
  const variables = {};
  coordinates.forEach(({ name, index }, place) => {
    if (index === null) {
      variables[name] = numbers[place];
    } else {
      const vector = Object.hasOwn(variables, name) ? variables[name] : []; // one may be called `constructor`
      vector[index] = numbers[place];
      variables[name] = vector;
    }
  });
  return variables;
}

/** The numbers of an answer's variables, one for each coordinate. */
export function unpacked(coordinates, variables) {
  return coordinates.map(({ name, index }) => (index === null ? variables[name] : variables[name][index]));
}

/** Put many points into the `points` of a request: the first axis of each array counts them. */
export function packedPoints(coordinates, points) {
  const all = points.map((point) => packed(coordinates, point));
  const names = [...new Set(coordinates.map(({ name }) => name))];
  return Object.fromEntries(names.map((name) => [name, all.map((each) => each[name])]));
}

/** The derivatives at many points, one row for each point; null where there is none. */
export function unpackedRows(coordinates, gradient, count) {
  const rowOf = (place) => {
    const row = coordinates.map(({ name, index }) => {
      const rows = gradient[name];
      return index === null ? rows[place] : (rows[place]?.[index] ?? null);
    });
    return row.includes(null) ? null : row;
  };
  return Array.from({ length: count }, (_, place) => rowOf(place));
}
