import { describe, expect, test } from "vitest";
import { createApp } from "../../../src/app.ts";
import { parseConfig } from "../../../src/config.ts";
import { parsePrefix, withoutPrefix } from "../../../src/protocols/prefix.ts";
import { only } from "../../support/test-app.ts";

describe("the prefix of a mounted service", () => {
  test.each([
    ["", ""],
    ["/", ""],
    ["/ai", "/ai"],
    ["/ai/", "/ai"],
    ["/my-app/ai.v1/~x", "/my-app/ai.v1/~x"],
  ])("%j is %j", (given, expected) => {
    expect(parsePrefix(given)).toBe(expected);
  });

  test.each([
    "ai",
    "//ai",
    "/ai//",
    "/a b",
    "/:name",
    "/ai/*",
    "/..",
    "/./ai",
    "/a?b",
    "/ä",
    "https://example.com/ai",
    undefined,
    1,
  ])("%j is refused", (given) => {
    expect(() => parsePrefix(given as string)).toThrow('prefix must be a path such as "/ai"');
  });

  test.each(["/v1", "/models", "/v2/ai", "/admin", "/docs"])(
    "%s is refused, because paths of the service begin with it",
    (prefix) => {
      const services = only({ prefix, config: parseConfig({}) });
      expect(() => createApp(services)).toThrow("must not begin as the service's own paths");
    },
  );

  test.each([
    ["/ai/v2", "/v2"],
    ["/ai", "/"],
    ["/aid/v2", "/aid/v2"],
    ["/v2", "/v2"],
    ["/x/ai/v2", "/x/ai/v2"],
  ])("of %s leaves %s", (path, expected) => {
    expect(withoutPrefix(path, "/ai")).toBe(expected);
    expect(withoutPrefix(path, "")).toBe(path);
  });
});
