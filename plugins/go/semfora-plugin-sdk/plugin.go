// Package semfora is for writing plugins of semfora-hooks in Go.
//
// A plugin registers one function, and is built for WebAssembly as a library:
//
//	func init() { semfora.Register(evaluate) }
//
//	func main() {} // not called
//
//	func evaluate(ctx *semfora.Context) ([]semfora.Recommendation, error) { … }
//
// The same context must give the same findings: do not iterate over maps.
package semfora

import (
	"encoding/json"
	"errors"
	"fmt"
)

// Function is what a plugin is. An error is the plugin's own failure, which the user reads; a panic ends the
// evaluation, and the user reads its text and place.
type Function = func(ctx *Context) ([]Recommendation, error)

var registered Function

// Register says which function the plugin is. Call it from an init function.
func Register(evaluate Function) {
	if registered != nil {
		panic("semfora.Register was called twice")
	}
	registered = evaluate
}

// EvaluateJSON runs a function on a context document and gives what the host gets: a JSON array of recommendations, or
// {"error": …}. For tests too, which run natively.
func EvaluateJSON(document []byte, evaluate Function) []byte {
	output, err := encode(document, evaluate)
	if err != nil {
		// A string can always be encoded.
		output, _ = json.Marshal(map[string]string{"error": err.Error()})
	}
	return output
}

func encode(document []byte, evaluate Function) ([]byte, error) {
	if evaluate == nil {
		return nil, errors.New("the plugin registered no function: call semfora.Register in an init function")
	}
	context, err := ParseContext(document)
	if err != nil {
		return nil, err
	}
	found, err := evaluate(context)
	if err != nil {
		return nil, err
	}
	if found == nil {
		found = []Recommendation{}
	}
	output, err := json.Marshal(found)
	if err != nil {
		return nil, fmt.Errorf("the recommendations cannot be written: %w", err)
	}
	return output, nil
}
