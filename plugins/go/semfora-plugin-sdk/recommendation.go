package semfora

// Severity says how much a finding matters.
type Severity string

// The values of [Severity].
const (
	Info    Severity = "info"
	Warning Severity = "warning"
	Error   Severity = "error"
)

// The categories of the contract. [Custom] makes others.
const (
	CombineFunctions   = "combine_functions"
	Naming             = "naming"
	Complexity         = "complexity"
	DeadCode           = "dead_code"
	ModuleOrganization = "module_organization"
	TypeNarrowing      = "type_narrowing"
)

// Custom is the category "custom:<name>".
func Custom(name string) string { return "custom:" + name }

// Recommendation is one finding. What is empty the host fills in. Make it with [New].
type Recommendation struct {
	// ID is stable within a run.
	ID     string `json:"id,omitempty"`
	RuleID string `json:"rule_id,omitempty"`
	Group  string `json:"group,omitempty"`
	// Category is the one that the manifest's group implies where it is empty.
	Category string `json:"category,omitempty"`
	// Severity is the manifest's where it is empty.
	Severity Severity `json:"severity,omitempty"`
	// Confidence is 0.0 to 1.0, derived from the evidence.
	Confidence float64 `json:"confidence"`
	// Title is one line.
	Title string `json:"title"`
	// Description says why, with the evidence.
	Description string `json:"description,omitempty"`
	// Symbols are what it is about; it is reported at the first. Empty for a finding about the whole repository.
	Symbols []SymbolRef `json:"symbols,omitempty"`
	// Suggestion says what to do.
	Suggestion string     `json:"suggestion,omitempty"`
	Evidence   []Evidence `json:"evidence,omitempty"`
	// Metrics are name to number; an increase makes a known finding worse.
	Metrics map[string]float64 `json:"metrics,omitempty"`
	// Discriminator tells apart findings of one rule on one symbol: no line numbers or metric values here.
	Discriminator string `json:"discriminator,omitempty"`
	// Fingerprint is the host's, whatever stands here.
	Fingerprint string `json:"fingerprint,omitempty"`
}

// SymbolRef points to a symbol of the context.
type SymbolRef struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	File        string `json:"file"`
	Module      string `json:"module,omitempty"`
	StartLine   int    `json:"start_line,omitempty"`
	EndLine     int    `json:"end_line,omitempty"`
	StartColumn int    `json:"start_column,omitempty"`
}

// Evidence is a fact that a finding rests on. Symbol is an id.
type Evidence struct {
	Kind   string `json:"kind"`
	Text   string `json:"text"`
	Symbol string `json:"symbol,omitempty"`
	File   string `json:"file,omitempty"`
	Line   int    `json:"line,omitempty"`
}

// New is a finding about symbols, with the confidence 1.
func New(title string, symbols ...*Symbol) Recommendation {
	found := Recommendation{Title: title, Confidence: 1}
	for _, symbol := range symbols {
		found.Symbols = append(found.Symbols, symbol.Ref())
	}
	return found
}

// Ref points to the symbol in a finding.
func (s *Symbol) Ref() SymbolRef {
	return SymbolRef{
		ID: s.ID, Name: s.Name, File: s.File, Module: s.Module,
		StartLine: s.StartLine, EndLine: s.EndLine, StartColumn: s.StartColumn,
	}
}
