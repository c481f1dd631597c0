import { afterAll, beforeAll, describe, expect, inject, test, vi } from "vitest";
import {
  type LocalWorker,
  type ModelBucket,
  startLocalWorker,
} from "../../../scripts/local-worker.ts";
import { createModelStore } from "../../../src/storage/model-store.ts";
import { createR2ObjectStore } from "../../../src/storage/r2-object-store.ts";
import { createUploadStore } from "../../../src/storage/upload-store.ts";
import { testModelStore } from "../../contracts/model-store.ts";
import { testModelWriter, type WritableStoreUnderTest } from "../../contracts/model-writer.ts";
import { type ObjectStoreUnderTest, testObjectStore } from "../../contracts/object-store.ts";
import { testUploadStore } from "../../contracts/upload-store.ts";
import { rejectedApiError } from "../../support/errors.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

let worker: LocalWorker;
/** R2 as workerd simulates it, called from here. */
let bucket: ModelBucket;

beforeAll(async () => {
  stubWorkersGlobals();
  worker = await startLocalWorker({ outdir: inject("workerBuild") });
  bucket = await worker.bucket();
});

afterAll(() => {
  vi.unstubAllGlobals();
  return worker?.dispose();
});

/**
 * Takes streams, as R2 does; Miniflare does not pass them on. The uploads of test/workerd/admin.test.ts stream into R2
 * inside of workerd.
 */
async function put(
  key: string,
  value: Uint8Array | string | ReadableStream,
  options: object = {},
): Promise<unknown> {
  const isStream = value instanceof ReadableStream;
  return bucket.put(key, isStream ? await new Response(value).arrayBuffer() : value, options);
}

/** @param overrides methods of the bucket that behave otherwise */
async function createObjects(overrides: object = {}): Promise<ObjectStoreUnderTest> {
  const behaviour = { put, ...overrides };
  const changed = new Proxy(bucket, {
    get: (target, name) => Reflect.get(name in behaviour ? behaviour : target, name),
  });
  return {
    // The same object, typed by Miniflare with the streams and headers of Node.
    objects: createR2ObjectStore(changed as unknown as R2Bucket),
    dispose: async () => {
      const { objects } = await bucket.list();
      if (objects.length > 0) await bucket.delete(objects.map(({ key }) => key));
    },
  };
}

/** @param overrides methods of the bucket that behave otherwise */
async function createStore(overrides: object = {}): Promise<WritableStoreUnderTest> {
  const { objects, dispose } = await createObjects(overrides);
  return {
    store: createModelStore(objects),
    objects: {
      put: async (key, bytes) => void (await bucket.put(key, bytes)),
      delete: async (key) => bucket.delete(key),
    },
    dispose,
  };
}

const inSmallPages = {
  list: (options: object) => bucket.list({ ...options, limit: 2 }),
};

describe("objects in R2", () => {
  testObjectStore(createObjects);
});

describe("uploads in R2", () => {
  testUploadStore(async () => {
    const { objects, dispose } = await createObjects();
    return { uploads: createUploadStore(objects), dispose };
  });
});

describe("objects in R2 that are listed in several calls", () => {
  testObjectStore(() => createObjects(inSmallPages));
});

describe("a store in R2", () => {
  testModelStore(createStore);
  testModelWriter(createStore);
});

describe("a store in R2 that lists in several calls", () => {
  const create = (): Promise<WritableStoreUnderTest> => createStore(inSmallPages);

  testModelStore(create);
  testModelWriter(create);
});

describe("a store in R2 that is unavailable", () => {
  const outage = new Error("internal error (10001)");
  const down = async (): Promise<never> => {
    throw outage;
  };
  const id = { name: "a", version: "1" };

  test("a failure of R2 is storage_failed, with its cause", async () => {
    const { store } = await createStore({ list: down, get: down });
    for (const [work, what] of [
      [store.list(), "the models"],
      [store.versions("a"), 'the versions of model "a"'],
      [store.manifest(id), 'the manifest of model "a" version 1'],
      [store.file(id, "model.onnx"), 'model.onnx of model "a" version 1'],
    ] as const) {
      const error = await rejectedApiError("storage_failed", work);
      expect(error.message).toContain(what);
      expect(error.message).not.toContain("10001");
      expect(error.cause).toBe(outage);
    }
  });
});
