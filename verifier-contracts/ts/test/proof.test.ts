import assert from "node:assert/strict";
import { test } from "node:test";
import {
  CodecError,
  decodeProof,
  FIELD_MODULUS,
  MismatchError,
  openProof,
  parseProof,
  parseSchema,
  valuesOf,
} from "../src/index.js";
import { attack, made, refusesAt, replaced } from "./support.js";

const text = made("proof.json");
const document = JSON.parse(text.toString());
const schema = parseSchema(made("schema.json"));

test("a file of the command line is read to the last field", () => {
  const proof = parseProof(text);
  assert.deepEqual(
    { ...proof, instances: proof.instances.map((word) => `0x${word.toString(16).padStart(64, "0")}`) },
    document,
  );
  assert.deepEqual(parseProof(text.toString()), proof);
});

test("its numbers are those of its words", () => {
  const proof = parseProof(text);
  const statement = openProof(proof, schema);
  assert.deepEqual(statement.inputs, document.inputs);
  assert.deepEqual(statement.outputs, document.outputs);
  const input = JSON.parse(made("input.json").toString());
  assert.deepEqual(valuesOf(statement.inputs, "context").integers, input.context);
  assert.equal(statement.context, `0x${Buffer.from(input.context).toString("hex")}`);
  assert.throws(() => valuesOf(statement.outputs, "constructor"), CodecError);
});

test("hostile files are refused by an error of ours", () => {
  const { refused, accepted } = attack(document, decodeProof);
  assert.ok(refused > 1000, String(refused));
  // Names and flags are free, times are only numbers, hashes may be any (and one hostile value is 32 bytes).
  const free =
    /^(inputs|outputs)\.\d\.name$|^(inputs|outputs)$|^srs\.(id|insecure)$|^(vk|model)_digest$|^timings\.prove_seconds$|^instances$|^proof$/;
  for (const path of accepted) assert.match(path, free);
});

test("each field is checked", () => {
  const refuses = (path: string, keys: (string | number)[], value: unknown) =>
    refusesAt(path, () => decodeProof(replaced(document, keys, value)));
  refuses("schema", ["schema"], 2);
  refuses("proof", ["proof"], document.proof.slice(0, -2));
  refuses("proof", ["proof"], "0x");
  refuses("proof", ["proof"], `0x${"00".repeat((1 << 20) + 32)}`);
  refuses("instances[2]", ["instances", 2], `0x${FIELD_MODULUS.toString(16)}`);
  refuses("instances[2]", ["instances", 2], 5);
  refuses("instances", ["instances"], Array(65_536).fill(document.instances[0]));
  refuses("inputs[0].integers[1]", ["inputs", 0, "integers", 1], 32_768);
  refuses("inputs[0].integers", ["inputs", 0, "integers"], [1]);
  refuses("inputs[0].values", ["inputs", 0, "values"], [1]);
  refuses("inputs[0].values[0]", ["inputs", 0, "values", 0], 3);
  refuses("inputs[0].shape[1]", ["inputs", 0, "shape", 1], 0);
  refuses("outputs[0].scale", ["outputs", 0, "scale"], 97);
  refuses("outputs[0].name", ["outputs", 0, "name"], 7);
  refuses("vk_digest", ["vk_digest"], "0x00");
  refuses("srs.insecure", ["srs", "insecure"], "no");
  refuses("timings.prove_seconds", ["timings", "prove_seconds"], null);
  refuses("$", ["extra"], 1);
  refuses("srs", ["srs", "extra"], 1);
  refuses("timings", ["timings", "extra"], 1);
  refuses("outputs[0]", ["outputs", 0, "extra"], 1);
});

test("a file that says other values than its words is refused", () => {
  const open = (keys: (string | number)[], value: unknown, other: Record<string, unknown> = {}) =>
    openProof(decodeProof({ ...(replaced(document, keys, value) as object), ...other }), schema);
  const [first] = document.outputs[0].integers;
  const lied = structuredClone(document.outputs);
  lied[0].integers[0] = first + 32;
  lied[0].values[0] += 1;
  assert.throws(() => open([], document, { outputs: lied }), MismatchError);
  assert.throws(() => open(["outputs", 0, "name"], "logits"), MismatchError);
  const [scaled] = structuredClone(document.outputs);
  scaled.scale += 1;
  scaled.values = scaled.values.map((value: number) => value / 2);
  assert.throws(() => open(["outputs", 0], scaled), MismatchError);
  assert.throws(() => open(["outputs", 0, "shape"], [3, 1]), MismatchError);
  assert.throws(() => open(["inputs"], []), MismatchError);
  assert.throws(() => open(["model_digest"], document.vk_digest), MismatchError);
  const moved = replaced(document, ["instances", 0], document.instances[1]);
  assert.throws(() => openProof(decodeProof(moved), schema), CodecError);
  const short = replaced(document, ["instances"], document.instances.slice(1));
  assert.throws(
    () => openProof(decodeProof(short), schema),
    (e) => e instanceof CodecError && e.reason === "WrongLength",
  );
});
