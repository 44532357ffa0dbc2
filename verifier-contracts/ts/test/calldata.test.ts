import assert from "node:assert/strict";
import { test } from "node:test";
import { pad, toHex, type Hex } from "viem";
import {
  decodeVerify,
  encodeVerify,
  FIELD_MODULUS,
  parseProof,
  verifyArgs,
  type VerifyFunction,
} from "../src/index.js";
import { cast, made, refusesAt } from "./support.js";

const proof = parseProof(made("proof.json"));
const calldata = made("calldata.hex").toString().trim() as Hex;
/** Byte offset of the words' length. */
const WORDS = 4 + 3 * 32 + (proof.proof.length / 2 - 1);

/** The calldata with another word at a byte offset. */
function patched(offset: number, value: bigint): Hex {
  const at = 2 + 2 * offset;
  return `0x${calldata.slice(2, at)}${pad(toHex(value), { size: 32 }).slice(2)}${calldata.slice(at + 64)}`;
}

test("calldata is that of Rust", () => {
  assert.equal(encodeVerify(proof), calldata);
  assert.deepEqual(decodeVerify(calldata), { proof: proof.proof, instances: proof.instances });
});

test("calldata is that of cast", () => {
  const list = `[${proof.instances.join(",")}]`;
  for (const name of ["verify", "tryVerify", "accumulate"] satisfies VerifyFunction[]) {
    assert.equal(encodeVerify(proof, name), cast("calldata", `${name}(bytes,uint256[])`, proof.proof, list));
  }
  const back = JSON.parse(cast("decode-calldata", "--json", "verify(bytes,uint256[])", calldata));
  assert.equal(back[0], verifyArgs(proof)[0]);
});

test("only the canonical encoding of a call is decoded", () => {
  refusesAt("calldata", () => decodeVerify("0x"));
  refusesAt("calldata", () => decodeVerify("0x12345678"));
  refusesAt("calldata", () => decodeVerify(encodeVerify(proof, "tryVerify")));
  refusesAt("calldata", () => decodeVerify(calldata.slice(0, -64) as Hex)); // one word short
  refusesAt("calldata", () => decodeVerify(`${calldata}${"00".repeat(32)}`)); // and one too many
  refusesAt("calldata", () => decodeVerify(`${calldata}0`));
  refusesAt("calldata", () => decodeVerify(patched(4, 0x60n))); // another head
  refusesAt("calldata", () => decodeVerify(patched(4 + 32, 0x40n))); // words over the proof
  refusesAt("calldata", () => decodeVerify(patched(4 + 64, 1n << 255n))); // a long proof
  refusesAt("calldata", () => decodeVerify(patched(WORDS, BigInt(proof.instances.length) - 1n)));
  refusesAt("calldata", () => decodeVerify(patched(WORDS, 1n << 64n)));
  refusesAt("instances[0]", () => decodeVerify(patched(WORDS + 32, FIELD_MODULUS)));
  const uneven = encodeVerify({ ...proof, proof: proof.proof.slice(0, -2) as Hex });
  refusesAt("proof", () => decodeVerify(uneven));
});
