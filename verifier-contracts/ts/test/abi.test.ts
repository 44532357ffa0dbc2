import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { test } from "node:test";
import {
  batchVerifierAbi,
  modelRegistryAbi,
  optimisticInferenceAbi,
  zkmlConsumerAbi,
  zkmlVerifierAbi,
} from "../src/index.js";
import { artifact, at } from "./support.js";

/** What callers depend on: types, not names of parameters, and no state is no state. */
const essence = (key: string, value: unknown) => (key === "stateMutability" && value === "pure" ? "view" : value);
const unnamed = (entry: object) => ({ ...entry, inputs: types(entry, "inputs"), outputs: types(entry, "outputs") });
const types = (entry: object, list: "inputs" | "outputs") =>
  ((entry as Record<string, { type: string }[] | undefined>)[list] ?? []).map(({ type }) => type);
const interfaceOf = (abi: readonly object[]) => abi.map((entry) => JSON.stringify(unnamed(entry), essence)).sort();

/** Everything but `internalType`, which is for Solidity. */
const plain = (abi: readonly unknown[]) =>
  abi.map((entry) => JSON.stringify(entry, (key, value) => (key === "internalType" ? undefined : value))).sort();

test("every generated verifier has the interface checked in", () => {
  const profiles = readdirSync(at("../contracts")).filter((name) => /^w\d.*\.sol$/.test(name));
  assert.ok(profiles.length > 0);
  for (const profile of profiles) {
    const { abi } = artifact("ZkmlVerifier", profile.slice(0, -".sol".length));
    assert.deepEqual(interfaceOf(abi), interfaceOf(zkmlVerifierAbi));
  }
  const ours = new Set(plain(zkmlVerifierAbi));
  for (const entry of plain(artifact("IZkmlVerifier").abi)) assert.ok(ours.has(entry), entry);
});

test("registry, consumers, batches and the optimistic game have the interfaces checked in", () => {
  assert.deepEqual(plain(artifact("ModelRegistry").abi), plain(modelRegistryAbi));
  assert.deepEqual(plain(artifact("ZkmlConsumer").abi), plain(zkmlConsumerAbi));
  assert.deepEqual(plain(artifact("BatchVerifier").abi), plain(batchVerifierAbi));
  assert.deepEqual(plain(artifact("OptimisticInference").abi), plain(optimisticInferenceAbi));
});
