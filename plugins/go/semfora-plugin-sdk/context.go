package semfora

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
)

// ContractVersion is the version of the contract that the types of this package speak.
const ContractVersion = 1

const contextSchema = "semfora.suggest_context"

// defaults has what a document leaves out and is not the zero value.
func defaults() *Context {
	return &Context{
		Schema:    contextSchema,
		Version:   ContractVersion,
		Generator: Generator{Name: "semfora-hooks"},
		Scope:     Scope{Kind: "repo"},
	}
}

// Context is a repository, or the part of it that the plugin's manifest asks for. What a document leaves out is the
// zero value, but for Scope.Kind ("repo") and Generator.Name; fields of a later contract are ignored. Lines and columns are 1-based, ranges inclusive; paths are
// relative to the repository, with "/".
type Context struct {
	Schema     string     `json:"schema"`
	Version    int        `json:"version"`
	Generator  Generator  `json:"generator"`
	Repository Repository `json:"repository"`
	// Scope is what the run is about: everything, or a change.
	Scope Scope `json:"scope"`
	// Config is the manifest's config. See [Context.Option] and [Context.Strings].
	Config map[string]json.RawMessage `json:"config,omitempty"`
	// Symbols are sorted by file and position.
	Symbols []Symbol `json:"symbols,omitempty"`
	// Calls are sorted by caller, then line.
	Calls []Call `json:"calls,omitempty"`
	// Modules are sorted by name.
	Modules []Module `json:"modules,omitempty"`
	// Duplicates are groups of symbols that repeat each other.
	Duplicates []Duplicate `json:"duplicates,omitempty"`
}

// Generator says who wrote a context, and what its data can be trusted to hold.
type Generator struct {
	Name         string   `json:"name,omitempty"`
	Version      string   `json:"version"`
	Capabilities []string `json:"capabilities,omitempty"`
}

// Repository is the analysed one. Head is a commit, where there is one.
type Repository struct {
	Name string `json:"name"`
	Head string `json:"head,omitempty"`
}

// Scope is what a run is about. Kind is "repo", "staged", "range" or "files".
type Scope struct {
	Kind string `json:"kind,omitempty"`
	// BaseRef is the revision that the change is compared with.
	BaseRef string        `json:"base_ref,omitempty"`
	Files   []ChangedFile `json:"files,omitempty"`
	// Symbols are the ids of what the change touches.
	Symbols []string `json:"symbols,omitempty"`
}

// ChangedFile is a file of the change. Change is "added", "modified", "deleted" or "renamed".
type ChangedFile struct {
	Path    string `json:"path"`
	OldPath string `json:"old_path,omitempty"`
	Change  string `json:"change"`
	// Lines are ranges on the new side: first and last line.
	Lines [][2]int `json:"lines,omitempty"`
}

// Symbol is a named piece of code, unique within the context.
type Symbol struct {
	ID            string `json:"id"`
	Name          string `json:"name"`
	QualifiedName string `json:"qualified_name"`
	// Kind is "function", "method", "class", "component", "enum", "interface", "module", "struct", "trait",
	// "type_alias" or "variable".
	Kind        string `json:"kind"`
	Module      string `json:"module"`
	File        string `json:"file"`
	StartLine   int    `json:"start_line"`
	EndLine     int    `json:"end_line"`
	StartColumn int    `json:"start_column"`
	Language    string `json:"language"`
	// Parent is the id of the symbol around this one.
	Parent      string `json:"parent,omitempty"`
	IsExported  bool   `json:"is_exported,omitempty"`
	IsAsync     bool   `json:"is_async,omitempty"`
	IsTest      bool   `json:"is_test,omitempty"`
	IsGenerated bool   `json:"is_generated,omitempty"`
	// IsStub marks a declaration without a body.
	IsStub      bool        `json:"is_stub,omitempty"`
	Decorators  []string    `json:"decorators,omitempty"`
	BaseClasses []string    `json:"base_classes,omitempty"`
	ReturnType  string      `json:"return_type,omitempty"`
	Arguments   []Argument  `json:"arguments,omitempty"`
	ControlFlow ControlFlow `json:"control_flow,omitzero"`
	Metrics     Metrics     `json:"metrics,omitzero"`
	// EntryPoint is "none", or how the program is entered here: "cli_main", "web_route", …
	EntryPoint string `json:"entry_point"`
	// Reachability is "called", "entry_point", "referenced", "unreferenced" or "unknown".
	Reachability string      `json:"reachability"`
	TypeChecks   []TypeCheck `json:"type_checks,omitempty"`
	// ReturnsNone is nil where it is not known.
	ReturnsNone *bool `json:"returns_none,omitempty"`
}

// Argument is a parameter of a function, as written. Kind is "positional", "positional_only", "keyword_only",
// "var_positional" or "var_keyword".
type Argument struct {
	Name    string `json:"name"`
	Type    string `json:"type,omitempty"`
	Default string `json:"default,omitempty"`
	Kind    string `json:"kind"`
}

// ControlFlow counts constructs in a symbol's own body; nested definitions count for themselves.
type ControlFlow struct {
	If      int `json:"if,omitempty"`
	Elif    int `json:"elif,omitempty"`
	Else    int `json:"else,omitempty"`
	For     int `json:"for,omitempty"`
	While   int `json:"while,omitempty"`
	Match   int `json:"match,omitempty"`
	Case    int `json:"case,omitempty"`
	Try     int `json:"try,omitempty"`
	Except  int `json:"except,omitempty"`
	Finally int `json:"finally,omitempty"`
	With    int `json:"with,omitempty"`
	Raise   int `json:"raise,omitempty"`
	Return  int `json:"return,omitempty"`
	Yield   int `json:"yield,omitempty"`
	Await   int `json:"await,omitempty"`
	Ternary int `json:"ternary,omitempty"`
	// Boolean counts the operators "and" and "or".
	Boolean       int `json:"boolean,omitempty"`
	Comprehension int `json:"comprehension,omitempty"`
	Lambda        int `json:"lambda,omitempty"`
	Assert        int `json:"assert,omitempty"`
}

// Metrics are numbers about one symbol.
type Metrics struct {
	CognitiveComplexity  int `json:"cognitive_complexity,omitempty"`
	CyclomaticComplexity int `json:"cyclomatic_complexity,omitempty"`
	NestingDepth         int `json:"nesting_depth,omitempty"`
	// LOC counts lines of code, without blank, comment-only and docstring lines.
	LOC int `json:"loc,omitempty"`
	// FanIn counts the symbols that call this one, FanOut what it calls.
	FanIn  int `json:"fan_in,omitempty"`
	FanOut int `json:"fan_out,omitempty"`
	// CallersCount counts the places from which it is called.
	CallersCount  int `json:"callers_count,omitempty"`
	ArgumentCount int `json:"argument_count,omitempty"`
}

// TypeCheck is the run-time type tests that a function makes on one of its names.
type TypeCheck struct {
	Name     string   `json:"name"`
	Types    []string `json:"types,omitempty"`
	Branches int      `json:"branches,omitempty"`
	Guard    bool     `json:"guard,omitempty"`
}

// Resolution says how far to trust a call's callee.
type Resolution string

// The values of [Resolution].
const (
	// Exact follows the language's scoping and imports.
	Exact Resolution = "exact"
	// Inferred follows annotations and assignments.
	Inferred Resolution = "inferred"
	// ByName is the only symbol of that name.
	ByName Resolution = "name"
)

// Call stands for the calls from one symbol to one target: a symbol of the repository (Callee, an id) or a name
// outside it (External). The other one is empty.
type Call struct {
	Caller   string `json:"caller"`
	Callee   string `json:"callee,omitempty"`
	External string `json:"external,omitempty"`
	Count    int    `json:"count"`
	// Line is where the first of them stands.
	Line       int        `json:"line"`
	Resolution Resolution `json:"resolution"`
	InTry      bool       `json:"in_try,omitempty"`
	IsAwaited  bool       `json:"is_awaited,omitempty"`
}

// Module is a module with its couplings inside the repository.
type Module struct {
	Name             string   `json:"name"`
	Files            int      `json:"files"`
	Symbols          int      `json:"symbols,omitempty"`
	LOC              int      `json:"loc,omitempty"`
	Imports          []string `json:"imports,omitempty"`
	ExternalImports  []string `json:"external_imports,omitempty"`
	AfferentCoupling int      `json:"afferent_coupling,omitempty"`
	EfferentCoupling int      `json:"efferent_coupling,omitempty"`
	// Instability is Robert C. Martin's Ce / (Ca + Ce).
	Instability float64 `json:"instability,omitempty"`
}

// Duplicate is a group of symbols (ids) that repeat each other. Kind is "exact", "near" or "divergent".
type Duplicate struct {
	Symbols    []string `json:"symbols"`
	Similarity float64  `json:"similarity"`
	Kind       string   `json:"kind"`
	Tokens     int      `json:"tokens,omitempty"`
	Identical  bool     `json:"identical,omitempty"`
}

// ParseContext reads a context document. It fails where the text is not JSON, a field has the wrong type, or the
// document is none of ours or of another version of the contract.
func ParseContext(document []byte) (*Context, error) {
	context := defaults()
	if err := json.Unmarshal(document, context); err != nil {
		return nil, fmt.Errorf("the context cannot be read: %w", err)
	}
	if context.Schema != contextSchema {
		return nil, fmt.Errorf("not a context document: its schema is '%s'", context.Schema)
	}
	if context.Version != ContractVersion {
		advice := "upgrade semfora-hooks"
		if context.Version > ContractVersion {
			advice = "update the plugin"
		}
		return nil, fmt.Errorf("the context has contract version %d, this plugin speaks %d: %s",
			context.Version, ContractVersion, advice)
	}
	return context, nil
}

// Option decodes the option name of the manifest's config into what into points to, and tells whether it was there.
// Missing or null, it leaves into as it is: set the default before.
func (c *Context) Option(name string, into any) (bool, error) {
	raw, found := c.Config[name]
	if !found || string(raw) == "null" {
		return false, nil
	}
	if err := json.Unmarshal(raw, into); err != nil {
		return false, fmt.Errorf("config.%s: %w", name, err)
	}
	return true, nil
}

// Strings is the option name as a list of strings; empty where it is missing or null.
func (c *Context) Strings(name string) ([]string, error) {
	var items []*string // pointers, so that a null among the items is noticed
	_, err := c.Option(name, &items)
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) || slices.Contains(items, nil) {
		return nil, fmt.Errorf("config.%s must be a list of strings", name)
	}
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(items))
	for i, item := range items {
		texts[i] = *item
	}
	return texts, nil
}

// HasCapability tells whether the writer of the context can tell what capability names, such as "control_flow".
// Where it cannot, missing data say nothing: do not conclude from them.
func (c *Context) HasCapability(capability string) bool {
	return slices.Contains(c.Generator.Capabilities, capability)
}
