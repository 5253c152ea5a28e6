import { documentOf } from "../bytes";
import { JsonKind } from "../config";
import { Config, SuggestContext, Symbol } from "../../index";
import { readContext } from "../context";
import { takeFailure } from "../failure";
import { Answer } from "../records";
import { expect } from "./expect";

const REST = '"generator": {"version": "1"}, "repository": {"name": "x"}, "scope": {}';

function read(document: string): SuggestContext {
  const context = new SuggestContext();
  const problem = problemOf(document, context);
  assert(problem.length == 0, problem);
  return context;
}

function problemOf(document: string, context: SuggestContext = new SuggestContext()): string {
  const start = documentOf(document);
  const problem = readContext(context, start, start + String.UTF8.byteLength(document));
  return problem === null ? "" : problem;
}

export function testWhatIsLeftOutOrNullHasItsDefault(): void {
  const nulls = '"parent": null, "arguments": null, "metrics": null, "is_test": null, "start_line": null';
  const documents = [`{${REST}, "symbols": [{"id": "a"}]}`, `{${REST}, "symbols": [{${nulls}, "id": "a"}], "calls": null}`];
  for (let i = 0; i < documents.length; ++i) {
    const context = read(documents[i]);
    const symbol = context.symbols[0];
    expect(context.scope.kind, "repo");
    expect(context.generator.name, "semfora-hooks");
    expect(context.config.raw, "{}");
    expect(symbol.id, "a");
    expect(symbol.parent, "");
    assert(context.calls.length == 0 && symbol.arguments.length == 0 && symbol.startLine == 0);
    assert(symbol.metrics.loc == 0 && !symbol.isTest && symbol.returnsNone == Answer.Unknown);
  }
}

export function testFieldsComeInAnyOrderAndUnknownOnesAreIgnored(): void {
  const symbol = '{"later": [{"id": 1}], "metrics": {"halstead": {}, "loc": 3}, "module": "m", "\\u0069d": "a", "returns_none": false}';
  const context = read(`{"later": {}, "symbols": [${symbol}], ${REST}, "Symbols": 1, "version": 1, "": null}`);
  expect(context.symbols[0].id, "a");
  expect(context.symbols[0].module, "m");
  assert(context.symbols[0].metrics.loc == 3 && context.symbols[0].returnsNone == Answer.No);
}

export function testTheLastOfTwoFieldsCounts(): void {
  const context = read('{"repository": {"name": "x", "name": "y"}, "symbols": [{}, {}], "symbols": [{"id": "a"}]}');
  expect(context.repository.name, "y");
  assert(context.symbols.length == 1);
}

export function testOtherDocumentsAreRefused(): void {
  const examples = [
    ["[]", "the context cannot be read: an object is needed at byte 0"],
    ["{", "the context cannot be read: it ends too soon at byte 1"],
    ['{"symbols": {}}', "the context cannot be read: a list is needed at byte 12"],
    ['{"symbols": [null]}', "the context cannot be read: an object is needed at byte 13"],
    ['{"symbols": [{"start_line": "one"}]}', "the context cannot be read: an integer is needed at byte 28"],
    ['{"symbols": [{"is_test": 1}]}', "the context cannot be read: true or false is needed at byte 25"],
    ['{"symbols": [{"name": 1}]}', "the context cannot be read: a text is needed at byte 22"],
    ['{"config": []}', "the context cannot be read: an object is needed at byte 11"],
    ['{"scope": {"files": [{"lines": [[1]]}]}}', "the context cannot be read: two lines are needed at byte 35"],
    ['{"scope": {"files": [{"lines": [[1, 2, 3]]}]}}', "the context cannot be read: two lines are needed at byte 38"],
    ["{} {}", "the context cannot be read: there is something behind it at byte 3"],
    ['{"schema": "other"}', "not a context document: its schema is 'other'"],
    ['{"version": 2}', "the context has contract version 2, this plugin speaks 1: update the plugin"],
    ['{"version": 0}', "the context has contract version 0, this plugin speaks 1: upgrade semfora-hooks"],
  ];
  for (let i = 0; i < examples.length; ++i) expect(problemOf(examples[i][0]), examples[i][1], examples[i][0]);
}

export function testCapabilities(): void {
  const context = new SuggestContext();
  context.generator.capabilities = ["imports"];
  assert(context.hasCapability("imports") && !context.hasCapability("control_flow"));
}

export function testSymbolsForTests(): void {
  const symbol = Symbol.function("shop.db", "save");
  expect(symbol.id, "shop.db:save");
  expect(symbol.file, "shop/db.py");
  expect(symbol.ref().module, "shop.db");
}

const OPTIONS =
  '{"int": 7, "float": 2.5, "text": "a, b", "yes": true, "null": null, "names": ["a", "\u00e4"], "mixed": ["a", 1],' +
  ' "hollow": [null], "deep": {"list": [{"x": 1}, [], null]}, "int": 8}';

export function testOptions(): void {
  const config = Config.parse(OPTIONS);
  assert(config.int("int") == 8 && config.int("missing", 3) == 3 && config.int("null", 3) == 3);
  assert(config.float("float") == 2.5 && config.float("int") == 8 && config.float("missing", 0.5) == 0.5);
  assert(config.bool("yes") && config.bool("missing", true) && !config.bool("null"));
  expect(config.string("text"), "a, b");
  expect(config.string("missing", "other"), "other");
  expect(config.strings("names").join(), "a,\u00e4");
  expect(config.strings("missing", ["x"]).join(), "x");
  assert(config.strings("null").length == 0);
  assert(takeFailure() === null);
}

export function testWrongOptionsAreFailures(): void {
  const config = Config.parse(OPTIONS);
  const wrong = ["text", "mixed", "hollow", "int", "deep", "yes"];
  for (let i = 0; i < wrong.length; ++i) {
    assert(config.strings(wrong[i], ["x"]).length == 1, wrong[i]);
    expect(takeFailure()!, `config.${wrong[i]} must be a list of strings`);
  }
  config.int("float");
  config.int("text"); // not the first
  expect(takeFailure()!, "config.float must be an integer");
  config.string("int");
  expect(takeFailure()!, "config.int must be a string");
  config.bool("int");
  expect(takeFailure()!, "config.int must be true or false");
  config.float("text");
  expect(takeFailure()!, "config.text must be a number");
  assert(takeFailure() === null);
}

export function testDeepOptions(): void {
  const config = Config.parse(OPTIONS);
  expect(config.names().join(), "int,float,text,yes,null,names,mixed,hollow,deep,int");
  assert(config.get("missing") === null && config.get("null") === null);
  const items = config.get("deep")!.get("list")!.items();
  assert(items.length == 3 && items[0].get("x")!.integer() == 1 && items[1].items().length == 0);
  assert(items[2].kind == JsonKind.Null && items[1].kind == JsonKind.List && items[0].kind == JsonKind.Object);
  expect(items[0].raw, '{"x": 1}');
}
