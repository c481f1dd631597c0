import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readModelFile } from "../../../packages/cli/src/local/model-folder.ts";
import {
  readSigningKey,
  type SigningKey,
  signVersion,
} from "../../../packages/cli/src/signing/sign-version.ts";
import type { SigningAlgorithm } from "../../../src/domain/signature/public-key.ts";
import { fileKey, manifestKey, signatureKey } from "../../../src/storage/model-keys.ts";
import {
  type AdministeredService,
  startAdministeredService,
} from "../../support/administration.ts";
import { sha256Of } from "../../support/hosts.ts";
import { findModel } from "../../support/publish.ts";
import type { TestResponse } from "../../support/service.ts";
import { readSignatureFixture } from "../../support/signatures.ts";
import { expectOutputs, readExpected } from "../../support/tensors.ts";

/** A Worker with public keys of two signers, and what it does with versions that they have signed, or not. */

const MODEL = "iris-logistic";
/** Made by Python's cryptography. */
const { keys } = readSignatureFixture();

let service: AdministeredService;
let folder: string;
const signers = new Map<SigningAlgorithm, SigningKey>();

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "onnxflare-signers-"));
  for (const algorithm of ["ed25519", "p256", "p384", "p521"] as const) {
    const file = join(folder, algorithm);
    writeFileSync(file, keys[algorithm].privatePem);
    signers.set(algorithm, await readSigningKey(file));
  }
  const { ed25519, p256, p521 } = keys;
  service = await startAdministeredService({
    vars: { SIGNING_PUBLIC_KEYS: ed25519.publicPem + p256.publicPem + p521.publicPem },
  });
});

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await service?.dispose();
});

interface Version {
  readonly name: string;
  readonly version: string;
  readonly manifestText: string;
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
}

/** Stores a model of `models/` as another version, without a signature. */
async function store(name: string, version = "1"): Promise<Version> {
  const model = findModel(MODEL);
  const manifest = { ...model.manifest, name, version };
  const manifestText = JSON.stringify(manifest);
  for (const { path } of manifest.files)
    await service.bucket.put(fileKey(manifest, path), readModelFile(model, path));
  await service.bucket.put(manifestKey(manifest), manifestText);
  return { name, version, manifestText, files: manifest.files };
}

async function sign(
  version: Pick<Version, "manifestText">,
  algorithm: SigningAlgorithm = "ed25519",
): Promise<object> {
  const key = signers.get(algorithm);
  if (!key) throw new Error(`no key of ${algorithm}`);
  return signVersion(version.manifestText, key);
}

function putSignature(version: Version, signature: unknown): Promise<unknown> {
  const digest = sha256Of(Buffer.from(version.manifestText));
  return service.bucket.put(signatureKey(version, digest), JSON.stringify(signature));
}

function infer({ name, version }: Pick<Version, "name" | "version">): Promise<TestResponse> {
  const { inputs } = readExpected(MODEL);
  return service.post(`/v2/models/${name}/versions/${version}/infer`, { inputs });
}

async function expectRefused(version: Version, why: string): Promise<void> {
  const { inputs } = readExpected(MODEL);
  const { name } = version;
  const responses = [
    await infer(version),
    // The same, however the version is named.
    await service.post(`/v2/models/${name}/infer`, { inputs }),
    await service.post(`/v2/models/${name}@${version.version}/infer`, { inputs }),
    await service.request(`/v2/models/${name}`),
  ];
  for (const response of responses) {
    expect(response).toMatchObject({
      status: 503,
      body: {
        code: "signature_invalid",
        error: expect.stringContaining(why),
        details: { model: name, version: version.version },
      },
    });
    expect(response.body).not.toHaveProperty("outputs");
  }
  expect(await service.request(`/v2/models/${name}/ready`)).toMatchObject({ status: 503 });
}

describe("a version is served when it is signed", () => {
  test.each(["ed25519", "p256", "p521"] as const)("with a listed key of %s", async (algorithm) => {
    const version = await store(`signed-${algorithm}`);
    await putSignature(version, await sign(version, algorithm));
    const response = await infer(version);
    expect(response.status).toBe(200);
    expectOutputs(response.body, readExpected(MODEL));
  });
});

describe("a version is refused when", () => {
  test("it is not signed", async () => {
    const version = await store("unsigned");
    await expectRefused(
      version,
      `Model "unsigned" version 1 is not signed, and with SIGNING_PUBLIC_KEYS only versions are used that the key ${keys.ed25519.hint} or ${keys.p256.hint} or ${keys.p521.hint} has signed. Publish it with "onnxflare push --sign KEY".`,
    );
  });

  test("it is signed with a key that is not listed", async () => {
    const version = await store("other-key");
    await putSignature(version, await sign(version, "p384"));
    await expectRefused(
      version,
      `The signature of model "other-key" version 1 is not valid: it is of the key ${keys.p384.hint}, and those that count are`,
    );
  });

  test("its signature is that of another version, with the same files", async () => {
    const version = await store("other-version");
    const other = await store("other-version", "2");
    await putSignature(version, await sign(other));
    await putSignature(other, await sign(other));
    expect((await infer(other)).status).toBe(200);
    expect(await infer(version)).toMatchObject({
      status: 503,
      body: {
        code: "signature_invalid",
        error: `The signature of model "other-version" version 1 is not valid: it signs other contents of "manifest.json". Publish the version again, signed: "onnxflare push --sign KEY" does.`,
      },
    });
  });

  test("its signature was changed", async () => {
    const version = await store("changed-signature");
    const signature = JSON.stringify(await sign(version));
    const changed = signature.replace(/"sig":"(.)/, (_, first: string) =>
      first === "A" ? '"sig":"B' : '"sig":"A',
    );
    expect(changed).not.toBe(signature);
    await putSignature(version, JSON.parse(changed));
    await expectRefused(
      version,
      `what it signs was changed, or it is not of the key ${keys.ed25519.hint}`,
    );
  });

  test("its signature is no bundle", async () => {
    const version = await store("no-bundle");
    await putSignature(version, { signature: "valid" });
    await expectRefused(version, "it is no bundle of model signing: mediaType: Invalid input");
  });

  test("its manifest was changed, for a file that was not signed", async () => {
    const version = await store("changed-manifest");
    await putSignature(version, await sign(version));
    const manifest = JSON.parse(version.manifestText);
    const other = Buffer.from("another file");
    manifest.files[0].sha256 = sha256Of(other);
    manifest.files[0].sizeBytes = other.byteLength;
    const changed = { ...version, manifestText: JSON.stringify(manifest) };
    await service.bucket.put(fileKey(version, manifest.files[0].path), other);
    await service.bucket.put(manifestKey(version), changed.manifestText);
    // There is none of this manifest; and that of the other one does not sign it.
    await expectRefused(changed, 'Model "changed-manifest" version 1 is not signed');
    await putSignature(changed, await sign(version));
    await expectRefused(changed, 'it signs other contents of "model.onnx", "manifest.json"');
  });
});

test("a signed version whose file was changed is refused by the file's digest", async () => {
  const version = await store("changed-file");
  await putSignature(version, await sign(version));
  const [file] = version.files;
  const changed = Buffer.from(readModelFile(findModel(MODEL), file?.path ?? ""));
  changed[100] = (changed[100] ?? 0) ^ 1;
  await service.bucket.put(fileKey(version, file?.path ?? ""), changed);
  await service.unloadAll();
  expect(await infer(version)).toMatchObject({
    status: 503,
    body: {
      code: "model_corrupt",
      error: `The file of model "changed-file" version 1 in object storage is not the published one: its SHA-256 is ${sha256Of(changed)} instead of ${file?.sha256}.`,
    },
  });
});

describe("publishing", () => {
  const bytes = new Uint8Array(readModelFile(findModel(MODEL), "model.onnx"));

  function publish(name: string, request: object): Promise<TestResponse> {
    return service.administer(`/models/${name}/versions/1/publish`, {
      method: "POST",
      body: JSON.stringify(request),
      headers: { "content-type": "application/json" },
    });
  }

  /** What a dry run of the version's publication returns. */
  async function prepare(name: string): Promise<{ manifest: Version; manifestText: string }> {
    const path = `/models/${name}/versions/1/files/model.onnx`;
    expect((await service.administer(path, { method: "PUT", body: bytes })).status).toBe(201);
    const { status, body } = await publish(name, { dryRun: true });
    expect(status).toBe(200);
    return body as { manifest: Version; manifestText: string };
  }

  test("with a signature of the manifest of a dry run serves the version", async () => {
    const { manifest, manifestText } = await prepare("pushed");
    const signature = await sign({ ...manifest, manifestText });
    expect(await publish("pushed", { manifest, signature })).toMatchObject({
      status: 201,
      body: { manifest },
    });
    const stored = await service.bucket.get(manifestKey(manifest));
    expect(await stored?.text()).toBe(manifestText);
    const response = await infer({ name: "pushed", version: "1" });
    expect(response.status).toBe(200);
    expectOutputs(response.body, readExpected(MODEL));
  });

  test("with a signature of another key, or of another version, publishes nothing", async () => {
    const { manifest, manifestText } = await prepare("pushed-wrong");
    const other = await store("pushed-other");
    const attempts = [
      [await sign({ ...manifest, manifestText }, "p384"), `it is of the key ${keys.p384.hint}`],
      [await sign(other), "it signs other contents of"],
      [
        await sign({ ...manifest, manifestText: `${manifestText} ` }),
        'contents of "manifest.json"',
      ],
      [{ mediaType: "" }, "it is no bundle of model signing"],
    ] as const;
    for (const [signature, why] of attempts)
      expect(await publish("pushed-wrong", { manifest, signature })).toMatchObject({
        status: 400,
        body: { code: "invalid_signature", detail: expect.stringContaining(why) },
      });
    expect((await service.request("/v2/models/pushed-wrong")).status).toBe(404);
    const { objects } = await service.bucket.list({ prefix: "models/pushed-wrong/" });
    expect(objects).toEqual([]);
  });

  test("without a signature is refused before anything is stored", async () => {
    const refused = {
      status: 400,
      body: {
        code: "invalid_signature",
        detail: expect.stringContaining('Model "published" version 1 is not signed'),
      },
    };
    expect(await service.publish("published", bytes)).toMatchObject(refused);
    const path = "/models/published/versions/1/files/model.onnx";
    expect((await service.administer(path, { method: "PUT", body: bytes })).status).toBe(201);
    expect(await publish("published", {})).toMatchObject(refused);
    const { objects } = await service.bucket.list({ prefix: "models/published/" });
    expect(objects).toEqual([]);
  });
});

test("a version that is not signed can be deleted", async () => {
  const version = await store("deleted");
  await expectRefused(version, "is not signed");
  const deleted = await service.administer("/models/deleted/versions/1", { method: "DELETE" });
  expect(deleted.status).toBe(200);
  expect(await service.request("/v2/models/deleted")).toMatchObject({ status: 404 });
});
