/** `schema.json` of `zkml export-verifier`: what a model's public words mean. */
import { encodeAbiParameters, keccak256, type Hex } from "viem";
import { DIGITS, MAX_BITS, MAX_SCALE, wordsFor } from "./codec.js";
import { FormatError } from "./errors.js";
import { bytes32, Fields, hex, integer, list, parseJson, string, type Decoder, type Text } from "./json.js";

/** One tensor of a statement: the struct `Tensor` of `IoSchema.sol`, with name and shape. */
export interface Tensor {
  /** ONNX name. */
  readonly name: string;
  /** Shape. */
  readonly shape: readonly number[];
  /** Width of its integers. */
  readonly bits: number;
  /** An integer `v` stands for `v * 2^-scale`. */
  readonly scale: number;
  /** Digits of a word in use. */
  readonly lanes: number;
  /** Number of elements. */
  readonly elements: number;
  /** Empty if the elements stand in order; otherwise two bytes for each digit of each word. */
  readonly places: Hex;
}

/** Where a statement holds its context: the enum `ContextKind` of `IoSchema.sol`. */
export const ContextKind = {
  /** Nowhere: proofs cannot be bound. */
  None: 0,
  /** A tensor whose elements are the leading bytes of the context's hash. */
  Bytes: 1,
  /** One word behind all tensors: the hash without its last byte. */
  Word: 2,
} as const;

/** A model's public words: inputs (none when they are private), then outputs. */
export interface Schema {
  /** Public inputs. */
  readonly inputs: readonly Tensor[];
  /** Outputs. */
  readonly outputs: readonly Tensor[];
  /** One of {@link ContextKind}. */
  readonly contextKind: number;
  /** For `ContextKind.Bytes`: the tensor, counted through inputs and outputs. */
  readonly contextTensor: number;
  /** `abi.encode` of the Solidity struct. */
  readonly abi: Hex;
  /** Its hash, which a registry binds. */
  readonly ioSchemaHash: Hex;
  /** Digest of the compiled model. */
  readonly quantisationHash: Hex;
}

/** Largest file, bytes. */
export const MAX_SCHEMA_BYTES = 16 << 20;
/** Most public words that a registry takes. */
export const MAX_WORDS = 0xffff;
/** Bytes of a context. */
export const CONTEXT_BYTES = { least: 16, most: 32 } as const;

const DEAD = 0xffff;
const BYTE_BITS = 9;
const TENSOR = [
  { name: "bits", type: "uint8" },
  { name: "scale", type: "int16" },
  { name: "lanes", type: "uint8" },
  { name: "elements", type: "uint16" },
  { name: "places", type: "bytes" },
] as const;
const SCHEMA = [
  {
    type: "tuple",
    components: [
      { name: "inputs", type: "tuple[]", components: TENSOR },
      { name: "outputs", type: "tuple[]", components: TENSOR },
      { name: "contextKind", type: "uint8" },
      { name: "contextTensor", type: "uint8" },
    ],
  },
] as const;

/**
 * Reads and checks a file, by the rules of `IoSchema.check`, and that its `abi` and `ioSchemaHash` are
 * those of its tensors. Names and shapes are bound by neither: they are as good as the file.
 * @throws {FormatError}
 */
export function parseSchema(json: Text): Schema {
  return decodeSchema(parseJson(json, MAX_SCHEMA_BYTES));
}

/** {@link parseSchema} of parsed JSON. */
export function decodeSchema(value: unknown): Schema {
  const fields = Fields.of(value, "$");
  const tensors = list(tensor, MAX_WORDS);
  const schema = {
    inputs: fields.get("inputs", tensors),
    outputs: fields.get("outputs", tensors),
    contextKind: fields.get("contextKind", integer(ContextKind.None, ContextKind.Word)),
    contextTensor: fields.get("contextTensor", integer(0, 0xff)),
    abi: fields.get("abi", hex(0, MAX_SCHEMA_BYTES)),
    ioSchemaHash: fields.get("ioSchemaHash", bytes32),
    quantisationHash: fields.get("quantisationHash", bytes32),
  };
  distinct(schema.inputs, "inputs");
  distinct(schema.outputs, "outputs");
  if (schema.outputs.length === 0) throw new FormatError("outputs", "at least one tensor", "none");
  checkContext(schema);
  const words = countWords(schema);
  if (words > MAX_WORDS) throw new FormatError("$", `at most ${MAX_WORDS} public words`, String(words));
  const abi = encodeSchema(schema);
  if (schema.abi !== abi) throw new FormatError("abi", "the encoding of these tensors", "another");
  const hash = keccak256(abi);
  if (schema.ioSchemaHash !== hash) throw new FormatError("ioSchemaHash", hash, schema.ioSchemaHash);
  return schema;
}

/** The Solidity struct's fields, as viem takes them for a parameter of type `Schema`. */
export function schemaStruct({ inputs, outputs, contextKind, contextTensor }: StructFields) {
  const struct = ({ bits, scale, lanes, elements, places }: Tensor) => ({ bits, scale, lanes, elements, places });
  return { inputs: inputs.map(struct), outputs: outputs.map(struct), contextKind, contextTensor };
}

/** `abi.encode` of the Solidity struct. */
export function encodeSchema(schema: StructFields): Hex {
  return encodeAbiParameters(SCHEMA, [schemaStruct(schema)]);
}

/** Words of a tensor. */
export function wordsOf(tensor: Tensor): number {
  return wordsFor(placesOf(tensor)?.length ?? tensor.elements, tensor.lanes);
}

/** All public words, the context's included. */
export function countWords(schema: StructFields): number {
  const tensors = [...schema.inputs, ...schema.outputs].reduce((sum, t) => sum + wordsOf(t), 0);
  return tensors + (schema.contextKind === ContextKind.Word ? 1 : 0);
}

/** Element of each digit, `undefined` for dead ones; `undefined` if the elements stand in order. */
export function placesOf({ places }: Tensor): readonly (number | undefined)[] | undefined {
  if (places === "0x") return undefined;
  return Array.from({ length: (places.length - 2) / 4 }, (_, d) => {
    const element = Number.parseInt(places.slice(2 + 4 * d, 6 + 4 * d), 16);
    return element === DEAD ? undefined : element;
  });
}

/** The part of a schema that the contract has. */
export type StructFields = Pick<Schema, "inputs" | "outputs" | "contextKind" | "contextTensor">;

const tensor: Decoder<Tensor> = (value, path) => {
  const fields = Fields.of(value, path);
  const read = {
    name: fields.get("name", string(4096)),
    shape: fields.get("shape", list(integer(1, DEAD - 1), 64)),
    bits: fields.get("bits", integer(1, MAX_BITS)),
    scale: fields.get("scale", integer(-MAX_SCALE, MAX_SCALE)),
    lanes: fields.get("lanes", integer(1, DIGITS)),
    elements: fields.get("elements", integer(1, DEAD - 1)),
    places: fields.get("places", hex(0, 2 * DIGITS * MAX_WORDS)),
  };
  const size = read.shape.reduce((product, n) => product * n, 1);
  if (size !== read.elements) throw new FormatError(`${path}.shape`, `${read.elements} elements`, String(size));
  checkPlaces(read, `${path}.places`);
  return read;
};

/** Each element stands in one digit. */
function checkPlaces(tensor: Tensor, path: string): void {
  if ((tensor.places.length - 2) % (4 * tensor.lanes) !== 0) {
    throw new FormatError(path, `whole words of ${tensor.lanes} digits`, `${(tensor.places.length - 2) / 2} bytes`);
  }
  const places = placesOf(tensor)?.filter((element) => element !== undefined);
  if (places === undefined) return;
  const distinct = new Set(places);
  const beyond = places.some((element) => element >= tensor.elements);
  if (beyond || distinct.size !== places.length || places.length !== tensor.elements) {
    throw new FormatError(path, "each element once", "another list");
  }
}

function distinct(tensors: readonly Tensor[], path: string): void {
  const names = new Set<string>();
  for (const { name } of tensors) {
    if (names.has(name)) throw new FormatError(path, "distinct names", `two tensors ${JSON.stringify(name)}`);
    names.add(name);
  }
}

function checkContext(schema: StructFields): void {
  const path = "contextTensor";
  if (schema.contextKind !== ContextKind.Bytes) {
    if (schema.contextTensor !== 0) throw new FormatError(path, "0", String(schema.contextTensor));
    return;
  }
  const tensor = [...schema.inputs, ...schema.outputs][schema.contextTensor];
  const { least, most } = CONTEXT_BYTES;
  const expected = `a tensor of ${least} to ${most} whole numbers of at least ${BYTE_BITS} bits, in order`;
  if (tensor === undefined) throw new FormatError(path, expected, "none");
  const long = tensor.elements >= least && tensor.elements <= most;
  if (!long || tensor.scale !== 0 || tensor.bits < BYTE_BITS || tensor.places !== "0x") {
    throw new FormatError(path, expected, `tensor ${JSON.stringify(tensor.name)}`);
  }
}
