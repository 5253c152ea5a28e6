import { Category, evaluateJson, fail, Recommendation, Severity, SuggestContext, Symbol } from "../../index";
import { evaluateRegistered } from "../plugin";
import { expect } from "./expect";

const MINIMAL = '{"generator": {"version": "1"}, "repository": {"name": "x"}, "scope": {}}';

export function testNothingFoundIsAnEmptyArray(): void {
  expect(evaluateJson(MINIMAL, (_: SuggestContext): Recommendation[] => []), "[]");
}

export function testFindingsBecomeAnArray(): void {
  const output = evaluateJson(MINIMAL, (context: SuggestContext): Recommendation[] => [
    new Recommendation(context.repository.name),
    new Recommendation("y"),
  ]);
  expect(output, '[{"confidence":1,"title":"x"},{"confidence":1,"title":"y"}]');
}

export function testEverythingIsWritten(): void {
  const output = evaluateJson(MINIMAL, (_: SuggestContext): Recommendation[] => {
    const found = new Recommendation('"\\\n\x1f\u00e9\ud800\u{1f600}').about(Symbol.function("m", "f"));
    found.category = Category.custom("a");
    found.severity = Severity.Info;
    found.confidence = 0.25;
    return [found.addEvidence("call", "line 1", "m:f").addMetric("n", 2).addMetric("m", -0.5)];
  });
  const symbol = '{"id":"m:f","name":"f","file":"m.py","module":"m","start_line":1,"end_line":1,"start_column":1}';
  const title = '"\\"\\\\\\u000a\\u001f\u00e9\ufffd\u{1f600}"';
  const rest = `"symbols":[${symbol}],"evidence":[{"kind":"call","text":"line 1","symbol":"m:f"}],"metrics":{"n":2,"m":-0.5}`;
  expect(output, `[{"category":"custom:a","severity":"info","confidence":0.25,"title":${title},${rest}}]`);
}

export function testFailuresBecomeAnObject(): void {
  expect(
    evaluateJson(MINIMAL, (_: SuggestContext): Recommendation[] => fail('no "layers"')),
    '{"error":"no \\"layers\\""}',
  );
  expect(
    evaluateJson("{", (_: SuggestContext): Recommendation[] => unreachable()),
    '{"error":"the context cannot be read: it ends too soon at byte 1"}',
  );
  const unwritable = '{"error":"the recommendations cannot be written: a number is not finite"}';
  const output = evaluateJson(MINIMAL, (_: SuggestContext): Recommendation[] => [
    new Recommendation("t").addMetric("m", -Infinity),
  ]);
  expect(output, unwritable);
}

export function testAFailureIsForgottenAfterItsEvaluation(): void {
  evaluateJson(MINIMAL, (_: SuggestContext): Recommendation[] => fail("why"));
  expect(evaluateJson(MINIMAL, (_: SuggestContext): Recommendation[] => []), "[]");
}

export function testAPluginRegistersAFunction(): void {
  const reason = "the plugin registered no function: call register at its top level";
  expect(evaluateRegistered(0, 0).toString(), `{"error":"${reason}"}`);
}
