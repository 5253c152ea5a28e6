// The ABI, version 1: what the host calls. A plugin's first file exports all of it.

import { PADDING } from "./assembly/bytes";
import { evaluateRegistered } from "./assembly/plugin";

const LARGEST: usize = 1 << 29;

let room: usize = 0;
let roomSize: usize = 0;

/** Marks the version of the ABI. */
export function semfora_abi_v1(): void {}

/** Makes room for a context. */
export function semfora_alloc(size: usize): usize {
  if (size > LARGEST) return 0;
  roomSize = size;
  room = heap.alloc(size + PADDING);
  return room;
}

/** Evaluates the context that the host wrote there. Gives the result's address and, in the lower half, its length. */
export function evaluate(start: usize, length: usize): u64 {
  if (start != room || length > roomSize) {
    throw new Error("evaluate was called with memory that semfora_alloc did not give");
  }
  store<u64>(start + length, 0);
  const result = evaluateRegistered(start, length);
  return (<u64>result.start << 32) | <u64>result.length;
}
