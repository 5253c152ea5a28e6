// Runs a plugin's tests, in Node.js.
//
//   node run.mjs tests.wasm [plugin.wasm fixtures]
//
// Each function that tests.wasm exports and whose name starts with "test" is a test; it fails where it aborts. With a plugin
// and a folder, each *.context.json must give its *.expected.json.

import { deepStrictEqual } from "node:assert";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import { instantiate } from "./host.mjs";

const [testsFile, pluginFile, fixtures] = process.argv.slice(2);
if (testsFile === undefined || (pluginFile === undefined) !== (fixtures === undefined)) {
  console.error("usage: node run.mjs tests.wasm [plugin.wasm fixtures]");
  process.exit(2);
}

let count = 0;
let failures = 0;

function check(name, test) {
  count += 1;
  try {
    test();
  } catch (error) {
    failures += 1;
    console.error(`${name}: ${error.message}`);
  }
}

const tests = new WebAssembly.Module(readFileSync(testsFile));
for (const { name, kind } of WebAssembly.Module.exports(tests)) {
  if (kind === "function" && name.startsWith("test")) {
    check(name, () => instantiate(tests).exports[name]());
  }
}

if (fixtures !== undefined) {
  const plugin = new WebAssembly.Module(readFileSync(pluginFile));
  for (const file of readdirSync(fixtures).sort()) {
    if (!file.endsWith(".context.json")) continue;
    check(file, () => {
      const expected = join(fixtures, file.replace(".context.", ".expected."));
      const output = instantiate(plugin).evaluate(readFileSync(join(fixtures, file)));
      deepStrictEqual(JSON.parse(output), JSON.parse(readFileSync(expected, "utf8")));
    });
  }
}

if (count === 0) {
  console.error(`${testsFile} exports no function whose name starts with "test"`);
  process.exit(1);
}
console.log(`${count - failures} of ${count} passed`);
process.exit(failures === 0 ? 0 : 1);
