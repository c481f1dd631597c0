import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { checkPrepared } from "../../../../../packages/cli/src/signing/check-prepared.ts";
import {
  generateAdminKey,
  generateEncryptionKey,
  generateSigningKeys,
  writeSecret,
  writeSigningKeys,
} from "../../../../../packages/cli/src/signing/generate-keys.ts";
import {
  readSigningKey,
  signVersion,
} from "../../../../../packages/cli/src/signing/sign-version.ts";
import { parseEncryptionKeys } from "../../../../../src/domain/encryption-key.ts";
import {
  parsePublicKeys,
  SIGNING_ALGORITHMS,
} from "../../../../../src/domain/signature/public-key.ts";
import { toVerifyingKey, verifyBundle } from "../../../../../src/domain/signature/verify-bundle.ts";
import { type BundleJson, readSignatureFixture } from "../../../../support/signatures.ts";

const { manifestText, files, keys, bundles } = readSignatureFixture();
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-keys-"));
});

afterAll(() => rmSync(folder, { recursive: true }));

function payloadOf({ dsseEnvelope }: BundleJson): unknown {
  return JSON.parse(Buffer.from(dsseEnvelope.payload, "base64").toString());
}

describe("a version", () => {
  test.each(SIGNING_ALGORITHMS)("is signed with a key of %s that Python made", async (name) => {
    const file = join(folder, name);
    writeFileSync(file, keys[name].privatePem);
    const key = await readSigningKey(file);
    expect(key.hint).toBe(keys[name].hint);
    const bundle = (await signVersion(manifestText, key)) as BundleJson;
    const verifying = await Promise.all(parsePublicKeys(keys[name].publicPem).map(toVerifyingKey));
    expect(await verifyBundle(bundle, verifying)).toHaveLength(files.length + 1);
  });

  test("is signed with the statement that Python's model_signing makes of its folder", async () => {
    const file = join(folder, "statement");
    writeFileSync(file, keys.p256.privatePem);
    const bundle = (await signVersion(manifestText, await readSigningKey(file))) as BundleJson;
    const expected = payloadOf(bundles.p256) as {
      predicate: { serialization: { ignore_paths: string[] } };
    };
    const { serialization } = expected.predicate;
    // model_signing lists them in any order.
    serialization.ignore_paths.sort();
    expect(payloadOf(bundle)).toEqual(expected);
    expect(bundle.mediaType).toBe(bundles.p256.mediaType);
    expect(bundle.verificationMaterial).toEqual(bundles.p256.verificationMaterial);
  });

  test("is not signed with what is no private key", async () => {
    const file = join(folder, "public");
    writeFileSync(file, keys.p256.publicPem);
    await expect(readSigningKey(file)).rejects.toThrow(`${file} cannot be used as a private key`);
    await expect(readSigningKey(join(folder, "none"))).rejects.toThrow("ENOENT");
  });
});

describe("what a server wants to have signed", () => {
  const id = { name: "signed", version: "1" };
  const digests = files.map(({ sha256 }) => sha256);

  test("is the version that is pushed, and files that it has changed are known", () => {
    expect(checkPrepared(id, manifestText, digests)).toEqual([]);
    expect(checkPrepared(id, manifestText, digests.slice(1))).toEqual([files[0]?.path]);
  });

  test.each([
    ["another model", { ...id, name: "other" }, manifestText],
    ["another version", { ...id, version: "2" }, manifestText],
    ["no files", id, '{"name":"signed","version":"1","files":[]}'],
    ["no manifest", id, "null"],
  ])("is not signed when it is %s", (_, pushed, text) => {
    expect(() => checkPrepared(pushed, text, digests)).toThrow("nothing was signed");
  });
});

describe("generated keys", () => {
  test.each(SIGNING_ALGORITHMS)("of %s sign", async (name) => {
    const pair = await generateSigningKeys(name);
    const file = join(folder, `new-${name}`);
    expect(writeSigningKeys(file, pair)).toEqual({
      privateKeyFile: file,
      publicKeyFile: `${file}.pub`,
    });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const key = await readSigningKey(file);
    const verifying = await Promise.all(
      parsePublicKeys(readFileSync(`${file}.pub`, "utf8")).map(toVerifyingKey),
    );
    expect(verifying.map(({ hint }) => hint)).toEqual([pair.hint]);
    const bundle = await signVersion(manifestText, key);
    expect(await verifyBundle(bundle, verifying)).toHaveLength(files.length + 1);
  });

  test("do not replace others, unless forced", async () => {
    const file = join(folder, "kept");
    const pair = await generateSigningKeys();
    writeSigningKeys(file, pair);
    const other = await generateSigningKeys();
    expect(() => writeSigningKeys(file, other)).toThrow(`${file} exists`);
    expect(readFileSync(file, "utf8")).toBe(pair.privatePem);
    writeSigningKeys(file, other, true);
    expect(readFileSync(file, "utf8")).toBe(other.privatePem);
  });

  test("of the encryption are valid, and different each time", () => {
    const key = generateEncryptionKey();
    expect(parseEncryptionKeys(key)).toHaveLength(1);
    expect(generateEncryptionKey()).not.toBe(key);
    expect(generateAdminKey()).not.toBe(generateAdminKey());
    const file = join(folder, "secret");
    writeSecret(file, key);
    expect(readFileSync(file, "utf8")).toBe(`${key}\n`);
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});
