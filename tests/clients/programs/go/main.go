// Calls through openapi-generator's Go client; prints what it read as one JSON object.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"kobai.test/kobai"
)

const function = "x[0]**2 + x[1]**2"

type object = map[string]any

func check(err error) {
	if err != nil {
		panic(err)
	}
}

func descent(client *kobai.ComputeAPIService, steps int32, state object) *kobai.DescentResponse {
	request := kobai.NewDescentRequest(function, object{"x": []float64{-3, 4}})
	request.SetOptimizer(kobai.ADAM)
	request.SetLearningRate(0.1)
	request.SetSteps(steps)
	if state != nil {
		request.SetState(state)
	}
	answer, _, err := client.Descent(context.Background()).DescentRequest(*request).Execute()
	check(err)
	return answer
}

func problem(client *kobai.ComputeAPIService) object {
	request := kobai.NewGradientRequest("sum(X @ w)", object{"w": []float64{1, 2}})
	request.SetConstants(object{"X": [][]float64{{1, 2, 3}}})
	_, _, err := client.Gradient(context.Background()).GradientRequest(*request).Execute()
	var failure *kobai.GenericOpenAPIError
	if !errors.As(err, &failure) {
		panic("no problem")
	}
	told := failure.Model().(kobai.Problem)
	return object{"status": told.GetStatus(), "code": told.GetCode(), "pointer": told.GetErrors()[0].GetPointer()}
}

func main() {
	configuration := kobai.NewConfiguration()
	configuration.Servers = kobai.ServerConfigurations{{URL: os.Args[1]}}
	client := kobai.NewAPIClient(configuration).ComputeAPI
	background := context.Background()

	array := kobai.NewSoftmaxRequest([]any{0.3, 2.9, 4.0})
	array.SetAxisNil()
	softmax, _, err := client.Softmax(background).SoftmaxRequest(*array).Execute()
	check(err)

	labelled := kobai.NewLossRequest(kobai.CROSS_ENTROPY, []any{0.1, 0.05, 0.85}, []any{2})
	loss, _, err := client.Loss(background).LossRequest(*labelled).Execute()
	check(err)

	at := kobai.NewGradientRequest(function, object{"x": []float64{3, 4}})
	gradient, _, err := client.Gradient(background).GradientRequest(*at).Execute()
	check(err)

	rest := descent(client, 40, descent(client, 60, nil).GetState())

	check(json.NewEncoder(os.Stdout).Encode(object{
		"softmax":  object{"y": softmax.GetY()},
		"loss":     object{"loss": loss.GetLoss()},
		"gradient": object{"value": gradient.GetValue(), "gradient": gradient.GetGradient(), "method": gradient.GetMethod()},
		"resumed":  object{"status": rest.GetStatus(), "steps": rest.GetSteps(), "variables": rest.GetVariables()},
		"problem":  problem(client),
	}))
}
