/** What verifying costs. */
import type { Account, Address, Hex } from "viem";
import { estimateGas } from "viem/actions";
import { encodeVerify, type VerifyArguments } from "./calldata.js";
import { ZkmlError } from "./errors.js";
import { runtimeCode, type Reader } from "./deploy.js";
import { verifierInitCode, vkCode, type Deployment, type Fork } from "./deployment.js";

/** Gas of whole transactions. */
export interface GasEstimate {
  /** Deploying the data contract. */
  readonly deployVk: bigint;
  /** Deploying the verifier. */
  readonly deployVerifier: bigint;
  /** A `verify` transaction. */
  readonly verify: bigint;
}

/** Stand-ins for contracts that are not deployed. */
const VK: Address = "0x7a6b6d6c00000000000000000000000000000001";
const VERIFIER: Address = "0x7a6b6d6c00000000000000000000000000000002";

/**
 * Gas of a transaction before anything runs: base cost and calldata.
 * @param calldata The calldata.
 */
export function intrinsicGas(calldata: Hex): bigint {
  return 21_000n + 4n * tokens(calldata);
}

/**
 * Gas of a transaction: calldata, and at least ten gas a token since Prague (EIP-7623).
 * @param calldata The calldata.
 * @param execution Gas of the execution alone.
 * @param fork The rules.
 */
export function transactionGas(calldata: Hex, execution: bigint, fork: Fork): bigint {
  const gas = intrinsicGas(calldata) + execution;
  const floor = fork === "cancun" ? 0n : 21_000n + 10n * tokens(calldata);
  return gas > floor ? gas : floor;
}

/**
 * What a `verify` transaction will cost, within 3 %, without a node.
 * @param deployment The deployment; of a file written since there is `verifyGas`.
 * @param proof The proof.
 * @param fork The rules.
 */
export function predictVerify(deployment: Deployment, proof: VerifyArguments, fork: Fork): bigint {
  if (deployment.verifyGas === undefined) {
    throw new ZkmlError("deployment.json has no verifyGas: write it again by zkml export-verifier, or ask a node");
  }
  return transactionGas(encodeVerify(proof), BigInt(deployment.verifyGas[fork]), fork);
}

/** Asks the node what a `verify` transaction costs. Rejected proofs have no price: errors of viem. */
export function estimateVerify(
  client: Reader,
  verifier: Address,
  proof: VerifyArguments,
  account?: Account | Address,
): Promise<bigint> {
  return estimateGas(client, { ...(account && { account }), to: verifier, data: encodeVerify(proof) });
}

/**
 * Asks the node what deploying and verifying will cost, before anything is deployed: it pretends that the
 * contracts are there (state override, which not every node has).
 * @param client Any client.
 * @param deployment What would be deployed.
 * @param proof A valid proof.
 * @param creationCode Creation code you compiled yourself.
 */
export async function estimateAll(
  client: Reader,
  deployment: Deployment,
  proof: VerifyArguments,
  creationCode?: Hex,
): Promise<GasEstimate> {
  const runtime = await runtimeCode(client, deployment, VK, creationCode, true);
  const key = { address: VK, code: vkCode(deployment) };
  const stateOverride = [key, { address: VERIFIER, code: runtime }];
  const init = verifierInitCode(deployment, VK, creationCode);
  const [deployVk, deployVerifier, verify] = await Promise.all([
    estimateGas(client, { data: deployment.vkInitCode }),
    estimateGas(client, { data: init, stateOverride: [key] }),
    estimateGas(client, { to: VERIFIER, data: encodeVerify(proof), stateOverride }),
  ]);
  return { deployVk, deployVerifier, verify };
}

function tokens(calldata: Hex): bigint {
  let zeros = 0;
  for (let i = 2; i < calldata.length; i += 2) if (calldata.startsWith("00", i)) ++zeros;
  const bytes = calldata.length / 2 - 1;
  return BigInt(zeros + 4 * (bytes - zeros));
}
