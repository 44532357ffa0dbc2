/** Calldata of the verifier, in the canonical encoding, which is the only one it accepts. */
import { decodeFunctionData, encodeFunctionData, type Hex } from "viem";
import { zkmlVerifierAbi } from "./abi.js";
import { FormatError, shown } from "./errors.js";
import { FIELD_MODULUS } from "./field.js";
import { hex } from "./json.js";
import { MAX_PROOF_BYTES } from "./proof.js";
import { MAX_WORDS } from "./schema.js";

/** What the verifier's functions take; a {@link Proof} is one. */
export interface VerifyArguments {
  /** The proof. */
  readonly proof: Hex;
  /** The public words. */
  readonly instances: readonly bigint[];
}

/** Functions of the verifier that take a proof. */
export type VerifyFunction = "verify" | "tryVerify" | "accumulate";

/** `args` of a viem call of `verify`, `tryVerify` or `accumulate`. */
export function verifyArgs({ proof, instances }: VerifyArguments): readonly [Hex, readonly bigint[]] {
  return [proof, instances];
}

/** Calldata of `verify(proof, instances)`, or of another function with these parameters. */
export function encodeVerify(call: VerifyArguments, functionName: VerifyFunction = "verify"): Hex {
  return encodeFunctionData({ abi: zkmlVerifierAbi, functionName, args: verifyArgs(call) });
}

/**
 * The arguments in calldata of `verify`. Refuses what the contract refuses: any other encoding of them, a
 * proof that is not whole words, words that are not below the modulus.
 * @throws {FormatError}
 */
export function decodeVerify(calldata: Hex): VerifyArguments {
  // Selector, two heads, two lengths, proof, words.
  const data = hex(4, 4 + 4 * 32 + MAX_PROOF_BYTES + 32 * MAX_WORDS)(calldata, "calldata");
  const { proof, instances } = decoded(data);
  if ((proof.length - 2) % 64 !== 0) throw new FormatError("proof", "whole words of 32 bytes", shown(proof));
  const large = instances.findIndex((word) => word >= FIELD_MODULUS);
  if (large >= 0) throw new FormatError(`instances[${large}]`, "a word below the field's modulus", "another");
  if (encodeVerify({ proof, instances }) !== data) {
    throw new FormatError("calldata", "the canonical encoding of its arguments", "another");
  }
  return { proof, instances };
}

function decoded(data: Hex): VerifyArguments {
  try {
    const call = decodeFunctionData({ abi: zkmlVerifierAbi, data });
    if (call.functionName === "verify") return { proof: call.args[0], instances: call.args[1] };
  } catch {
    // viem's many errors all mean the same here.
  }
  throw new FormatError("calldata", "a call of verify(bytes,uint256[])", shown(data));
}
