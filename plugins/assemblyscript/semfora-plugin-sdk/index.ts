/**
 * Plugins of semfora-hooks in AssemblyScript.
 *
 * A plugin is one function from a `SuggestContext` to `Recommendation`s. Its first file registers the function and
 * exports the ABI:
 *
 *     import { register } from "semfora-plugin-sdk";
 *     import { evaluate } from "./layer_guard";
 *
 *     export * from "semfora-plugin-sdk/abi";
 *
 *     register(evaluate);
 */

export { Config, Json, JsonKind } from "./assembly/config";
export {
  Argument,
  CallEdge,
  ChangedFile,
  CONTRACT_VERSION,
  ControlFlow,
  Duplicate,
  Generator,
  Metrics,
  Module,
  Repository,
  Resolution,
  Scope,
  SuggestContext,
  Symbol,
  TypeCheck,
} from "./assembly/context";
export { fail } from "./assembly/failure";
export { Ends, Graph } from "./assembly/graph";
export { log } from "./assembly/log";
export { Evaluate, evaluateJson, register } from "./assembly/plugin";
export { Category, Evidence, Recommendation, Severity, SymbolRef } from "./assembly/recommendation";
export { Answer, LineRange } from "./assembly/records";
