// Sends one proof `n` times to a BatchVerifier and prints the gas of the transaction. (As an argument of `cast` the calldata would be too
// long.) Standard input is the calldata of `verify`.
//   node scripts/batch.mjs RPC FROM BATCH SELECTOR VERIFIER N <calldata.hex
import { readFileSync } from "node:fs";

const [rpc, from, batch, selector, verifier, n] = process.argv.slice(2);
const word = (x) => BigInt(x).toString(16).padStart(64, "0");
const call = async (method, ...params) => {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const answer = await fetch(rpc, { method: "POST", headers: { "content-type": "application/json" }, body });
  const { result, error } = await answer.json();
  if (error) throw new Error(`${method}: ${error.message}`);
  return result;
};

// selector, two offsets, then the proof and the words, each behind its length.
const data = readFileSync(0, "utf8").trim().slice(2 + 8 + 128);
const proof = data.slice(0, 64 + 2 * Number(`0x${data.slice(0, 64)}`));
const words = data.slice(proof.length);
const count = Number(n);
const times = (item) => Array(count).fill(item).join("");
const list = (item) => {
  const offsets = Array.from({ length: count }, (_, i) => word(32 * count + (i * item.length) / 2));
  return word(count) + offsets.join("") + times(item);
};
const lists = [word(count) + times(word(verifier)), list(proof), list(words)];
let offset = 32 * lists.length;
const heads = lists.map((text) => {
  const head = word(offset);
  offset += text.length / 2;
  return head;
});
const input = selector + heads.join("") + lists.join("");
const hash = await call("eth_sendTransaction", { from, to: batch, data: input, gas: "0xffffff" });
let receipt = null;
while (receipt === null) receipt = await call("eth_getTransactionReceipt", hash);
if (receipt.status !== "0x1") throw new Error("the batch was refused");
console.log(Number(receipt.gasUsed));
