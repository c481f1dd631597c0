import { expect, test } from "vitest";
import { toHeaderText } from "../../../src/http/error-message-header.ts";

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
