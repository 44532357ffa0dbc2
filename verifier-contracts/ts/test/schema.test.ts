import assert from "node:assert/strict";
import { test } from "node:test";
import { keccak256 } from "viem";
import { ContextKind, countWords, decodeSchema, encodeSchema, parseSchema, type Schema } from "../src/index.js";
import { attack, made, refusesAt, replaced, shared } from "./support.js";

const document = JSON.parse(made("schema.json").toString());
const iris = shared("words.json").iris.tensors.map((t: object) => ({
  ...t,
  shape: [(t as { elements: number }).elements],
}));

/** A document whose `abi` and hash are right, so that only `change` can be wrong. */
function signed(change: Partial<Schema>): unknown {
  const schema = { ...document, ...change };
  const abi = encodeSchema(schema);
  return { ...schema, abi, ioSchemaHash: keccak256(abi) };
}
/** The same, with a changed first output. */
const output = (change: object) => signed({ outputs: [{ ...document.outputs[0], ...change }] });

test("Rust's encoding and hash are ours", () => {
  for (const value of [document, shared("classifier.json").schema]) {
    const schema = decodeSchema(value);
    assert.deepEqual(schema, value);
    assert.equal(encodeSchema(schema), value.abi);
  }
  assert.equal(
    countWords(parseSchema(made("schema.json"))),
    JSON.parse(made("deployment.json").toString()).numInstances,
  );
});

test("hostile files are refused by an error of ours", () => {
  const { refused, accepted } = attack(document, decodeSchema);
  assert.ok(refused > 500, String(refused));
  // Names are bound by nothing; the digest may be any.
  for (const path of accepted) assert.match(path, /^(inputs|outputs)\.\d\.name$|^quantisationHash$/);
});

test("what IoSchema.check refuses is refused", () => {
  assert.deepEqual(decodeSchema(output({})), document);
  const [first, ...rest] = document.outputs[0].shape;
  refusesAt("outputs[0].bits", () => decodeSchema(output({ bits: 0 })));
  refusesAt("outputs[0].bits", () => decodeSchema(output({ bits: 17 })));
  refusesAt("outputs[0].scale", () => decodeSchema(output({ scale: -97 })));
  refusesAt("outputs[0].lanes", () => decodeSchema(output({ lanes: 9 })));
  refusesAt("outputs[0].elements", () => decodeSchema(output({ elements: 0, shape: [] })));
  refusesAt("outputs[0].shape", () => decodeSchema(output({ shape: [first, ...rest, 2] })));
  refusesAt("outputs", () => decodeSchema(signed({ outputs: [] })));
  refusesAt("outputs", () => decodeSchema(signed({ outputs: [document.outputs[0], document.outputs[0]] })));
  refusesAt("contextKind", () => decodeSchema(signed({ contextKind: 3 })));
  const wide = { ...document.outputs[0], elements: 65_534, shape: [65_534], lanes: 1 };
  refusesAt("$", () => decodeSchema(signed({ outputs: [wide, { ...wide, name: "other" }] })));
  // As many words as a registry takes, and one more.
  const single = { ...document.outputs[0], name: "other", elements: 1, shape: [1] };
  const most = { inputs: [], outputs: [wide, single], contextKind: ContextKind.None, contextTensor: 0 };
  assert.equal(countWords(decodeSchema(signed(most)) as Schema), 65_535);
  refusesAt("$", () => decodeSchema(signed({ ...most, contextKind: ContextKind.Word })));
});

test("places hold each element once", () => {
  const with_ = (places: string) => decodeSchema(signed({ outputs: [{ ...iris[1], places }] }));
  const places: string = iris[1].places;
  const swapped = `0x${places.slice(6, 10)}${places.slice(2, 6)}${places.slice(10)}`;
  assert.equal(with_(places).outputs[0]?.places, places);
  assert.equal(with_(swapped).outputs[0]?.places, swapped);
  for (const bad of [
    places.slice(0, -4), // no whole words
    `0x${places.slice(6, 10)}${places.slice(6)}`, // one twice, one missing
    `0x0018${places.slice(6)}`, // beyond the elements
    `0xffff${places.slice(6)}`, // one missing
    places + places.slice(2), // all twice
  ]) {
    refusesAt("outputs[0].places", () => with_(bad));
  }
});

test("a context is a tensor of bytes", () => {
  const context = document.inputs[document.contextTensor];
  const change = (other: object) => () =>
    decodeSchema(signed({ inputs: [document.inputs[0], { ...context, ...other }] }));
  for (const bad of [{ scale: 1 }, { bits: 8 }, { elements: 15, shape: [15] }, { elements: 33, shape: [33] }]) {
    refusesAt("contextTensor", change(bad));
  }
  for (const good of [
    { bits: 9, elements: 16, shape: [16] },
    { elements: 32, shape: [4, 8] },
  ])
    change(good)();
  refusesAt("contextTensor", () => decodeSchema(signed({ contextTensor: 3 })));
  refusesAt("contextTensor", () => decodeSchema(signed({ contextKind: ContextKind.Word })));
  refusesAt("contextTensor", () => decodeSchema(signed({ contextKind: ContextKind.None })));
  assert.equal(
    countWords(decodeSchema(signed({ contextKind: ContextKind.Word, contextTensor: 0 }))),
    countWords(document) + 1,
  );
});

test("encoding and hash must be those of the tensors", () => {
  refusesAt("abi", () => decodeSchema(replaced(document, ["abi"], `${document.abi.slice(0, -2)}01`)));
  refusesAt("abi", () => decodeSchema(replaced(document, ["outputs", 0, "bits"], document.outputs[0].bits + 1)));
  refusesAt("ioSchemaHash", () => decodeSchema(replaced(document, ["ioSchemaHash"], document.quantisationHash)));
});
