// Feeds documents to echo.wasm: "node echo.mjs echo.wasm EXPORT". Standard input has, for each document, a line with its length
// in bytes and the document; standard output has a line for each result.

import { readFileSync, writeFileSync } from "node:fs";

import { instantiate } from "../testing/host.mjs";

const INSTANCES_LAST = 1 << 22;

const [file, name] = process.argv.slice(2);
const module = new WebAssembly.Module(readFileSync(file));
const input = readFileSync(0);
const results = [];
let host = instantiate(module);
for (let at = 0; at < input.length; ) {
  const lineEnd = input.indexOf(0x0a, at);
  const end = lineEnd + 1 + Number(input.toString("latin1", at, lineEnd));
  results.push(host.evaluate(input.subarray(lineEnd + 1, end), name));
  if (host.exports.memory.buffer.byteLength > INSTANCES_LAST) host = instantiate(module); // nothing is freed in one
  at = end;
}
writeFileSync(1, results.map((result) => `${result}\n`).join(""));
