/** Base of everything this package throws by itself. Errors of viem and of the network pass through. */
export class ZkmlError extends Error {
  override name = "ZkmlError";
}

/** A file, or a part of it, is not what it should be. */
export class FormatError extends ZkmlError {
  override name = "FormatError";

  /**
   * @param path Where: `instances[3]`, or `$` for the whole.
   * @param expected What should be there.
   * @param got What is there, shortened.
   */
  constructor(
    readonly path: string,
    readonly expected: string,
    readonly got: string,
  ) {
    super(`${path}: expected ${expected}, got ${got}`);
  }
}

/** Names of the errors of `FieldCodec.sol` and `IoSchema.sol`, for the same reasons. */
export type CodecReason =
  | "NotAPacking"
  | "OutOfRange"
  | "BadWidth"
  | "BadLanes"
  | "TooShort"
  | "BadFixedPoint"
  | "WrongLength"
  | "NoSuchTensor";

/** Values that cannot be packed, or words that are no packing. */
export class CodecError extends ZkmlError {
  override name = "CodecError";

  /**
   * @param reason The contract's name for it.
   * @param message What is wrong.
   */
  constructor(
    readonly reason: CodecReason,
    message: string,
  ) {
    super(`${reason}: ${message}`);
  }
}

/** The file's values are not those of its words, or the proof is about something else. */
export class MismatchError extends ZkmlError {
  override name = "MismatchError";

  /**
   * @param what What differs.
   * @param expected What was asked for.
   * @param got What was found.
   */
  constructor(
    readonly what: string,
    readonly expected: string,
    readonly got: string,
  ) {
    super(`another ${what}: expected ${expected}, got ${got}`);
  }
}

/** A transaction of ours did not do what it was sent for. */
export class TransactionError extends ZkmlError {
  override name = "TransactionError";

  /**
   * @param what What it was sent for.
   * @param hash The transaction.
   */
  constructor(
    readonly what: string,
    readonly hash: `0x${string}`,
  ) {
    super(`${what}: transaction ${hash} failed`);
  }
}

/** Shortens what came from outside for a message. */
export function shown(value: unknown): string {
  const limit = 80;
  if (typeof value === "string") return JSON.stringify(value.length > limit ? `${value.slice(0, limit)}…` : value);
  if (value === null || typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (value === undefined) return "nothing";
  return `a value of type ${typeof value}`;
}
