import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CodecError,
  decodeInstances,
  decodeTensor,
  encodeInputs,
  encodeTensor,
  fieldCodec,
  parseSchema,
  quantise,
  type CodecReason,
  type Tensor,
} from "../src/index.js";
import { made, shared } from "./support.js";

interface Model {
  readonly instances: string[];
  readonly tensors: (Omit<Tensor, "shape"> & { input: boolean; integers: number[]; wad: string[] })[];
}
const { digits, iris }: { digits: Model; iris: Model } = shared("words.json");
const wordsOf = (model: Model) => model.instances.map(BigInt);
const tensorsOf = (model: Model) => model.tensors.map((t) => ({ ...t, shape: [t.elements] }));
const schema = parseSchema(made("schema.json"));
const statement = JSON.parse(made("proof.json").toString());

function refuses(reason: CodecReason, call: () => unknown): void {
  assert.throws(call, (error) => error instanceof CodecError && error.reason === reason, reason);
}

test("words of the prover are unpacked and packed again, in order and by places", () => {
  for (const model of [digits, iris]) {
    const words = wordsOf(model);
    let first = 0;
    for (const tensor of tensorsOf(model)) {
      const integers = decodeTensor(tensor, words, first);
      assert.deepEqual(integers, tensor.integers);
      assert.deepEqual(
        integers.map((v) => fieldCodec.toFixed(v, tensor.scale, 10n ** 18n)),
        tensor.wad.map(BigInt),
      );
      assert.deepEqual(
        tensor.wad.map((w) => fieldCodec.fromFixed(BigInt(w), tensor.scale, 10n ** 18n, tensor.bits)),
        integers,
      );
      const reals = integers.map((v) => fieldCodec.toReal(v, tensor.scale));
      assert.deepEqual(quantise(tensor, reals), integers);
      const packed = encodeTensor(tensor, integers);
      assert.deepEqual(packed, words.slice(first, first + packed.length));
      first += packed.length;
    }
    assert.equal(first, words.length);
  }
});

test("real inputs become the prover's words", () => {
  // input.json has floats that are no multiples of the scale's step; proof.json what the prover made of them.
  const { x, context } = JSON.parse(made("input.json").toString());
  const integers = quantise(schema.inputs[0] as Tensor, x.flat());
  assert.deepEqual(integers, statement.inputs[0].integers);
  const hash = `0x${Buffer.from(context).toString("hex")}` as const;
  const words = statement.instances.map(BigInt);
  for (const made_ of [encodeInputs(schema, { x: integers, context }), encodeInputs(schema, { x: integers }, hash)]) {
    assert.deepEqual(made_, words.slice(0, made_.length));
  }
});

test("inputs are told by their own names", () => {
  refuses("NoSuchTensor", () => encodeInputs(schema, {}));
  refuses("NoSuchTensor", () => encodeInputs(schema, { x: statement.inputs[0].integers }));
  refuses("NoSuchTensor", () => encodeInputs(schema, { x: [], y: [] }));
  refuses("NoSuchTensor", () => encodeInputs(schema, JSON.parse('{"__proto__": [1]}')));
  refuses("WrongLength", () => encodeInputs(schema, { x: [1] }));
  const odd = { ...schema, inputs: schema.inputs.map((t) => ({ ...t, name: t.name === "x" ? "toString" : t.name })) };
  refuses("NoSuchTensor", () => encodeInputs(odd, {}, statement.vk_digest));
});

test("a packing has exactly the digits of its values", () => {
  const tensor = tensorsOf(digits)[0] as Tensor;
  const words = wordsOf(digits);
  const [word] = words as [bigint];
  const decode = (other: bigint) => decodeTensor(tensor, [other, ...words.slice(1)]);
  decode(word);
  refuses("NotAPacking", () => decode(word + (1n << 64n))); // a digit beyond the lanes
  refuses("NotAPacking", () => decode(word + (1n << 128n))); // above all digits
  refuses("NotAPacking", () => decode(word - 0x8000n)); // below the range
  refuses("NotAPacking", () => decode(word + (0x100n << 16n))); // above it
  refuses("NotAPacking", () => decode(-word));
  refuses("TooShort", () => decodeTensor(tensor, words.slice(0, 15)));
  refuses("TooShort", () => decodeTensor(tensor, words, words.length - 1));
  refuses("WrongLength", () => decodeInstances(schema, []));
});

test("values have bounds", () => {
  const tensor = tensorsOf(digits)[0] as Tensor;
  const values = (digits.tensors[0] as { integers: number[] }).integers;
  const encode = (value: number) => encodeTensor(tensor, [value, ...values.slice(1)]);
  assert.deepEqual(
    [encode(-256)[0], encode(255)[0]].map((w) => (w as bigint) & 0xffffn),
    [0x7f00n, 0x80ffn],
  );
  for (const bad of [-257, 256, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) refuses("OutOfRange", () => encode(bad));
  refuses("WrongLength", () => encodeTensor(tensor, values.slice(1)));
  refuses("WrongLength", () => quantise(tensor, [1]));
  refuses("OutOfRange", () => quantise(tensor, [2, ...values.slice(1)]));
  refuses("OutOfRange", () => fieldCodec.fromReal(Number.NaN, 0, 16));
  refuses("OutOfRange", () => fieldCodec.fromReal(Number.POSITIVE_INFINITY, 0, 16));
  assert.ok(fieldCodec.fits(-32_768, 16) && fieldCodec.fits(-1, 1) && !fieldCodec.fits(1, 1));
  assert.deepEqual([fieldCodec.wordsFor(9, 1), fieldCodec.wordsFor(9, 8), fieldCodec.wordsFor(0, 8)], [9, 2, 0]);
  assert.deepEqual([fieldCodec.firstDigits(0), fieldCodec.firstDigits(8)], [0, 255]);
  assert.ok(fieldCodec.isPacking(0n, 0, 16));
  refuses("BadWidth", () => fieldCodec.fits(0, 17));
  refuses("BadWidth", () => fieldCodec.fits(0, 0));
  refuses("BadLanes", () => fieldCodec.wordsFor(1, 9));
  refuses("BadLanes", () => fieldCodec.wordsFor(1, 0));
  refuses("BadLanes", () => fieldCodec.wordsFor(1, 1.5));
  refuses("BadLanes", () => fieldCodec.firstDigits(9));
  refuses("BadLanes", () => fieldCodec.firstDigits(-1));
  refuses("BadLanes", () => fieldCodec.isPacking(0n, -1, 16));
  refuses("BadLanes", () => fieldCodec.isPacking(0n, 256, 16));
});

test("numbers are rounded to nearest, halves up", () => {
  assert.deepEqual(
    [0.5, -0.5, 1.5, -1.5, 0.49, -0.51].map((x) => fieldCodec.fromReal(x, 0, 8)),
    [1, 0, 2, -1, 0, -1],
  );
  assert.deepEqual(
    [3n, -3n, 2n, -2n].map((x) => fieldCodec.fromFixed(x, 0, 2n, 8)),
    [2, -1, 1, -1],
  );
  // Just under the half as a double, and the half itself as a 32-bit float.
  assert.equal(fieldCodec.fromReal(0.499_999_999, 0, 8), 1);
  assert.equal(fieldCodec.toFixed(1, 1, 1n), 1n);
  assert.equal(fieldCodec.toFixed(-1, 1, 1n), 0n);
  assert.equal(fieldCodec.toFixed(-3, 1, 1n), -1n);
  assert.equal(fieldCodec.toFixed(3, -2, 10n), 120n);
  assert.equal(fieldCodec.toFixed(1, -96, 10n ** 36n), (10n ** 36n) << 96n);
  assert.equal(fieldCodec.toFixed(1, 96, 1n << 96n), 1n);
  assert.equal(fieldCodec.fromFixed(1n << 128n, -96, 1n << 32n, 16), 1);
  assert.equal(fieldCodec.fromFixed(-(1n << 128n), -96, 1n << 32n, 16), -1);
  for (const call of [
    () => fieldCodec.toFixed(1, 97, 1n),
    () => fieldCodec.toFixed(1, 0.5, 1n),
    () => fieldCodec.toFixed(1, 0, 0n),
    () => fieldCodec.toFixed(1, 0, 10n ** 36n + 1n),
    () => fieldCodec.fromFixed((1n << 128n) + 1n, 0, 1n, 16),
  ]) {
    refuses("BadFixedPoint", call);
  }
  refuses("OutOfRange", () => fieldCodec.toFixed(1 << 15, 0, 1n));
  refuses("OutOfRange", () => fieldCodec.fromFixed(128n, 0, 1n, 8));
});

test("the largest value's index, the first of several", () => {
  assert.equal(fieldCodec.argmax([-3, 5, 5, 1]), 1);
  refuses("TooShort", () => fieldCodec.argmax([]));
});
