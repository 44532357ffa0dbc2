/** Nodes, registries and contracts that fail or lie. */
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { decodeAbiParameters, encodeAbiParameters, getAddress, size, type Address, type Hex } from "viem";
import { waitForTransactionReceipt } from "viem/actions";
import {
  checkModel,
  deployVerifier,
  MismatchError,
  parseDeployment,
  parseProof,
  parseSchema,
  registerModel,
  TransactionError,
  verifierInitCode,
  verifyProof,
  ZkmlError,
  type Deployed,
  type SrsG2,
} from "../src/index.js";
import { account, artifact, made, startChain, type TestChain } from "./support.js";

const deployment = parseDeployment(made("deployment.json"));
const schema = parseSchema(made("schema.json"));
/** The second group's generator: the reference string of the secret 1. */
const G2: SrsG2 = [
  0x198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c2n,
  0x1800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6edn,
  0x090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975bn,
  0x12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daan,
];

let chain: TestChain;
let registry: Address;
let deployed: Deployed;

before(async () => {
  chain = await startChain();
  const owner = chain.wallet(0);
  const hash = await owner.deployContract({ ...artifact("ModelRegistry"), args: [account(0).address, 86_400n] });
  registry = (await waitForTransactionReceipt(owner, { hash })).contractAddress as Address;
  deployed = await deployVerifier(owner, deployment);
});
after(() => chain.stop());

const mismatch = (what: string) => (error: unknown) => error instanceof MismatchError && error.what === what;

test("a transaction that runs out of gas is an error", async () => {
  // Enough for the calldata, not for what it does; nodes are asked for it in either way.
  const starved = (gas: Hex) =>
    chain.lying(0, (method, answer) => {
      if (method === "eth_estimateGas") return gas;
      if (method !== "eth_fillTransaction") return answer;
      const filled = answer as { tx: object };
      return { ...filled, tx: { ...filled.tx, gas } };
    });
  await assert.rejects(deployVerifier(starved("0x30d40"), deployment), TransactionError);
  await assert.rejects(deployVerifier(starved("0x7a120"), deployment, { vk: deployed.vk }), TransactionError);
  const registration = { verifier: deployed.verifier, schema };
  await assert.rejects(registerModel(starved("0x13880"), registry, registration), TransactionError);
});

test("creation code that brings another reference string along is found out", async () => {
  // The constructor reads the first arguments behind its code; those appended later are not looked at.
  const creationCode = verifierInitCode({ ...deployment, sG2: G2 }, deployed.vk);
  const call = deployVerifier(chain.wallet(0), deployment, { vk: deployed.vk, creationCode });
  await assert.rejects(call, mismatch("srsG2()"));
});

test("what a registry says must fit together", async () => {
  const modelId = await registerModel(chain.wallet(0), registry, { verifier: deployed.verifier, schema });
  await checkModel(chain.wallet(0), registry, modelId, deployment, schema);
  await assert.rejects(
    checkModel(chain.wallet(0), registry, schema.abi.slice(0, 66) as Hex, deployment, schema),
    mismatch("registry"),
  );
  const words = Array.from({ length: 6 }, () => ({ type: "bytes32" as const }));
  const names = ["verifierCodehash", "vkDigest", "model id", "ioSchemaHash", "quantisationHash", "srsId"];
  for (const [index, name] of names.entries()) {
    // Six words are answered by commitmentsOf only; the third is free, but the id is their hash.
    const liar = chain.lying(0, (method, answer) => {
      if (method !== "eth_call" || size(answer as Hex) !== 6 * 32) return answer;
      const commitments = [...decodeAbiParameters(words, answer as Hex)];
      commitments[index] = `0x${"12".repeat(32)}`;
      return encodeAbiParameters(words, commitments);
    });
    await assert.rejects(checkModel(liar, registry, modelId, deployment, schema), mismatch(name), name);
  }
});

test("a contract that says no and yes is no verifier", async () => {
  const liar = getAddress(`0x${"77".repeat(20)}`);
  // Returns one word, zero, whatever it is asked.
  await chain.client.setCode({ address: liar, bytecode: "0x60205ff3" });
  const call = verifyProof(chain.client, liar, parseProof(made("proof.json")));
  await assert.rejects(call, (error) => error instanceof ZkmlError && /no and yes/.test(error.message));
});
