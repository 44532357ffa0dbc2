/** What the tests share: files, tools, a chain, and ways to damage a document. */
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { createTestClient, createWalletClient, custom, http, publicActions, type Abi, type Hex } from "viem";
import { mnemonicToAccount } from "viem/accounts";
import { anvil as chain } from "viem/chains";
import { FormatError } from "../src/index.js";

/** A path relative to the package. */
export const at = (path: string) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
/** A file that the command line made: `scripts/fixtures.sh`. */
export const made = (name: string) => readFileSync(at(`test/fixtures/${name}`));
/** A fixture that the Foundry tests read, too. */
export const shared = (name: string) => JSON.parse(readFileSync(at(`../test/fixtures/${name}`), "utf8"));

/** Binary of one of Foundry's tools: npm runs no install scripts here, so it is where the platform's package has it. */
function tool(name: "anvil" | "cast"): string {
  const os = { linux: "linux", darwin: "darwin" }[process.platform as string];
  const cpu = { x64: "amd64", arm64: "arm64" }[process.arch as string];
  return at(`node_modules/@foundry-rs/${name}-${os}-${cpu}/bin/${name}`);
}

/** What `cast` prints. */
export function cast(...args: string[]): string {
  return execFileSync(tool("cast"), args, { encoding: "utf8" }).trim();
}

/** A contract that `forge build` made. */
export function artifact(name: string, file = name): { abi: Abi; bytecode: Hex } {
  const path = at(`../out/${file}.sol/${name}.json`);
  const { abi, bytecode } = JSON.parse(readFileSync(path, "utf8"));
  return { abi, bytecode: bytecode.object };
}

/** An account of anvil's development mnemonic. */
export const account = (addressIndex: number) =>
  mnemonicToAccount("test test test test test test test test test test test junk", { addressIndex });

/** A chain of one's own; stop it when done. */
export async function startChain() {
  const port = await freePort();
  // A block a second besides those of transactions: a block whose receipts come late is not the last one,
  // after which viem would wait for ever.
  const args = ["--silent", "--port", String(port), "--mixed-mining", "--block-time", "1"];
  const node = spawn(tool("anvil"), args, { stdio: "ignore" });
  process.once("exit", () => node.kill());
  const transport = http(`http://127.0.0.1:${port}`);
  const client = createTestClient({ mode: "anvil", chain, transport, pollingInterval: 20 }).extend(publicActions);
  const wallet = (index: number) =>
    createWalletClient({ account: account(index), chain, transport, pollingInterval: 20 });
  /** A wallet whose node's answers are changed on the way. */
  const lying = (index: number, change: (method: string, answer: unknown) => unknown) => {
    const request = async ({ method, params }: { method: string; params: never }) =>
      change(method, await client.request({ method, params } as never));
    return createWalletClient({ account: account(index), chain, transport: custom({ request }), pollingInterval: 20 });
  };
  for (let tries = 0; ; ++tries) {
    try {
      await client.getChainId();
      break;
    } catch (error) {
      if (tries === 20 || node.exitCode !== null) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
  return { client, wallet, lying, stop: () => void node.kill() };
}

/** A chain of one's own. */
export type TestChain = Awaited<ReturnType<typeof startChain>>;

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

/** Things that may stand where something else should. */
const HOSTILE: readonly unknown[] = [
  undefined,
  null,
  true,
  -1,
  0.5,
  1e300,
  2 ** 40,
  "",
  "0x",
  "0xzz",
  "0x0",
  "x".repeat(5000),
  `0x${"ff".repeat(32)}`,
  [],
  [[]],
  {},
  JSON.parse('{"__proto__": 1}'),
];

/** Every place of a document, as keys from the root. */
function* placesIn(value: unknown, keys: string[] = []): Generator<string[]> {
  yield keys;
  if (typeof value !== "object" || value === null) return;
  // Elements of long lists are alike.
  for (const key of Object.keys(value).slice(0, 12))
    yield* placesIn((value as Record<string, unknown>)[key], [...keys, key]);
}

/** A copy with another value in one place; `undefined` removes it. */
export function replaced(value: unknown, keys: readonly (string | number)[], other: unknown): unknown {
  if (keys.length === 0) return other;
  const [key, ...rest] = keys as [string | number, ...(string | number)[]];
  const copy = structuredClone(value) as Record<string | number, unknown>;
  const inner = replaced(copy[key], rest, other);
  if (inner === undefined) delete copy[key];
  else copy[key] = inner;
  return copy;
}

/**
 * Puts every hostile value in every place: the decoder must throw its own error, or accept what is as good
 * as before.
 * @returns How many were refused, and the places where something was accepted.
 */
export function attack(
  document: unknown,
  decode: (value: unknown) => unknown,
): { refused: number; accepted: Set<string> } {
  const accepted = new Set<string>();
  let refused = 0;
  for (const keys of placesIn(document)) {
    for (const value of HOSTILE) {
      const other = replaced(document, keys, value);
      if (JSON.stringify(other) === JSON.stringify(document)) continue;
      try {
        decode(other);
        accepted.add(keys.join("."));
      } catch (error) {
        assert.ok(error instanceof FormatError, `${keys.join(".")}: ${String(error)}`);
        ++refused;
      }
    }
  }
  return { refused, accepted };
}

/** `call` must throw a {@link FormatError} at `path`. */
export function refusesAt(path: string, call: () => unknown): void {
  assert.throws(call, (error) => error instanceof FormatError && error.path === path, `at ${path}`);
}
