/**
 * Finds calls that go up, from a lower layer of the architecture into a higher one.
 *
 * The manifest's `config.layers` names the layers from the uppermost to the lowest. A symbol is in the first of them
 * that is one of the dotted parts of its module.
 */

import { CallEdge, Category, Ends, Recommendation, Resolution, Severity, SuggestContext } from "semfora-plugin-sdk";

/** One finding for each pair of symbols, at its first call. */
export function evaluate(context: SuggestContext): Recommendation[] {
  const layers = new Layers(context.config.strings("layers"));
  const graph = context.graph();
  const seen = new Set<string>();
  const found: Recommendation[] = [];
  for (let i = 0; i < context.calls.length; ++i) {
    const call = context.calls[i];
    const ends = graph.ends(call);
    if (ends === null) continue;
    const lower = layers.of(ends.caller.module);
    const upper = layers.of(ends.callee.module);
    if (upper < 0 || lower <= upper) continue;
    const pair = `${call.caller.length} ${call.caller}${call.callee}`; // the length tells where the first id ends
    if (seen.has(pair)) continue;
    seen.add(pair);
    found.push(finding(call, ends, layers, lower, upper));
  }
  return found;
}

function finding(call: CallEdge, ends: Ends, layers: Layers, lower: i32, upper: i32): Recommendation {
  const caller = ends.caller;
  const callee = ends.callee;
  const low = layers.names[lower];
  const high = layers.names[upper];
  const found = new Recommendation(`\`${caller.qualifiedName}\` (${low}) calls \`${callee.qualifiedName}\` (${high})`);
  found.id = `layer-guard:${caller.id}->${callee.id}`;
  found.category = Category.custom("architecture");
  found.severity = call.resolution == Resolution.Exact ? Severity.Error : Severity.Warning;
  found.confidence = confidence(call);
  found.description =
    `Layer \`${low}\` must not depend on layer \`${high}\`; the order is ${layers.names.join(" > ")}.`;
  found.suggestion = `Move the call up, or pass what \`${caller.name}\` needs as an argument.`;
  return found
    .about(caller)
    .about(callee)
    .addEvidence("call", `line ${call.line}`, callee.id)
    .addMetric("distance", lower - upper);
}

function confidence(call: CallEdge): f64 {
  if (call.resolution == Resolution.Exact) return 0.95;
  return call.resolution == Resolution.Inferred ? 0.7 : 0.4;
}

/** Which layer a module is in. */
class Layers {
  private known: Map<string, i32> = new Map<string, i32>();

  constructor(readonly names: string[]) {}

  /** The position of the module's layer, or -1. */
  of(module: string): i32 {
    if (this.known.has(module)) return this.known.get(module);
    const position = this.find(module.split("."));
    this.known.set(module, position);
    return position;
  }

  private find(parts: string[]): i32 {
    for (let i = 0; i < this.names.length; ++i) {
      if (parts.includes(this.names[i])) return i;
    }
    return -1;
  }
}
