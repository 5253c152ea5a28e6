import { CallEdge, Module, SuggestContext, Symbol } from "./context";

/** The two symbols of a call. */
export class Ends {
  constructor(
    readonly caller: Symbol,
    readonly callee: Symbol,
  ) {}
}

/**
 * Look-ups in a context: symbols by id and module, and the call graph.
 *
 * Symbols are indexed at once; the rest when it is first asked for. All lists are in the order of the context, so that
 * the same input gives the same output.
 */
export class Graph {
  private byId: Map<string, Symbol> = new Map<string, Symbol>();
  private byCaller: Map<string, CallEdge[]> | null = null;
  private byCallee: Map<string, CallEdge[]> | null = null;
  private byModule: Map<string, Symbol[]> | null = null;
  private byParent: Map<string, Symbol[]> | null = null;

  constructor(private context: SuggestContext) {
    const symbols = context.symbols;
    for (let i = 0, n = symbols.length; i < n; ++i) {
      this.byId.set(symbols[i].id, symbols[i]);
    }
  }

  /** The symbol with this id, or null: a projection may have left it out. */
  symbol(id: string): Symbol | null {
    return this.byId.has(id) ? this.byId.get(id) : null;
  }

  /** Both symbols of a call; null unless both are in the context. */
  ends(call: CallEdge): Ends | null {
    const caller = this.symbol(call.caller);
    const callee = this.symbol(call.callee);
    return caller !== null && callee !== null ? new Ends(caller, callee) : null;
  }

  /** The calls that the symbol makes. */
  callsFrom(id: string): CallEdge[] {
    let index = this.byCaller;
    if (index === null) {
      index = new Map<string, CallEdge[]>();
      const calls = this.context.calls;
      for (let i = 0, n = calls.length; i < n; ++i) add<CallEdge>(index, calls[i].caller, calls[i]);
      this.byCaller = index;
    }
    return at<CallEdge>(index, id);
  }

  /** The calls that reach the symbol. */
  callsTo(id: string): CallEdge[] {
    let index = this.byCallee;
    if (index === null) {
      index = new Map<string, CallEdge[]>();
      const calls = this.context.calls;
      for (let i = 0, n = calls.length; i < n; ++i) add<CallEdge>(index, calls[i].callee, calls[i]);
      this.byCallee = index;
    }
    return at<CallEdge>(index, id);
  }

  /** The symbols that call this one, each once. */
  callersOf(id: string): Symbol[] {
    const calls = this.callsTo(id);
    const found = new Distinct(this);
    for (let i = 0, n = calls.length; i < n; ++i) found.add(calls[i].caller);
    return found.symbols;
  }

  /** The symbols that this one calls, each once. */
  calleesOf(id: string): Symbol[] {
    const calls = this.callsFrom(id);
    const found = new Distinct(this);
    for (let i = 0, n = calls.length; i < n; ++i) found.add(calls[i].callee);
    return found.symbols;
  }

  /** The symbols of exactly this module. */
  symbolsIn(module: string): Symbol[] {
    let index = this.byModule;
    if (index === null) {
      index = new Map<string, Symbol[]>();
      const symbols = this.context.symbols;
      for (let i = 0, n = symbols.length; i < n; ++i) add<Symbol>(index, symbols[i].module, symbols[i]);
      this.byModule = index;
    }
    return at<Symbol>(index, module);
  }

  /** The symbols of this module or package and of everything below it. */
  symbolsUnder(prefix: string): Symbol[] {
    const found: Symbol[] = [];
    const symbols = this.context.symbols;
    for (let i = 0, n = symbols.length; i < n; ++i) {
      const module = symbols[i].module;
      if (module == prefix || module.startsWith(prefix + ".")) found.push(symbols[i]);
    }
    return found;
  }

  /** The symbols directly inside this one. */
  childrenOf(id: string): Symbol[] {
    let index = this.byParent;
    if (index === null) {
      index = new Map<string, Symbol[]>();
      const symbols = this.context.symbols;
      for (let i = 0, n = symbols.length; i < n; ++i) add<Symbol>(index, symbols[i].parent, symbols[i]);
      this.byParent = index;
    }
    return at<Symbol>(index, id);
  }

  /** The module of this name, or null. */
  module(name: string): Module | null {
    const modules = this.context.modules;
    for (let i = 0, n = modules.length; i < n; ++i) {
      if (modules[i].name == name) return modules[i];
    }
    return null;
  }

  /**
   * A shortest chain of calls from a symbol to one of the `targets` (ids), both included; the symbol itself may be one.
   * Empty where there is none.
   */
  pathTo(from: string, targets: Set<string>): Symbol[] {
    const reached: Symbol[] = [];
    const before: i32[] = [];
    const seen = new Set<string>();
    const start = this.symbol(from);
    if (start === null) return reached;
    reached.push(start);
    before.push(-1);
    seen.add(from);
    for (let i = 0; i < reached.length; ++i) {
      if (targets.has(reached[i].id)) return chain(reached, before, i);
      const callees = this.calleesOf(reached[i].id);
      for (let j = 0, n = callees.length; j < n; ++j) {
        if (seen.has(callees[j].id)) continue;
        seen.add(callees[j].id);
        reached.push(callees[j]);
        before.push(i);
      }
    }
    return [];
  }
}

/** Symbols of a graph, each once, in the order in which they are added. */
class Distinct {
  readonly symbols: Symbol[] = [];
  private seen: Set<string> = new Set<string>();

  constructor(private graph: Graph) {}

  add(id: string): void {
    const symbol = this.graph.symbol(id);
    if (symbol === null || this.seen.has(id)) return;
    this.seen.add(id);
    this.symbols.push(symbol);
  }
}

/** The symbols on the way to the one at `last`, the first one first. */
function chain(reached: Symbol[], before: i32[], last: i32): Symbol[] {
  const path: Symbol[] = [];
  for (let i = last; i >= 0; i = before[i]) path.push(reached[i]);
  return path.reverse();
}

/** Adds an item to those of a key, unless the key is empty: then it is none. */
function add<T>(index: Map<string, T[]>, key: string, item: T): void {
  if (key.length == 0) return;
  if (index.has(key)) index.get(key).push(item);
  else index.set(key, [item]);
}

function at<T>(index: Map<string, T[]>, key: string): T[] {
  return index.has(key) ? index.get(key) : [];
}
