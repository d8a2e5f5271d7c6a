// What a model says of the data along the paths: asked for once, at some of the steps, and shown as they are played.

import { readData } from "./data.js";
import { problemOf } from "./problem.js";
import { axesOf } from "./scatter.js";
import { ask } from "./service.js";
import { makeTurns } from "./turn.js";
import { freeNames, packedPoints } from "./variables.js";

const MOST_MOMENTS = 40;
const LINE_POINTS = 64;
const BORDER_POINTS = 24;

/** What the model of a setting reads and what it should meet; null where it is no line and no border. */
function planOf(setting) {
  const { columns } = readData(setting.data);
  const read = freeNames(setting.model);
  const inputs = read.filter((name) => Object.hasOwn(columns, name));
  const known = new Set(problemOf(setting).coordinates.map(({ name }) => name));
  const isWhole = read.every((name) => known.has(name) || inputs.includes(name));
  const target = freeNames(setting.f).find((name) => Object.hasOwn(columns, name) && !inputs.includes(name));
  const isShown = isWhole && target !== undefined && (inputs.length === 1 || inputs.length === 2);
  return isShown ? { inputs, target } : null;
}

const spread = ({ low, high }, count) =>
  Array.from({ length: count }, (_, index) => low + ((high - low) * index) / (count - 1));

function gridOf({ inputs }, axes) {
  if (inputs.length === 1) {
    const xs = spread(axes.x, LINE_POINTS);
    return { xs, columns: LINE_POINTS, rows: 1, cells: xs.map((x) => [x]) };
  }
  const [xs, ys] = [axes.x, axes.y].map((range) => spread(range, BORDER_POINTS));
  const cells = ys.flatMap((y) => xs.map((x) => [x, y]));
  return { xs, ys, columns: BORDER_POINTS, rows: BORDER_POINTS, cells };
}

/** Some of the records of a track, the first and the last among them. */
export function sampled(records, most) {
  const count = Math.min(records.length, most);
  const places = Array.from({ length: count }, (_, index) =>
    Math.round((index * (records.length - 1)) / Math.max(1, count - 1)),
  );
  return [...new Set(places)].map((place) => records[place]);
}

/** Make the fits of a picture of data. `show(tracks)` asks for them, `seek(moment)` shows those of a step. */
export function makeFits(setting, scatter) {
  const turns = makeTurns();
  let fits = []; // for each track, its moments with their values over the grid
  let plan = null;
  let columns = {};

  async function fitOf({ records }, grid, signal) {
    const moments = sampled(records, MOST_MOMENTS);
    const { coordinates } = problemOf(setting);
    const points = moments.flatMap(({ point }) => grid.cells.map((cell) => [...point, ...cell]));
    const read = freeNames(setting.model);
    const all = [...coordinates, ...plan.inputs.map((name) => ({ name, index: null }))];
    const isRead = all.map(({ name }) => read.includes(name));
    const kept = (list) => list.filter((_, index) => isRead[index]);
    const body = { function: setting.model, points: packedPoints(kept(all), points.map(kept)), skip_non_finite: true };
    const { value: values } = await ask("value", body, signal);
    const size = grid.cells.length;
    return moments.map(({ step }, index) => ({
      step,
      grid,
      values: values.slice(index * size, (index + 1) * size).map((value) => value ?? Number.NaN),
    }));
  }

  function seek(moment) {
    const near = (all) => all.findLast(({ step }) => moment === null || step <= moment) ?? all[0];
    scatter.show(plan, columns, fits.filter((all) => all.length).map(near));
  }

  return {
    seek,
    show(tracks) {
      plan = planOf(setting);
      columns = readData(setting.data).columns;
      fits = [];
      seek(null);
      turns.end();
      if (plan && tracks.length) {
        turns.take(async (signal) => {
          const grid = gridOf(plan, axesOf(plan, columns));
          const found = await Promise.all(tracks.map((track) => fitOf(track, grid, signal))).catch(() => []);
          if (!signal.aborted) {
            fits = found;
            seek(null);
          }
        });
      }
      return plan !== null;
    },
  };
}
