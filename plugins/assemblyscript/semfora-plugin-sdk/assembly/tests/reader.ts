import { Char, documentOf } from "../bytes";
import { JsonReader, MAX_DEPTH } from "../reader";
import { expect } from "./expect";

function readerOf(document: string): JsonReader {
  const start = documentOf(document);
  return new JsonReader(start, start + String.UTF8.byteLength(document));
}

function textOf(document: string): string {
  const reader = readerOf(document);
  const text = reader.readText();
  reader.finish();
  assert(reader.error === null, reader.problem);
  return text;
}

export function testTextsAreDecoded(): void {
  expect(textOf('""'), "");
  expect(textOf(' "plain ascii, of some length" \r\n\t'), "plain ascii, of some length");
  expect(textOf('"\\"\\\\\\/\\b\\f\\n\\r\\t"'), '"\\/\b\f\n\r\t');
  expect(textOf('"\\u0041\\u00e9\\u00E9\\u2028\\u0000x"'), "A\u00e9\u00e9\u2028\0x");
  expect(textOf('"\u00e9 \u07ff \u0800 \uffff \u{10000} \u{10ffff}"'), "\u00e9 \u07ff \u0800 \uffff \u{10000} \u{10ffff}");
  expect(textOf('"a\\ud83d\\ude00b\u{1f600}"'), "a\u{1f600}b\u{1f600}");
}

export function testHalfASurrogatePairIsReplaced(): void {
  expect(textOf('"\\ud83d"'), "\ufffd");
  expect(textOf('"\\ude00\\ud83d"'), "\ufffd\ufffd");
  expect(textOf('"\\ud83dx"'), "\ufffdx");
  expect(textOf('"\\ud83d\\n"'), "\ufffd\n");
  expect(textOf('"\\ud83d\\u0041"'), "\ufffdA");
  expect(textOf('"\\ud83d\\ud83d\\ude00"'), "\ufffd\u{1f600}");
}

export function testRepeatedAndSimilarTextsAreToldApart(): void {
  let document = "[";
  for (let i = 0; i < 5000; ++i) document += `"shop.module_${i % 1000}.some_function_with_a_long_name",`;
  const reader = readerOf(document + '"end"]');
  reader.enter(Char.OpenBracket);
  for (let i = 0; i < 5000; ++i) {
    reader.follows(Char.CloseBracket, i == 0);
    expect(reader.readText(), `shop.module_${i % 1000}.some_function_with_a_long_name`);
  }
  for (let length = 1; length < 40; ++length) {
    const text = "x".repeat(length);
    expect(textOf(`"${text}"`), text);
    expect(textOf(`"${text}y"`), text + "y");
    expect(textOf(`"y${text}"`), "y" + text);
  }
}

export function testIntegers(): void {
  const documents = ["0", "-0", "7", "-12", "2147483647", "-2147483648"];
  const values: i32[] = [0, 0, 7, -12, i32.MAX_VALUE, i32.MIN_VALUE];
  for (let i = 0; i < documents.length; ++i) {
    const reader = readerOf(documents[i]);
    expect(reader.readInteger().toString(), values[i].toString(), documents[i]);
    reader.finish();
    assert(reader.error === null, documents[i]);
  }
  const wrong = ["2147483648", "-2147483649", "18446744073709551617", "99999999999999999999999", "1.0", "1e3", '"1"'];
  for (let i = 0; i < wrong.length; ++i) {
    const reader = readerOf(wrong[i]);
    reader.readInteger();
    const what = i < 4 ? "an integer of 32 bits" : "an integer";
    expect(reader.problem, `${what} is needed at byte 0`, wrong[i]);
  }
}

export function testNumbers(): void {
  const documents = ["0", "-0.0", "12", "0.1", "2.5E-1", "-1.5e-7", "1e21", "9007199254740993", "0.123456789012345678"];
  const values: f64[] = [0, -0.0, 12, 0.1, 0.25, -1.5e-7, 1e21, 9007199254740992, 0.12345678901234568];
  for (let i = 0; i < documents.length; ++i) {
    const reader = readerOf(documents[i]);
    assert(reader.readNumber() == values[i], documents[i]);
    reader.finish();
    assert(reader.error === null, documents[i]);
  }
  const reader = readerOf("1e999");
  reader.readNumber();
  expect(reader.problem, "a number is too large at byte 0");
}

function problemOf(document: string): string {
  const reader = readerOf(document);
  reader.skip();
  reader.finish();
  return reader.problem;
}

export function testWhatIsNoJsonIsRefusedWithItsPlace(): void {
  const examples = [
    ["", "it ends too soon at byte 0"],
    ["  ", "it ends too soon at byte 2"],
    ["{} x", "there is something behind it at byte 3"],
    ["nul", "a value is needed at byte 0"],
    ["tru", "a value is needed at byte 0"],
    ["falsy", "a value is needed at byte 0"],
    ["fals", "a value is needed at byte 0"],
    ["NaN", "a value is needed at byte 0"],
    ["[1 2]", "a comma is needed at byte 3"],
    ["[1,]", "a value is needed at byte 3"],
    ["[,1]", "a value is needed at byte 1"],
    ["[1", "it ends too soon at byte 2"],
    ['{"a" 1}', "a colon is needed at byte 5"],
    ['{"a":1,}', "a value is needed at byte 7"],
    ["{1:1}", "a text is needed at byte 1"],
    ['"abc', "a text does not end at byte 4"],
    ['"abc\\', "a text does not end at byte 5"],
    ['"a\nb"', "a control character in a text at byte 2"],
    ['"\\x"', "an escape is malformed at byte 2"],
    ['"\\u12g4"', "an escape is malformed at byte 2"],
    ['"\\u12"', "an escape is malformed at byte 2"],
    ["01", "there is something behind it at byte 1"],
    ["-", "a number is malformed at byte 0"],
    ["1.", "a number is malformed at byte 0"],
    ["1e+", "a number is malformed at byte 0"],
    [".5", "a value is needed at byte 0"],
    ["+1", "a value is needed at byte 0"],
  ];
  for (let i = 0; i < examples.length; ++i) expect(problemOf(examples[i][0]), examples[i][1], examples[i][0]);
}

export function testWhatIsNotUtf8IsRefused(): void {
  const bytes: u32[] = [0x80, 0xbf, 0xc0, 0xc1, 0xf5, 0xff, 0x80c3, 0x41c3, 0x80e0, 0xa0ed, 0x80f0, 0x90f4];
  for (let i = 0; i < bytes.length; ++i) {
    const start = documentOf('"........"');
    store<u32>(start + 1, bytes[i] > 0xff ? bytes[i] | 0x80800000 : bytes[i] | 0x2e2e2e00);
    if (bytes[i] == 0x80c3) store<u16>(start + 3, 0xc0c0); // that one is good; what follows is not
    const reader = new JsonReader(start, start + 10);
    reader.readText();
    expect(reader.error === null ? "nothing" : reader.error!, "a text is not UTF-8", bytes[i].toString(16));
  }
}

export function testNestingHasALimit(): void {
  expect(problemOf("[".repeat(MAX_DEPTH) + "]".repeat(MAX_DEPTH)), "");
  const deeper = `values are nested too deeply at byte ${MAX_DEPTH}`;
  expect(problemOf("[".repeat(MAX_DEPTH + 1) + "]".repeat(MAX_DEPTH + 1)), deeper);
  expect(problemOf("[".repeat(1000000)), deeper);
  const objects = '{"a":'.repeat(MAX_DEPTH + 1);
  expect(problemOf(objects), `values are nested too deeply at byte ${5 * MAX_DEPTH}`);
}
