import { Symbol } from "./context";

/** How much a finding matters. */
export namespace Severity {
  export const Info = "info";
  export const Warning = "warning";
  export const Error = "error";
}

/** What a finding is about. */
export namespace Category {
  export const CombineFunctions = "combine_functions";
  export const Naming = "naming";
  export const Complexity = "complexity";
  export const DeadCode = "dead_code";
  export const ModuleOrganization = "module_organization";
  export const TypeNarrowing = "type_narrowing";

  /** Another one: `custom:<name>`. */
  export function custom(name: string): string {
    return `custom:${name}`;
  }
}

/** Points to a symbol of the context. */
export class SymbolRef {
  id: string = "";
  name: string = "";
  file: string = "";
  module: string = "";
  startLine: i32 = 0;
  endLine: i32 = 0;
  startColumn: i32 = 0;

  fields<F>(f: F): void {
    this.id = f.required("id", this.id);
    this.name = f.required("name", this.name);
    this.file = f.required("file", this.file);
    this.module = f.text("module", this.module);
    this.startLine = f.integer("start_line", this.startLine);
    this.endLine = f.integer("end_line", this.endLine);
    this.startColumn = f.integer("start_column", this.startColumn);
  }
}

/** A fact that a finding rests on. */
export class Evidence {
  /** The id of a symbol. */
  symbol: string = "";
  file: string = "";
  line: i32 = 0;

  constructor(
    public kind: string = "",
    public text: string = "",
  ) {}

  fields<F>(f: F): void {
    this.kind = f.required("kind", this.kind);
    this.text = f.required("text", this.text);
    this.symbol = f.text("symbol", this.symbol);
    this.file = f.text("file", this.file);
    this.line = f.integer("line", this.line);
  }
}

/** One finding. What is empty the host fills in. */
export class Recommendation {
  /** Stable within a run. */
  id: string = "";
  ruleId: string = "";
  group: string = "";
  /** One of `Category`. If empty, the one that the manifest's group implies. */
  category: string = "";
  /** One of `Severity`. If empty, the manifest's. */
  severity: string = "";
  /** 0.0 to 1.0, derived from the evidence. */
  confidence: f64 = 1;
  /** Why, with the evidence. */
  description: string = "";
  /** What it is about; it is reported at the first. Empty for a finding about the whole repository. */
  symbols: SymbolRef[] = [];
  /** What to do. */
  suggestion: string = "";
  evidence: Evidence[] = [];
  /** Name to number; an increase makes a known finding worse. */
  metrics: Map<string, f64> = new Map<string, f64>();
  /** Tells apart findings of one rule on one symbol: no line numbers or metric values here. */
  discriminator: string = "";
  /** The host's, whatever stands here. */
  fingerprint: string = "";

  /** @param title One line. */
  constructor(public title: string = "") {}

  /** Adds a symbol that it is about. */
  about(symbol: Symbol): Recommendation {
    this.symbols.push(symbol.ref());
    return this;
  }

  /**
   * Adds a fact that it rests on.
   *
   * @param kind Such as "call" or "metric".
   * @param text What the user reads.
   * @param symbol The id of a symbol, if it is about one.
   */
  addEvidence(kind: string, text: string, symbol: string = ""): Recommendation {
    const evidence = new Evidence(kind, text);
    evidence.symbol = symbol;
    this.evidence.push(evidence);
    return this;
  }

  /** Sets a metric. */
  addMetric(name: string, value: f64): Recommendation {
    this.metrics.set(name, value);
    return this;
  }

  fields<F>(f: F): void {
    this.id = f.text("id", this.id);
    this.ruleId = f.text("rule_id", this.ruleId);
    this.group = f.text("group", this.group);
    this.category = f.text("category", this.category);
    this.severity = f.text("severity", this.severity);
    this.confidence = f.number("confidence", this.confidence);
    this.title = f.required("title", this.title);
    this.description = f.text("description", this.description);
    this.symbols = f.records<SymbolRef>("symbols", this.symbols);
    this.suggestion = f.text("suggestion", this.suggestion);
    this.evidence = f.records<Evidence>("evidence", this.evidence);
    this.metrics = f.numbers("metrics", this.metrics);
    this.discriminator = f.text("discriminator", this.discriminator);
    this.fingerprint = f.text("fingerprint", this.fingerprint);
  }
}
