import { beforeEach, describe, expect, test } from "vitest";
import type { ObjectStore } from "../../../src/domain/object-store.ts";
import type { ModelStore, ModelWriter } from "../../../src/domain/ports.ts";
import { parsePublicKeys } from "../../../src/domain/signature/public-key.ts";
import { createSignatures } from "../../../src/registry/verify-signature.ts";
import { toHex } from "../../../src/shared/hex.ts";
import { sha256 } from "../../../src/shared/sha256.ts";
import { createMemoryObjectStore } from "../../../src/storage/memory-object-store.ts";
import { manifestKey, signatureKey } from "../../../src/storage/model-keys.ts";
import { createModelStore } from "../../../src/storage/model-store.ts";
import { rejectedApiError } from "../../support/errors.ts";
import { readSignatureFixture } from "../../support/signatures.ts";

const { manifestText, files, keys, bundles } = readSignatureFixture();
const ID = { name: "signed", version: "1" };
const SIGNATURES = createSignatures(parsePublicKeys(keys.ed25519.publicPem));
const ENCODER = new TextEncoder();

let objects: ObjectStore;
let store: ModelStore & ModelWriter;

function put(key: string, text: string): Promise<unknown> {
  return objects.put(key, ENCODER.encode(text));
}

async function keyOf(text: string): Promise<string> {
  return signatureKey(ID, toHex(await sha256(text)));
}

beforeEach(async () => {
  objects = createMemoryObjectStore();
  store = createModelStore(objects, { checkManifest: SIGNATURES.checkManifest });
  await put(manifestKey(ID), manifestText);
});

async function refusal(): Promise<string> {
  const { message } = await rejectedApiError("signature_invalid", store.manifest(ID));
  await rejectedApiError("signature_invalid", store.publication(ID));
  return message;
}

describe("a stored version", () => {
  test("is read when it is signed by the key", async () => {
    await store.putSignature(ID, manifestText, bundles.ed25519);
    expect(await store.manifest(ID)).toEqual(JSON.parse(manifestText));
    expect(await store.signature(ID, manifestText)).toEqual(bundles.ed25519);
  });

  test("is refused without a signature", async () => {
    expect(await refusal()).toBe(
      `Model "signed" version 1 is not signed, and with SIGNING_PUBLIC_KEYS only versions are used that the key ${keys.ed25519.hint} has signed. Publish it with "onnxflare push --sign KEY".`,
    );
  });

  test("is refused with a signature of another key", async () => {
    await store.putSignature(ID, manifestText, bundles.p256);
    expect(await refusal()).toBe(
      `The signature of model "signed" version 1 is not valid: it is of the key ${keys.p256.hint}, and those that count are ${keys.ed25519.hint}. Publish the version again, signed: "onnxflare push --sign KEY" does.`,
    );
  });

  test("is refused when its manifest was changed, with the signature of the one before", async () => {
    await store.putSignature(ID, manifestText, bundles.ed25519);
    const changed = manifestText.replace('"version": "1"', '"version": "2"');
    await put(manifestKey(ID), changed);
    // A signature belongs to one manifest.
    expect(await refusal()).toContain("is not signed");
    await put(await keyOf(changed), JSON.stringify(bundles.ed25519));
    expect(await refusal()).toContain('it signs other contents of "manifest.json"');
  });

  test.each([
    ["no JSON", "{"],
    ["no bundle", "[]"],
    ["too large", JSON.stringify(bundles.ed25519).padEnd(1_048_577)],
  ])("is refused with a signature that is %s", async (_, text) => {
    await put(await keyOf(manifestText), text);
    expect(await refusal()).toContain("it is no bundle of model signing");
  });

  test("that does not exist is no failure of its signature", async () => {
    expect(await store.manifest({ ...ID, version: "9" })).toBeUndefined();
  });

  test("whose signature cannot be read is a failure of storage", async () => {
    const failing = createModelStore(
      {
        ...objects,
        get: async (key) => {
          if (key.includes("/signatures/")) throw new Error("no connection");
          return objects.get(key);
        },
      },
      { checkManifest: SIGNATURES.checkManifest },
    );
    await rejectedApiError("storage_failed", failing.manifest(ID));
  });

  test("is read whether it is signed or not when there are no keys", async () => {
    const { checkManifest } = createSignatures([]);
    expect(checkManifest).toBeUndefined();
    store = createModelStore(objects, { checkManifest });
    expect(await store.manifest(ID)).toEqual(JSON.parse(manifestText));
  });
});

describe("a version is published", () => {
  const version = { id: ID, manifestText, files };

  test("when it is signed by the key", async () => {
    await expect(SIGNATURES.assertPublishable(version, bundles.ed25519)).resolves.toBeUndefined();
  });

  test("signed by nobody only without keys", async () => {
    await rejectedApiError("invalid_signature", SIGNATURES.assertPublishable(version, undefined));
    await rejectedApiError("invalid_signature", SIGNATURES.refuseUnsigned(ID));
    const free = createSignatures([]);
    await free.assertPublishable(version, undefined);
    await free.refuseUnsigned(ID);
  });

  test("not with the signature of another file, manifest or key", async () => {
    const [first] = files;
    const others = [{ path: first?.path ?? "", sha256: "0".repeat(64) }, ...files.slice(1)];
    const attempts = [
      [{ ...version, files: others }, bundles.ed25519],
      [{ ...version, manifestText: `${manifestText} ` }, bundles.ed25519],
      [{ ...version, files: files.slice(1) }, bundles.ed25519],
      [version, bundles.p384],
    ] as const;
    for (const [changed, bundle] of attempts)
      await rejectedApiError("invalid_signature", SIGNATURES.assertPublishable(changed, bundle));
  });

  test("not with what is no bundle, also without keys", async () => {
    const free = createSignatures([]);
    await free.assertPublishable(version, bundles.p384);
    await rejectedApiError("invalid_signature", free.assertPublishable(version, { sig: "" }));
  });
});
