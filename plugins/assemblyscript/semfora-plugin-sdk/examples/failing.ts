// Fails in the way that config.how names. Tests see what of it reaches the host.

import { fail, log, Recommendation, register, SuggestContext } from "../index";

export * from "../abi";

register(evaluate);

function evaluate(context: SuggestContext): Recommendation[] {
  const how = context.config.string("how");
  log(`how: ${how}`);
  const found = new Recommendation("nothing happened");
  if (how == "text") {
    throw new Error("a text: 😀");
  } else if (how == "assertion") {
    assert(context.symbols.length > 0, "there are no symbols");
  } else if (how == "null") {
    found.title = context.graph().symbol("nobody")!.name;
  } else if (how == "index") {
    found.title = context.symbols[how.length].name;
  } else if (how == "twice") {
    register(evaluate);
  } else if (how == "memory") {
    const kept: ArrayBuffer[] = [];
    while (true) kept.push(new ArrayBuffer(1 << 20));
  } else if (how == "error") {
    return fail('it says "why"\n');
  } else if (how == "errors") {
    context.config.int("how");
    context.config.strings("how");
  } else if (how == "nan") {
    found.confidence = NaN;
  }
  return [found];
}
