// Functions to start with: each with a window that shows it, a start, and a learning rate that works.

const LINE =
  "-3 -1.39\n-2.7 -1.00\n-2.4 -1.08\n-2.1 -0.56\n-1.8 -0.12\n-1.5 -0.06\n-1.2 0.59\n-0.9 -0.03\n-0.6 0.54\n" +
  "-0.3 0.51\n0 0.73\n0.3 1.18\n0.6 1.56\n0.9 1.87\n1.2 2.14\n1.5 2.98\n1.8 2.74\n2.1 2.12\n2.4 2.99\n" +
  "2.7 2.94\n3 3.22";
const CURVE =
  "0 2.58\n0.25 2.09\n0.5 1.64\n0.75 1.50\n1 1.22\n1.25 0.97\n1.5 0.82\n1.75 0.70\n2 0.62\n2.25 0.49\n" +
  "2.5 0.44\n2.75 0.47\n3 0.26\n3.25 0.21\n3.5 0.20\n3.75 0.25\n4 0.11\n4.25 0.21\n4.5 0.03\n4.75 0.03\n" +
  "5 0.07";
const CLASSES =
  "-1.94 -0.48 0\n0.29 0.83 0\n0.18 -0.65 0\n-0.67 -0.94 0\n-2.31 -1.16 0\n-0.06 -0.45 0\n-1.32 -1.75 0\n" +
  "-1.09 -1.28 0\n-0.96 -0.22 0\n-3.27 -0.79 0\n-2.45 -1.63 0\n-2.23 0.41 0\n-0.33 -0.21 0\n-1.74 -2.13 0\n" +
  "-1.38 -0.50 0\n-1.07 -0.02 0\n-1.35 1.09 0\n-0.35 1.28 0\n-0.76 -0.93 0\n-1.84 0.10 0\n2.04 1.05 1\n" +
  "1.41 0.63 1\n0.58 0.61 1\n-0.87 -0.11 1\n1.04 1.02 1\n2.08 1.52 1\n1.42 0.95 1\n-1.25 0.95 1\n" +
  "0.12 1.38 1\n0.71 0.56 1\n0.46 0.60 1\n-0.95 -0.69 1\n2.20 1.32 1\n0.55 0.55 1\n0.63 4.13 1\n" +
  "1.51 0.89 1\n0.32 -1.46 1\n1.11 2.27 1\n1.92 1.15 1\n0.39 -0.29 1";

export const FUNCTIONS = {
  bowl: {
    text: "x[0]**2 + x[1]**2",
    view: { cx: 0, cy: 0, span: 10 },
    run: { start: [-3, 4], rate: 0.1, steps: 100, rates: "0.01, 0.1, 0.9, 1.01" },
  },
  rosenbrock: {
    text: "100*(x[1] - x[0]**2)**2 + (1 - x[0])**2",
    view: { cx: 0, cy: 0.8, span: 4 },
    run: { start: [-1.2, 1], rate: 0.001, steps: 1000, rates: "0.0002, 0.001, 0.0018, 0.005" },
  },
  himmelblau: {
    text: "(x[0]**2 + x[1] - 11)**2 + (x[0] + x[1]**2 - 7)**2",
    view: { cx: 0, cy: 0, span: 11 },
    run: { start: [-0.5, -1], rate: 0.01, steps: 100, rates: "0.001, 0.01, 0.018, 0.03" },
  },
  beale: {
    text: "(1.5 - x[0] + x[0]*x[1])**2 + (2.25 - x[0] + x[0]*x[1]**2)**2 + (2.625 - x[0] + x[0]*x[1]**3)**2",
    view: { cx: 1, cy: 0, span: 7 },
    run: { start: [1, 1.5], rate: 0.005, steps: 1000, rates: "0.001, 0.005, 0.02, 0.1" },
  },
  rastrigin: {
    text: "20 + sum(x**2 - 10*cos(2*pi*x))",
    view: { cx: 0, cy: 0, span: 6 },
    run: { start: [1.7, -1.4], rate: 0.002, steps: 100, rates: "0.0005, 0.002, 0.006, 0.02" },
  },
  ackley: {
    text: "20 + e - 20*exp(-0.2*norm(x)/sqrt(2)) - exp(mean(cos(2*pi*x)))",
    view: { cx: 0, cy: 0, span: 8 },
    run: { start: [2.4, -1.7], rate: 0.05, steps: 100, rates: "0.01, 0.05, 0.2, 0.5" },
  },
  saddle: {
    text: "x[0]**2 - x[1]**2",
    view: { cx: 0, cy: 0, span: 6 },
    run: { start: [-2.5, 0.001], rate: 0.05, steps: 80, rates: "0.01, 0.05, 0.1, 0.3" },
  },
  quartic: {
    text: "x**4 - 3*x**2 + x",
    view: { cx: 0, cy: 0, span: 3 },
    run: { start: [2], rate: 0.02, steps: 60, rates: "0.005, 0.02, 0.05, 0.1" },
  },
  line: {
    text: "mean((a*x + b - y)**2)",
    model: "a*x + b",
    data: LINE,
    view: { cx: 0.5, cy: 0.7, span: 4 },
    run: { start: [-0.8, -0.5], rate: 0.05, steps: 100, rates: "0.01, 0.05, 0.2, 0.35" },
  },
  decay: {
    text: "mean((a*exp(-b*x) - y)**2)",
    model: "a*exp(-b*x)",
    data: CURVE,
    view: { cx: 2.5, cy: 1, span: 4 },
    run: { start: [1, 2], rate: 0.2, steps: 300, rates: "0.02, 0.1, 0.2, 0.5" },
  },
  classes: {
    text: "mean(binary_cross_entropy(sigmoid(a*u + b*v), t))",
    model: "sigmoid(a*u + b*v)",
    data: CLASSES,
    view: { cx: 1.2, cy: 1.2, span: 6 },
    run: { start: [-1.2, 2.5], rate: 0.5, steps: 200, rates: "0.1, 0.5, 2, 8" },
  },
};

/** Name of a function of the list by its text, else `own`. */
export function nameOf(text) {
  const found = Object.entries(FUNCTIONS).find(([, row]) => row.text === text);
  return found ? found[0] : "own";
}
