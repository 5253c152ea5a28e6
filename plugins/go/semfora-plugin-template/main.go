// Layer-guard finds calls that go up, from a lower layer of the architecture into a higher one.
//
// The manifest's config.layers names the layers from the uppermost to the lowest. A symbol is in the first of them
// that is one of the dotted parts of its module.
package main

import (
	"fmt"
	"slices"
	"strings"

	semfora "semfora.dev/plugin-sdk"
)

func init() { semfora.Register(evaluate) }

func main() {} // a library has no use for it, but Go wants one

// evaluate gives one finding for each pair of symbols, at its first call.
func evaluate(ctx *semfora.Context) ([]semfora.Recommendation, error) {
	layers, err := ctx.Strings("layers")
	if err != nil {
		return nil, err
	}
	graph := ctx.Graph()
	seen := make(map[[2]string]bool)
	var found []semfora.Recommendation
	for i := range ctx.Calls {
		call := &ctx.Calls[i]
		caller, callee := graph.Ends(call)
		if caller == nil {
			continue
		}
		lower, upper := layerOf(caller, layers), layerOf(callee, layers)
		pair := [2]string{caller.ID, callee.ID}
		if upper < 0 || lower <= upper || seen[pair] {
			continue
		}
		seen[pair] = true
		found = append(found, finding(call, caller, callee, layers, lower, upper))
	}
	return found, nil
}

// layerOf is the position of the symbol's layer, or -1.
func layerOf(symbol *semfora.Symbol, layers []string) int {
	parts := strings.Split(symbol.Module, ".")
	return slices.IndexFunc(layers, func(layer string) bool { return slices.Contains(parts, layer) })
}

func finding(call *semfora.Call, caller, callee *semfora.Symbol, layers []string, lower, upper int) semfora.Recommendation {
	found := semfora.New(
		fmt.Sprintf("`%s` (%s) calls `%s` (%s)", caller.QualifiedName, layers[lower], callee.QualifiedName, layers[upper]),
		caller, callee,
	)
	found.ID = fmt.Sprintf("layer-guard:%s->%s", caller.ID, callee.ID)
	found.Category = semfora.Custom("architecture")
	found.Severity, found.Confidence = semfora.Warning, 0.4
	switch call.Resolution {
	case semfora.Exact:
		found.Severity, found.Confidence = semfora.Error, 0.95
	case semfora.Inferred:
		found.Confidence = 0.7
	}
	found.Description = fmt.Sprintf("Layer `%s` must not depend on layer `%s`; the order is %s.",
		layers[lower], layers[upper], strings.Join(layers, " > "))
	found.Suggestion = fmt.Sprintf("Move the call up, or pass what `%s` needs as an argument.", caller.Name)
	found.Evidence = []semfora.Evidence{{Kind: "call", Text: fmt.Sprintf("line %d", call.Line), Symbol: callee.ID}}
	found.Metrics = map[string]float64{"distance": float64(lower - upper)}
	return found
}
