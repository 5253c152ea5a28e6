import { CallEdge, Config, Resolution, SuggestContext, Symbol } from "semfora-plugin-sdk";
import { evaluate } from "../layer_guard";

/** `low` calls `high` with each of these resolutions, on lines 1, 2, … */
function calls(high: string, low: string, resolutions: string[]): SuggestContext {
  const context = new SuggestContext();
  const callee = Symbol.function(high, "f");
  const caller = Symbol.function(low, "g");
  context.config = Config.parse('{"layers": ["api", "core", "db"]}');
  context.symbols = [callee, caller];
  for (let i = 0; i < resolutions.length; ++i) {
    const call = CallEdge.exact(caller, callee, i + 1);
    call.resolution = resolutions[i];
    context.calls.push(call);
  }
  return context;
}

export function testTheFirstCallOfAPairDecides(): void {
  const found = evaluate(calls("shop.api", "shop.db", [Resolution.Inferred, Resolution.Exact]));
  assert(found.length == 1 && found[0].confidence == 0.7, "one finding, from the inferred call");
  assert(found[0].evidence[0].text == "line 1", "its line is the first call's");
}

export function testCallsDownAndInsideALayerAreFine(): void {
  const modules = [["shop.db", "shop.api"], ["shop.api.a", "shop.api.b"], ["apis", "db"], ["api", "tools"]];
  for (let i = 0; i < modules.length; ++i) {
    const found = evaluate(calls(modules[i][0], modules[i][1], [Resolution.Exact]));
    assert(found.length == 0, modules[i].join(" and "));
  }
}
