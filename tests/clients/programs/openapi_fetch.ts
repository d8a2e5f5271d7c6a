// Every operation through openapi-fetch with the types of openapi-typescript: `node openapi_fetch.js ADDRESS`.
import createClient from "openapi-fetch";
import type { components, paths } from "./kobai.js";

type Schemas = components["schemas"];
type Result<Data> = { data?: Data; error?: Schemas["Problem"] };

// Of the media types of an answer, those that hold JSON; a descent has a streamed form too.
const kobai = createClient<paths, "application/json" | "application/problem+json">({ baseUrl: process.argv[2] });
const texts = createClient<paths, "text/plain">({ baseUrl: process.argv[2] });

const SEED = "x[0]**2 + x[1]**2";
const MODEL = {
  function: "s * mean(cross_entropy(softmax(X @ W + b), t))",
  variables: { W: [[0.1, -0.2, 0.3], [0, 0.2, -0.1]], b: [0, 0, 0], s: 2 },
  constants: { X: [[1, 2], [0.5, -1]], t: [[1, 0, 0], [0, 1, 0]] },
};
const START = { x: [-3, 4] };

function good<Data>({ data, error }: Result<Data>): Data {
  if (data === undefined) throw new Error(error?.detail ?? "no answer");
  return data;
}

async function computed() {
  const whole = good(await kobai.POST("/softmax", { body: { x: [0.3, 2.9, 4.0], axis: null } }));
  const mask = [[true, false], [true, true]];
  const masked = good(await kobai.POST("/softmax", { body: { x: [[1, 2], [3, 4]], temperature: 0.5, mask } }));
  const logs = good(await kobai.POST("/sigmoid", { body: { x: [-750, 0, 750], log: true } }));
  const single = good(
    await kobai.POST("/loss", { body: { loss: "cross_entropy", predictions: [0.1, 0.05, 0.85], targets: [2] } }),
  );
  const losses = good(
    await kobai.POST("/loss", {
      body: {
        loss: "huber",
        predictions: [[1, 2], [5, 4]],
        targets: [[1, 0], [1, 4]],
        reduction: "none",
        gradient: true,
      },
    }),
  );
  return {
    softmax: { y: whole.y },
    masked: { y: masked.y },
    sigmoid: { y: logs.y },
    loss: { loss: single.loss },
    losses: { losses: losses.losses, gradient: losses.gradient },
  };
}

async function differentiated() {
  const { value, gradient, method, evaluations } = good(
    await kobai.POST("/gradient", { body: { function: SEED, variables: { x: [3, 4] } } }),
  );
  const checked = good(await kobai.POST("/gradient", { body: { ...MODEL, verify: true } }));
  const quoted = good(await kobai.POST("/gradient", { body: { ...MODEL, dry_run: true } }));
  const points = { a: [1, 2, 3], x: [0.5, 1, -1] };
  const field = good(
    await kobai.POST("/gradient/field", { body: { function: "a * x**2", points, method: "central" } }),
  );
  const worst: string | undefined = checked.verification?.worst;
  const rows = { X: [[1, 2], [0.5, -1]] };
  const model = good(
    await kobai.POST("/value", {
      body: { function: "y = X @ w; sigmoid(y)", variables: { w: [1, -1] }, constants: rows, outputs: ["y"] },
    }),
  );
  const along = good(
    await kobai.POST("/jacobian", {
      body: { function: "x**2", variables: { x: [1, 2] }, tangents: { x: [1, 0] } },
    }),
  );
  const second = good(
    await kobai.POST("/hessian", { body: { function: SEED, variables: { x: [0, 0] }, curvature: true } }),
  );
  const { hessian, curvature } = second;
  return {
    value: { value: model.value, outputs: model.outputs },
    jacobian: { value: along.value, product: along.product },
    hessian: { value: second.value, gradient: second.gradient, hessian, curvature },
    gradient: { value, gradient, method, evaluations },
    checked: { value: checked.value, gradient: checked.gradient, worst },
    quote: quoted.quote,
    field: { values: field.values, gradient: field.gradient },
  };
}

function walk({ status, steps, variables, best, history }: Schemas["DescentResponse"]) {
  const records = history.map((record): [number, number, number] => [record.step, record.value, record.gradient_norm]);
  return { status, steps, variables, best_step: best.step, best_value: best.value, history: records };
}

async function descended() {
  const request = { function: SEED, variables: START, optimizer: "adam", learning_rate: 0.1, history: 3 } as const;
  const first = good(await kobai.POST("/descent", { body: { ...request, steps: 60 } }));
  const rest = good(await kobai.POST("/descent", { body: { ...request, steps: 40, state: first.state } }));
  const rates = { function: SEED, variables: START, learning_rates: [0.01, 0.1, 10] };
  const sweep = good(await kobai.POST("/descent/sweep", { body: rates }));
  const runs = sweep.runs.map((run): [number, Schemas["Verdict"], number] => [run.learning_rate, run.verdict, run.value]);
  return { descent: walk(first), resumed: walk(rest), sweep: { best: sweep.best, runs } };
}

async function refused() {
  const { error } = await kobai.POST("/gradient", {
    body: { function: "sum(X @ w)", variables: { w: [1, 2] }, constants: { X: [[1, 2, 3]] } },
    params: { header: { "X-Request-ID": "client-1" } },
  });
  if (error === undefined) throw new Error("a mistake was accepted");
  const errors = error.errors.map(({ pointer, detail, line, column }) => ({ pointer, detail, line, column }));
  const { status, code, title, instance, request_id } = error;
  return { status, code, title, instance, request_id, errors };
}

async function pages() {
  const limits = good(await kobai.GET("/limits"));
  const { value, unit, setting } = limits["body_bytes"];
  const codes = good(await kobai.GET("/problems")).problems.map((each) => each.code);
  const page = good(await kobai.GET("/problems/{code}", { params: { path: { code: codes[0] } } }));
  const health = [await kobai.GET("/livez"), await kobai.GET("/readyz"), await kobai.GET("/healthz")];
  const metrics = await texts.GET("/metrics", { parseAs: "text" });
  const yaml = await texts.GET("/openapi.yaml", { parseAs: "text" });
  return {
    functions: good(await kobai.GET("/functions")).functions.map((each) => each.name),
    limit: { value, unit, setting },
    problems: codes,
    explained: page.title,
    health: health.map((each) => good(each).status),
    metrics: metrics.data?.includes("# HELP"),
    documents: [yaml.data?.split("\n")[0], good(await kobai.GET("/openapi.json"))["openapi"]],
  };
}

const report = { ...(await computed()), ...(await differentiated()), ...(await descended()), ...(await pages()) };
console.log(JSON.stringify({ ...report, problem: await refused() }));
