/** The worked example of the README is `examples/verify.ts`, which `chain.test.ts` runs. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import * as api from "../src/index.js";
import { at } from "./support.js";

const readme = readFileSync(at("README.md"), "utf8");

test("the example in the README is the example that is run", () => {
  const example = readFileSync(at("examples/verify.ts"), "utf8").replace('"../src/index.js"', '"@zkml/verifier"');
  const blocks = [...readme.matchAll(/```ts\n(.*?)```/gs)].map((match) => match[1]);
  assert.deepEqual(blocks, [example]);
});

test("the README names what there is", () => {
  const cells = [...readme.matchAll(/^\| (`.*?) \|/gm)].map((match) => match[1] as string);
  const names = cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map((match) => match[1] as string));
  assert.ok(names.length > 20);
  for (const name of names) assert.ok(Object.hasOwn(api, name), name);
});
