import { createHash } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keyRingOf } from "../../../packages/cli/src/local/encryption.ts";
import { type SeedResult, seedModels } from "../../../packages/cli/src/local/seed.ts";
import { isEncrypted } from "../../../src/storage/encryption/format.ts";
import {
  type AdministeredService,
  startAdministeredService,
} from "../../support/administration.ts";
import {
  ENCRYPTION_KEY,
  encryptedObjects,
  publishEncrypted,
} from "../../support/encrypted-service.ts";
import { findModel, publishAs } from "../../support/publish.ts";
import type { Service, TestResponse } from "../../support/service.ts";
import { expectOutputs, readExpected } from "../../support/tensors.ts";

const OTHER_KEY = Buffer.alloc(32, 8).toString("base64");

let service: AdministeredService;

beforeAll(async () => {
  service = await startAdministeredService({ vars: { ENCRYPTION_KEY } });
});

afterAll(() => service?.dispose());

function infer(name: string, { post }: Service = service): Promise<TestResponse> {
  return post(`/v2/models/${name}/infer`, { inputs: readExpected(name).inputs });
}

/** Every object below a prefix, and whether it begins as encrypted ones do. */
async function listObjects(prefix: string): Promise<{ key: string; encrypted: boolean }[]> {
  const { objects } = await service.bucket.list({ prefix });
  return Promise.all(
    objects.map(async ({ key }) => {
      const object = await service.bucket.get(key);
      return { key, encrypted: isEncrypted(new Uint8Array((await object?.arrayBuffer()) ?? [])) };
    }),
  );
}

describe("with ENCRYPTION_KEY", () => {
  // In the shared isolate; with files beside the model; of many chunks, in an isolate of its own.
  test.each(["iris-logistic", "sentence-embeddings", "imagenet-classification"])(
    "the model %s answers as it does without",
    async (name) => {
      await publishEncrypted(encryptedObjects(service.bucket), name);
      const response = await infer(name);
      expect(response.status).toBe(200);
      expectOutputs(response.body, readExpected(name));
    },
  );

  test("what is published is encrypted, served and deleted", async () => {
    const bytes = readFileSync(join(findModel("iris-logistic").folder, "model.onnx"));
    const published = await service.publish("published", new Uint8Array(bytes));
    expect(published).toMatchObject({
      status: 201,
      body: { files: [{ sizeBytes: bytes.length }] },
    });
    const stored = await listObjects("models/published/");
    expect(stored).toHaveLength(2);
    expect(stored.every(({ encrypted }) => encrypted)).toBe(true);
    const data = [5.1, 3.5, 1.4, 0.2];
    const inputs = [{ name: "features", datatype: "FP32", shape: [1, 4], data }];
    expect(await service.post("/v2/models/published/infer", { inputs })).toMatchObject({
      status: 200,
      body: { outputs: [{ data: [0] }, { shape: [1, 3] }] },
    });
    const deleted = await service.administer("/models/published/versions/1", { method: "DELETE" });
    expect(deleted.status).toBe(200);
    // The tombstone of its number.
    expect(await listObjects("models/published/")).toEqual([
      { key: "models/published/routing.json", encrypted: true },
    ]);
  });

  test("a file that is sent in parts is encrypted, resumed by its plain sizes, and published", async () => {
    const { folder } = findModel("spam-detection");
    const bytes = new Uint8Array(readFileSync(join(folder, "model.ort")));
    const sha256 = createHash("sha256").update(bytes).digest("base64");
    const path = "/models/in-parts/versions/1/files/model.ort";
    const half = 700_000;
    const send = (start: number, end: number): Promise<TestResponse> =>
      service.administer(path, {
        method: "PUT",
        body: bytes.slice(start, end),
        headers: {
          "content-range": `bytes ${start}-${end - 1}/${bytes.byteLength}`,
          "repr-digest": `sha-256=:${sha256}:`,
        },
      });
    expect((await send(0, half)).status).toBeLessThan(300);
    expect(await service.administer("/models/in-parts/versions/1/files")).toMatchObject({
      body: { files: [{ path: "model.ort", received: [[0, half - 1]], complete: false }] },
    });
    const stored = await listObjects("uploads/in-parts/");
    expect(stored).toHaveLength(1);
    expect(stored.every(({ encrypted }) => encrypted)).toBe(true);
    expect((await send(half, bytes.byteLength)).status).toBeLessThan(300);
    const published = await service.administer("/models/in-parts/versions/1/publish", {
      method: "POST",
    });
    expect(published).toMatchObject({
      status: 201,
      body: { manifest: { files: [{ sizeBytes: bytes.byteLength }] } },
    });
    const all = await listObjects("models/in-parts/");
    expect(all).toHaveLength(2);
    expect(all.every(({ encrypted }) => encrypted)).toBe(true);
    expect(await listObjects("uploads/in-parts/")).toEqual([]);
  });
});

test("seeded models are encrypted, and again only when they or the key have changed", async () => {
  const folder = mkdtempSync(join(tmpdir(), "onnxflare-seeded-"));
  try {
    cpSync(findModel("iris-kmeans").folder, join(folder, "iris-kmeans", "1"), { recursive: true });
    const seed = (key: string): Promise<SeedResult> =>
      seedModels(service.bucket, folder, () => {}, keyRingOf({ ENCRYPTION_KEY: key }));
    expect(await seed(OTHER_KEY)).toEqual({ seeded: 1, unchanged: 0, deleted: 0 });
    expect(await seed(OTHER_KEY)).toEqual({ seeded: 0, unchanged: 1, deleted: 0 });
    expect((await infer("iris-kmeans")).status).toBe(503);
    expect(await seed(ENCRYPTION_KEY)).toEqual({ seeded: 1, unchanged: 0, deleted: 0 });
    const response = await infer("iris-kmeans");
    expect(response.status).toBe(200);
    expectOutputs(response.body, readExpected("iris-kmeans"));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("objects that were there before the key are served when they have been encrypted", async () => {
  const name = "wine-naive-bayes";
  const model = findModel(name);
  await publishAs(service.bucket, model, model.manifest);
  expect(await infer(name)).toMatchObject({
    status: 503,
    body: { code: "model_corrupt", error: expect.stringContaining("is not encrypted") },
  });
  const encrypt = (request: object): Promise<TestResponse> =>
    service.administer("/encryption", {
      method: "POST",
      body: JSON.stringify(request),
      headers: { "content-type": "application/json" },
    });
  const keys = ["manifest.json", "model.onnx"].map((path) => `models/${name}/1/${path}`);
  expect(await encrypt({})).toMatchObject({
    status: 200,
    body: { encrypted: 0, plain: 2, plainKeys: keys },
  });
  expect(await encrypt({ plain: true })).toMatchObject({
    status: 200,
    body: { encrypted: 2, plain: 0 },
  });
  const response = await infer(name);
  expect(response.status).toBe(200);
  expectOutputs(response.body, readExpected(name));
});

describe("a Worker refuses", () => {
  let other: AdministeredService | undefined;

  afterAll(() => other?.dispose());

  /** Another Worker, with a bucket of its own. */
  async function restart(vars: Readonly<Record<string, string>>): Promise<AdministeredService> {
    await other?.dispose();
    other = await startAdministeredService({ vars });
    return other;
  }

  test("objects of a key that it does not have, and reads them when it is added", async () => {
    const without = await restart({ ENCRYPTION_KEY: OTHER_KEY });
    await publishEncrypted(encryptedObjects(without.bucket), "iris-kmeans");
    expect(await infer("iris-kmeans", without)).toMatchObject({
      status: 503,
      body: {
        code: "model_corrupt",
        error: expect.stringMatching(
          /^The object models\/iris-kmeans\/1\/manifest\.json is encrypted with the key [0-9a-f]{16}, and the Worker has [0-9a-f]{16}: set ENCRYPTION_KEY to that key, or add it to ENCRYPTION_KEYS_OLD\.$/,
        ),
      },
    });
    const rotated = await restart({
      ENCRYPTION_KEY: OTHER_KEY,
      ENCRYPTION_KEYS_OLD: ENCRYPTION_KEY,
    });
    await publishEncrypted(encryptedObjects(rotated.bucket), "iris-kmeans");
    expect((await infer("iris-kmeans", rotated)).status).toBe(200);
    const init = { method: "POST", body: "{}", headers: { "content-type": "application/json" } };
    expect(await rotated.administer("/encryption", init)).toMatchObject({ body: { encrypted: 2 } });
    const renewed = encryptedObjects(rotated.bucket, OTHER_KEY);
    expect(await renewed.get("models/iris-kmeans/1/manifest.json")).toBeDefined();
  });

  test("encrypted objects when it has no key", async () => {
    const plain = await restart({});
    const init = { method: "POST", body: "{}", headers: { "content-type": "application/json" } };
    expect(await plain.administer("/encryption", init)).toMatchObject({
      status: 501,
      body: { code: "not_supported", detail: expect.stringContaining("ENCRYPTION_KEY is not set") },
    });
    await publishEncrypted(encryptedObjects(plain.bucket), "iris-kmeans");
    expect(await infer("iris-kmeans", plain)).toMatchObject({
      status: 503,
      body: {
        code: "model_corrupt",
        error:
          'The manifest of model "iris-kmeans" version 1 is encrypted, and the Worker has no ENCRYPTION_KEY.',
      },
    });
  });
});
