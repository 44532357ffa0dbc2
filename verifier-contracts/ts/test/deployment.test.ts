import assert from "node:assert/strict";
import { test } from "node:test";
import { keccak256, type Hex } from "viem";
import {
  BASE_FIELD_MODULUS,
  decodeDeployment,
  parseDeployment,
  srsId,
  verifierInitCode,
  vkCode,
  ZkmlError,
} from "../src/index.js";
import { attack, cast, made, refusesAt, replaced } from "./support.js";

const document = JSON.parse(made("deployment.json").toString());

test("a file of the command line is read", () => {
  const deployment = parseDeployment(made("deployment.json"));
  const { vkDigest, numInstances, vkCodehash, vkInitCode, verifierCreationCode, verifyGas } = document;
  const sG2 = document.sG2.map(BigInt);
  assert.ok(verifyGas.cancun > 300_000);
  assert.deepEqual(deployment, {
    vkDigest,
    numInstances,
    vkCodehash,
    vkInitCode,
    sG2,
    verifierCreationCode,
    verifyGas,
  });
  assert.equal(keccak256(vkCode(deployment)), vkCodehash);
});

test("constructor arguments and reference string are those of cast", () => {
  const deployment = parseDeployment(made("deployment.json"));
  const vk = `0x${"11".repeat(20)}` as const;
  const sG2 = `[${document.sG2.join(",")}]`;
  const args = cast("abi-encode", "f(address,bytes32,uint256[4])", vk, document.vkCodehash, sG2);
  assert.equal(verifierInitCode(deployment, vk), document.verifierCreationCode + args.slice(2));
  assert.equal(verifierInitCode(deployment, vk, "0x1234"), `0x1234${args.slice(2)}`);
  assert.equal(srsId(deployment.sG2), cast("keccak", cast("abi-encode", "f(uint256[4])", sG2)));
});

test("bytecode may be missing, and must be given then", () => {
  const deployment = decodeDeployment(replaced(document, ["verifierCreationCode"], undefined));
  const vk = `0x${"11".repeat(20)}` as const;
  assert.throws(() => verifierInitCode(deployment, vk), ZkmlError);
  assert.ok(verifierInitCode(deployment, vk, "0x1234").startsWith("0x1234"));
});

test("hostile files are refused by an error of ours", () => {
  const { refused, accepted } = attack(document, decodeDeployment);
  assert.ok(refused > 100, String(refused));
  // Fields for people are not read; the code is whatever it is, a prediction binds nothing.
  const free = /^(verifierCreationCode|verifyGas.*|artifactKey|constructor|solc|solcSettings.*|sG2\.\d)$/;
  for (const path of accepted) assert.match(path, free);
});

test("the parts belong together", () => {
  const refuses = (path: string, ...changes: [(string | number)[], unknown][]) =>
    refusesAt(path, () =>
      decodeDeployment(changes.reduce<unknown>((d, [keys, value]) => replaced(d, keys, value), document)),
    );
  const init: Hex = document.vkInitCode;
  const hashOf = (code: string) => keccak256(`0x${code.slice(22)}`);
  const changed = `${init.slice(0, -1)}${init.endsWith("0") ? 1 : 0}`;
  refuses("vkCodehash", [["vkInitCode"], changed]);
  refuses("vkCodehash", [["vkCodehash"], document.vkDigest]);
  // Code that runs: not behind a zero byte.
  const running = `${init.slice(0, 22)}60${init.slice(24)}`;
  refuses("vkInitCode", [["vkInitCode"], running], [["vkCodehash"], hashOf(running)]);
  // Initialisation code that does something else, or leaves something out.
  refuses("vkInitCode", [["vkInitCode"], `${init.slice(0, 8)}81${init.slice(10)}`]);
  refuses("vkInitCode", [["vkInitCode"], `0x610001${init.slice(8)}`]);
  refuses("vkInitCode", [["vkInitCode"], init.slice(0, 200)]);
  refuses("vkDigest", [["vkDigest"], document.vkCodehash]);
  refuses("numInstances", [["numInstances"], document.numInstances + 1]);
  refuses("sG2", [["sG2"], Array(4).fill(`0x${"0".repeat(64)}`)]);
  refuses("verifyGas.osaka", [["verifyGas", "osaka"], -1]);
  refuses("verifyGas.prague", [["verifyGas", "prague"], undefined]);
  refuses("sG2", [["sG2"], document.sG2.slice(1)]);
  refuses("sG2", [["sG2"], [...document.sG2, document.sG2[0]]]);
  refuses("sG2[3]", [["sG2", 3], `0x${BASE_FIELD_MODULUS.toString(16)}`]);
});
