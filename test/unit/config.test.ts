import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { projectPath } from "../../scripts/project.ts";
import { parseConfig, SETTING_NAMES } from "../../src/config.ts";
import { readSignatureFixture } from "../support/signatures.ts";

test("every setting has its documented default", () => {
  expect(parseConfig({})).toMatchObject({
    maxBodyBytes: 16_777_216,
    catalogTtlSeconds: 8,
    events: { log: true, sampling: { rate: 1, rateByModel: new Map(), slowMs: 1000 } },
  });
});

test.each(SETTING_NAMES)("the setting %s is explained in docs/configuration.md", (name) => {
  const page = readFileSync(projectPath("docs", "configuration.md"), "utf8");
  expect(page).toContain(`\`${name}\``);
});

test("settings are parsed from text, and bindings beside them are ignored", () => {
  const config = parseConfig({
    MODELS: {},
    MAX_BODY_BYTES: "1000",
    CATALOG_TTL_SECONDS: "0.5",
    EVENT_LOG: "off",
    EVENT_SAMPLE_RATE: "0.25",
    EVENT_SAMPLE_RATES: "iris=.1, digits = 1,",
    EVENT_SLOW_MS: "0",
  });
  expect(config).toMatchObject({ maxBodyBytes: 1000, catalogTtlSeconds: 0.5 });
  const rateByModel = new Map([
    ["iris", 0.1],
    ["digits", 1],
  ]);
  expect(config.events).toEqual({ log: false, sampling: { rate: 0.25, rateByModel, slowMs: 0 } });
  expect(config).not.toHaveProperty("MODELS");
});

test.each([
  ["MAX_BODY_BYTES", "0"],
  ["MAX_BODY_BYTES", "1.5"],
  ["MAX_BODY_BYTES", "16 MB"],
  ["MAX_BODY_BYTES", "100000001"],
  ["CATALOG_TTL_SECONDS", "-1"],
  ["CATALOG_TTL_SECONDS", "soon"],
  ["EVENT_LOG", "yes"],
  ["EVENT_SAMPLE_RATE", "1.1"],
  ["EVENT_SAMPLE_RATE", "10 %"],
  ["EVENT_SAMPLE_RATES", "0.1"],
  ["EVENT_SAMPLE_RATES", "iris=2"],
  ["EVENT_SAMPLE_RATES", "iris="],
  ["EVENT_SAMPLE_RATES", "Iris Model=1"],
  ["EVENT_SAMPLE_RATES", "iris=0.1,iris=0.2"],
  ["EVENT_SLOW_MS", "-1"],
])("the setting %s = %j is refused by its name", (name, value) => {
  expect(() => parseConfig({ [name]: value })).toThrow(new RegExp(`\\[vars\\].*at ${name}`, "s"));
});

test("an error lists every invalid setting", () => {
  const wrong = { MAX_BODY_BYTES: "x", EVENT_LOG: "x" };
  expect(() => parseConfig(wrong)).toThrow(/MAX_BODY_BYTES.*EVENT_LOG/s);
});

test("the parsed settings are frozen", () => {
  const config = parseConfig({});
  for (const part of [config, config.cache, config.cache.tiers])
    expect(Object.isFrozen(part)).toBe(true);
});

test.each([
  [undefined, undefined],
  ["", undefined],
  [" \t\n", undefined],
  ["secret", "secret"],
  [" two words\n", "two words"],
])("the admin key %j is %j", (ADMIN_KEY, adminKey) => {
  expect(parseConfig({ ADMIN_KEY })).toMatchObject({ adminKey, maxBodyBytes: 16_777_216 });
});

const KEY = Buffer.alloc(32, 1).toString("base64");

test("keys of the encryption are base64 of 32 bytes", () => {
  expect(parseConfig({}).encryption).toBeUndefined();
  expect(parseConfig({ ENCRYPTION_KEY: " " }).encryption).toBeUndefined();
  expect(parseConfig({ ENCRYPTION_KEY: ` ${KEY}\n` }).encryption).toEqual({
    key: new Uint8Array(32).fill(1),
    oldKeys: [],
  });
  const old = Buffer.alloc(32, 2).toString("base64url");
  expect(parseConfig({ ENCRYPTION_KEY: KEY, ENCRYPTION_KEYS_OLD: `${old}, ${KEY}` })).toMatchObject(
    {
      encryption: { oldKeys: [new Uint8Array(32).fill(2), new Uint8Array(32).fill(1)] },
    },
  );
});

test.each([
  ["ENCRYPTION_KEY", "the secret!", "no base64"],
  ["ENCRYPTION_KEY", "c2VjcmV0", "base64 of 6 bytes"],
  ["ENCRYPTION_KEYS_OLD", `${KEY},c2VjcmV0`, "base64 of 6 bytes"],
  ["ENCRYPTION_KEY", `${KEY},${KEY}`, "one key for writing"],
])("the key %s = %j is refused, and not repeated", (name, value, why) => {
  const parse = () => parseConfig({ [name]: value });
  expect(parse).toThrow(new RegExp(`${why}.*at ${name}`, "s"));
  expect(parse).not.toThrow(value);
});

test("public keys of signatures are PEM or base64", () => {
  expect(parseConfig({}).signingKeys).toEqual([]);
  const { publicPem } = readSignatureFixture().keys.ed25519;
  expect(parseConfig({ SIGNING_PUBLIC_KEYS: publicPem }).signingKeys).toMatchObject([
    { algorithm: "ed25519" },
  ]);
  expect(() => parseConfig({ SIGNING_PUBLIC_KEYS: "key" })).toThrow(
    /a public key is PEM.*at SIGNING_PUBLIC_KEYS/s,
  );
});
