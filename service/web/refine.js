// A grid twice as fine: between the points that were asked for, the gradient says how the function bends.

const NOWHERE = [Number.NaN, Number.NaN];

/**
 * Halve the cells of a grid by cubic Hermite interpolation, first along the rows, then along the columns.
 *
 * In the middle of two points h apart it is (f0 + f1)/2 + h (f0' − f1')/8: exact for cubic functions, where
 * straight lines would show a narrow valley as a string of beads. A point without a value has null for its
 * gradient, and its neighbours in the finer grid have no value either.
 */
export function refined(grid, values, gradient) {
  const { xs, ys, columns, rows } = grid;
  const fine = {
    xs: withMiddles(xs),
    ys: withMiddles(ys),
    columns: 2 * columns - 1,
    rows: 2 * rows - 1,
  };
  const heights = new Float64Array(fine.columns * fine.rows);
  const slopes = new Float64Array(fine.columns * fine.rows);
  const wide = (xs[1] - xs[0]) / 8;
  const slopeAt = (index) => gradient[index] ?? NOWHERE;
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const from = row * columns + column;
      const to = 2 * row * fine.columns + 2 * column;
      heights[to] = values[from];
      slopes[to] = slopeAt(from)[1];
      if (column + 1 < columns) {
        const bend = wide * (slopeAt(from)[0] - slopeAt(from + 1)[0]);
        heights[to + 1] = (values[from] + values[from + 1]) / 2 + bend;
        slopes[to + 1] = (slopeAt(from)[1] + slopeAt(from + 1)[1]) / 2;
      }
    }
  }
  const high = (ys[1] - ys[0]) / 8;
  for (let row = 1; row < fine.rows; row += 2) {
    for (let at = row * fine.columns; at < (row + 1) * fine.columns; at++) {
      const [below, above] = [at - fine.columns, at + fine.columns];
      heights[at] = (heights[below] + heights[above]) / 2 + high * (slopes[below] - slopes[above]);
    }
  }
  return { grid: fine, values: heights };
}

function withMiddles(places) {
  return places.flatMap((place, index) => (index ? [(places[index - 1] + place) / 2, place] : [place]));
}
