// Decimal numbers to the nearest double, ties to even. AssemblyScript's parseFloat is off by powers of ten for some large
// numbers. Short numbers are exact with one operation; others are halved and doubled in decimal until their bits
// stand before the point.

import { Char } from "./bytes";

/** A double, or the middle between two, has no more than 768 digits; of those behind, it matters whether there are any. */
const MOST: i32 = 800;
/** Largest shift: what is carried stays far below 64 bits. */
const WIDEST: i32 = 28;

const POWERS_OF_TEN: StaticArray<f64> = [
  1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20,
  1e21, 1e22,
];

/** The number is 0.<digits> * 10^point, and a little more if something was lost. */
const digits = new StaticArray<u8>(MOST + 16);
let count: i32 = 0;
let point: i32 = 0;
let isCut: bool = false;

/** The number that stands there, well-formed as JSON says; infinite if it is too large. */
export function decimalAt(start: usize, end: usize): f64 {
  const isNegative = load<u8>(start) == Char.Minus;
  const exponent = readDigits(start + <usize>isNegative, end);
  point += exponent;
  const value = count <= 15 ? ofFewDigits() : NaN;
  const found = isNaN(value) ? ofManyDigits() : value;
  return isNegative ? -found : found;
}

/** Reads digits and point, and gives the exponent. */
function readDigits(start: usize, end: usize): i32 {
  count = point = 0;
  isCut = false;
  let isBehindPoint = false;
  let at = start;
  for (; at < end; ++at) {
    const letter = <u32>load<u8>(at);
    if (letter == Char.Dot) {
      isBehindPoint = true;
      continue;
    }
    const digit = letter - Char.Zero;
    if (digit > 9) break;
    if (digit == 0 && count == 0) {
      if (isBehindPoint) --point;
      continue;
    }
    put(<u8>digit);
    if (!isBehindPoint) ++point;
  }
  trim();
  if (at == end) return 0;
  const isNegative = load<u8>(++at) == Char.Minus;
  let exponent: i32 = 0;
  for (at += <usize>(isNegative || load<u8>(at) == Char.Plus); at < end && exponent < 100000; ++at) {
    exponent = exponent * 10 + (load<u8>(at) - Char.Zero);
  }
  return isNegative ? -exponent : exponent;
}

/** Digits and power of ten as doubles, where both are exact: one operation rounds once. Else NaN. */
function ofFewDigits(): f64 {
  let value: u64 = 0;
  for (let i = 0; i < count; ++i) value = value * 10 + digits[i];
  const power = point - count;
  if (value == 0) return 0;
  if (power < -22 || power > 22) return NaN;
  return power < 0 ? <f64>value / POWERS_OF_TEN[-power] : <f64>value * POWERS_OF_TEN[power];
}

function ofManyDigits(): f64 {
  if (point > 310) return Infinity;
  if (point < -330) return 0;
  // To 0.5 ≤ number < 1, times 2^(exponent + 1).
  let exponent = -1;
  while (point > 0) {
    const bits = min(WIDEST, 3 * point);
    divide(bits);
    exponent += bits;
  }
  while (point < 0 || digits[0] < 5) {
    const bits = point < 0 ? min(WIDEST, -3 * point) : 1;
    multiply(bits);
    exponent -= bits;
  }
  if (exponent > 1023) return Infinity;
  // The smallest doubles have fewer bits.
  while (exponent < -1022) {
    const bits = min(WIDEST, -1022 - exponent);
    divide(bits);
    exponent += bits;
  }
  multiply(WIDEST);
  multiply(53 - WIDEST);
  let bits = rounded();
  if (bits == 1 << 53) {
    bits >>= 1;
    if (++exponent > 1023) return Infinity;
  }
  if (bits < 1 << 52) return reinterpret<f64>(bits);
  return reinterpret<f64>((<u64>(exponent + 1023) << 52) | (bits & ((1 << 52) - 1)));
}

/** The number as an integer. */
function rounded(): u64 {
  let value: u64 = 0;
  for (let i = 0; i < point; ++i) value = value * 10 + (i < count ? digits[i] : 0);
  if (point < 0 || point >= count) return value;
  const next = digits[point];
  const isMiddle = next == 5 && count == point + 1 && !isCut;
  return value + <u64>(isMiddle ? (value & 1) != 0 : next >= 5);
}

/** Divides by 2^bits. */
function divide(bits: i32): void {
  const mask = ((<u64>1) << bits) - 1;
  const before = count;
  let rest: u64 = 0;
  count = 0;
  for (let from = 0; from < before || rest != 0; ++from) {
    rest = rest * 10 + (from < before ? digits[from] : 0);
    const digit = <u8>(rest >> bits);
    rest &= mask;
    if (digit == 0 && count == 0) --point;
    else put(digit);
  }
  trim();
}

/** Multiplies by 2^bits. */
function multiply(bits: i32): void {
  let carried: u64 = 0;
  for (let i = count - 1; i >= 0; --i) {
    carried += <u64>digits[i] << bits;
    digits[i] = <u8>(carried % 10);
    carried /= 10;
  }
  let more = 0;
  for (let left = carried; left > 0; left /= 10) ++more;
  memory.copy(changetype<usize>(digits) + more, changetype<usize>(digits), count);
  for (let i = more - 1; i >= 0; --i) {
    digits[i] = <u8>(carried % 10);
    carried /= 10;
  }
  point += more;
  count += more;
  while (count > MOST) isCut = digits[--count] != 0 || isCut;
  trim();
}

function put(digit: u8): void {
  if (count < MOST) digits[count++] = digit;
  else if (digit != 0) isCut = true;
}

/** Removes zeros at the end. */
function trim(): void {
  while (count > 0 && digits[count - 1] == 0) --count;
}
