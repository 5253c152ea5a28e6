package semfora

import (
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"
)

const minimal = `{"generator": {"version": "1"}, "repository": {"name": "x"}, "scope": {}}`

func TestNothingFoundIsAnEmptyArray(t *testing.T) {
	output := EvaluateJSON([]byte(minimal), func(*Context) ([]Recommendation, error) { return nil, nil })
	if string(output) != "[]" {
		t.Errorf("got %s", output)
	}
}

func TestFindingsBecomeAnArray(t *testing.T) {
	output := EvaluateJSON([]byte(minimal), func(ctx *Context) ([]Recommendation, error) {
		return []Recommendation{New(ctx.Repository.Name)}, nil
	})
	if string(output) != `[{"confidence":1,"title":"x"}]` {
		t.Errorf("got %s", output)
	}
}

func TestFailuresBecomeAnObject(t *testing.T) {
	unused := func(*Context) ([]Recommendation, error) { panic("not to be called") }
	for _, example := range []struct {
		document string
		evaluate Function
		words    string
	}{
		{minimal, func(*Context) ([]Recommendation, error) { return nil, errors.New("no \"layers\"\n") }, "no \"layers\"\n"},
		{minimal, func(*Context) ([]Recommendation, error) {
			return []Recommendation{{Title: "t", Confidence: math.NaN()}}, nil
		}, "the recommendations cannot be written: "},
		{minimal, nil, "call semfora.Register in an init function"},
		{"{", unused, "the context cannot be read: "},
		{"[]", unused, "the context cannot be read: "},
		{`{"symbols": [{"start_line": "one"}]}`, unused, "start_line"},
		{`{"schema": "other"}`, unused, "its schema is 'other'"},
		{`{"version": 2}`, unused, "update the plugin"},
		{`{"version": 0}`, unused, "upgrade semfora-hooks"},
	} {
		var failure map[string]string
		output := EvaluateJSON([]byte(example.document), example.evaluate)
		if err := json.Unmarshal(output, &failure); err != nil || !strings.Contains(failure["error"], example.words) {
			t.Errorf("%s: got %s, want %q", example.document, output, example.words)
		}
	}
}

func TestOptions(t *testing.T) {
	ctx := &Context{Config: map[string]json.RawMessage{}}
	for name, value := range map[string]string{
		"number": "7", "null": "null", "names": `["a", "ä"]`, "mixed": `["a", 1]`, "hollow": `["a", null]`, "text": `"a, b"`,
	} {
		ctx.Config[name] = json.RawMessage(value)
	}
	limit := 20
	if found, err := ctx.Option("number", &limit); !found || err != nil || limit != 7 {
		t.Errorf("number: %v, %v, %v", found, err, limit)
	}
	for _, name := range []string{"missing", "null"} {
		if found, err := ctx.Option(name, &limit); found || err != nil || limit != 7 {
			t.Errorf("%s: %v, %v, %v", name, found, err, limit)
		}
		if names, err := ctx.Strings(name); len(names) != 0 || err != nil {
			t.Errorf("%s: %v, %v", name, names, err)
		}
	}
	if _, err := ctx.Option("text", &limit); err == nil || !strings.HasPrefix(err.Error(), "config.text: ") {
		t.Errorf("text: %v", err)
	}
	if names, err := ctx.Strings("names"); err != nil || !slices.Equal(names, []string{"a", "ä"}) {
		t.Errorf("names: %v, %v", names, err)
	}
	for _, name := range []string{"mixed", "hollow", "text", "number"} {
		if _, err := ctx.Strings(name); err == nil || err.Error() != "config."+name+" must be a list of strings" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGraph(t *testing.T) {
	ctx := &Context{
		Symbols: []Symbol{
			{ID: "a", Module: "m"}, {ID: "b", Module: "m", Parent: "a"}, {ID: "c", Module: "n"},
		},
		Calls: []Call{
			{Caller: "a", Callee: "b", Line: 1}, {Caller: "a", Callee: "b", Line: 2}, {Caller: "a", Callee: "gone"},
			{Caller: "a", External: "print"}, {Caller: "c", Callee: "b", Line: 9}, {Caller: "gone", Callee: "b"},
		},
		Modules: []Module{{Name: "m", Files: 1}},
	}
	graph := ctx.Graph()
	for name, example := range map[string]struct {
		got  []*Symbol
		want string
	}{
		"CallersOf":  {graph.CallersOf("b"), "ac"},
		"CalleesOf":  {graph.CalleesOf("a"), "b"},
		"SymbolsIn":  {graph.SymbolsIn("m"), "ab"},
		"ChildrenOf": {graph.ChildrenOf("a"), "b"},
		"nobody's":   {graph.CallersOf("nobody"), ""},
	} {
		ids := ""
		for _, symbol := range example.got {
			ids += symbol.ID
		}
		if ids != example.want {
			t.Errorf("%s: got %q, want %q", name, ids, example.want)
		}
	}
	if len(graph.CallsFrom("a")) != 4 || len(graph.CallsTo("b")) != 4 {
		t.Errorf("calls: %d, %d", len(graph.CallsFrom("a")), len(graph.CallsTo("b")))
	}
	if graph.Module("m").Files != 1 || graph.Module("n") != nil || graph.Symbol("gone") != nil {
		t.Error("look-ups")
	}
	for i, want := range []bool{true, true, false, false, true, false} {
		caller, callee := graph.Ends(&ctx.Calls[i])
		if (caller != nil) != want || (callee != nil) != want {
			t.Errorf("ends of call %d: %v, %v", i, caller, callee)
		}
	}
}

func TestCapabilities(t *testing.T) {
	ctx := &Context{Generator: Generator{Capabilities: []string{"imports"}}}
	if !ctx.HasCapability("imports") || ctx.HasCapability("control_flow") {
		t.Error("capabilities")
	}
}

func TestRegisteringTwice(t *testing.T) {
	defer func() {
		registered = nil
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	nothing := func(*Context) ([]Recommendation, error) { return nil, nil }
	Register(nothing)
	Register(nothing)
}
