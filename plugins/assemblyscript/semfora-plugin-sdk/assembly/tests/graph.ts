import { CallEdge, Module, SuggestContext, Symbol } from "../../index";
import { expect } from "./expect";

/** `a` calls `b` twice and `c`; `b` and `c` call `d`; `d` calls `b` and something outside. All but `d` are in `app.x`. */
function example(): SuggestContext {
  const context = new SuggestContext();
  const names = ["a", "b", "c", "d"];
  for (let i = 0; i < names.length; ++i) {
    context.symbols.push(Symbol.function(names[i] == "d" ? "app.xy" : "app.x", names[i]));
  }
  context.symbols[1].parent = context.symbols[0].id;
  const ends: i32[][] = [[0, 1], [0, 2], [0, 1], [1, 3], [2, 3], [3, 1], [3, 0], [0, 3]];
  for (let i = 0; i < ends.length; ++i) {
    context.calls.push(CallEdge.exact(context.symbols[ends[i][0]], context.symbols[ends[i][1]], i + 2));
  }
  context.calls[6].callee = "";
  context.calls[6].external = "os.getcwd";
  context.calls[7].callee = "left out";
  const module = new Module();
  module.name = "app.x";
  module.files = 1;
  context.modules.push(module);
  return context;
}

function names(symbols: Symbol[]): string {
  let found = "";
  for (let i = 0; i < symbols.length; ++i) found += symbols[i].name;
  return found;
}

function lines(calls: CallEdge[]): string {
  let found = "";
  for (let i = 0; i < calls.length; ++i) found += calls[i].line.toString();
  return found;
}

export function testSymbolsAreFoundByIdAndModule(): void {
  const graph = example().graph();
  expect(graph.symbol("app.x:b")!.name, "b");
  assert(graph.symbol("b") === null && graph.symbol("") === null);
  expect(names(graph.symbolsIn("app.x")), "abc");
  expect(names(graph.symbolsIn("app")), "");
  expect(names(graph.symbolsUnder("app")), "abcd");
  expect(names(graph.symbolsUnder("app.x")), "abc");
  expect(names(graph.childrenOf("app.x:a")), "b");
  expect(names(graph.childrenOf("")), "");
  assert(graph.module("app.x")!.files == 1 && graph.module("app") === null);
}

export function testCallsAreFollowedBothWays(): void {
  const graph = example().graph();
  expect(names(graph.calleesOf("app.x:a")), "bc");
  expect(names(graph.callersOf("app.x:b")), "ad");
  expect(lines(graph.callsFrom("app.x:a")), "2349");
  expect(lines(graph.callsTo("app.x:b")), "247");
  expect(lines(graph.callsTo("")), "");
  expect(names(graph.callersOf("nobody")), "");
}

export function testACallHasTwoEndsOnlyInsideTheContext(): void {
  const context = example();
  const graph = context.graph();
  const ends = graph.ends(context.calls[0])!;
  expect(ends.caller.name + ends.callee.name, "ab");
  assert(graph.ends(context.calls[6]) === null && graph.ends(context.calls[7]) === null);
}

export function testAShortestPathIsFoundInACircle(): void {
  const graph = example().graph();
  const from = ["app.x:a", "app.x:a", "app.xy:d", "app.xy:d", "nobody"];
  const to = ["app.xy:d", "app.x:a", "app.x:b", "app.x:a", "app.x:a"];
  const wanted = ["abd", "a", "db", "", ""];
  for (let i = 0; i < from.length; ++i) {
    const targets = new Set<string>();
    targets.add(to[i]);
    expect(names(graph.pathTo(from[i], targets)), wanted[i]);
  }
}
