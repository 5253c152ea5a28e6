// Reads a document through the SDK's types and writes it again. Tests compare the types with the published schemas this way.

import { readContext, SuggestContext } from "../assembly/context";
import { JsonReader } from "../assembly/reader";
import { Recommendation } from "../assembly/recommendation";
import { RecordReader, RecordWriter } from "../assembly/records";

export { semfora_abi_v1, semfora_alloc } from "../abi";

/** A context, or `{"error": …}`. */
export function context(start: usize, length: usize): u64 {
  const found = new SuggestContext();
  const writer = new RecordWriter();
  const problem = readContext(found, start, start + length);
  if (problem === null) writer.object<SuggestContext>(found);
  else writeError(writer, problem);
  return result(writer);
}

/** A list of recommendations, or `{"error": …}`. */
export function recommendations(start: usize, length: usize): u64 {
  const reader = new RecordReader(start, start + length);
  const found = reader.list<Recommendation>();
  reader.finish();
  const writer = new RecordWriter();
  if (reader.error === null) writer.list<Recommendation>(found);
  else writeError(writer, reader.problem);
  return result(writer);
}

/** Whether it is JSON: `"ok"`, or `{"error": …}`. */
export function any(start: usize, length: usize): u64 {
  const reader = new JsonReader(start, start + length);
  reader.skip();
  reader.finish();
  const writer = new RecordWriter();
  if (reader.error === null) writer.putText("ok");
  else writeError(writer, reader.problem);
  return result(writer);
}

/** A list of numbers. */
export function numbers(start: usize, length: usize): u64 {
  const reader = new JsonReader(start, start + length);
  const writer = new RecordWriter();
  let separator = "[";
  if (reader.enter(0x5b)) {
    for (let isFirst = true; reader.follows(0x5d, isFirst); isFirst = false) {
      writer.putAscii(separator);
      writer.putNumber(reader.readNumber());
      separator = ",";
    }
  }
  writer.putAscii("]");
  reader.finish();
  if (reader.error !== null) {
    writer.length = 0;
    writeError(writer, reader.problem);
  }
  return result(writer);
}

function writeError(writer: RecordWriter, problem: string): void {
  writer.putAscii('{"error":');
  writer.putText(problem);
  writer.putAscii("}");
}

function result(writer: RecordWriter): u64 {
  return (<u64>writer.start << 32) | <u64>writer.length;
}
