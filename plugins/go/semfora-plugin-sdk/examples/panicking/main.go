// Panicking fails in the way that config.how names. Tests see what of it reaches the host.
package main

import (
	"errors"
	"fmt"
	"math"

	semfora "semfora.dev/plugin-sdk"
)

func init() { semfora.Register(evaluate) }

func main() {}

func evaluate(ctx *semfora.Context) ([]semfora.Recommendation, error) {
	var how string
	if _, err := ctx.Option("how", &how); err != nil {
		return nil, err
	}
	println("how:", how)
	found := semfora.New("nothing happened")
	switch how {
	case "text":
		panic("a text: \U0001f600")
	case "error":
		return nil, errors.New("it says why")
	case "index":
		found.Title = ctx.Symbols[len(how)].Name
	case "nil":
		found.Title = ctx.Graph().Symbol("nobody").Name
	case "goroutine":
		done := make(chan bool)
		go func() { panic(fmt.Sprint("in a goroutine ", <-done)) }()
		done <- true
		<-done
	case "memory":
		var kept [][]byte
		for {
			kept = append(kept, make([]byte, 1<<20))
		}
	case "nan":
		found.Confidence = math.NaN()
	}
	return []semfora.Recommendation{found}, nil
}
