import assert from "node:assert/strict";
import { test } from "node:test";
import { getAddress, type Hex } from "viem";
import {
  carriesContext,
  ContextKind,
  contextHash,
  contextIntegers,
  contextSlot,
  contextWords,
  decodeInstances,
  decodeSchema,
  FormatError,
  insertContext,
  nullifierOf,
  type ContextSlot,
  type Schema,
} from "../src/index.js";
import { account, cast, made, shared } from "./support.js";

const { schema: document, uses } = shared("classifier.json");
const schema = decodeSchema(document);
const slot = contextSlot(schema) as ContextSlot;
const CALLER = getAddress(`0x${"ca".repeat(20)}`);

test("contexts are those of Rust", () => {
  for (const { consumer, nonce, context, instances } of uses) {
    const words = instances.map(BigInt);
    assert.equal(decodeInstances(schema, words).context, context);
    assert.ok(carriesContext(slot, context, words));
    const deadline = 2n ** 256n - 1n;
    const use = { chainId: 31337, consumer: getAddress(consumer), caller: CALLER, nonce: BigInt(nonce), deadline };
    // The last one has another deadline.
    const last = context === uses.at(-1).context;
    assert.equal(contextHash(last ? { ...use, deadline: 2n ** 64n - 1n } : use), context);
    for (const other of [
      { chainId: 1 },
      { consumer: CALLER },
      { caller: use.consumer },
      { nonce: 99n },
      { deadline: 0n },
    ]) {
      assert.ok(!carriesContext(slot, contextHash({ ...use, ...other }), words));
    }
  }
});

test("the fixture's context is that of cast", () => {
  // scripts/fixtures.sh computed it with cast.
  const { context } = JSON.parse(made("input.json").toString());
  const consumer = cast("compute-address", account(0).address, "--nonce", "4").replace(/^.*0x/, "0x") as Hex;
  const use = { chainId: 31337, consumer, caller: account(1).address, nonce: 1n, deadline: 4_102_444_800n };
  assert.deepEqual(contextIntegers(contextHash(use)), context);
});

test("a context is taken out and put back", () => {
  const { context, instances } = uses[0];
  const words: bigint[] = instances.map(BigInt);
  const rest = words.filter((_, i) => i < slot.firstWord || i >= slot.firstWord + slot.wordCount);
  assert.deepEqual(insertContext(slot, context, rest), words);
  assert.throws(() => insertContext(slot, context, []), FormatError);
  assert.ok(!carriesContext(slot, context, words.slice(0, slot.firstWord + 1)));
  assert.throws(() => contextWords(slot, "0x12"), FormatError);
});

test("a plain word holds all but the hash's last byte", () => {
  const word: Schema = {
    ...schema,
    inputs: schema.inputs.slice(0, 1),
    contextKind: ContextKind.Word,
    contextTensor: 0,
  };
  const at = contextSlot(word) as ContextSlot;
  const hash: Hex = uses[0].context;
  assert.deepEqual(at, { firstWord: 3, wordCount: 1, lanes: 0, bytes: 31 });
  assert.deepEqual(contextWords(at, hash), [BigInt(hash) >> 8n]);
  const [x0, x1, y] = [uses[0].instances[0], uses[0].instances[1], uses[0].instances.at(-1)].map(BigInt) as [
    bigint,
    bigint,
    bigint,
  ];
  const words = insertContext(at, hash, [x0, x1, y]);
  assert.equal(decodeInstances(word, words).context, hash.slice(0, -2));
  assert.equal(decodeInstances(word, [x0, x1, y, 1n << 248n]).context, undefined);
});

test("there may be no context, or no bytes where it should be", () => {
  const none: Schema = { ...schema, contextKind: ContextKind.None, contextTensor: 0 };
  assert.equal(contextSlot(none), undefined);
  assert.throws(() => contextSlot({ ...schema, contextTensor: 9 }), FormatError);
  const words: bigint[] = uses[0].instances.map(BigInt);
  assert.equal(decodeInstances(none, words).context, undefined);
  words[slot.firstWord] = (words[slot.firstWord] as bigint) | 0x100n;
  assert.equal(decodeInstances(schema, words).context, undefined);
});

test("a nullifier is the hash of model and words", () => {
  const model: Hex = `0x${"12".repeat(32)}`;
  const words: bigint[] = uses[0].instances.map(BigInt);
  const encoded = cast("abi-encode", "f(bytes32,uint256[])", model, `[${words.join(",")}]`);
  assert.equal(nullifierOf(model, words), cast("keccak", encoded));
});
