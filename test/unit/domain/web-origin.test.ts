import { describe, expect, test } from "vitest";
import { parseConfig } from "../../../src/config.ts";
import { originProblem } from "../../../src/domain/web-origin.ts";

test.each([
  "*",
  "https://example.com",
  "http://localhost:5173",
  "http://127.0.0.1:8080",
  "http://[::1]:3000",
  "https://xn--bcher-kva.example",
  "capacitor://localhost",
  "chrome-extension://abcdefghijklmnop",
])("%s is an origin", (text) => {
  expect(originProblem(text)).toBeUndefined();
});

test.each([
  ["https://example.com/", "write https://example.com"],
  ["https://Example.com", "write https://example.com"],
  ["https://example.com:443", "write https://example.com"],
  ["https://example.com/app", "write https://example.com"],
  ["https://user:secret@example.com", "is not an origin"],
  ["example.com", "is not an origin"],
  ["localhost:3000", "is not an origin"],
  ["null", "is not an origin"],
  ["https://*.example.com", "is a pattern"],
  ["https://", "is not an origin"],
  ["https://a b", "is not an origin"],
])("%s is refused: %s", (text, message) => {
  expect(originProblem(text)).toContain(message);
});

describe("CORS_ORIGINS", () => {
  test.each([
    [undefined, []],
    ["", []],
    [" , ", []],
    ["*", ["*"]],
    [
      " https://a.example ,http://localhost:3000, https://a.example",
      ["https://a.example", "http://localhost:3000"],
    ],
  ])("%j is the list %j", (value, origins) => {
    const vars = value === undefined ? {} : { CORS_ORIGINS: value };
    expect(parseConfig(vars).corsOrigins).toEqual(origins);
  });

  test.each([
    ["https://a.example,b.example", '"b.example" is not an origin'],
    ["*,https://a.example", "no other may be beside it"],
    ["https://a.example/x,https://b.example/", "write https://b.example"],
  ])("%j is refused when the isolate starts", (value, message) => {
    expect(() => parseConfig({ CORS_ORIGINS: value })).toThrow(message);
    expect(() => parseConfig({ CORS_ORIGINS: value })).toThrow("CORS_ORIGINS");
  });
});
