// Compiles contracts/NAME.sol into artifacts/verifiers.json.
//   node scripts/build.mjs           writes the file
//   node scripts/build.mjs --check   fails if the file is not what would be written
import { readdirSync, readFileSync, writeFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { artifactKey, compiler, compileVerifier, root } from "./compile.mjs";

const generated = join(root, "contracts");
const target = join(root, "artifacts", "verifiers.json");

const verifiers = {};
for (const file of readdirSync(generated).sort()) {
  if (!file.endsWith(".sol") || file === "IZkmlVerifier.sol") continue;
  const name = file.slice(0, -".sol".length);
  const source = readFileSync(join(generated, file), "utf8");
  const started = Date.now();
  const { creation, runtime } = compileVerifier(source);
  verifiers[name] = { key: artifactKey(source), creation };
  const size = (hex) => hex.length / 2;
  console.log(`${name}: runtime ${size(runtime)} bytes, creation ${size(creation)} bytes, ${Date.now() - started} ms`);
  if (size(runtime) > 24576) {
    console.error(`${name}: the runtime code is over the limit of 24576 bytes (EIP-170)`);
    process.exitCode = 1;
  }
}
const text = JSON.stringify({ compiler, verifiers }, null, 1) + "\n";
if (process.argv.includes("--check")) {
  const present = existsSync(target) ? readFileSync(target, "utf8") : "";
  if (present !== text) {
    console.error("artifacts/verifiers.json is stale: run node scripts/build.mjs");
    process.exitCode = 1;
  }
} else {
  writeFileSync(target, text);
}
