// Verifies a proof by the WebAssembly module of verify_wasm.rs, and makes sure that it rejects the
// same proof with a digit changed.
//
//     node examples/verify_wasm.mjs verify_wasm.wasm model.vk proof.json

import { readFileSync } from "node:fs";

const [module, key, proof] = process.argv.slice(2).map((path) => readFileSync(path));
const { instance } = await WebAssembly.instantiate(module, {});
const { memory, reserve, verify } = instance.exports;

function verdict(proof) {
    const files = Buffer.concat([key, proof]);
    // Memory may have grown: a view of it is made after the last allocation.
    const at = reserve(files.length);
    new Uint8Array(memory.buffer, at, files.length).set(files);
    const begin = performance.now();
    const code = verify(key.length);
    const [ms, mb] = [performance.now() - begin, memory.buffer.byteLength / 1e6];
    console.log(`verdict ${code} in ${ms.toFixed(1)} ms, memory of the module ${mb.toFixed(1)} MB`);
    return code;
}

const document = JSON.parse(proof);
const last = document.proof.at(-1);
document.proof = document.proof.slice(0, -1) + (last === "0" ? "1" : "0");
const verdicts = [verdict(proof), verdict(proof), verdict(Buffer.from(JSON.stringify(document)))];
if (verdicts.join() !== "0,0,1") {
    console.error(`expected to accept twice and to reject the changed proof, got ${verdicts}`);
    process.exit(1);
}
