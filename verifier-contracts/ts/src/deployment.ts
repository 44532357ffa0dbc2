/** `deployment.json` of `zkml export-verifier`: what deploying a model's verifier takes. */
import { encodeAbiParameters, encodeDeployData, keccak256, type Address, type Hex } from "viem";
import { zkmlVerifierAbi } from "./abi.js";
import { FormatError, ZkmlError } from "./errors.js";
import { BASE_FIELD_MODULUS } from "./field.js";
import { bytes32, type Decoder, Fields, hex, integer, list, parseJson, word, type Text } from "./json.js";
import { MAX_WORDS } from "./schema.js";

/** A verifying key's data contract and the verifier that pins it. Fields are named as in the file. */
export interface Deployment {
  /** Digest of the verifying key. */
  readonly vkDigest: Hex;
  /** Number of public words. */
  readonly numInstances: number;
  /** Code hash of the data contract. */
  readonly vkCodehash: Hex;
  /** Initialisation code of the data contract. */
  readonly vkInitCode: Hex;
  /** `[s]_2` of the structured reference string: x.im, x.re, y.im, y.re. */
  readonly sG2: SrsG2;
  /** The verifier's creation code, without arguments; missing if the profile's does not ship. */
  readonly verifierCreationCode: Hex | undefined;
  /** Predicted gas of a call of `verify`, without base cost and calldata; files of older versions have none. */
  readonly verifyGas: Readonly<Record<Fork, number>> | undefined;
}

/** Gas rules. */
export type Fork = "cancun" | "prague" | "osaka";

/** A point of the second group. */
export type SrsG2 = readonly [bigint, bigint, bigint, bigint];

/** Largest file, bytes. */
export const MAX_DEPLOYMENT_BYTES = 1 << 20;
/** Longest code of a contract (EIP-170). */
export const MAX_CODE = 24_576;
/** Longest initialisation code (EIP-3860). */
export const MAX_INIT_CODE = 2 * MAX_CODE;

// PUSH2 length | DUP1 | PUSH1 10 | PUSH0 | CODECOPY | PUSH0 | RETURN
const INIT = /^0x61([0-9a-f]{4})80600a5f395ff3$/;
const INIT_BYTES = 10;
/** Words of a key that start with its digest and end with the number of public words. */
const HEAD_WORDS = 4;

/**
 * Reads a file, and checks that its parts belong together: the data contract's code has this hash, starts
 * with a zero byte (so it never runs) and holds this digest and this number of words. Fields for people
 * (compiler, settings) are not read.
 * @throws {FormatError}
 */
export function parseDeployment(json: Text): Deployment {
  return decodeDeployment(parseJson(json, MAX_DEPLOYMENT_BYTES));
}

/** {@link parseDeployment} of parsed JSON. */
export function decodeDeployment(value: unknown): Deployment {
  const fields = Fields.of(value, "$");
  const deployment = {
    vkDigest: fields.get("vkDigest", bytes32),
    numInstances: fields.get("numInstances", integer(0, MAX_WORDS)),
    vkCodehash: fields.get("vkCodehash", bytes32),
    vkInitCode: fields.get("vkInitCode", hex(INIT_BYTES + 1 + 32 * HEAD_WORDS, INIT_BYTES + MAX_CODE)),
    sG2: fields.get("sG2", point),
    verifierCreationCode: fields.optional("verifierCreationCode", hex(1, MAX_INIT_CODE)),
    verifyGas: fields.optional("verifyGas", gas),
  };
  checkKey(deployment);
  return deployment;
}

/** Code of the data contract: a zero byte and the key. */
export function vkCode({ vkInitCode }: Pick<Deployment, "vkInitCode">): Hex {
  return `0x${vkInitCode.slice(2 + 2 * INIT_BYTES)}`;
}

/**
 * Creation code of the verifier with its arguments.
 * @param deployment The deployment.
 * @param vk Address of the data contract.
 * @param creationCode Creation code you compiled yourself; needed if the deployment has none.
 */
export function verifierInitCode(deployment: Deployment, vk: Address, creationCode?: Hex): Hex {
  const bytecode = creationCode ?? deployment.verifierCreationCode;
  if (bytecode === undefined) {
    throw new ZkmlError("deployment.json has no verifierCreationCode: compile ZkmlVerifier.sol and pass its code");
  }
  return encodeDeployData({ abi: zkmlVerifierAbi, bytecode, args: [vk, deployment.vkCodehash, deployment.sG2] });
}

/** What a registry identifies a reference string by: keccak-256 of its `[s]_2`. */
export function srsId(sG2: SrsG2): Hex {
  return keccak256(encodeAbiParameters([{ type: "uint256[4]" }], [sG2]));
}

function checkKey(deployment: Deployment): void {
  const code = vkCode(deployment);
  const bytes = code.length / 2 - 1;
  const length = INIT.exec(deployment.vkInitCode.slice(0, 2 + 2 * INIT_BYTES))?.[1];
  if (length === undefined || Number.parseInt(length, 16) !== bytes) {
    throw new FormatError("vkInitCode", "code that deploys the rest of itself", "other code");
  }
  if (!code.startsWith("0x00")) throw new FormatError("vkInitCode", "a data contract starting with 0x00", "another");
  const hash = keccak256(code);
  if (hash !== deployment.vkCodehash) throw new FormatError("vkCodehash", hash, deployment.vkCodehash);
  const wordAt = (index: number): Hex => `0x${code.slice(4 + 64 * index, 4 + 64 * (index + 1))}`;
  if (wordAt(0) !== deployment.vkDigest) throw new FormatError("vkDigest", wordAt(0), deployment.vkDigest);
  const count = BigInt(wordAt(HEAD_WORDS - 1));
  if (count !== BigInt(deployment.numInstances)) {
    throw new FormatError("numInstances", String(count), String(deployment.numInstances));
  }
}

const gas: Decoder<Readonly<Record<Fork, number>>> = (value, path) => {
  const fields = Fields.of(value, path);
  const of = (fork: Fork) => fields.get(fork, integer(1, Number.MAX_SAFE_INTEGER));
  return { cancun: of("cancun"), prague: of("prague"), osaka: of("osaka") };
};

function point(value: unknown, path: string): SrsG2 {
  const [xIm, xRe, yIm, yRe] = list(word(BASE_FIELD_MODULUS), 4)(value, path);
  if (xIm === undefined || xRe === undefined || yIm === undefined || yRe === undefined) {
    throw new FormatError(path, "four words", "fewer");
  }
  if ((xIm | xRe | yIm | yRe) === 0n) throw new FormatError(path, "a point other than the identity", "zeros");
  return [xIm, xRe, yIm, yRe];
}
