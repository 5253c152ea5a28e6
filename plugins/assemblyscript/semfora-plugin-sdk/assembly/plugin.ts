import { documentOf } from "./bytes";
import { readContext, SuggestContext } from "./context";
import { takeFailure } from "./failure";
import { Recommendation } from "./recommendation";
import { RecordWriter } from "./records";

/** What a plugin is. The same context must give the same findings. */
export type Evaluate = (context: SuggestContext) => Recommendation[];

let registered: Evaluate | null = null;

/** Says which function the plugin is. Call it once, at the top level of the plugin's first file. */
export function register(evaluate: Evaluate): void {
  assert(registered === null, "register was called twice");
  registered = evaluate;
}

/**
 * Runs a function on a context document, and gives what the host gets: a JSON array of recommendations, or
 * `{"error": …}`. For tests.
 */
export function evaluateJson(document: string, evaluate: Evaluate): string {
  const start = documentOf(document);
  return evaluateBytes(start, String.UTF8.byteLength(document), evaluate).toString();
}

/** The same with the registered function, for a document at an address, with eight zero bytes behind it. */
export function evaluateRegistered(start: usize, length: usize): RecordWriter {
  const evaluate = registered;
  if (evaluate === null) return failed("the plugin registered no function: call register at its top level");
  return evaluateBytes(start, length, evaluate);
}

function evaluateBytes(start: usize, length: usize, evaluate: Evaluate): RecordWriter {
  const context = new SuggestContext();
  const problem = readContext(context, start, start + length);
  if (problem !== null) return failed(problem);
  takeFailure(); // of an evaluation before this one
  const found = evaluate(context);
  const reason = takeFailure();
  if (reason !== null) return failed(reason);
  const writer = new RecordWriter();
  writer.list<Recommendation>(found);
  const error = writer.error;
  return error === null ? writer : failed(`the recommendations cannot be written: ${error}`);
}

function failed(reason: string): RecordWriter {
  const writer = new RecordWriter();
  writer.putAscii('{"error":');
  writer.putText(reason);
  writer.putAscii("}");
  return writer;
}
