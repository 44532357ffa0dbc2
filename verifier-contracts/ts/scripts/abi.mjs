// Writes src/abi.ts from what `forge build` made of the contracts; test/abi.test.ts compares.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

function abi(path) {
  const file = at(`../../out/${path}.json`);
  if (!existsSync(file)) throw new Error(`${file} is missing: run forge build first`);
  return plain(JSON.parse(readFileSync(file, "utf8")).abi);
}

/** Without `internalType`, which is for Solidity. */
function plain(value) {
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).filter(([key]) => key !== "internalType");
  return Object.fromEntries(entries.map(([key, inner]) => [key, plain(inner)]));
}

// The interface names its parameters; a generated verifier, which finds them in calldata, does not.
const named = abi("IZkmlVerifier.sol/IZkmlVerifier");
const isNamed = ({ type, name }) => named.some((entry) => entry.type === type && entry.name === name);
const others = abi("w4-r4-g16-t1.sol/ZkmlVerifier").filter((entry) => !isNamed(entry));

const contracts = [
  [
    "zkmlVerifierAbi",
    [...others, ...named],
    "`IZkmlVerifier`, and constructor and getters of every generated verifier.",
  ],
  ["modelRegistryAbi", abi("ModelRegistry.sol/ModelRegistry"), "`ModelRegistry`."],
  ["zkmlConsumerAbi", abi("ZkmlConsumer.sol/ZkmlConsumer"), "What every `ZkmlConsumer` has."],
  ["batchVerifierAbi", abi("BatchVerifier.sol/BatchVerifier"), "`BatchVerifier`."],
  [
    "optimisticInferenceAbi",
    abi("OptimisticInference.sol/OptimisticInference"),
    "What every `OptimisticInference` has.",
  ],
];
const parts = contracts.map(([name, entries, text]) => {
  const lines = entries.map((entry) => `  ${JSON.stringify(entry)},\n`);
  return `\n/** ${text} */\nexport const ${name} = [\n${lines.join("")}] as const;\n`;
});
writeFileSync(at("../src/abi.ts"), `// Written by scripts/abi.mjs.\n${parts.join("")}`);
