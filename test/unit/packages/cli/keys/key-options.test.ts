import { Command } from "commander";
import { describe, expect, test } from "vitest";
import {
  addKeyOptions,
  type KeyOptions,
  toKeyFields,
} from "../../../../../packages/cli/src/keys/key-options.ts";
import { keyFieldsSchema, keyPatchSchema } from "../../../../../src/domain/access/key-schema.ts";

/** The options of a command line, as `keys create` and `keys update` parse them. */
function parse(patched: boolean, ...args: string[]): Record<string, unknown> {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  addKeyOptions(command, patched);
  command.parse(args, { from: "user" });
  return toKeyFields(command.opts<KeyOptions>(), patched);
}

describe("the options of a key", () => {
  test("are the fields that the server takes", () => {
    const fields = parse(
      false,
      ...["--scopes", "predict, models:read", "--models", "digits,iris-*", "--expires", "90d"],
      ...["--owner", "search-team", "--notes", "n", "--concurrency", "4"],
      ...["--requests-per-minute", "60", "--tokens-per-minute", "100"],
      ...["--requests-per-day", "1000", "--tokens-per-day", "2000", "--cpu-ms-per-day", "3000"],
      ...["--body-bytes", "4000", "--tokens", "5", "--batch", "6", "--timeout-ms", "7000"],
    );
    expect(fields).toEqual({
      scopes: ["predict", "models:read"],
      models: ["digits", "iris-*"],
      expiresAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      owner: "search-team",
      notes: "n",
      concurrency: 4,
      rate: { requestsPerMinute: 60, tokensPerMinute: 100 },
      quota: { requestsPerDay: 1000, tokensPerDay: 2000, cpuMsPerDay: 3000 },
      limits: { bodyBytes: 4000, tokens: 5, batch: 6, timeoutMs: 7000 },
    });
    expect(keyFieldsSchema.safeParse({ name: "a", ...fields }).success).toBe(true);
    const days = (Date.parse(String(fields.expiresAt)) - Date.now()) / 86_400_000;
    expect(days).toBeCloseTo(90, 1);
  });

  test("that are left out are left out", () => {
    expect(parse(false)).toEqual({});
  });

  test("remove what a key has by none, where they change one", () => {
    const patch = parse(
      true,
      ...["--models", "none", "--expires", "none", "--owner", "none", "--requests-per-day", "none"],
      ...["--tokens-per-day", "5", "--concurrency", "none"],
    );
    expect(patch).toEqual({
      models: null,
      expiresAt: null,
      owner: null,
      concurrency: null,
      quota: { requestsPerDay: null, tokensPerDay: 5 },
    });
    expect(keyPatchSchema.safeParse(patch).success).toBe(true);
    expect(() => parse(false, "--expires", "none")).toThrow("A time is ISO 8601");
  });

  test.each([
    ["--scopes", "predict,write", `"write" is none of`],
    ["--models", "Digits", "A pattern is a model's name"],
    ["--expires", "2020-01-01", "in the past"],
    ["--requests-per-day", "0", "positive integer"],
    ["--requests-per-day", "1e3", "positive integer"],
  ])("%s %s is refused", (option, value, message) => {
    expect(() => parse(false, option, value)).toThrow(message);
  });
});
