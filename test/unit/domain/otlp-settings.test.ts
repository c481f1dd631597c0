import { expect, test } from "vitest";
import { parseConfig, readSecrets } from "../../../src/config.ts";

test.each([
  ["https://otlp.example.com", "https://otlp.example.com"],
  [" http://127.0.0.1:4318/ ", "http://127.0.0.1:4318"],
  ["https://example.com/api/v2/otlp//", "https://example.com/api/v2/otlp"],
])("OTLP_ENDPOINT %j is %s", (text, endpoint) => {
  expect(parseConfig({ OTLP_ENDPOINT: text }).otlp).toEqual({
    endpoint,
    headers: {},
    serviceName: "onnxflare",
  });
});

test("without OTLP_ENDPOINT nothing is exported", () => {
  for (const vars of [{}, { OTLP_ENDPOINT: " " }, { OTLP_HEADERS: "a=b" }])
    expect(parseConfig(vars).otlp).toBeUndefined();
});

test.each([
  ["otlp.example.com", "must be an http or https URL"],
  ["ftp://example.com", "must be an http or https URL"],
  ["https://user:SECRET@example.com", "must not have a password"],
  ["https://example.com?key=SECRET", "must have no query"],
  ["https://example.com#a", "must have no query"],
])("OTLP_ENDPOINT %j is refused", (text, problem) => {
  expect(() => parseConfig({ OTLP_ENDPOINT: text })).toThrow(problem);
  expect(() => parseConfig({ OTLP_ENDPOINT: text })).not.toThrow("SECRET");
});

test("OTLP_HEADERS are pairs, percent-encoded", () => {
  const { otlp } = parseConfig({
    OTLP_ENDPOINT: "https://example.com",
    OTLP_HEADERS: "Authorization=Basic%20dXNlcjpwYXNz, x-tenant = one=two ,,",
    OTLP_SERVICE_NAME: "predictions",
  });
  expect(otlp).toEqual({
    endpoint: "https://example.com",
    headers: { authorization: "Basic dXNlcjpwYXNz", "x-tenant": "one=two" },
    serviceName: "predictions",
  });
});

test.each([
  "SECRETWITHOUTNAME",
  "=SECRET",
  "a b=SECRET",
  "x=SECRET%0d%0aother: 1",
  "x=SECRET%",
  "x=",
  "x=SECRETé",
])("OTLP_HEADERS %j are refused without what they say", (text) => {
  const parse = () => parseConfig({ OTLP_HEADERS: text });
  expect(parse).toThrow("OTLP_HEADERS");
  expect(parse).not.toThrow("SECRET");
});

test("what is secret in the headers is hidden in events, also where the setting is not valid", () => {
  expect(
    readSecrets({ OTLP_HEADERS: "authorization=Bearer%20abcdefghijklmnop,x-tenant=one" }),
  ).toEqual([
    "Bearer%20abcdefghijklmnop",
    "Bearer%20abcdefghijklmnop",
    "Bearer abcdefghijklmnop",
    "abcdefghijklmnop",
  ]);
  expect(readSecrets({ OTLP_HEADERS: "abcdefghijklmnop" })).toContain("abcdefghijklmnop");
});
