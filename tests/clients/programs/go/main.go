// The calls of a script through openapi-generator's Go client: calls-in-go ADDRESS SCRIPT
package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"

	"kobai.test/kobai"
)

type row struct {
	Name, Operation string
	Request         map[string]any
	Arguments       map[string]string
	StateOf         string `json:"state_of"`
	RequestID       string `json:"request_id"`
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}

// Read the request of a row in its own type.
func request[T any](each row) (read T) {
	body, err := json.Marshal(each.Request)
	check(err)
	check(json.Unmarshal(body, &read))
	return read
}

// Drop what an answer came in.
func answer[T any, R any](read T, _ R, err error) (any, error) {
	return read, err
}

func call(client *kobai.APIClient, each row) (any, error) {
	c, ctx := client.ComputeAPI, context.Background()
	switch each.Operation {
	case "softmax":
		return answer(c.Softmax(ctx).SoftmaxRequest(request[kobai.SoftmaxRequest](each)).Execute())
	case "sigmoid":
		return answer(c.Sigmoid(ctx).SigmoidRequest(request[kobai.SigmoidRequest](each)).Execute())
	case "loss":
		return answer(c.Loss(ctx).LossRequest(request[kobai.LossRequest](each)).Execute())
	case "gradient":
		read := request[kobai.GradientRequest](each)
		return answer(c.Gradient(ctx).GradientRequest(read).XRequestID(each.RequestID).Execute())
	case "gradientField":
		return answer(c.GradientField(ctx).GradientFieldRequest(request[kobai.GradientFieldRequest](each)).Execute())
	case "value":
		return answer(c.Value(ctx).ValueRequest(request[kobai.ValueRequest](each)).Execute())
	case "jacobian":
		return answer(c.Jacobian(ctx).JacobianRequest(request[kobai.JacobianRequest](each)).Execute())
	case "hessian":
		return answer(c.Hessian(ctx).HessianRequest(request[kobai.HessianRequest](each)).Execute())
	case "descent":
		return answer(c.Descent(ctx).DescentRequest(request[kobai.DescentRequest](each)).Execute())
	case "descentSweep":
		return answer(c.DescentSweep(ctx).DescentSweepRequest(request[kobai.DescentSweepRequest](each)).Execute())
	case "listFunctions":
		return answer(client.ReferenceAPI.ListFunctions(ctx).Execute())
	case "listLimits":
		return answer(client.ReferenceAPI.ListLimits(ctx).Execute())
	case "listProblems":
		return answer(client.ReferenceAPI.ListProblems(ctx).Execute())
	case "getProblem":
		return answer(client.ReferenceAPI.GetProblem(ctx, each.Arguments["code"]).Execute())
	case "getLivez":
		return answer(client.MonitoringAPI.GetLivez(ctx).Execute())
	case "getReadyz":
		return answer(client.MonitoringAPI.GetReadyz(ctx).Execute())
	case "getHealthz":
		return answer(client.MonitoringAPI.GetHealthz(ctx).Execute())
	case "getMetrics":
		return answer(client.MonitoringAPI.GetMetrics(ctx).Execute())
	case "getOpenapiYaml":
		return answer(client.DocumentsAPI.GetOpenapiYaml(ctx).Execute())
	case "getOpenapiJson":
		return answer(client.DocumentsAPI.GetOpenapiJson(ctx).Execute())
	}
	panic("no operation " + each.Operation)
}

func main() {
	configuration := kobai.NewConfiguration()
	configuration.Servers = kobai.ServerConfigurations{{URL: os.Args[1]}}
	client := kobai.NewAPIClient(configuration)

	text, err := os.ReadFile(os.Args[2])
	check(err)
	var rows []row
	check(json.Unmarshal(text, &rows))

	answers := map[string]any{}
	for _, each := range rows {
		if each.StateOf != "" {
			each.Request["state"] = answers[each.StateOf].(*kobai.DescentResponse).GetState()
		}
		read, err := call(client, each)
		var failure *kobai.GenericOpenAPIError
		if errors.As(err, &failure) {
			read, err = failure.Model().(kobai.Problem), nil
		}
		check(err)
		if file, ok := read.(*os.File); ok {
			content, err := io.ReadAll(file)
			check(err)
			read = string(content)
		}
		answers[each.Name] = read
	}
	check(json.NewEncoder(os.Stdout).Encode(answers))
}
