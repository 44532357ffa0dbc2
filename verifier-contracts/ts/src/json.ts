/**
 * Decoders of JSON that somebody else wrote. Each takes a value and the path to it, and returns what the
 * types say or throws {@link FormatError}. They read own properties only and build new objects, so a key
 * such as `__proto__` is a key like others.
 */
import { FormatError, shown } from "./errors.js";

/** Reads one value. */
export type Decoder<T> = (value: unknown, path: string) => T;

/** Text of a file: a string, or its bytes in UTF-8. */
export type Text = string | Uint8Array;

/**
 * Parses text of at most `limit` bytes.
 * @throws {FormatError} when it is longer, or no JSON.
 */
export function parseJson(text: Text, limit: number): unknown {
  // A string has at least as many bytes as characters.
  if (text.length > limit) throw new FormatError("$", `at most ${limit} bytes`, String(text.length));
  try {
    return JSON.parse(
      typeof text === "string" ? text : new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(text),
    );
  } catch (error) {
    throw new FormatError("$", "JSON", error instanceof Error ? shown(error.message) : "none");
  }
}

/** An object, and its fields by {@link Fields.get}. */
export class Fields {
  private readonly seen = new Set<string>();

  private constructor(
    private readonly object: object,
    private readonly path: string,
  ) {}

  /** The value must be an object. */
  static of(value: unknown, path: string): Fields {
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      throw new FormatError(path, "an object", shown(value));
    }
    return new Fields(value, path);
  }

  /** A field that must be there. */
  get<T>(name: string, decoder: Decoder<T>): T {
    this.seen.add(name);
    const path = this.path === "$" ? name : `${this.path}.${name}`;
    if (!Object.hasOwn(this.object, name)) throw new FormatError(path, "a value", "nothing");
    return decoder((this.object as Record<string, unknown>)[name], path);
  }

  /** A field that may be missing. */
  optional<T>(name: string, decoder: Decoder<T>): T | undefined {
    this.seen.add(name);
    return Object.hasOwn(this.object, name) ? this.get(name, decoder) : undefined;
  }

  /** There must be no fields but those asked for. */
  done(): void {
    const other = Object.keys(this.object).find((key) => !this.seen.has(key));
    if (other !== undefined) throw new FormatError(this.path, "no other field", shown(other));
  }
}

/** A list of at most `limit` elements. */
export function list<T>(decoder: Decoder<T>, limit: number): Decoder<readonly T[]> {
  return (value, path) => {
    if (!Array.isArray(value)) throw new FormatError(path, "a list", shown(value));
    if (value.length > limit) throw new FormatError(path, `at most ${limit} elements`, String(value.length));
    return Array.from(value, (element, i) => decoder(element, `${path}[${i}]`));
  };
}

/** A string of at most `limit` characters. */
export function string(limit: number): Decoder<string> {
  return (value, path) => {
    if (typeof value !== "string") throw new FormatError(path, "a string", shown(value));
    if (value.length > limit) throw new FormatError(path, `at most ${limit} characters`, String(value.length));
    return value;
  };
}

/** A whole number from `least` to `most`. */
export function integer(least: number, most: number): Decoder<number> {
  return (value, path) => {
    if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
      throw new FormatError(path, `a whole number from ${least} to ${most}`, shown(value));
    }
    // Not the negative zero.
    return (value as number) + 0;
  };
}

/** A finite number. */
export const finite: Decoder<number> = (value, path) => {
  if (!Number.isFinite(value)) throw new FormatError(path, "a finite number", shown(value));
  return value as number;
};

/** `true` or `false`. */
export const boolean: Decoder<boolean> = (value, path) => {
  if (typeof value !== "boolean") throw new FormatError(path, "true or false", shown(value));
  return value;
};

/** `0x` and two hex digits for each byte, `least` to `most` bytes; in lower case afterwards. */
export function hex(least: number, most: number): Decoder<`0x${string}`> {
  const expected = least === most ? `${least} bytes` : `${least} to ${most} bytes`;
  return (value, path) => {
    const digits = typeof value === "string" && value.startsWith("0x") ? value.slice(2) : "?";
    const bytes = digits.length / 2;
    if (!Number.isInteger(bytes) || bytes < least || bytes > most || /[^0-9a-fA-F]/.test(digits)) {
      throw new FormatError(path, `0x and the hex digits of ${expected}`, shown(value));
    }
    return `0x${digits.toLowerCase()}`;
  };
}

/** A hash. */
export const bytes32 = hex(32, 32);

/** A word below `limit`, in 64 hex digits. */
export function word(limit: bigint): Decoder<bigint> {
  return (value, path) => {
    const number = BigInt(bytes32(value, path));
    if (number >= limit) throw new FormatError(path, "a word below the field's modulus", shown(value));
    return number;
  };
}
