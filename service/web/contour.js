// Marching squares: the lines along which a function has one value, from its values on a grid.

/**
 * Segments of the contour of one level, in grid coordinates (column, row), as [x1, y1, x2, y2, ...].
 *
 * Each cell looks at which of its corners lie above the level; the line crosses the edges between a corner above
 * and one below, at the place that linear interpolation gives. Where two opposite corners are above, the
 * mean of the four decides which pairs belong together, so that lines never cross.
 */
export function contour(values, columns, rows, level) {
  const segments = [];
  for (let row = 0; row + 1 < rows; row++) {
    for (let column = 0; column + 1 < columns; column++) {
      const at = row * columns + column;
      const up = at + columns;
      // Most cells lie wholly above or below; nothing is made for them.
      const above = (values[at] > level) + (values[at + 1] > level) + (values[up] > level) + (values[up + 1] > level);
      // A corner without a value makes the sum NaN: no line leads there.
      if (above % 4 && !Number.isNaN(values[at] + values[at + 1] + values[up] + values[up + 1])) {
        addCell(segments, [values[at], values[at + 1], values[up + 1], values[up]], column, row, level);
      }
    }
  }
  return segments;
}

// Edges of a cell: 0 bottom, 1 right, 2 top, 3 left. Corners: 0 bottom left, then against the clock.
// The row number is the sum of 2^corner over the corners above the level.
const CROSSED = [
  [],
  [3, 0],
  [0, 1],
  [3, 1],
  [1, 2],
  [3, 0, 1, 2],
  [0, 2],
  [3, 2],
  [2, 3],
  [2, 0],
  [0, 1, 2, 3],
  [2, 1],
  [1, 3],
  [1, 0],
  [0, 3],
  [],
];
const SADDLE = 5;
const OTHER_SADDLE = 10;

function addCell(segments, corners, column, row, level) {
  let index = 0;
  for (let corner = 0; corner < 4; corner++) {
    index |= corners[corner] > level ? 1 << corner : 0;
  }
  const isSaddle = index === SADDLE || index === OTHER_SADDLE;
  const isJoined = isSaddle && (corners[0] + corners[1] + corners[2] + corners[3]) / 4 > level;
  for (const edge of CROSSED[isJoined ? SADDLE + OTHER_SADDLE - index : index]) {
    const [across, up] = crossing(edge, corners, level);
    segments.push(column + across, row + up);
  }
}

function crossing(edge, corners, level) {
  const from = corners[edge];
  const to = corners[(edge + 1) % 4];
  const part = (level - from) / (to - from);
  return [
    [part, 0],
    [1, part],
    [1 - part, 1],
    [0, 1 - part],
  ][edge];
}

/**
 * Levels that part the picture into bands of about equal area, with finer ones around the lowest point.
 *
 * Equal steps of the value would show a valley as one blank patch: a function like Rosenbrock's covers six decades.
 */
export function levelsOf(values, number = 18) {
  const sorted = sortedHeights(values);
  const lowest = sorted[0];
  const highest = sorted[sorted.length - 1];
  const found = [];
  for (let index = 1; index <= number; index++) {
    found.push(sorted[Math.floor((index / (number + 1)) * (sorted.length - 1))]);
  }
  const inner = [1 / 27, 1 / 9, 1 / 3].map((part) => lowest + part * (found[0] - lowest));
  const kept = [...inner, ...found].filter((level) => level > lowest && level < highest);
  return kept.filter((level, index) => index === 0 || level > kept[index - 1]);
}

/** The values there are, in order. */
export function sortedHeights(values) {
  return Float64Array.from(values)
    .filter((value) => !Number.isNaN(value))
    .sort();
}

/** How high each value stands among all, from 0 to 1: the colour of its place. NaN where there is no value. */
export function ranksOf(values) {
  const sorted = sortedHeights(values);
  const last = sorted.length - 1;
  return Float32Array.from(values, (value) => {
    if (Number.isNaN(value)) {
      return value;
    }
    let [low, high] = [0, last];
    while (low < high) {
      const middle = (low + high) >> 1;
      [low, high] = sorted[middle] < value ? [middle + 1, high] : [low, middle];
    }
    return last ? low / last : 0;
  });
}
