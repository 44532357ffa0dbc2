/** Everything that needs a chain: deployment, verification, registry, consumer, prices. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { getAddress, type Address, type Hex } from "viem";
import { readContract, waitForTransactionReceipt } from "viem/actions";
import { boundInput, classify, publish } from "../examples/verify.js";
import {
  checkModel,
  checkVerifier,
  contextHash,
  decodeDeployment,
  deployVerifier,
  encodeVerify,
  estimateAll,
  estimateVerify,
  FIELD_MODULUS,
  MismatchError,
  modelIdOf,
  ModelState,
  modelRegistryAbi,
  nullifierOf,
  parseDeployment,
  parseProof,
  parseSchema,
  registerModel,
  revertName,
  verifyArgs,
  verifyProof,
  zkmlConsumerAbi,
  zkmlVerifierAbi,
  type Deployed,
  type Schema,
} from "../src/index.js";
import { account, artifact, at, made, shared, startChain, type TestChain } from "./support.js";

const deployment = parseDeployment(made("deployment.json"));
const schema = parseSchema(made("schema.json"));
const proof = parseProof(made("proof.json"));

let chain: TestChain;
let registry: Address;
let modelId: Hex;
let deployed: Deployed;

/** Sends creation code and says where the contract is. */
async function create(name: string, args: readonly unknown[], file = name): Promise<Address> {
  const owner = chain.wallet(0);
  const hash = await owner.deployContract({ ...artifact(name, file), args: [...args] });
  const { contractAddress } = await waitForTransactionReceipt(owner, { hash });
  return contractAddress as Address;
}

/** The name of the contract error that `call` fails with. */
async function reverted(call: Promise<unknown>): Promise<string | undefined> {
  try {
    await call;
  } catch (error) {
    return revertName(error);
  }
  return "nothing";
}

// Transactions 0 to 4 of the owner: the fixture's proof is bound to the fifth one's contract.
before(async () => {
  chain = await startChain();
  registry = await create("ModelRegistry", [account(0).address, 86_400n]);
  modelId = await publish(chain.wallet(0), registry, at("test/fixtures"));
  deployed = (await checkModel(chain.client, registry, modelId, deployment, schema)).deployed;
});
after(() => chain.stop());

test("the worked example, from a model to a consumer", async () => {
  const consumer = await create("Callable", [registry]);
  const use = { chainId: 31337, consumer, caller: account(1).address, nonce: 1n, deadline: 4_102_444_800n };
  const input = JSON.parse(made("input.json").toString());
  assert.deepEqual(JSON.parse(boundInput(input.x[0], use)), input);

  const said = JSON.parse(made("proof.json").toString());
  const seen = await classify(chain.client, registry, modelId, at("test/fixtures"), at("test/fixtures/proof.json"));
  assert.deepEqual(seen.x, said.inputs[0].values);
  assert.deepEqual(seen.scores, said.outputs[0].values);
  assert.equal(seen.best, said.outputs[0].values.indexOf(Math.max(...said.outputs[0].values)));
  assert.equal(seen.context, contextHash(use));
  assert.equal(
    await readContract(chain.client, {
      address: consumer,
      abi: zkmlConsumerAbi,
      functionName: "contextOf",
      args: [use.caller, use.nonce, use.deadline],
    }),
    contextHash(use),
  );

  const { abi } = artifact("Callable");
  const call = { address: consumer, abi: [...abi, ...zkmlVerifierAbi], functionName: "consume" } as const;
  const argsWith = (bytes: Hex, nonce: bigint) => [
    modelId,
    ...verifyArgs({ ...seen.proof, proof: bytes }),
    nonce,
    use.deadline,
  ];
  const args = argsWith(proof.proof, use.nonce);
  assert.equal(await reverted(chain.wallet(2).writeContract({ ...call, args })), "WrongContext");
  assert.equal(
    await reverted(chain.wallet(1).writeContract({ ...call, args: argsWith(proof.proof, 2n) })),
    "WrongContext",
  );
  const tampered = argsWith(`${proof.proof.slice(0, -2)}00` as Hex, use.nonce);
  assert.match(String(await reverted(chain.wallet(1).writeContract({ ...call, args: tampered }))), /^Invalid/);
  const hash = await chain.wallet(1).writeContract({ ...call, args });
  assert.equal((await waitForTransactionReceipt(chain.client, { hash })).status, "success");
  const spent = {
    address: consumer,
    abi: zkmlConsumerAbi,
    functionName: "spent",
    args: [nullifierOf(modelId, proof.instances)],
  } as const;
  assert.equal(await readContract(chain.client, spent), true);
  assert.equal(await reverted(chain.wallet(1).writeContract({ ...call, args })), "AlreadySpent");
});

test("the contract's verdict", async () => {
  const verdict = (change: { proof?: Hex; instances?: readonly bigint[] }) =>
    verifyProof(chain.client, deployed.verifier, { ...proof, ...change });
  assert.deepEqual(await verdict({}), { valid: true });
  const [first, second, ...rest] = proof.instances as [bigint, bigint, ...bigint[]];
  const error = (name: string) => ({ valid: false, error: name });
  assert.deepEqual(await verdict({ instances: [second, first, ...rest] }), error("InvalidProof"));
  assert.deepEqual(await verdict({ instances: [first + 1n, second, ...rest] }), error("InvalidProof"));
  assert.deepEqual(await verdict({ instances: [first + FIELD_MODULUS, second, ...rest] }), error("InvalidInstance"));
  assert.deepEqual(await verdict({ instances: [first, ...rest] }), error("BadLength"));
  assert.deepEqual(await verdict({ proof: `${proof.proof}${"00".repeat(32)}` }), error("BadLength"));
  const flip = (at: number) => {
    const digit = (Number.parseInt(proof.proof.charAt(at), 16) ^ 1).toString(16);
    return `${proof.proof.slice(0, at)}${digit}${proof.proof.slice(at + 1)}` as Hex;
  };
  for (let place = 65; place < proof.proof.length; place += 1216) {
    const { valid, ...other } = await verdict({ proof: flip(place) });
    assert.ok(!valid && "error" in other && /^Invalid/.test(other.error as string), String(place));
  }
});

test("an address without code is no verifier", async () => {
  const nobody = getAddress(`0x${"99".repeat(20)}`);
  await assert.rejects(verifyProof(chain.client, nobody, proof));
  await assert.rejects(verifyProof(chain.client, registry, proof));
  await assert.rejects(checkVerifier(chain.client, nobody, deployment), MismatchError);
  await assert.rejects(checkVerifier(chain.client, registry, deployment));
});

test("a data contract can be there already, and must be the right one", async () => {
  const owner = chain.wallet(3);
  const again = await deployVerifier(owner, deployment, { vk: deployed.vk });
  assert.equal(again.vk, deployed.vk);
  assert.notEqual(again.verifier, deployed.verifier);
  await assert.rejects(deployVerifier(owner, deployment, { vk: registry }), MismatchError);
  await assert.rejects(deployVerifier(owner, deployment, { creationCode: "0xfe" }));
});

test("what is shipped now works, too, and one model's verifier is not another's", async () => {
  const classifier = shared("classifier.json");
  const { verifiers } = JSON.parse(readFileSync(at("../artifacts/verifiers.json"), "utf8"));
  const verifierCreationCode = `0x${verifiers["w4-r4-g16-t1"].creation}`;
  const numInstances = classifier.uses[0].instances.length;
  const other = decodeDeployment({ ...classifier, numInstances, verifierCreationCode });
  const { verifier } = await deployVerifier(chain.wallet(3), other);
  for (const { proof, instances } of classifier.uses) {
    assert.deepEqual(await verifyProof(chain.client, verifier, { proof, instances: instances.map(BigInt) }), {
      valid: true,
    });
  }
  await assert.rejects(checkVerifier(chain.client, verifier, deployment), MismatchError);
  await assert.rejects(checkVerifier(chain.client, deployed.verifier, other), MismatchError);
  await assert.rejects(checkModel(chain.client, registry, modelId, other, schema), MismatchError);
});

test("a contract that only says it is the verifier is found out", async () => {
  const mock = await create("MockVerifier", [deployment.vkDigest, BigInt(deployment.numInstances)]);
  await assert.rejects(checkVerifier(chain.client, mock, deployment));
  // The true getters, and other code behind them.
  const code = (await chain.client.getCode({ address: deployed.verifier })) as Hex;
  const liar = getAddress(`0x${"77".repeat(20)}`);
  await chain.client.setCode({ address: liar, bytecode: `${code}00` });
  await assert.rejects(
    checkVerifier(chain.client, liar, deployment),
    (e) => e instanceof MismatchError && e.what === "verifier code",
  );
  await chain.client.setCode({ address: liar, bytecode: code });
  assert.equal((await checkVerifier(chain.client, liar, deployment)).verifier, liar);
});

test("a registry binds verifier and schema", async () => {
  const { state, commitments } = await checkModel(chain.client, registry, modelId, deployment, schema);
  assert.equal(state, ModelState.Active);
  assert.equal(commitments.ioSchemaHash, schema.ioSchemaHash);
  assert.equal(modelIdOf(commitments), modelId);
  const id = await readContract(chain.client, {
    address: registry,
    abi: modelRegistryAbi,
    functionName: "idOf",
    args: [commitments],
  });
  assert.equal(id, modelId);

  const { verifier } = deployed;
  const register = (index: number, other: Schema) =>
    registerModel(chain.wallet(index), registry, { verifier, schema: other });
  assert.equal(await reverted(register(0, schema)), "AlreadyRegistered");
  assert.equal(await reverted(register(1, schema)), "NotOwner");
  const fewer = { ...schema, inputs: schema.inputs.slice(1), contextTensor: 0 };
  assert.equal(await reverted(register(0, fewer)), "WordCount");

  await assert.rejects(checkModel(chain.client, registry, deployment.vkDigest, deployment, schema), MismatchError);
  for (const name of ["ioSchemaHash", "quantisationHash"] as const) {
    const other = { ...schema, [name]: deployment.vkDigest };
    await assert.rejects(
      checkModel(chain.client, registry, modelId, deployment, other),
      (e) => e instanceof MismatchError && e.what === name,
    );
  }
});

test("estimates are what transactions cost", async () => {
  const owner = chain.wallet(3);
  const estimate = await estimateAll(chain.client, deployment, proof);
  const within = (name: string, expected: bigint, got: bigint) =>
    assert.ok(expected <= got && got < expected + expected / 50n, `${name}: ${expected} used, ${got} estimated`);
  const used = async (transaction: { to?: Address; data: Hex }) => {
    const hash = await owner.sendTransaction(transaction);
    return (await waitForTransactionReceipt(chain.client, { hash })).gasUsed;
  };
  within("key", await used({ data: deployment.vkInitCode }), estimate.deployVk);
  const verify = await used({ to: deployed.verifier, data: encodeVerify(proof) });
  within("verify", verify, estimate.verify);
  within("verify", verify, await estimateVerify(chain.client, deployed.verifier, proof, owner.account));
  const measured = JSON.parse(made("evm-verify.json").toString());
  const near = (a: bigint, b: number) => assert.ok(Math.abs(Number(a) / b - 1) < 0.02, `${a}, ${b} measured by Rust`);
  near(estimate.deployVk, measured.key_deployment_gas);
  near(estimate.deployVerifier, measured.verifier_deployment_gas);
  near(estimate.verify, measured.gas);
  await assert.rejects(estimateVerify(chain.client, deployed.verifier, { ...proof, instances: [] }));
});
