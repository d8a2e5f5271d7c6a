// Every operation through the client that openapi-generator makes: `java Calls ADDRESS`.
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import kobai.ApiClient;
import kobai.ApiException;
import kobai.api.ComputeApi;
import kobai.api.DocumentsApi;
import kobai.api.MonitoringApi;
import kobai.api.ReferenceApi;
import kobai.model.Curvature;
import kobai.model.DescentRequest;
import kobai.model.DescentResponse;
import kobai.model.DescentSweepRequest;
import kobai.model.DescentSweepResponse;
import kobai.model.FunctionDescription;
import kobai.model.GradientFieldRequest;
import kobai.model.GradientFieldResponse;
import kobai.model.GradientRequest;
import kobai.model.GradientResponse;
import kobai.model.HessianRequest;
import kobai.model.HessianResponse;
import kobai.model.HistoryRecord;
import kobai.model.JacobianRequest;
import kobai.model.JacobianResponse;
import kobai.model.Limit;
import kobai.model.Loss;
import kobai.model.LossRequest;
import kobai.model.LossResponse;
import kobai.model.Method;
import kobai.model.Optimizer;
import kobai.model.Problem;
import kobai.model.ProblemDescription;
import kobai.model.ProblemError;
import kobai.model.Quote;
import kobai.model.Reduction;
import kobai.model.SigmoidRequest;
import kobai.model.SoftmaxRequest;
import kobai.model.SweepRun;
import kobai.model.ValueRequest;
import kobai.model.ValueResponse;

public final class Calls {
  private static final String SEED = "x[0]**2 + x[1]**2";
  private static final Map<String, Object> START = Map.of("x", List.of(-3, 4));

  private final Map<String, Object> report = new LinkedHashMap<>();
  private final ApiClient client;
  private final ComputeApi api;

  private Calls(String address) {
    client = new ApiClient();
    client.updateBaseUri(address);
    api = new ComputeApi(client);
  }

  public static void main(String[] arguments) throws Exception {
    Calls calls = new Calls(arguments[0]);
    calls.compute();
    calls.differentiate();
    calls.descend();
    calls.refuse();
    calls.read();
    System.out.println(new ObjectMapper().writeValueAsString(calls.report));
  }

  private void compute() throws ApiException {
    report.put("softmax", Map.of("y", wholeSoftmax()));
    List<Object> x = List.of(List.of(1, 2), List.of(3, 4));
    List<Object> mask = List.of(List.of(true, false), List.of(true, true));
    report.put("masked", Map.of("y", api.softmax(new SoftmaxRequest().x(x).temperature(0.5).mask(mask), null).getY()));
    SigmoidRequest tails = new SigmoidRequest().x(List.of(-750, 0, 750)).log(true);
    report.put("sigmoid", Map.of("y", api.sigmoid(tails, null).getY()));
    LossRequest single =
        new LossRequest().loss(Loss.CROSS_ENTROPY).predictions(List.of(0.1, 0.05, 0.85)).targets(List.of(2));
    Double loss = api.loss(single, null).getLoss();
    report.put("loss", Map.of("loss", loss));
    LossRequest each =
        new LossRequest()
            .loss(Loss.HUBER)
            .predictions(List.of(List.of(1, 2), List.of(5, 4)))
            .targets(List.of(List.of(1, 0), List.of(1, 4)))
            .reduction(Reduction.NONE)
            .gradient(true);
    LossResponse losses = api.loss(each, null);
    report.put("losses", Map.of("losses", losses.getLosses(), "gradient", losses.getGradient()));
  }

  /** A null is sent, and not left out, by a mapper that says so: here it means all elements together. */
  private List<Object> wholeSoftmax() throws ApiException {
    ApiClient nulls = new ApiClient();
    nulls.updateBaseUri(client.getBaseUri());
    nulls.setObjectMapper(client.getObjectMapper().copy().setDefaultPropertyInclusion(JsonInclude.Include.ALWAYS));
    SoftmaxRequest request = new SoftmaxRequest().x(List.of(0.3, 2.9, 4.0)).axis(null);
    return new ComputeApi(nulls).softmax(request, null).getY();
  }

  private static GradientRequest model() {
    return new GradientRequest()
        .function("s * mean(cross_entropy(softmax(X @ W + b), t))")
        .putVariablesItem("W", List.of(List.of(0.1, -0.2, 0.3), List.of(0, 0.2, -0.1)))
        .putVariablesItem("b", List.of(0, 0, 0))
        .putVariablesItem("s", 2)
        .putConstantsItem("X", List.of(List.of(1, 2), List.of(0.5, -1)))
        .putConstantsItem("t", List.of(List.of(1, 0, 0), List.of(0, 1, 0)));
  }

  private void differentiate() throws ApiException {
    GradientResponse seed =
        api.gradient(new GradientRequest().function(SEED).putVariablesItem("x", List.of(3, 4)), null);
    Double value = seed.getValue();
    Integer evaluations = seed.getEvaluations();
    report.put(
        "gradient",
        Map.of(
            "value", value,
            "gradient", seed.getGradient(),
            "method", seed.getMethod().getValue(),
            "evaluations", evaluations));
    GradientResponse checked = api.gradient(model().verify(true), null);
    String worst = checked.getVerification().getWorst();
    report.put(
        "checked", Map.of("value", checked.getValue(), "gradient", checked.getGradient(), "worst", worst));
    Quote quote = api.gradient(model().dryRun(true), null).getQuote();
    Map<String, List<Integer>> shapes = quote.getShapes();
    report.put(
        "quote",
        Map.of(
            "shapes", shapes,
            "operations", quote.getOperations(),
            "peak_bytes", quote.getPeakBytes(),
            "evaluations", quote.getEvaluations(),
            "within_limits", quote.getWithinLimits()));
    GradientFieldRequest points =
        new GradientFieldRequest()
            .function("a * x**2")
            .points(Map.of("a", List.of(1, 2, 3), "x", List.of(0.5, 1, -1)))
            .method(Method.CENTRAL);
    GradientFieldResponse field = api.gradientField(points, null);
    List<Double> values = field.getValues();
    report.put("field", Map.of("values", values, "gradient", field.getGradient()));
    ValueRequest rows =
        new ValueRequest()
            .function("y = X @ w; sigmoid(y)")
            .putVariablesItem("w", List.of(1, -1))
            .putConstantsItem("X", List.of(List.of(1, 2), List.of(0.5, -1)))
            .addOutputsItem("y");
    ValueResponse model = api.value(rows, null);
    report.put("value", Map.of("value", model.getValue(), "outputs", model.getOutputs()));
    JacobianRequest point =
        new JacobianRequest()
            .function("x**2")
            .putVariablesItem("x", List.of(1, 2))
            .putTangentsItem("x", List.of(1, 0));
    JacobianResponse along = api.jacobian(point, null);
    report.put("jacobian", Map.of("value", along.getValue(), "product", along.getProduct()));
    HessianRequest start =
        new HessianRequest().function(SEED).putVariablesItem("x", List.of(0, 0)).curvature(true);
    HessianResponse second = api.hessian(start, null);
    Curvature curvature = second.getCurvature();
    report.put(
        "hessian",
        Map.of(
            "value", second.getValue(),
            "gradient", second.getGradient(),
            "hessian", second.getHessian(),
            "curvature",
                Map.of(
                    "smallest", curvature.getSmallest(),
                    "largest", curvature.getLargest(),
                    "kind", curvature.getKind().getValue())));
  }

  private static DescentRequest run(int steps) {
    return new DescentRequest()
        .function(SEED)
        .variables(START)
        .optimizer(Optimizer.ADAM)
        .learningRate(0.1)
        .steps(steps)
        .history(3);
  }

  private static Map<String, Object> walk(DescentResponse answer) {
    List<List<Number>> history = new ArrayList<>();
    for (HistoryRecord record : answer.getHistory()) {
      history.add(List.of(record.getStep(), record.getValue(), record.getGradientNorm()));
    }
    return Map.of(
        "status", answer.getStatus().getValue(),
        "steps", answer.getSteps(),
        "variables", answer.getVariables(),
        "best_step", answer.getBest().getStep(),
        "best_value", answer.getBest().getValue(),
        "history", history);
  }

  private void descend() throws ApiException {
    DescentResponse first = api.descent(run(60), null);
    report.put("descent", walk(first));
    report.put("resumed", walk(api.descent(run(40).state(first.getState()), null)));
    DescentSweepRequest rates =
        new DescentSweepRequest().function(SEED).variables(START).learningRates(List.of(0.01, 0.1, 10.0));
    DescentSweepResponse sweep = api.descentSweep(rates, null);
    List<List<Object>> runs = new ArrayList<>();
    for (SweepRun run : sweep.getRuns()) {
      runs.add(List.of(run.getLearningRate(), run.getVerdict().getValue(), run.getValue()));
    }
    report.put("sweep", Map.of("best", sweep.getBest(), "runs", runs));
  }

  private void refuse() throws Exception {
    GradientRequest wrong =
        new GradientRequest()
            .function("sum(X @ w)")
            .putVariablesItem("w", List.of(1, 2))
            .putConstantsItem("X", List.of(List.of(1, 2, 3)));
    try {
      api.gradient(wrong, "client-1");
      throw new AssertionError("a mistake was accepted");
    } catch (ApiException error) {
      report.put("problem", told(client.getObjectMapper().readValue(error.getResponseBody(), Problem.class)));
    }
  }

  private static Map<String, Object> told(Problem problem) {
    List<Map<String, Object>> errors = new ArrayList<>();
    for (ProblemError fault : problem.getErrors()) {
      errors.add(
          Map.of(
              "pointer", fault.getPointer(),
              "detail", fault.getDetail(),
              "line", fault.getLine(),
              "column", fault.getColumn()));
    }
    return Map.of(
        "status", problem.getStatus(),
        "code", problem.getCode(),
        "title", problem.getTitle(),
        "instance", problem.getInstance(),
        "request_id", problem.getRequestId(),
        "errors", errors);
  }

  private void read() throws ApiException {
    ReferenceApi reference = new ReferenceApi(client);
    MonitoringApi monitoring = new MonitoringApi(client);
    DocumentsApi documents = new DocumentsApi(client);
    Limit limit = reference.listLimits().get("body_bytes");
    report.put("limit", Map.of("value", limit.getValue(), "unit", limit.getUnit(), "setting", limit.getSetting()));
    report.put(
        "functions",
        reference.listFunctions().getFunctions().stream().map(FunctionDescription::getName).toList());
    List<String> codes =
        reference.listProblems().getProblems().stream().map(ProblemDescription::getCode).toList();
    report.put("problems", codes);
    report.put("explained", reference.getProblem(codes.get(0)).getTitle());
    report.put(
        "health",
        List.of(
            monitoring.getLivez().getStatus(),
            monitoring.getReadyz().getStatus(),
            monitoring.getHealthz().getStatus()));
    report.put("metrics", monitoring.getMetrics().contains("# HELP"));
    String version = (String) documents.getOpenapiJson().get("openapi");
    report.put("documents", List.of(documents.getOpenapiYaml().lines().findFirst().orElseThrow(), version));
  }
}
