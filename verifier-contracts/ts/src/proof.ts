/** `proof.json` of `zkml prove`: a proof, its public words, and what they say in plain numbers. */
import type { Hex } from "viem";
import { MAX_SCALE, toReal } from "./codec.js";
import { FormatError, MismatchError } from "./errors.js";
import { FIELD_MODULUS } from "./field.js";
import {
  boolean,
  bytes32,
  Fields,
  finite,
  hex,
  integer,
  list,
  parseJson,
  string,
  word,
  type Decoder,
  type Text,
} from "./json.js";
import { MAX_WORDS, type Schema } from "./schema.js";
import { decodeInstances, type Statement, type Values } from "./statement.js";

/** A proof with its statement. Fields are named as in the file. */
export interface Proof {
  /** Version of the file. */
  readonly schema: 1;
  /** The proof. */
  readonly proof: Hex;
  /** Public words: inputs (if public), then outputs. */
  readonly instances: readonly bigint[];
  /** What the file says the inputs are. Believe {@link openProof} instead. */
  readonly inputs: readonly Values[];
  /** What the file says the outputs are. Believe {@link openProof} instead. */
  readonly outputs: readonly Values[];
  /** Digest of the verifying key. */
  readonly vk_digest: Hex;
  /** Digest of the compiled model. */
  readonly model_digest: Hex;
  /** The structured reference string. */
  readonly srs: {
    /** Its identifier. */
    readonly id: Hex;
    /** Whether anyone can forge proofs: a development SRS. */
    readonly insecure: boolean;
  };
  /** How long things took. */
  readonly timings: {
    /** Seconds. */
    readonly prove_seconds: number;
  };
}

/** Largest file, bytes; zkml's own limit. */
export const MAX_PROOF_FILE_BYTES = 64 << 20;
/** Longest proof, bytes: more than a block's gas can verify. */
export const MAX_PROOF_BYTES = 1 << 20;

/**
 * Reads a file. Each field is checked, and that the file's real values are those of its integers; *not*
 * that the integers are those of the words, which takes the model's schema: {@link openProof}.
 * @throws {FormatError}
 */
export function parseProof(json: Text): Proof {
  return decodeProof(parseJson(json, MAX_PROOF_FILE_BYTES));
}

/** {@link parseProof} of parsed JSON. */
export function decodeProof(value: unknown): Proof {
  const fields = Fields.of(value, "$");
  const version = fields.get("schema", integer(0, 0xffff_ffff));
  if (version !== 1) throw new FormatError("schema", "version 1", String(version));
  const proof: Proof = {
    schema: 1,
    proof: fields.get("proof", proofBytes),
    instances: fields.get("instances", list(word(FIELD_MODULUS), MAX_WORDS)),
    inputs: fields.get("inputs", list(values, MAX_WORDS)),
    outputs: fields.get("outputs", list(values, MAX_WORDS)),
    vk_digest: fields.get("vk_digest", bytes32),
    model_digest: fields.get("model_digest", bytes32),
    srs: fields.get("srs", srs),
    timings: fields.get("timings", timings),
  };
  fields.done();
  return proof;
}

/**
 * What a proof's words say by `schema`, after checking that the file is about the schema's model and that
 * its numbers are those of its words. Whether the proof is *valid* only the contract knows.
 * @throws {MismatchError} when it is about another model, or the file says other values than its words.
 * @throws {CodecError} when the words are no statement of this schema.
 */
export function openProof(proof: Proof, schema: Schema): Statement {
  if (proof.model_digest !== schema.quantisationHash) {
    throw new MismatchError("model", schema.quantisationHash, proof.model_digest);
  }
  const statement = decodeInstances(schema, proof.instances);
  compare(proof.inputs, statement.inputs, "inputs");
  compare(proof.outputs, statement.outputs, "outputs");
  return statement;
}

function compare(said: readonly Values[], meant: readonly Values[], path: string): void {
  const names = (list: readonly Values[]) => list.map((tensor) => JSON.stringify(tensor.name)).join(", ");
  if (said.length !== meant.length) throw new MismatchError(path, names(meant), names(said));
  meant.forEach((tensor, i) => {
    const { name, scale, shape, integers } = said[i] as Values;
    const same = (a: readonly number[], b: readonly number[]) => a.length === b.length && a.every((v, j) => v === b[j]);
    const equal = name === tensor.name && scale === tensor.scale && same(shape, tensor.shape);
    if (!equal || !same(integers, tensor.integers)) {
      throw new MismatchError(
        `${path}[${i}]`,
        `what the words say of ${JSON.stringify(tensor.name)}`,
        "another tensor",
      );
    }
  });
}

const proofBytes: Decoder<Hex> = (value, path) => {
  const proof = hex(32, MAX_PROOF_BYTES)(value, path);
  if ((proof.length - 2) % 64 !== 0)
    throw new FormatError(path, "whole words of 32 bytes", `${proof.length / 2 - 1} bytes`);
  return proof;
};

const values: Decoder<Values> = (value, path) => {
  const fields = Fields.of(value, path);
  // As many elements as digits of public words, at most.
  const limit = 8 * MAX_WORDS;
  const read: Values = {
    name: fields.get("name", string(4096)),
    shape: fields.get("shape", list(integer(1, limit), 64)),
    scale: fields.get("scale", integer(-MAX_SCALE, MAX_SCALE)),
    integers: fields.get("integers", list(integer(-0x8000, 0x7fff), limit)),
    values: fields.get("values", list(finite, limit)),
  };
  fields.done();
  const size = read.shape.reduce((product, n) => product * n, 1);
  if (read.integers.length !== size)
    throw new FormatError(`${path}.integers`, `${size} elements`, String(read.integers.length));
  if (read.values.length !== size)
    throw new FormatError(`${path}.values`, `${size} elements`, String(read.values.length));
  const wrong = read.integers.findIndex((v, i) => read.values[i] !== toReal(v, read.scale));
  if (wrong >= 0) {
    const real = toReal(read.integers[wrong] as number, read.scale);
    throw new FormatError(`${path}.values[${wrong}]`, String(real), String(read.values[wrong]));
  }
  return read;
};

const srs: Decoder<Proof["srs"]> = (value, path) => {
  const fields = Fields.of(value, path);
  const read = { id: fields.get("id", bytes32), insecure: fields.get("insecure", boolean) };
  fields.done();
  return read;
};

const timings: Decoder<Proof["timings"]> = (value, path) => {
  const fields = Fields.of(value, path);
  const read = { prove_seconds: fields.get("prove_seconds", finite) };
  fields.done();
  return read;
};
