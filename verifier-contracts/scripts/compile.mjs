// Compiles generated verifiers with the pinned solc and settings.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const require = createRequire(import.meta.url);
const solc = require("solc");
const jsSha3 = require("js-sha3");

export const root = join(dirname(fileURLToPath(import.meta.url)), "..");
export const settingsText = readFileSync(join(root, "scripts", "settings.json"), "utf8");
export const interfaceText = readFileSync(join(root, "contracts", "IZkmlVerifier.sol"), "utf8");
export const compiler = solc.version();

/** Key of an artifact; `src/artifacts.rs` computes the same. */
export function artifactKey(source) {
  const parts = [settingsText, interfaceText, source];
  return jsSha3.keccak256(parts.map((p) => `${Buffer.byteLength(p)}:${p}`).join(""));
}

/** Creation and runtime bytecode of a generated verifier, in hex. */
export function compileVerifier(source) {
  const input = {
    language: "Solidity",
    sources: {
      "ZkmlVerifier.sol": { content: source },
      "IZkmlVerifier.sol": { content: interfaceText },
    },
    settings: {
      ...JSON.parse(settingsText),
      outputSelection: { "*": { "*": ["evm.bytecode.object", "evm.deployedBytecode.object"] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input)));
  const problems = output.errors ?? [];
  if (problems.length > 0) {
    throw new Error(problems.map((e) => e.formattedMessage).join("\n"));
  }
  const { evm } = output.contracts["ZkmlVerifier.sol"]["ZkmlVerifier"];
  return { creation: evm.bytecode.object, runtime: evm.deployedBytecode.object };
}
