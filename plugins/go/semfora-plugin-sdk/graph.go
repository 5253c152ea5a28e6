package semfora

// Graph looks symbols up by id and module, and follows calls. All lists are in the order of the context.
type Graph struct {
	symbols  map[string]*Symbol
	modules  map[string]*Module
	from     map[string][]*Call
	to       map[string][]*Call
	members  map[string][]*Symbol
	children map[string][]*Symbol
}

// Graph indexes the context. Build it once.
func (c *Context) Graph() *Graph {
	graph := &Graph{
		symbols:  make(map[string]*Symbol, len(c.Symbols)),
		modules:  make(map[string]*Module, len(c.Modules)),
		from:     make(map[string][]*Call),
		to:       make(map[string][]*Call),
		members:  make(map[string][]*Symbol),
		children: make(map[string][]*Symbol),
	}
	for i := range c.Symbols {
		symbol := &c.Symbols[i]
		graph.symbols[symbol.ID] = symbol
		graph.members[symbol.Module] = append(graph.members[symbol.Module], symbol)
		if symbol.Parent != "" {
			graph.children[symbol.Parent] = append(graph.children[symbol.Parent], symbol)
		}
	}
	for i := range c.Modules {
		graph.modules[c.Modules[i].Name] = &c.Modules[i]
	}
	for i := range c.Calls {
		call := &c.Calls[i]
		graph.from[call.Caller] = append(graph.from[call.Caller], call)
		if call.Callee != "" {
			graph.to[call.Callee] = append(graph.to[call.Callee], call)
		}
	}
	return graph
}

// Symbol is the symbol with this id, or nil: a projection may have left it out.
func (g *Graph) Symbol(id string) *Symbol { return g.symbols[id] }

// Module is the module of this name, or nil.
func (g *Graph) Module(name string) *Module { return g.modules[name] }

// Ends are the two symbols of a call; both are nil unless both are in the context.
func (g *Graph) Ends(call *Call) (caller, callee *Symbol) {
	caller, callee = g.symbols[call.Caller], g.symbols[call.Callee]
	if caller == nil || callee == nil {
		return nil, nil
	}
	return caller, callee
}

// CallsFrom are the calls that the symbol makes.
func (g *Graph) CallsFrom(id string) []*Call { return g.from[id] }

// CallsTo are the calls that reach the symbol.
func (g *Graph) CallsTo(id string) []*Call { return g.to[id] }

// CallersOf are the symbols that call this one, each once.
func (g *Graph) CallersOf(id string) []*Symbol {
	return g.distinct(g.to[id], func(call *Call) string { return call.Caller })
}

// CalleesOf are the symbols that this one calls, each once.
func (g *Graph) CalleesOf(id string) []*Symbol {
	return g.distinct(g.from[id], func(call *Call) string { return call.Callee })
}

// SymbolsIn are the symbols of a module.
func (g *Graph) SymbolsIn(module string) []*Symbol { return g.members[module] }

// ChildrenOf are the symbols directly inside this one.
func (g *Graph) ChildrenOf(id string) []*Symbol { return g.children[id] }

func (g *Graph) distinct(calls []*Call, end func(*Call) string) []*Symbol {
	seen := make(map[string]bool)
	var found []*Symbol
	for _, call := range calls {
		symbol := g.symbols[end(call)]
		if symbol != nil && !seen[symbol.ID] {
			seen[symbol.ID] = true
			found = append(found, symbol)
		}
	}
	return found
}
