/** Contexts, which tie a proof to one use, as `ContextSlot.sol` and `ZkmlConsumer.sol` have them. */
import { encodeAbiParameters, hexToBytes, keccak256, toBytes, type Address, type Hex } from "viem";
import { wordsFor, place, MAX_BITS } from "./codec.js";
import { FormatError } from "./errors.js";
import { bytes32 } from "./json.js";
import { ContextKind, countWords, wordsOf, type Schema } from "./schema.js";

/** What a context ties a proof to. */
export interface ContextUse {
  /** The chain. */
  readonly chainId: bigint | number;
  /** The contract that accepts the proof. */
  readonly consumer: Address;
  /** Who hands it in: the sender that the contract sees. */
  readonly caller: Address;
  /** What tells the caller's uses apart; the contract says what it takes. */
  readonly nonce: bigint;
  /** Last second at which it is accepted. */
  readonly deadline: bigint;
}

/** Where a statement holds its context. */
export interface ContextSlot {
  /** Index of the first word. */
  readonly firstWord: number;
  /** Number of words. */
  readonly wordCount: number;
  /** Digits of a word; 0 for one plain word. */
  readonly lanes: number;
  /** Bytes of the hash. */
  readonly bytes: number;
}

const TYPE = "ZkmlContext(uint256 chainId,address consumer,address caller,uint256 nonce,uint256 deadline)";
const TYPEHASH = keccak256(toBytes(TYPE));
/** Bytes of the hash in a plain word. */
const WORD_BYTES = 31;

/** The hash that a proof made for this use must carry: the consumer's `contextOf(caller, nonce, deadline)`. */
export function contextHash({ chainId, consumer, caller, nonce, deadline }: ContextUse): Hex {
  const types = ["bytes32", "uint256", "address", "address", "uint256", "uint256"].map((type) => ({ type }));
  return keccak256(encodeAbiParameters(types, [TYPEHASH, BigInt(chainId), consumer, caller, nonce, deadline]));
}

/**
 * The model's input `context` for a hash: its leading bytes, as `zkml prove --input` takes them.
 * @param hash The hash.
 * @param count Elements of the input.
 */
export function contextIntegers(hash: Hex, count = 32): number[] {
  return [...hexToBytes(bytes32(hash, "context"))].slice(0, count);
}

/** Where a schema's statements hold their context; `undefined` if nowhere. */
export function contextSlot(schema: Schema): ContextSlot | undefined {
  const { contextKind, contextTensor: index } = schema;
  if (contextKind === ContextKind.None) return undefined;
  if (contextKind === ContextKind.Word) {
    return { firstWord: countWords(schema) - 1, wordCount: 1, lanes: 0, bytes: WORD_BYTES };
  }
  const tensors = [...schema.inputs, ...schema.outputs];
  const tensor = tensors[index];
  if (tensor === undefined) throw new FormatError("contextTensor", "a tensor", String(index));
  const firstWord = tensors.slice(0, index).reduce((sum, t) => sum + wordsOf(t), 0);
  const { lanes, elements: bytes } = tensor;
  return { firstWord, wordCount: wordsFor(bytes, lanes), lanes, bytes };
}

/** The words that hold a hash. */
export function contextWords(slot: ContextSlot, hash: Hex): bigint[] {
  const bytes = contextIntegers(hash, slot.bytes);
  if (slot.lanes === 0) return [bytes.reduce((word, byte) => (word << 8n) | BigInt(byte), 0n)];
  const words = new Array<bigint>(slot.wordCount).fill(0n);
  bytes.forEach((byte, i) => {
    const w = Math.floor(i / slot.lanes);
    words[w] = (words[w] as bigint) + place(byte, i % slot.lanes, MAX_BITS);
  });
  return words;
}

/** Whether `instances`, all public words, carry a hash. */
export function carriesContext(slot: ContextSlot, hash: Hex, instances: readonly bigint[]): boolean {
  return contextWords(slot, hash).every((word, i) => instances[slot.firstWord + i] === word);
}

/** All public words: `words` with the hash where it belongs. */
export function insertContext(slot: ContextSlot, hash: Hex, words: readonly bigint[]): bigint[] {
  if (words.length < slot.firstWord) {
    throw new FormatError("words", `at least ${slot.firstWord}`, String(words.length));
  }
  return [...words.slice(0, slot.firstWord), ...contextWords(slot, hash), ...words.slice(slot.firstWord)];
}

/** What a consumer remembers a statement by: `ZkmlConsumer.nullifierOf`. */
export function nullifierOf(modelId: Hex, instances: readonly bigint[]): Hex {
  return keccak256(encodeAbiParameters([{ type: "bytes32" }, { type: "uint256[]" }], [modelId, instances]));
}
