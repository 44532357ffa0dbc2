// Puts examples/verify.ts into README.md; test/readme.test.ts compares.
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const example = readFileSync(at("../examples/verify.ts"), "utf8").replace('"../src/index.js"', '"@zkml/verifier"');
const readme = readFileSync(at("../README.md"), "utf8");
writeFileSync(
  at("../README.md"),
  readme.replace(/```ts\n.*?```/s, () => `\`\`\`ts\n${example}\`\`\``),
);
