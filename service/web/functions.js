// Functions to start with: each with a window that shows it, a start, and a learning rate that works.

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
};

/** Name of a function of the list by its text, else `own`. */
export function nameOf(text) {
  const found = Object.entries(FUNCTIONS).find(([, row]) => row.text === text);
  return found ? found[0] : "own";
}
