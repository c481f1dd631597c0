import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { ObjectStore } from "../../../src/domain/object-store.ts";
import { HEADER_BYTES, STORED_CHUNK_BYTES } from "../../../src/storage/encryption/format.ts";
import { fileKey, manifestKey, routingKey } from "../../../src/storage/model-keys.ts";
import {
  type AdministeredService,
  startAdministeredService,
} from "../../support/administration.ts";
import {
  ENCRYPTION_KEY,
  encryptedObjects,
  publishEncrypted,
} from "../../support/encrypted-service.ts";
import type { TestResponse } from "../../support/service.ts";
import { readExpected } from "../../support/tensors.ts";

/** Each object of an encrypted bucket, changed in each way: what the Worker answers, and that it serves nothing. */

/** In the shared isolate, of one chunk; of six, with a file beside it; of 21, in an isolate of its own. */
const SMALL = "iris-logistic";
const WITH_FILES = "spam-detection";
const LARGE = "imagenet-classification";

let service: AdministeredService;
let objects: ObjectStore;

beforeAll(async () => {
  service = await startAdministeredService({ vars: { ENCRYPTION_KEY } });
  objects = encryptedObjects(service.bucket);
  for (const name of [SMALL, WITH_FILES, LARGE]) await publishEncrypted(objects, name);
});

afterAll(() => service?.dispose());

async function stored(key: string): Promise<Uint8Array> {
  const object = await service.bucket.get(key);
  if (!object) throw new Error(`there is no ${key}`);
  return new Uint8Array(await object.arrayBuffer());
}

function infer(name: string, version = "1"): Promise<TestResponse> {
  const { inputs } = readExpected(name);
  return service.post(`/v2/models/${name}/versions/${version}/infer`, { inputs });
}

/** What a request is answered with while an object is another one; afterwards the model is served again. */
async function withObject(
  key: string,
  change: (bytes: Uint8Array) => Uint8Array,
  request: () => Promise<TestResponse>,
): Promise<TestResponse> {
  const bytes = await stored(key);
  await service.unloadAll();
  try {
    await service.bucket.put(key, change(bytes.slice()));
    return await request();
  } finally {
    await service.bucket.put(key, bytes);
    expect((await request()).status).toBe(200);
  }
}

function flipAt(at: number): (bytes: Uint8Array) => Uint8Array {
  return (bytes) => {
    const index = at < 0 ? bytes.byteLength + at : at;
    bytes[index] = (bytes[index] ?? 0) ^ 1;
    return bytes;
  };
}

function chunk(bytes: Uint8Array, index: number): Uint8Array {
  const start = HEADER_BYTES + index * STORED_CHUNK_BYTES;
  return bytes.slice(start, start + STORED_CHUNK_BYTES);
}

function exchangeChunks(bytes: Uint8Array): Uint8Array {
  const [first, second] = [chunk(bytes, 1), chunk(bytes, 2)];
  bytes.set(second, HEADER_BYTES + STORED_CHUNK_BYTES);
  bytes.set(first, HEADER_BYTES + 2 * STORED_CHUNK_BYTES);
  return bytes;
}

function modelKey(name: string): string {
  const path = name === SMALL ? "model.onnx" : "model.ort";
  return fileKey({ name, version: "1" }, path);
}

/** @param message a text, or a matcher */
function expectCorrupt(response: TestResponse, message: unknown): void {
  expect(response).toMatchObject({
    status: 503,
    body: { code: "model_corrupt", error: message },
  });
  expect(response.body).not.toHaveProperty("outputs");
}

function cannotBeDecrypted(key: string, why: string): string {
  return `The object ${key} cannot be decrypted: ${why}. Restore it, or publish the version again.`;
}

describe("a model file is not served when", () => {
  test.each([
    [SMALL, "chunk 1 of 1"],
    [WITH_FILES, "chunk 6 of 6"],
    [LARGE, "chunk 21 of 21"],
  ])("a bit of %s was changed", async (name, which) => {
    const key = modelKey(name);
    const response = await withObject(key, flipAt(-100), () => infer(name));
    expectCorrupt(
      response,
      cannotBeDecrypted(key, `${which} is not the one that was written there`),
    );
  });

  test.each([
    [WITH_FILES, "chunk 2 of 6"],
    [LARGE, "chunk 2 of 21"],
  ])("two chunks of %s were exchanged", async (name, which) => {
    const key = modelKey(name);
    const response = await withObject(key, exchangeChunks, () => infer(name));
    expectCorrupt(
      response,
      cannotBeDecrypted(key, `${which} is not the one that was written there`),
    );
  });

  test.each([
    ["its last chunk was cut off", 5],
    ["a chunk in the middle was cut out", 2],
  ])("%s", async (_, left) => {
    const key = modelKey(WITH_FILES);
    const response = await withObject(
      key,
      (bytes) => {
        const all = Array.from({ length: 6 }, (__, index) => chunk(bytes, index));
        all.splice(left, 1);
        return Buffer.concat([bytes.slice(0, HEADER_BYTES), ...all]);
      },
      () => infer(WITH_FILES),
    );
    // Its size, which is known before, is another one than the manifest has.
    expectCorrupt(
      response,
      expect.stringMatching(
        /^The file of model "spam-detection" version 1 in object storage is not the published one: it is \d+ bytes long instead of 1415080\.$/,
      ),
    );
  });

  test("it is that of another version, encrypted with the same key", async () => {
    await publishEncrypted(objects, SMALL, "2");
    const other = await stored(fileKey({ name: SMALL, version: "2" }, "model.onnx"));
    const key = modelKey(SMALL);
    const response = await withObject(
      key,
      () => other,
      () => infer(SMALL),
    );
    expectCorrupt(
      response,
      cannotBeDecrypted(key, "chunk 1 of 1 is not the one that was written there"),
    );
  });

  test("it was replaced by the same file, not encrypted", async () => {
    const key = modelKey(SMALL);
    const object = await objects.get(key);
    const plain = new Uint8Array(await new Response(object?.body).arrayBuffer());
    const response = await withObject(
      key,
      () => plain,
      () => infer(SMALL),
    );
    expectCorrupt(
      response,
      `The object ${key} is not encrypted, and with ENCRYPTION_KEY only encrypted objects are read. Restore it, or publish the version again, or encrypt what was there before with POST /admin/encryption {"plain":true}.`,
    );
  });

  test("it was replaced by another one, encrypted for its place", async () => {
    const key = modelKey(SMALL);
    const changed = new Uint8Array(537).fill(1);
    const bytes = await stored(key);
    await service.unloadAll();
    await objects.put(key, changed);
    const response = await infer(SMALL);
    await service.bucket.put(key, bytes);
    expectCorrupt(
      response,
      expect.stringMatching(
        /^The file of model "iris-logistic" version 1 in object storage is not the published one: its SHA-256 is [0-9a-f]{64} instead of /,
      ),
    );
  });
});

test("a file beside the model that was changed is not used", async () => {
  const key = fileKey({ name: WITH_FILES, version: "1" }, "tokenizer.json");
  const ask = () =>
    service.post(`/models/${WITH_FILES}`, { inputs: "Win a million dollars now, click here" });
  const response = await withObject(key, flipAt(-100), ask);
  expect(response).toMatchObject({
    status: 503,
    body: {
      code: "model_corrupt",
      detail: expect.stringContaining(`The object ${key} cannot be decrypted`),
    },
  });
});

describe("a manifest is not used when", () => {
  const key = manifestKey({ name: SMALL, version: "1" });

  test("a bit of it was changed", async () => {
    const response = await withObject(key, flipAt(-1), () => infer(SMALL));
    expectCorrupt(
      response,
      cannotBeDecrypted(key, "chunk 1 of 1 is not the one that was written there"),
    );
  });

  test("it is that of another version", async () => {
    await publishEncrypted(objects, SMALL, "3");
    const other = await stored(manifestKey({ name: SMALL, version: "3" }));
    const response = await withObject(
      key,
      () => other,
      () => infer(SMALL),
    );
    expectCorrupt(
      response,
      cannotBeDecrypted(key, "chunk 1 of 1 is not the one that was written there"),
    );
  });

  test("it was replaced by one that is not encrypted", async () => {
    const manifest = { ...(await service.request(`/v2/models/${SMALL}`)), name: SMALL };
    const response = await withObject(
      key,
      () => new TextEncoder().encode(JSON.stringify(manifest)),
      () => infer(SMALL),
    );
    expectCorrupt(response, expect.stringContaining(`The object ${key} is not encrypted`));
  });
});

describe("a routing is not used when", () => {
  const key = routingKey(SMALL);

  beforeEach(async () => {
    const pinned = await service.administer(`/models/${SMALL}/aliases/production`, {
      method: "PUT",
      body: JSON.stringify({ version: "1" }),
      headers: { "content-type": "application/json" },
    });
    expect(pinned.status).toBe(200);
  });

  const ask = () =>
    service.post(`/v2/models/${SMALL}@production/infer`, { inputs: readExpected(SMALL).inputs });

  test.each([
    ["a bit of it was changed", flipAt(-1), "cannot be decrypted: chunk 1 of 1 is not the one"],
    [
      "it was replaced by one that is not encrypted",
      () => new TextEncoder().encode('{"schemaVersion":1}'),
      "is not encrypted, and with ENCRYPTION_KEY only encrypted objects are read",
    ],
  ])("%s", async (_, change, why) => {
    expect(await withObject(key, change, ask)).toMatchObject({
      status: 503,
      body: { code: "routing_corrupt", error: expect.stringContaining(`The object ${key} ${why}`) },
    });
  });

  test("it is that of another model", async () => {
    await publishEncrypted(objects, "iris-kmeans");
    const other = routingKey("iris-kmeans");
    await objects.put(other, await new Response((await objects.get(key))?.body).bytes());
    const bytes = await stored(other);
    expect(await withObject(key, () => bytes, ask)).toMatchObject({
      status: 503,
      body: {
        code: "routing_corrupt",
        error: expect.stringContaining(`The object ${key} cannot be decrypted: chunk 1 of 1`),
      },
    });
  });
});

test("an upload that was changed is not published", async () => {
  const path = "/models/uploaded/versions/1/files/config.json";
  const body = new TextEncoder().encode('{"model_type":"bert"}');
  expect((await service.administer(path, { method: "PUT", body })).status).toBe(201);
  const { objects: uploads } = await service.bucket.list({ prefix: "uploads/uploaded/" });
  const [upload] = uploads;
  if (!upload) throw new Error("there is no upload");
  await service.bucket.put(upload.key, flipAt(-1)(await stored(upload.key)));
  const published = await service.publish("uploaded", {
    inputs: [{ name: "x", datatype: "FP32", shape: [1] }],
    outputs: [{ name: "y", datatype: "FP32", shape: [1] }],
    nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
  });
  expect(published).toMatchObject({
    status: 503,
    body: {
      code: "model_corrupt",
      detail: `The object ${upload.key} cannot be decrypted: chunk 1 of 1 is not the one that was written there. Send the file again.`,
    },
  });
  expect((await service.request("/v2/models/uploaded")).status).toBe(404);
});
