/** Asks a deployed verifier about a proof. */
import { BaseError, ContractFunctionRevertedError, type Address } from "viem";
import { readContract } from "viem/actions";
import { zkmlVerifierAbi } from "./abi.js";
import { verifyArgs, type VerifyArguments } from "./calldata.js";
import type { Reader } from "./deploy.js";
import { ZkmlError } from "./errors.js";

/** What the contract says of a proof; `error` is its custom error's name. */
export type Verdict = { readonly valid: true } | { readonly valid: false; readonly error: string };

/**
 * Whether a deployed verifier accepts a proof, without a transaction.
 *
 * Asks `tryVerify`, which says `true` in so many words: `verify` returns nothing, as does a call of an
 * address without code. Check once with {@link checkVerifier} that the address is a verifier of the model.
 * @throws errors of viem when the node does not answer, or there is no such contract.
 */
export async function verifyProof(client: Reader, verifier: Address, proof: VerifyArguments): Promise<Verdict> {
  const contract = { address: verifier, abi: zkmlVerifierAbi, args: verifyArgs(proof) } as const;
  if (await readContract(client, { ...contract, functionName: "tryVerify" })) return { valid: true };
  try {
    await readContract(client, { ...contract, functionName: "verify" });
  } catch (error) {
    const name = revertName(error);
    if (name === undefined) throw error;
    return { valid: false, error: name };
  }
  throw new ZkmlError(`the contract at ${verifier} says no and yes: too little gas for a call, or no verifier`);
}

/** Name of the custom error that a contract call was reverted with; `undefined` if it failed otherwise. */
export function revertName(error: unknown): string | undefined {
  if (!(error instanceof BaseError)) return undefined;
  const reverted = error.walk((e) => e instanceof ContractFunctionRevertedError);
  return reverted instanceof ContractFunctionRevertedError ? reverted.data?.errorName : undefined;
}
