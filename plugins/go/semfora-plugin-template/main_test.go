package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	semfora "semfora.dev/plugin-sdk"
)

// TestFixtures runs fixtures/*.context.json natively; each must give its *.expected.json.
func TestFixtures(t *testing.T) {
	contexts, err := filepath.Glob("fixtures/*.context.json")
	if err != nil || len(contexts) == 0 {
		t.Fatal("there are no fixtures")
	}
	for _, path := range contexts {
		got := decode(t, semfora.EvaluateJSON(read(t, path), evaluate))
		want := decode(t, read(t, strings.Replace(path, ".context.", ".expected.", 1)))
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %v, want %v", path, got, want)
		}
	}
}

// calls is a context in which low calls high with each of these resolutions, on lines 1, 2, …
func calls(high, low string, resolutions ...semfora.Resolution) *semfora.Context {
	ctx := &semfora.Context{
		Config:  map[string]json.RawMessage{"layers": json.RawMessage(`["api", "core", "db"]`)},
		Symbols: []semfora.Symbol{{ID: "callee", Module: high}, {ID: "caller", Module: low}},
	}
	for i, resolution := range resolutions {
		call := semfora.Call{Caller: "caller", Callee: "callee", Line: i + 1, Resolution: resolution}
		ctx.Calls = append(ctx.Calls, call)
	}
	return ctx
}

func TestTheFirstCallOfAPairDecides(t *testing.T) {
	found, err := evaluate(calls("shop.api", "shop.db", semfora.Inferred, semfora.Exact))
	if err != nil || len(found) != 1 || found[0].Confidence != 0.7 || found[0].Evidence[0].Text != "line 1" {
		t.Errorf("got %v, %v", found, err)
	}
}

func TestCallsDownAndInsideALayerAreFine(t *testing.T) {
	for _, ends := range [][2]string{{"shop.db", "shop.api"}, {"shop.api.a", "shop.api.b"}, {"apis", "db"}, {"api", "tools"}} {
		if found, err := evaluate(calls(ends[0], ends[1], semfora.Exact)); err != nil || len(found) != 0 {
			t.Errorf("%v: got %v, %v", ends, found, err)
		}
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func decode(t *testing.T, text []byte) (value any) {
	t.Helper()
	if err := json.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	return value
}
