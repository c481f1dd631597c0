import { expect, test } from "vitest";
import { toHeaderText, withoutInputs } from "../../../src/http/error-message-header.ts";

test.each([
  ['Input "x": got 1.', 'Input "x": got 1.'],
  ["a\r\nset-cookie: b\0\x7f", "a\\u000d\\u000aset-cookie: b\\u0000\\u007f"],
  ["Größe \u{1f600}", "Gr\\u00f6\\u00dfe \\ud83d\\ude00"],
  ["x".repeat(501), "x".repeat(500)],
  ["ö".repeat(500), `${"\\u00f6".repeat(84).slice(0, 500)}...`],
])("the message %j is %j in a header", (message, text) => {
  expect(toHeaderText(message)).toBe(text);
  expect(new Headers({ "x-error-message": toHeaderText(message) }).get("x-error-message")).toBe(
    toHeaderText(message),
  );
});

test.each([
  [
    '"sepal" is 5.137482910346, not a text',
    { sepal: 5.137482910346 },
    '"sepal" is ..., not a text',
  ],
  ['got "a \\"private\\" text..."', { a: 'a "private" text of mine' }, 'got "..."'],
  ['valid: "sepal width (cm)"; got "x"', { b: "x" }, 'valid: "sepal width (cm)"; got "..."'],
  ["at most 16384 bytes, in 100 ms", { c: 1 }, "at most 16384 bytes, in 100 ms"],
])("in the header, %j of %j is %j", (message, body, expected) => {
  const bytes = new TextEncoder().encode(JSON.stringify(body));
  expect(withoutInputs(message, bytes)).toBe(expected);
  expect(withoutInputs(message, undefined)).toBe(message);
});

test("in the header, nothing is quoted of a large body", () => {
  const message = 'got "something" instead of 123456';
  expect(withoutInputs(message, new Uint8Array(300_000))).toBe('got "..." instead of ...');
});
