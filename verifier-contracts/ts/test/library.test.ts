/** The codec, schemas and contexts against the Solidity library, on random values. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { keccak256, type Address, type Hex } from "viem";
import { readContract } from "viem/actions";
import {
  carriesContext,
  ContextKind,
  contextHash,
  contextSlot,
  contextWords,
  countWords,
  decodeSchema,
  decodeTensor,
  encodeSchema,
  encodeTensor,
  fieldCodec,
  insertContext,
  nullifierOf,
  schemaStruct,
  ZkmlError,
  type ContextSlot,
  type Schema,
  type Tensor,
} from "../src/index.js";
import { account, artifact, made, startChain, type TestChain } from "./support.js";

const { abi, bytecode } = artifact("Callable");
const document = JSON.parse(made("schema.json").toString()) as Schema;
let chain: TestChain;
let library: Address;

before(async () => {
  chain = await startChain();
  const owner = chain.wallet(0);
  // Any contract will do for a registry.
  const registry = await owner.deployContract({ ...artifact("ModelRegistry"), args: [account(0).address, 86_400n] });
  const at = (await chain.client.waitForTransactionReceipt({ hash: registry })).contractAddress;
  const hash = await owner.deployContract({ abi, bytecode, args: [at] });
  library = (await chain.client.waitForTransactionReceipt({ hash })).contractAddress as Address;
});
after(() => chain.stop());

/** Reproducible random numbers. */
function dice(seed: string) {
  let state = keccak256(`0x${Buffer.from(seed).toString("hex")}`);
  const next = () => BigInt((state = keccak256(state)));
  return { word: next, below: (n: number) => Number(next() % BigInt(n)) };
}

/** What the library returns, or `undefined` if it reverts. */
async function solidity(functionName: string, ...args: unknown[]): Promise<unknown> {
  try {
    return await readContract(chain.client, { address: library, abi, functionName, args });
  } catch {
    return undefined;
  }
}

/** What our function returns, or `undefined` if it throws an error of ours. */
function ours(call: () => unknown): unknown {
  try {
    return call();
  } catch (error) {
    if (error instanceof ZkmlError) return undefined;
    throw error;
  }
}

/** Compares a batch: both say the same, and each says yes to something and no to something. */
async function agree(cases: { call: () => unknown; functionName: string; args: unknown[] }[]): Promise<void> {
  const got = cases.map(({ call }) => ours(call));
  const expected = await Promise.all(cases.map(({ functionName, args }) => solidity(functionName, ...args)));
  assert.deepEqual(got, expected);
  assert.ok(got.some((value) => value === undefined) && got.some((value) => value !== undefined));
}

const bigints = (values: unknown) => (values as number[]).map(BigInt);

test("packings", async () => {
  const { word, below } = dice("packings");
  const cases = Array.from({ length: 200 }, (_, i) => {
    const bits = below(18);
    const mask = i % 4 === 0 ? below(256) : (1 << below(9)) - 1;
    let packed = 0n;
    for (let lane = 0; lane < 8; ++lane) {
      // Mostly at the edges of the range.
      const edge = 2 ** Math.max(bits - 1, 0) - 2 + below(4);
      const digit = 0x8000 + (below(2) === 0 ? edge : -edge);
      if ((mask >> lane) & 1) packed |= BigInt(digit & 0xffff) << BigInt(16 * lane);
    }
    if (below(4) === 0) packed ^= 1n << (word() % 256n);
    return {
      call: () => fieldCodec.isPacking(packed, mask, bits),
      functionName: "isPacking",
      args: [packed, BigInt(mask), BigInt(bits)],
    };
  });
  await agree(cases);
  const yes = cases.filter(({ call }) => ours(call) === true).length;
  assert.ok(yes > 20 && yes < 180, String(yes));
});

test("fixed-point numbers", async () => {
  const { word, below } = dice("numbers");
  const units = [1n, 10n ** 8n, 10n ** 18n, 3n, 10n ** 36n, 0n];
  const to = Array.from({ length: 100 }, () => {
    const [value, scale, unit] = [below(70_000) - 35_000, below(198) - 99, units[below(6)] as bigint];
    return {
      call: () => fieldCodec.toFixed(value, scale, unit),
      functionName: "toFixed",
      args: [BigInt(value), BigInt(scale), unit],
    };
  });
  await agree(to);
  const from = Array.from({ length: 150 }, () => {
    const [scale, unit, bits] = [below(40) - 20, units[below(6)] as bigint, 1 + below(17)];
    const number =
      ((word() % 40_000n) - 20_000n) * (unit === 0n ? 1n : unit >> BigInt(Math.max(scale, 0))) + (word() % 3n);
    const call = () => BigInt(fieldCodec.fromFixed(number, scale, unit, bits));
    return { call, functionName: "fromFixed", args: [number, BigInt(scale), unit, BigInt(bits)] };
  });
  await agree(from);
  const scores = Array.from({ length: 20 }, (_, i) => Array.from({ length: i }, () => below(10) - 5));
  await agree(
    scores.map((s) => ({ call: () => BigInt(fieldCodec.argmax(s)), functionName: "argmax", args: [bigints(s)] })),
  );
});

/** A tensor, its elements in order or anywhere. */
function tensor({ below }: ReturnType<typeof dice>, name: string): Tensor {
  const [elements, lanes, bits] = [1 + below(20), 1 + below(8), 1 + below(16)];
  const words = Math.ceil(elements / lanes) + below(2);
  const places: number[] = Array.from({ length: words * lanes }, (_, d) => (d < elements ? d : 0xffff));
  for (let d = places.length - 1; d > 0; --d) {
    const other = below(d + 1);
    [places[d], places[other]] = [places[other] as number, places[d] as number];
  }
  const hex = places.map((p) => p.toString(16).padStart(4, "0")).join("");
  return {
    name,
    shape: [elements],
    bits,
    scale: below(20) - 10,
    lanes,
    elements,
    places: below(2) === 0 ? "0x" : `0x${hex}`,
  };
}

test("tensors", async () => {
  const random = dice("tensors");
  const cases = Array.from({ length: 60 }, (_, i) => {
    const t = tensor(random, "t");
    const { bits, scale, lanes, elements, places } = t;
    const struct = { bits, scale, lanes, elements, places };
    const half = 2 ** (bits - 1);
    const values = Array.from({ length: elements }, () => random.below(2 * half) - half);
    if (i % 5 === 0) values[0] = half;
    if (i % 7 === 0) values.push(0);
    const words = ours(() => encodeTensor(t, values)) as bigint[] | undefined;
    const shown = words ?? [0n];
    const first = random.below(3);
    const placed = [...Array<bigint>(first).fill(7n), ...shown];
    if (i % 6 === 0) placed[first] = (placed[first] as bigint) ^ (1n << BigInt(random.below(130)));
    if (i % 11 === 0) placed.pop();
    return [
      { call: () => encodeTensor(t, values), functionName: "encode", args: [struct, bigints(values)] },
      {
        call: () => bigints(decodeTensor(t, placed, first)),
        functionName: "decode",
        args: [struct, placed, BigInt(first)],
      },
    ];
  });
  await agree(cases.map(([encode]) => encode as (typeof cases)[0][0]));
  await agree(cases.map(([, decode]) => decode as (typeof cases)[0][0]));
});

test("schemas and contexts", async () => {
  const random = dice("schemas");
  const hash: Hex = contextHash({ chainId: 1, consumer: library, caller: library, nonce: 0n, deadline: 0n });
  for (let i = 0; i < 12; ++i) {
    const kind = i % 3;
    const bytes = {
      ...tensor(random, "context"),
      places: "0x" as const,
      bits: 9 + random.below(8),
      scale: 0,
      elements: 16 + random.below(17),
    };
    const tensors = [tensor(random, "a"), tensor(random, "b"), ...(kind === ContextKind.Bytes ? [bytes] : [])];
    const inputs = tensors.splice(0, random.below(tensors.length));
    const at = [...inputs, ...tensors].findIndex(({ name }) => name === "context");
    const schema = {
      ...document,
      inputs,
      outputs: tensors,
      contextKind: kind,
      contextTensor: Math.max(at, 0),
      abi: "0x",
      ioSchemaHash: hash,
      quantisationHash: hash,
    } as const;
    const struct = schemaStruct(schema);
    assert.equal(await solidity("hash", struct), keccak256(encodeSchema(schema)));
    const count = countWords(schema);
    assert.equal(await solidity("countWords", struct), BigInt(count));
    const slot = contextSlot(schema);
    assert.equal(slot === undefined, kind === ContextKind.None);
    const words = Array.from({ length: count - (slot?.wordCount ?? 0) }, random.word);
    const all = slot === undefined ? words : insertContext(slot, hash, words);
    assert.deepEqual(await solidity("insert", struct, hash, words), all);
    assert.equal(await solidity("carries", struct, hash, all), slot !== undefined && carriesContext(slot, hash, all));
    if (slot === undefined) continue;
    const other = all.map((word, w) => (w === slot.firstWord ? word ^ 1n : word));
    assert.equal(await solidity("carries", struct, hash, other), false);
    assert.equal(carriesContext(slot, hash, other), false);
    assert.deepEqual(
      all.slice(slot.firstWord, slot.firstWord + slot.wordCount),
      contextWords(slot as ContextSlot, hash),
    );
  }
});

test("what is a schema", async () => {
  const random = dice("checks");
  const cases = Array.from({ length: 60 }, () => {
    const tensors = ["a", "b", "c"].slice(0, 1 + random.below(3)).map((name) => ({ ...tensor(random, name) }));
    const t = tensors[0] as Tensor;
    const changes: Partial<Tensor>[] = [
      {},
      { bits: 17 },
      { bits: 0 },
      { lanes: 9, places: "0x" },
      { lanes: 0, places: "0x" },
      { scale: 97 },
      { places: `0x${t.places.slice(2, -4)}0000` },
      { places: t.places === "0x" ? "0x00" : t.places },
      { elements: 32, shape: [32], places: "0x", scale: 0, bits: 9 + random.below(2) },
    ];
    Object.assign(t, changes[random.below(changes.length)]);
    const inputs = tensors.splice(0, random.below(tensors.length + 1));
    const struct = {
      inputs,
      outputs: tensors,
      contextKind: random.below(3),
      contextTensor: random.below(4) === 0 ? 1 : 0,
    };
    const hash = document.quantisationHash;
    const abi = encodeSchema(struct);
    const call = () => {
      decodeSchema({ ...struct, abi, ioSchemaHash: keccak256(abi), quantisationHash: hash });
      return keccak256(abi);
    };
    return { call, functionName: "check", args: [schemaStruct(struct)] };
  });
  await agree(cases);
});

test("contexts of a consumer, and what it remembers", async () => {
  const random = dice("contexts");
  for (let i = 0; i < 5; ++i) {
    const [nonce, deadline, caller] = [random.word(), random.word(), account(i).address];
    const context = contextHash({ chainId: 31337n, consumer: library, caller, nonce, deadline });
    assert.equal(await solidity("contextOf", caller, nonce, deadline), context);
    const words = Array.from({ length: i }, random.word);
    assert.equal(await solidity("nullifierOf", context, words), nullifierOf(context, words));
  }
});
