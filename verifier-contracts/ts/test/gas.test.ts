import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeVerify, intrinsicGas, parseDeployment, parseProof, predictVerify, transactionGas } from "../src/index.js";
import { made } from "./support.js";

const measured = JSON.parse(made("evm-verify.json").toString());

test("execution and calldata are what zkml evm-verify measures", () => {
  const calldata = encodeVerify(parseProof(made("proof.json")));
  assert.equal(measured.fork, "Cancun");
  assert.equal(intrinsicGas(calldata), BigInt(measured.gas - measured.execution_gas));
  assert.equal(transactionGas(calldata, BigInt(measured.execution_gas), "cancun"), BigInt(measured.gas));
});

test("gas predicted without a node is within 3 % of what zkml evm-verify measures", () => {
  const deployment = parseDeployment(made("deployment.json"));
  const proof = parseProof(made("proof.json"));
  const predicted = Number(predictVerify(deployment, proof, "cancun"));
  assert.ok(Math.abs(predicted / measured.gas - 1) < 0.03, `${predicted}, measured ${measured.gas}`);
  assert.ok(predictVerify(deployment, proof, "osaka") > predictVerify(deployment, proof, "prague"));
  assert.throws(() => predictVerify({ ...deployment, verifyGas: undefined }, proof, "osaka"), /verifyGas/);
});

test("calldata has a floor since Prague", () => {
  // Ten bytes that are not zero and ten that are: 50 tokens.
  const calldata = `0x${"ff".repeat(10)}${"00".repeat(10)}` as const;
  assert.equal(intrinsicGas(calldata), 21_200n);
  assert.equal(transactionGas(calldata, 100n, "cancun"), 21_300n);
  assert.equal(transactionGas(calldata, 100n, "prague"), 21_500n);
  assert.equal(transactionGas(calldata, 400n, "osaka"), 21_600n);
  assert.equal(intrinsicGas("0x"), 21_000n);
});
