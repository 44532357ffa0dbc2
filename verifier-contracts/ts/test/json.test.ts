import assert from "node:assert/strict";
import { test } from "node:test";
import { boolean, Fields, finite, hex, integer, list, parseJson, string, word } from "../src/json.js";
import { refusesAt } from "./support.js";

test("text is JSON in UTF-8 of bounded length", () => {
  assert.deepEqual(parseJson('{"a": 1}', 8), { a: 1 });
  assert.deepEqual(parseJson(new TextEncoder().encode('"é"'), 8), "é");
  refusesAt("$", () => parseJson('{"a": 1} ', 8));
  refusesAt("$", () => parseJson("{", 8));
  refusesAt("$", () => parseJson("", 8));
  refusesAt("$", () => parseJson("NaN", 8));
  refusesAt("$", () => Fields.of(parseJson("[".repeat(100_000) + "]".repeat(100_000), 1 << 20), "$"));
  refusesAt("$", () => parseJson(Uint8Array.of(0x22, 0xff, 0x22), 8));
  refusesAt("$", () => parseJson(Uint8Array.of(0xef, 0xbb, 0xbf, 0x31), 8));
});

test("a message shows little of what came", () => {
  assert.throws(
    () => boolean("y".repeat(10_000), "x"),
    (e: Error) => e.message.length < 150,
  );
});

test("fields are own properties, and none may be left", () => {
  const fields = Fields.of(JSON.parse('{"__proto__": {"a": 1}, "b": 2}'), "$");
  refusesAt("a", () => fields.get("a", finite));
  assert.equal(fields.get("b", finite), 2);
  refusesAt("$", () => fields.done());
  assert.deepEqual(
    fields.get("__proto__", (value) => value),
    { a: 1 },
  );
  fields.done();
  for (const name of ["toString", "constructor"]) refusesAt(name, () => fields.get(name, (value) => value));
  for (const value of [null, [], "x", 1, undefined]) refusesAt("p", () => Fields.of(value, "p"));
  assert.equal(Fields.of({}, "$").optional("a", finite), undefined);
  refusesAt("p.a", () => Fields.of({ a: null }, "p").optional("a", finite));
});

test("decoders of one value refuse every other kind", () => {
  const refuse = (decode: (value: unknown, path: string) => unknown, ...values: unknown[]) =>
    values.forEach((value) => refusesAt("p", () => decode(value, "p")));
  assert.equal(integer(-2, 2)(-2, "p"), -2);
  assert.equal(integer(-2, 2)(2, "p"), 2);
  assert.ok(Object.is(integer(-2, 2)(-0, "p"), 0));
  refuse(integer(-2, 2), -3, 3, 1.5, Number.NaN, Number.POSITIVE_INFINITY, "1", null, [1], 1n);
  refuse(finite, Number.NaN, Number.POSITIVE_INFINITY, "1", null, [1]);
  refuse(boolean, 0, "true", null);
  assert.equal(string(3)("abc", "p"), "abc");
  refuse(string(3), "abcd", 1, null, ["a"]);
  assert.equal(hex(1, 2)("0xAb", "p"), "0xab");
  refuse(hex(1, 2), "0x", "0xa", "0xabcdef", "ab", "0Xab", "0xag", "0x a", " 0xab", "0xab\n", 0xab, null);
  assert.equal(word(10n)(`0x${"0".repeat(63)}9`, "p"), 9n);
  refuse(word(10n), `0x${"0".repeat(63)}a`, "0x9", 9);
  assert.deepEqual(list(finite, 2)([1, 2], "p"), [1, 2]);
  refuse(list(finite, 2), [1, 2, 3], { length: 1, 0: 1 }, "12", null);
  refusesAt("p[1]", () => list(finite, 2)([1, null], "p"));
});
