import { readFile } from "node:fs/promises";
import type { Address, Hex } from "viem";
import {
  checkModel,
  contextHash,
  contextIntegers,
  deployVerifier,
  fieldCodec,
  ModelState,
  openProof,
  parseDeployment,
  parseProof,
  parseSchema,
  registerModel,
  valuesOf,
  verifyProof,
  type ContextUse,
  type Reader,
  type Sender,
} from "../src/index.js";

/** Publisher: deploys the verifier that `zkml export-verifier -o out` wrote, and registers the model. */
export async function publish(owner: Sender, registry: Address, out: string): Promise<Hex> {
  const deployment = parseDeployment(await readFile(`${out}/deployment.json`));
  const schema = parseSchema(await readFile(`${out}/schema.json`));
  const { verifier } = await deployVerifier(owner, deployment);
  return registerModel(owner, registry, { verifier, schema });
}

/** Prover: the file for `zkml prove --input`, whose proof only `use.caller` can hand in, once, in time. */
export function boundInput(x: readonly number[], use: ContextUse): string {
  return JSON.stringify({ x: [x], context: contextIntegers(contextHash(use)) });
}

/** Anybody: what a proof says, if it is one, of the model that he exported himself to `out`. */
export async function classify(client: Reader, registry: Address, modelId: Hex, out: string, proofFile: string) {
  const deployment = parseDeployment(await readFile(`${out}/deployment.json`));
  const schema = parseSchema(await readFile(`${out}/schema.json`));
  const { state, deployed } = await checkModel(client, registry, modelId, deployment, schema);
  if (state !== ModelState.Active) throw new Error(`the model is in state ${state}`);

  const proof = parseProof(await readFile(proofFile));
  const { inputs, outputs, context } = openProof(proof, schema);
  const verdict = await verifyProof(client, deployed.verifier, proof);
  if (!verdict.valid) throw new Error(`not proven: ${verdict.error}`);
  const scores = valuesOf(outputs, "scores");
  return {
    x: valuesOf(inputs, "x").values,
    scores: scores.values,
    best: fieldCodec.argmax(scores.integers),
    context,
    proof,
  };
}
