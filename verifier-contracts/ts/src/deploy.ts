/** Deploys a model's verifier, and checks one that somebody deployed. */
import { keccak256, type Account, type Address, type Chain, type Client, type Hex, type Transport } from "viem";
import { call, getCode, readContract, sendTransaction, waitForTransactionReceipt } from "viem/actions";
import { zkmlVerifierAbi } from "./abi.js";
import { verifierInitCode, vkCode, type Deployment } from "./deployment.js";
import { MismatchError, TransactionError, ZkmlError } from "./errors.js";

/** A client that reads: a public client, or any other. */
export type Reader = Client<Transport, Chain | undefined, Account | undefined>;
/** A client that sends: a wallet client with an account, whose node also answers reads. */
export type Sender = Client<Transport, Chain | undefined, Account>;

/** Where a verifier is. */
export interface Deployed {
  /** The verifying key's data contract. */
  readonly vk: Address;
  /** The verifier. */
  readonly verifier: Address;
}

/** What may differ from the deployment's file. */
export interface DeployOptions {
  /** A data contract of this key that is deployed already; its code is checked. */
  readonly vk?: Address;
  /** Creation code you compiled yourself. */
  readonly creationCode?: Hex;
}

/**
 * Deploys the data contract, then the verifier that pins it, and checks both: {@link checkVerifier}.
 * @throws {TransactionError} when a transaction failed.
 * @throws {MismatchError} when what is deployed is something else.
 */
export async function deployVerifier(
  client: Sender,
  deployment: Deployment,
  options: DeployOptions = {},
): Promise<Deployed> {
  const vk = options.vk ?? (await create(client, "the data contract", deployment.vkInitCode));
  await checkVk(client, vk, deployment);
  const code = verifierInitCode(deployment, vk, options.creationCode);
  const verifier = await create(client, "the verifier", code);
  return checkVerifier(client, verifier, deployment, options.creationCode);
}

/**
 * Checks that a verifier is the one of `deployment`, which you exported yourself: key and its code hash,
 * digest, number of words, reference string, and that its code is what the creation code makes, which the
 * node is asked to run. What the node answers is believed.
 * @param client Any client.
 * @param verifier Its address.
 * @param deployment From your own `zkml export-verifier`.
 * @param creationCode Creation code you compiled yourself, instead of the deployment's.
 * @throws {MismatchError}
 */
export async function checkVerifier(
  client: Reader,
  verifier: Address,
  deployment: Deployment,
  creationCode?: Hex,
): Promise<Deployed> {
  // First of all the code: what it answers means nothing otherwise.
  const code = await codeAt(client, verifier);
  const read = <const N extends "vk" | "vkCodehash" | "vkDigest" | "numInstances" | "srsG2">(functionName: N) =>
    readContract(client, { address: verifier, abi: zkmlVerifierAbi, functionName });
  const vk = (await read("vk")) as Address;
  await checkVk(client, vk, deployment);
  const expected = await runtimeCode(client, deployment, vk, creationCode);
  same("verifier code", keccak256(expected), keccak256(code));
  same("vkCodehash()", deployment.vkCodehash, String(await read("vkCodehash")));
  same("vkDigest()", deployment.vkDigest, String(await read("vkDigest")));
  same("numInstances()", String(deployment.numInstances), String(await read("numInstances")));
  same("srsG2()", deployment.sG2.join(", "), ((await read("srsG2")) as readonly bigint[]).join(", "));
  return { vk, verifier };
}

/** Checks that a contract is the data contract of a key. */
export async function checkVk(client: Reader, vk: Address, deployment: Deployment): Promise<void> {
  same("data contract", deployment.vkCodehash, keccak256(await codeAt(client, vk)));
}

/**
 * The code that a verifier of `deployment` has when its key is at `vk`: the node runs the creation code.
 * @param override Whether to pretend that the data contract is at `vk`.
 */
export async function runtimeCode(
  client: Reader,
  deployment: Deployment,
  vk: Address,
  creationCode?: Hex,
  override = false,
): Promise<Hex> {
  const data = verifierInitCode(deployment, vk, creationCode);
  const stateOverride = override ? { stateOverride: [{ address: vk, code: vkCode(deployment) }] } : {};
  const result = await call(client, { data, ...stateOverride });
  if (result.data === undefined) throw new ZkmlError("the creation code returns nothing");
  return result.data;
}

async function create(client: Sender, what: string, data: Hex): Promise<Address> {
  const { account, chain = null } = client;
  const hash = await sendTransaction(client, { account, chain, data });
  const { status, contractAddress } = await waitForTransactionReceipt(client, { hash });
  if (status !== "success" || !contractAddress) throw new TransactionError(`deploying ${what}`, hash);
  return contractAddress;
}

async function codeAt(client: Reader, address: Address): Promise<Hex> {
  const code = await getCode(client, { address });
  if (code === undefined) throw new MismatchError(`contract at ${address}`, "code", "none");
  return code;
}

function same(what: string, expected: string, got: string): void {
  if (expected.toLowerCase() !== got.toLowerCase()) throw new MismatchError(what, expected, got);
}
