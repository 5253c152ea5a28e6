import { documentOf } from "./bytes";
import { Config } from "./config";
import { Graph } from "./graph";
import { Answer, LineRange, RecordReader } from "./records";
import { SymbolRef } from "./recommendation";

/** The version of the contract that these types speak. */
export const CONTRACT_VERSION: i32 = 1;

const SCHEMA = "semfora.suggest_context";

/** How far to trust a call's callee. */
export namespace Resolution {
  /** It follows the language's scoping and imports. */
  export const Exact = "exact";
  /** It follows annotations and assignments. */
  export const Inferred = "inferred";
  /** It is the only symbol of that name. */
  export const Name = "name";
}

/** Who wrote a context, and what its data can be trusted to hold. */
export class Generator {
  name: string = "semfora-hooks";
  version: string = "";
  capabilities: string[] = [];

  fields<F>(f: F): void {
    this.name = f.text("name", this.name);
    this.version = f.required("version", this.version);
    this.capabilities = f.texts("capabilities", this.capabilities);
  }
}

/** The analysed repository. */
export class Repository {
  name: string = "";
  /** A commit, where there is one. */
  head: string = "";

  fields<F>(f: F): void {
    this.name = f.required("name", this.name);
    this.head = f.text("head", this.head);
  }
}

/** A file of a change. */
export class ChangedFile {
  path: string = "";
  /** "added", "modified", "deleted" or "renamed". */
  change: string = "";
  oldPath: string = "";
  /** On the new side. */
  lines: LineRange[] = [];

  fields<F>(f: F): void {
    this.path = f.required("path", this.path);
    this.change = f.required("change", this.change);
    this.oldPath = f.text("old_path", this.oldPath);
    this.lines = f.ranges("lines", this.lines);
  }
}

/** What a run is about: everything, or a change. */
export class Scope {
  /** "repo", "staged", "range" or "files". */
  kind: string = "repo";
  /** The revision that the change is compared with. */
  baseRef: string = "";
  files: ChangedFile[] = [];
  /** Ids of what the change touches. */
  symbols: string[] = [];

  fields<F>(f: F): void {
    this.kind = f.text("kind", this.kind);
    this.baseRef = f.text("base_ref", this.baseRef);
    this.files = f.records<ChangedFile>("files", this.files);
    this.symbols = f.texts("symbols", this.symbols);
  }
}

/** A parameter of a function, as written. */
export class Argument {
  name: string = "";
  type: string = "";
  default: string = "";
  /** "positional", "positional_only", "keyword_only", "var_positional" or "var_keyword". */
  kind: string = "";

  fields<F>(f: F): void {
    this.name = f.required("name", this.name);
    this.type = f.text("type", this.type);
    this.default = f.text("default", this.default);
    this.kind = f.required("kind", this.kind);
  }
}

/** How often each construct stands in a symbol's own body; nested definitions count for themselves. */
export class ControlFlow {
  if: i32 = 0;
  elif: i32 = 0;
  else: i32 = 0;
  for: i32 = 0;
  while: i32 = 0;
  match: i32 = 0;
  case: i32 = 0;
  try: i32 = 0;
  except: i32 = 0;
  finally: i32 = 0;
  with: i32 = 0;
  raise: i32 = 0;
  return: i32 = 0;
  yield: i32 = 0;
  await: i32 = 0;
  ternary: i32 = 0;
  /** The operators "and" and "or". */
  boolean: i32 = 0;
  comprehension: i32 = 0;
  lambda: i32 = 0;
  assert: i32 = 0;

  fields<F>(f: F): void {
    this.if = f.integer("if", this.if);
    this.elif = f.integer("elif", this.elif);
    this.else = f.integer("else", this.else);
    this.for = f.integer("for", this.for);
    this.while = f.integer("while", this.while);
    this.match = f.integer("match", this.match);
    this.case = f.integer("case", this.case);
    this.try = f.integer("try", this.try);
    this.except = f.integer("except", this.except);
    this.finally = f.integer("finally", this.finally);
    this.with = f.integer("with", this.with);
    this.raise = f.integer("raise", this.raise);
    this.return = f.integer("return", this.return);
    this.yield = f.integer("yield", this.yield);
    this.await = f.integer("await", this.await);
    this.ternary = f.integer("ternary", this.ternary);
    this.boolean = f.integer("boolean", this.boolean);
    this.comprehension = f.integer("comprehension", this.comprehension);
    this.lambda = f.integer("lambda", this.lambda);
    this.assert = f.integer("assert", this.assert);
  }
}

/** Numbers about one symbol. */
export class Metrics {
  cognitiveComplexity: i32 = 0;
  cyclomaticComplexity: i32 = 0;
  nestingDepth: i32 = 0;
  /** Lines of code, without blank, comment-only and docstring lines. */
  loc: i32 = 0;
  /** Symbols that call this one. */
  fanIn: i32 = 0;
  /** What it calls. */
  fanOut: i32 = 0;
  /** Places from which it is called. */
  callersCount: i32 = 0;
  argumentCount: i32 = 0;

  fields<F>(f: F): void {
    this.cognitiveComplexity = f.integer("cognitive_complexity", this.cognitiveComplexity);
    this.cyclomaticComplexity = f.integer("cyclomatic_complexity", this.cyclomaticComplexity);
    this.nestingDepth = f.integer("nesting_depth", this.nestingDepth);
    this.loc = f.integer("loc", this.loc);
    this.fanIn = f.integer("fan_in", this.fanIn);
    this.fanOut = f.integer("fan_out", this.fanOut);
    this.callersCount = f.integer("callers_count", this.callersCount);
    this.argumentCount = f.integer("argument_count", this.argumentCount);
  }
}

/** The run-time type tests that a function makes on one of its names. */
export class TypeCheck {
  name: string = "";
  types: string[] = [];
  branches: i32 = 0;
  guard: bool = false;

  fields<F>(f: F): void {
    this.name = f.required("name", this.name);
    this.types = f.texts("types", this.types);
    this.branches = f.integer("branches", this.branches);
    this.guard = f.flag("guard", this.guard);
  }
}

/** A named piece of code, unique within the context. */
export class Symbol {
  id: string = "";
  name: string = "";
  qualifiedName: string = "";
  /**
   * "function", "method", "class", "component", "enum", "interface", "module", "struct", "trait", "type_alias" or
   * "variable".
   */
  kind: string = "";
  module: string = "";
  file: string = "";
  startLine: i32 = 0;
  endLine: i32 = 0;
  startColumn: i32 = 0;
  language: string = "";
  /** The id of the symbol around this one. */
  parent: string = "";
  isExported: bool = false;
  isAsync: bool = false;
  isTest: bool = false;
  isGenerated: bool = false;
  /** A declaration without a body. */
  isStub: bool = false;
  decorators: string[] = [];
  baseClasses: string[] = [];
  returnType: string = "";
  arguments: Argument[] = [];
  controlFlow: ControlFlow = new ControlFlow();
  metrics: Metrics = new Metrics();
  /** "none", or how the program is entered here: "cli_main", "web_route", … */
  entryPoint: string = "";
  /** "called", "entry_point", "referenced", "unreferenced" or "unknown". */
  reachability: string = "";
  typeChecks: TypeCheck[] = [];
  returnsNone: Answer = Answer.Unknown;

  /** A function, for tests. Its id is `<module>:<name>`. */
  static function(module: string, name: string): Symbol {
    const symbol = new Symbol();
    symbol.id = `${module}:${name}`;
    symbol.name = name;
    symbol.qualifiedName = `${module}.${name}`;
    symbol.kind = "function";
    symbol.module = module;
    symbol.file = module.replaceAll(".", "/") + ".py";
    symbol.startLine = symbol.endLine = symbol.startColumn = 1;
    symbol.language = "python";
    symbol.entryPoint = "none";
    symbol.reachability = "unknown";
    return symbol;
  }

  /** Points to it in a finding. */
  ref(): SymbolRef {
    const found = new SymbolRef();
    found.id = this.id;
    found.name = this.name;
    found.file = this.file;
    found.module = this.module;
    found.startLine = this.startLine;
    found.endLine = this.endLine;
    found.startColumn = this.startColumn;
    return found;
  }

  fields<F>(f: F): void {
    this.id = f.required("id", this.id);
    this.name = f.required("name", this.name);
    this.qualifiedName = f.required("qualified_name", this.qualifiedName);
    this.kind = f.required("kind", this.kind);
    this.module = f.required("module", this.module);
    this.file = f.required("file", this.file);
    this.startLine = f.integer("start_line", this.startLine);
    this.endLine = f.integer("end_line", this.endLine);
    this.startColumn = f.integer("start_column", this.startColumn);
    this.language = f.required("language", this.language);
    this.parent = f.text("parent", this.parent);
    this.isExported = f.flag("is_exported", this.isExported);
    this.isAsync = f.flag("is_async", this.isAsync);
    this.isTest = f.flag("is_test", this.isTest);
    this.isGenerated = f.flag("is_generated", this.isGenerated);
    this.isStub = f.flag("is_stub", this.isStub);
    this.decorators = f.texts("decorators", this.decorators);
    this.baseClasses = f.texts("base_classes", this.baseClasses);
    this.returnType = f.text("return_type", this.returnType);
    this.arguments = f.records<Argument>("arguments", this.arguments);
    this.controlFlow = f.record<ControlFlow>("control_flow", this.controlFlow);
    this.metrics = f.record<Metrics>("metrics", this.metrics);
    this.entryPoint = f.required("entry_point", this.entryPoint);
    this.reachability = f.required("reachability", this.reachability);
    this.typeChecks = f.records<TypeCheck>("type_checks", this.typeChecks);
    this.returnsNone = f.answer("returns_none", this.returnsNone);
  }
}

/**
 * The calls from one symbol to one target: a symbol of the repository (`callee`, an id) or a name outside it
 * (`external`). The other one is empty.
 */
export class CallEdge {
  caller: string = "";
  callee: string = "";
  external: string = "";
  count: i32 = 0;
  /** Where the first of them stands. */
  line: i32 = 0;
  /** One of `Resolution`. */
  resolution: string = "";
  inTry: bool = false;
  isAwaited: bool = false;

  /** One call, for tests. */
  static exact(caller: Symbol, callee: Symbol, line: i32): CallEdge {
    const call = new CallEdge();
    call.caller = caller.id;
    call.callee = callee.id;
    call.count = 1;
    call.line = line;
    call.resolution = Resolution.Exact;
    return call;
  }

  fields<F>(f: F): void {
    this.caller = f.required("caller", this.caller);
    this.callee = f.text("callee", this.callee);
    this.external = f.text("external", this.external);
    this.count = f.integer("count", this.count);
    this.line = f.integer("line", this.line);
    this.resolution = f.required("resolution", this.resolution);
    this.inTry = f.flag("in_try", this.inTry);
    this.isAwaited = f.flag("is_awaited", this.isAwaited);
  }
}

/** A module with its couplings inside the repository. */
export class Module {
  name: string = "";
  files: i32 = 0;
  symbols: i32 = 0;
  loc: i32 = 0;
  imports: string[] = [];
  externalImports: string[] = [];
  afferentCoupling: i32 = 0;
  efferentCoupling: i32 = 0;
  /** Robert C. Martin's Ce / (Ca + Ce). */
  instability: f64 = 0;

  fields<F>(f: F): void {
    this.name = f.required("name", this.name);
    this.files = f.integer("files", this.files);
    this.symbols = f.integer("symbols", this.symbols);
    this.loc = f.integer("loc", this.loc);
    this.imports = f.texts("imports", this.imports);
    this.externalImports = f.texts("external_imports", this.externalImports);
    this.afferentCoupling = f.integer("afferent_coupling", this.afferentCoupling);
    this.efferentCoupling = f.integer("efferent_coupling", this.efferentCoupling);
    this.instability = f.number("instability", this.instability);
  }
}

/** Symbols (ids) that repeat each other. */
export class Duplicate {
  symbols: string[] = [];
  similarity: f64 = 0;
  /** "exact", "near" or "divergent". */
  kind: string = "";
  tokens: i32 = 0;
  identical: bool = false;

  fields<F>(f: F): void {
    this.symbols = f.texts("symbols", this.symbols);
    this.similarity = f.number("similarity", this.similarity);
    this.kind = f.required("kind", this.kind);
    this.tokens = f.integer("tokens", this.tokens);
    this.identical = f.flag("identical", this.identical);
  }
}

/**
 * A repository, or the part of it that the plugin's manifest asks for.
 *
 * What a context leaves out has its default: an empty text or list, 0, false, `Answer.Unknown`; but `scope.kind` is
 * "repo". Fields of a later contract are ignored. Lines and columns are 1-based, ranges inclusive; paths are relative
 * to the repository, with "/".
 */
export class SuggestContext {
  schema: string = SCHEMA;
  version: i32 = CONTRACT_VERSION;
  generator: Generator = new Generator();
  repository: Repository = new Repository();
  scope: Scope = new Scope();
  /** The manifest's `config`. */
  config: Config = new Config(EMPTY_OBJECT, EMPTY_OBJECT + 2);
  /** By file and position. */
  symbols: Symbol[] = [];
  /** By caller, then line. */
  calls: CallEdge[] = [];
  /** By name. */
  modules: Module[] = [];
  duplicates: Duplicate[] = [];

  /** Indexes it. Do so once. */
  graph(): Graph {
    return new Graph(this);
  }

  /**
   * Whether the writer of the context can tell what `capability` names, such as "control_flow". Where it cannot,
   * missing data say nothing: do not conclude from them.
   */
  hasCapability(capability: string): bool {
    return this.generator.capabilities.includes(capability);
  }

  fields<F>(f: F): void {
    this.schema = f.required("schema", this.schema);
    this.version = f.integer("version", this.version);
    this.generator = f.record<Generator>("generator", this.generator);
    this.repository = f.record<Repository>("repository", this.repository);
    this.scope = f.record<Scope>("scope", this.scope);
    this.config = f.config("config", this.config);
    this.symbols = f.records<Symbol>("symbols", this.symbols);
    this.calls = f.records<CallEdge>("calls", this.calls);
    this.modules = f.records<Module>("modules", this.modules);
    this.duplicates = f.records<Duplicate>("duplicates", this.duplicates);
  }
}

const EMPTY_OBJECT: usize = documentOf("{}");

/** Reads a context, and says why it cannot be read; null where it can. */
export function readContext(into: SuggestContext, start: usize, end: usize): string | null {
  const reader = new RecordReader(start, end);
  reader.into<SuggestContext>(into);
  reader.finish();
  if (reader.error !== null) return `the context cannot be read: ${reader.problem}`;
  if (into.schema != SCHEMA) return `not a context document: its schema is '${into.schema}'`;
  if (into.version != CONTRACT_VERSION) {
    const advice = into.version > CONTRACT_VERSION ? "update the plugin" : "upgrade semfora-hooks";
    return `the context has contract version ${into.version}, this plugin speaks ${CONTRACT_VERSION}: ${advice}`;
  }
  return null;
}
