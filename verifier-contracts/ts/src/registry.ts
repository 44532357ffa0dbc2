/** Models in a `ModelRegistry`: registering one, and checking one that somebody registered. */
import { encodeAbiParameters, keccak256, parseEventLogs, zeroHash, type Address, type Hex } from "viem";
import { readContract, simulateContract, waitForTransactionReceipt, writeContract } from "viem/actions";
import { modelRegistryAbi } from "./abi.js";
import { checkVerifier, runtimeCode, type Deployed, type Reader, type Sender } from "./deploy.js";
import { srsId, type Deployment } from "./deployment.js";
import { MismatchError, TransactionError } from "./errors.js";
import { schemaStruct, type Schema } from "./schema.js";

/** What a model is identified by: the struct of `IModelRegistry.sol`. */
export interface Commitments {
  /** Code hash of the verifier: profile, generator, address and hash of the key, reference string. */
  readonly verifierCodehash: Hex;
  /** Digest of the verifying key. */
  readonly vkDigest: Hex;
  /** Commitment to the weights, or zero. */
  readonly weightsCommitment: Hex;
  /** Hash of the schema of the public words. */
  readonly ioSchemaHash: Hex;
  /** Digest of the compiled model. */
  readonly quantisationHash: Hex;
  /** keccak-256 of the reference string's `[s]_2`. */
  readonly srsId: Hex;
}

/** The enum `ModelState` of `IModelRegistry.sol`. */
export const ModelState = { None: 0, Active: 1, Deprecated: 2, Revoked: 3 } as const;

/** What registering a model takes. */
export interface Registration {
  /** Its verifier. */
  readonly verifier: Address;
  /** What its public words mean. */
  readonly schema: Schema;
  /** Commitment to the weights, if there is one. */
  readonly weightsCommitment?: Hex;
}

/** A model in a registry. */
export interface RegisteredModel {
  /** Its id. */
  readonly modelId: Hex;
  /** One of {@link ModelState}. */
  readonly state: number;
  /** What the id is the hash of. */
  readonly commitments: Commitments;
  /** Where verifier and key are. */
  readonly deployed: Deployed;
}

const FIELDS = [
  "verifierCodehash",
  "vkDigest",
  "weightsCommitment",
  "ioSchemaHash",
  "quantisationHash",
  "srsId",
] as const;

/** The id of a model: `ModelRegistry.idOf`. */
export function modelIdOf(commitments: Commitments): Hex {
  return keccak256(
    encodeAbiParameters(
      FIELDS.map(() => ({ type: "bytes32" })),
      FIELDS.map((name) => commitments[name]),
    ),
  );
}

/** `args` of a viem call of `register`. */
export function registerArgs({ verifier, schema, weightsCommitment = zeroHash }: Registration) {
  return [verifier, schemaStruct(schema), weightsCommitment, schema.quantisationHash] as const;
}

/**
 * Registers a model, as the registry's owner.
 * @returns Its id.
 * @throws errors of viem when the registry refuses, before anything is sent.
 */
export async function registerModel(client: Sender, registry: Address, registration: Registration): Promise<Hex> {
  const { account, chain = null } = client;
  const call = {
    address: registry,
    abi: modelRegistryAbi,
    functionName: "register",
    args: registerArgs(registration),
  } as const;
  await simulateContract(client, { ...call, account });
  const hash = await writeContract(client, { ...call, account, chain });
  const { status, logs } = await waitForTransactionReceipt(client, { hash });
  const ours = logs.filter((log) => log.address.toLowerCase() === registry.toLowerCase());
  const [event] = parseEventLogs({ abi: modelRegistryAbi, logs: ours, eventName: "ModelRegistered" });
  if (status !== "success" || event === undefined) throw new TransactionError("registering the model", hash);
  return event.args.modelId;
}

/**
 * Checks that a registered model is the one you exported yourself, before you rely on it: its verifier
 * (with {@link checkVerifier}), and each commitment but the one to the weights, which is the publisher's.
 * Look at `state`: it is not judged. The registry is believed, and the node.
 * @throws {MismatchError}
 */
export async function checkModel(
  client: Reader,
  registry: Address,
  modelId: Hex,
  deployment: Deployment,
  schema: Schema,
  creationCode?: Hex,
): Promise<RegisteredModel> {
  const read = { address: registry, abi: modelRegistryAbi, args: [modelId] } as const;
  const model = await readContract(client, { ...read, functionName: "modelOf" });
  if (model.state === ModelState.None) throw new MismatchError("registry", `the model ${modelId}`, "none");
  const commitments: Commitments = await readContract(client, { ...read, functionName: "commitmentsOf" });
  const deployed = await checkVerifier(client, model.verifier, deployment, creationCode);
  const expected = {
    verifierCodehash: keccak256(await runtimeCode(client, deployment, deployed.vk, creationCode)),
    vkDigest: deployment.vkDigest,
    ioSchemaHash: schema.ioSchemaHash,
    quantisationHash: schema.quantisationHash,
    srsId: srsId(deployment.sG2),
  };
  for (const [name, value] of Object.entries(expected)) {
    const got = commitments[name as keyof Commitments];
    if (got !== value) throw new MismatchError(name, value, got);
  }
  const id = modelIdOf(commitments);
  if (id !== modelId.toLowerCase()) throw new MismatchError("model id", id, modelId);
  return { modelId, state: model.state, commitments, deployed };
}
