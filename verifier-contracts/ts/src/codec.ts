/**
 * Integers in public words, as `FieldCodec.sol` has them: a word is `sum_l 2^(16 l) (v_l + 2^15)` over the
 * live digits `l < 8`; dead digits are 0. Everything is checked in both directions, so that a list of
 * values has one packing and a packing one list. Integers have at most 16 bits and are numbers here,
 * words are bigints.
 */
import { CodecError } from "./errors.js";

/** Digits of a word. */
export const DIGITS = 8;
/** Largest width of an integer. */
export const MAX_BITS = 16;
/** Largest scale, either way. */
export const MAX_SCALE = 96;
/** Largest unit of a fixed-point number. */
export const MAX_UNIT = 10n ** 36n;

const DIGIT_BITS = 16n;
const DIGIT = 0xffffn;
const OFFSET = 1 << 15;

/** Whether an integer has at most `bits` bits. */
export function fits(value: number, bits: number): boolean {
  checkWidth(bits);
  const half = 2 ** (bits - 1);
  return Number.isInteger(value) && -half <= value && value < half;
}

/** Words that `count` integers need, `lanes` to a word. */
export function wordsFor(count: number, lanes: number): number {
  if (!Number.isInteger(lanes) || lanes < 1 || lanes > DIGITS) {
    throw new CodecError("BadLanes", `a word has 1 to ${DIGITS} digits in use, got ${lanes}`);
  }
  return Math.ceil(count / lanes);
}

/** Mask of the first `count` digits. */
export function firstDigits(count: number): number {
  if (!Number.isInteger(count) || count < 0 || count > DIGITS) {
    throw new CodecError("BadLanes", `a word has at most ${DIGITS} digits, got ${count}`);
  }
  return (1 << count) - 1;
}

/** Digit `lane` of a word as an integer. The word must have been checked and the digit be live. */
export function digit(word: bigint, lane: number): number {
  return Number((word >> (DIGIT_BITS * BigInt(lane))) & DIGIT) - OFFSET;
}

/** Whether `word` packs integers of `bits` bits in the digits of `mask`, and nothing else. */
export function isPacking(word: bigint, mask: number, bits: number): boolean {
  checkWidth(bits);
  if (!Number.isInteger(mask) || mask < 0 || mask >> DIGITS !== 0) {
    throw new CodecError("BadLanes", `a mask has ${DIGITS} bits, got ${mask}`);
  }
  for (let lane = 0; lane < DIGITS; ++lane) {
    const value = digit(word, lane);
    const live = ((mask >> lane) & 1) === 1;
    if (live ? !fits(value, bits) : value !== -OFFSET) return false;
  }
  return word >> (DIGIT_BITS * BigInt(DIGITS)) === 0n;
}

/** Throws unless {@link isPacking}. */
export function check(word: bigint, mask: number, bits: number): void {
  if (!isPacking(word, mask, bits)) {
    throw new CodecError("NotAPacking", `0x${word.toString(16)} in digits ${mask.toString(2)} of ${bits} bits`);
  }
}

/** An integer as a digit in its place, to be added to a word. */
export function place(value: number, lane: number, bits: number): bigint {
  if (!fits(value, bits)) throw new CodecError("OutOfRange", `${value} does not fit ${bits} bits`);
  return BigInt(value + OFFSET) << (DIGIT_BITS * BigInt(lane));
}

/**
 * The real number that an integer stands for, `value * 2^-scale`: exact.
 * @param value An integer of at most 16 bits.
 * @param scale Its scale.
 */
export function toReal(value: number, scale: number): number {
  return value * 2 ** -scale;
}

/**
 * The integer that the prover makes of a real number: the number as a 32-bit float, times `2^scale`,
 * rounded to nearest, halves up.
 * @param real The number.
 * @param scale The tensor's scale.
 * @param bits The tensor's width; a number out of its range is refused, as the prover refuses it.
 */
export function fromReal(real: number, scale: number, bits: number): number {
  const value = Math.floor(Math.fround(real) * 2 ** scale + 0.5) + 0;
  if (!fits(value, bits)) throw new CodecError("OutOfRange", `${real} at scale ${scale} does not fit ${bits} bits`);
  return value;
}

/**
 * The real number `value * 2^-scale` as a fixed-point number: the integer nearest to
 * `value * 2^-scale * unit`, halves up.
 * @param value An integer of at most 16 bits.
 * @param scale Its scale.
 * @param unit What stands for 1, such as `10n ** 18n`.
 */
export function toFixed(value: number, scale: number, unit: bigint): bigint {
  checkFixed(scale, unit);
  if (!fits(value, MAX_BITS)) throw new CodecError("OutOfRange", `${value} does not fit ${MAX_BITS} bits`);
  const scaled = BigInt(value) * unit;
  if (scale <= 0) return scaled << BigInt(-scale);
  // A shift to the right of a negative bigint rounds down.
  return (scaled + (1n << BigInt(scale - 1))) >> BigInt(scale);
}

/**
 * The integer that stands for a fixed-point number: the nearest to `number / unit * 2^scale`, halves up.
 * {@link fromReal} may differ by one step on numbers that a 32-bit float does not hold.
 * @param number The fixed-point number.
 * @param scale The tensor's scale.
 * @param unit What stands for 1.
 * @param bits The tensor's width; a number out of its range is refused.
 */
export function fromFixed(number: bigint, scale: number, unit: bigint, bits: number): number {
  checkFixed(scale, unit);
  const limit = 1n << 128n;
  if (number > limit || number < -limit) throw new CodecError("BadFixedPoint", "the number is over 2^128");
  const [up, down] = [BigInt(Math.max(scale, 0)), BigInt(Math.max(-scale, 0))];
  const denominator = (2n * unit) << down;
  const numerator = ((2n * number) << up) + (unit << down);
  const toZero = numerator / denominator;
  const value = Number(numerator < 0n && toZero * denominator !== numerator ? toZero - 1n : toZero);
  if (!fits(value, bits))
    throw new CodecError("OutOfRange", `${number} / ${unit} at scale ${scale} does not fit ${bits} bits`);
  return value;
}

/** Index of the largest value, the first of several: a classifier's answer. */
export function argmax(values: readonly number[]): number {
  if (values.length === 0) throw new CodecError("TooShort", "there are no values");
  return values.reduce((best, value, i) => (value > (values[best] as number) ? i : best), 0);
}

function checkWidth(bits: number): void {
  if (!Number.isInteger(bits) || bits < 1 || bits > MAX_BITS) {
    throw new CodecError("BadWidth", `a width is 1 to ${MAX_BITS} bits, got ${bits}`);
  }
}

function checkFixed(scale: number, unit: bigint): void {
  if (!Number.isInteger(scale) || Math.abs(scale) > MAX_SCALE || unit <= 0n || unit > MAX_UNIT) {
    throw new CodecError("BadFixedPoint", `scale ${scale}, unit ${unit}`);
  }
}
