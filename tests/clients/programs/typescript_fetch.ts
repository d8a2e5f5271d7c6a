// Every operation through the client that openapi-generator makes: `node typescript_fetch.js ADDRESS`.
import {
  ComputeApi,
  Configuration,
  DocumentsApi,
  MonitoringApi,
  ReferenceApi,
  ResponseError,
  type DescentResponse,
  type Problem,
  ProblemFromJSON,
} from "./typescript/index.js";

const configuration = new Configuration({ basePath: process.argv[2] });
const api = new ComputeApi(configuration);

const SEED = "x[0]**2 + x[1]**2";
const MODEL = {
  _function: "s * mean(cross_entropy(softmax(X @ W + b), t))",
  variables: { W: [[0.1, -0.2, 0.3], [0, 0.2, -0.1]], b: [0, 0, 0], s: 2 },
  constants: { X: [[1, 2], [0.5, -1]], t: [[1, 0, 0], [0, 1, 0]] },
};
const START = { x: [-3, 4] };

async function computed() {
  const whole = await api.softmax({ softmaxRequest: { x: [0.3, 2.9, 4.0], axis: null } });
  const mask = [[true, false], [true, true]];
  const masked = await api.softmax({ softmaxRequest: { x: [[1, 2], [3, 4]], temperature: 0.5, mask } });
  const logs = await api.sigmoid({ sigmoidRequest: { x: [-750, 0, 750], log: true } });
  const single = await api.loss({
    lossRequest: { loss: "cross_entropy", predictions: [0.1, 0.05, 0.85], targets: [2] },
  });
  const losses = await api.loss({
    lossRequest: {
      loss: "huber",
      predictions: [[1, 2], [5, 4]],
      targets: [[1, 0], [1, 4]],
      reduction: "none",
      gradient: true,
    },
  });
  return {
    softmax: { y: whole.y },
    masked: { y: masked.y },
    sigmoid: { y: logs.y },
    loss: { loss: single.loss },
    losses: { losses: losses.losses, gradient: losses.gradient },
  };
}

async function differentiated() {
  const { value, gradient, method, evaluations } = await api.gradient({
    gradientRequest: { _function: SEED, variables: { x: [3, 4] } },
  });
  const checked = await api.gradient({ gradientRequest: { ...MODEL, verify: true } });
  const quote = (await api.gradient({ gradientRequest: { ...MODEL, dryRun: true } })).quote;
  const points = { a: [1, 2, 3], x: [0.5, 1, -1] };
  const field = await api.gradientField({
    gradientFieldRequest: { _function: "a * x**2", points, method: "central" },
  });
  const rows = { X: [[1, 2], [0.5, -1]] };
  const model = await api.value({
    valueRequest: { _function: "y = X @ w; sigmoid(y)", variables: { w: [1, -1] }, constants: rows, outputs: ["y"] },
  });
  const along = await api.jacobian({
    jacobianRequest: { _function: "x**2", variables: { x: [1, 2] }, tangents: { x: [1, 0] } },
  });
  const second = await api.hessian({
    hessianRequest: { _function: SEED, variables: { x: [0, 0] }, curvature: true },
  });
  return {
    value: { value: model.value, outputs: model.outputs },
    jacobian: { value: along.value, product: along.product },
    hessian: {
      value: second.value,
      gradient: second.gradient,
      hessian: second.hessian,
      curvature: second.curvature,
    },
    gradient: { value, gradient, method, evaluations },
    checked: { value: checked.value, gradient: checked.gradient, worst: checked.verification?.worst },
    quote: {
      shapes: quote?.shapes,
      operations: quote?.operations,
      peak_bytes: quote?.peakBytes,
      evaluations: quote?.evaluations,
      within_limits: quote?.withinLimits,
    },
    field: { values: field.values, gradient: field.gradient },
  };
}

function walk({ status, steps, variables, best, history }: DescentResponse) {
  const records = history.map((record): [number, number, number] => [record.step, record.value, record.gradientNorm]);
  return { status, steps, variables, best_step: best.step, best_value: best.value, history: records };
}

async function descended() {
  const request = { _function: SEED, variables: START, optimizer: "adam", learningRate: 0.1, history: 3 } as const;
  const first = await api.descent({ descentRequest: { ...request, steps: 60 } });
  const rest = await api.descent({ descentRequest: { ...request, steps: 40, state: first.state } });
  const sweep = await api.descentSweep({
    descentSweepRequest: { _function: SEED, variables: START, learningRates: [0.01, 0.1, 10] },
  });
  const runs = sweep.runs.map((run) => [run.learningRate, run.verdict, run.value]);
  return { descent: walk(first), resumed: walk(rest), sweep: { best: sweep.best, runs } };
}

async function problemOf(call: Promise<unknown>): Promise<Problem> {
  try {
    await call;
  } catch (error) {
    if (error instanceof ResponseError) return ProblemFromJSON(await error.response.json());
    throw error;
  }
  throw new Error("a mistake was accepted");
}

async function refused() {
  const gradientRequest = { _function: "sum(X @ w)", variables: { w: [1, 2] }, constants: { X: [[1, 2, 3]] } };
  const problem = await problemOf(api.gradient({ gradientRequest, xRequestID: "client-1" }));
  const errors = problem.errors.map(({ pointer, detail, line, column }) => ({ pointer, detail, line, column }));
  const { status, code, title, instance, requestId } = problem;
  return { status, code, title, instance, request_id: requestId, errors };
}

async function pages() {
  const reference = new ReferenceApi(configuration);
  const monitoring = new MonitoringApi(configuration);
  const documents = new DocumentsApi(configuration);
  const { value, unit, setting } = (await reference.listLimits())["body_bytes"];
  const codes = (await reference.listProblems()).problems.map((each) => each.code);
  const health = [await monitoring.getLivez(), await monitoring.getReadyz(), await monitoring.getHealthz()];
  return {
    functions: (await reference.listFunctions()).functions.map((each) => each.name),
    limit: { value, unit, setting },
    problems: codes,
    explained: (await reference.getProblem({ code: codes[0] })).title,
    health: health.map((each) => each.status),
    metrics: (await monitoring.getMetrics()).includes("# HELP"),
    documents: [(await documents.getOpenapiYaml()).split("\n")[0], (await documents.getOpenapiJson())["openapi"]],
  };
}

const report = { ...(await computed()), ...(await differentiated()), ...(await descended()), ...(await pages()) };
console.log(JSON.stringify({ ...report, problem: await refused() }));
