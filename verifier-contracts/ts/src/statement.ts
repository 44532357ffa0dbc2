/** Public words to named tensors and back, by a schema. */
import { bytesToHex, numberToHex, type Hex } from "viem";
import { check, digit, fromReal, place, toReal } from "./codec.js";
import { contextIntegers, contextSlot } from "./context.js";
import { CodecError } from "./errors.js";
import { ContextKind, countWords, placesOf, wordsOf, type Schema, type Tensor } from "./schema.js";

/** Values of one tensor of a statement, as `proof.json` has them. */
export interface Values {
  /** ONNX name. */
  readonly name: string;
  /** Shape. */
  readonly shape: readonly number[];
  /** An integer `v` stands for `v * 2^-scale`. */
  readonly scale: number;
  /** Integers, row-major. */
  readonly integers: readonly number[];
  /** Real values, row-major. */
  readonly values: readonly number[];
}

/** What public words say. */
export interface Statement {
  /** Public inputs; empty when they are private. */
  readonly inputs: readonly Values[];
  /** Outputs. */
  readonly outputs: readonly Values[];
  /** Leading bytes of the context's hash; `undefined` if the words hold none. */
  readonly context: Hex | undefined;
}

/** Integers or real numbers, row-major, by tensor name. */
export type Named = Readonly<Record<string, readonly number[]>>;

/**
 * Unpacks one tensor: `IoSchema.decode`.
 * @param tensor The tensor.
 * @param words The public words.
 * @param first Index of its first word.
 * @returns Its integers, row-major.
 * @throws {CodecError} `TooShort`, `NotAPacking`.
 */
export function decodeTensor(tensor: Tensor, words: readonly bigint[], first = 0): number[] {
  const digits = digitsOf(tensor);
  const end = first + digits.length;
  if (end > words.length) throw new CodecError("TooShort", `${end} words are needed, there are ${words.length}`);
  const values = new Array<number>(tensor.elements).fill(0);
  digits.forEach((elements, w) => {
    const word = words[first + w] as bigint;
    const mask = elements.reduce<number>((m, element, lane) => (element === undefined ? m : m | (1 << lane)), 0);
    check(word, mask, tensor.bits);
    elements.forEach((element, lane) => {
      if (element !== undefined) values[element] = digit(word, lane);
    });
  });
  return values;
}

/**
 * Packs one tensor: `IoSchema.encode`.
 * @param tensor The tensor.
 * @param integers Its integers, row-major.
 * @returns Its words.
 * @throws {CodecError} `WrongLength`, `OutOfRange`.
 */
export function encodeTensor(tensor: Tensor, integers: readonly number[]): bigint[] {
  checkLength(tensor, integers);
  const digitOf = (element: number | undefined, lane: number) =>
    element === undefined ? 0n : place(integers[element] as number, lane, tensor.bits);
  return digitsOf(tensor).map((elements) => elements.reduce((word, e, lane) => word + digitOf(e, lane), 0n));
}

/**
 * The integers that the prover makes of real numbers.
 * @param tensor The tensor.
 * @param values Its real values, row-major.
 */
export function quantise(tensor: Tensor, values: readonly number[]): number[] {
  checkLength(tensor, values);
  return values.map((value) => fromReal(value, tensor.scale, tensor.bits));
}

/**
 * Unpacks all public words.
 * @throws {CodecError} when they are not as many as the schema says, or no packing.
 */
export function decodeInstances(schema: Schema, instances: readonly bigint[]): Statement {
  const expected = countWords(schema);
  if (instances.length !== expected) {
    throw new CodecError("WrongLength", `the schema has ${expected} public words, got ${instances.length}`);
  }
  let first = 0;
  const read = (tensor: Tensor): Values => {
    const integers = decodeTensor(tensor, instances, first);
    first += wordsOf(tensor);
    const { name, shape, scale } = tensor;
    return { name, shape, scale, integers, values: integers.map((v) => toReal(v, scale)) };
  };
  const inputs = schema.inputs.map(read);
  const outputs = schema.outputs.map(read);
  return { inputs, outputs, context: contextOf(schema, [...inputs, ...outputs], instances) };
}

/**
 * Words of the public inputs, from integers: what a consumer compares a proof's first words with.
 * @param schema The schema.
 * @param integers Each input's integers by its name; the context may be left out if its hash is given.
 * @param context Hash for an input that is the context.
 * @throws {CodecError} `NoSuchTensor` for a missing or unknown name, and those of {@link encodeTensor}.
 */
export function encodeInputs(schema: Schema, integers: Named, context?: Hex): bigint[] {
  const unknown = Object.keys(integers).find((name) => schema.inputs.every((t) => t.name !== name));
  if (unknown !== undefined) throw new CodecError("NoSuchTensor", `no public input ${JSON.stringify(unknown)}`);
  return schema.inputs.flatMap((tensor, index) => {
    if (Object.hasOwn(integers, tensor.name)) {
      return encodeTensor(tensor, integers[tensor.name] as readonly number[]);
    }
    const isContext = schema.contextKind === ContextKind.Bytes && schema.contextTensor === index;
    if (isContext && context !== undefined) return encodeTensor(tensor, contextIntegers(context, tensor.elements));
    throw new CodecError("NoSuchTensor", `no values for the input ${JSON.stringify(tensor.name)}`);
  });
}

/** A tensor by name. */
export function valuesOf(tensors: readonly Values[], name: string): Values {
  const found = tensors.find((tensor) => tensor.name === name);
  if (found === undefined) throw new CodecError("NoSuchTensor", `no tensor ${JSON.stringify(name)}`);
  return found;
}

/** Element in each digit of each word, `undefined` for dead digits. */
function digitsOf(tensor: Tensor): (number | undefined)[][] {
  const places = placesOf(tensor);
  const at = (d: number) => (places !== undefined ? places[d] : d < tensor.elements ? d : undefined);
  const word = (_: unknown, w: number) => Array.from({ length: tensor.lanes }, (_, l) => at(w * tensor.lanes + l));
  return Array.from({ length: wordsOf(tensor) }, word);
}

function checkLength(tensor: Tensor, values: readonly number[]): void {
  if (values.length !== tensor.elements) {
    const name = JSON.stringify(tensor.name);
    throw new CodecError("WrongLength", `${name} has ${tensor.elements} values, got ${values.length}`);
  }
}

/** The bytes that stand where the context should. */
function contextOf(schema: Schema, tensors: readonly Values[], instances: readonly bigint[]): Hex | undefined {
  const slot = contextSlot(schema);
  if (slot === undefined) return undefined;
  if (schema.contextKind === ContextKind.Word) {
    const word = instances[slot.firstWord] as bigint;
    return word >> BigInt(8 * slot.bytes) === 0n ? numberToHex(word, { size: slot.bytes }) : undefined;
  }
  const integers = (tensors[schema.contextTensor] as Values).integers;
  return integers.every((v) => v >= 0 && v <= 0xff) ? bytesToHex(Uint8Array.from(integers)) : undefined;
}
