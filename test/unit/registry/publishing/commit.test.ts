import { expect, test, vi } from "vitest";
import { ApiError } from "../../../../src/domain/errors.ts";
import { type Manifest, parseManifest } from "../../../../src/domain/manifest.ts";
import { toManifestText } from "../../../../src/domain/manifest-text.ts";
import { commit } from "../../../../src/registry/publishing/commit.ts";
import { Publication } from "../../../../src/registry/publishing/publication.ts";
import { createMemoryModelStore } from "../../../../src/storage/memory-model-store.ts";
import { rejectedApiError } from "../../../support/errors.ts";

const id = { name: "a", version: "1" };
const FAILURE = new ApiError("storage_failed", "The write failed.");

function createManifest(publication: Publication, description: string): Manifest {
  const path = publication.place("model.onnx");
  return parseManifest({
    ...id,
    schemaVersion: 1,
    description,
    format: "onnx",
    file: path,
    files: [{ path, sha256: "a".repeat(64), sizeBytes: 3 }],
    inputs: [{ name: "x", datatype: "FP32", shape: [-1] }],
    outputs: [{ name: "y", datatype: "FP32", shape: [-1] }],
    createdAt: "2026-11-30T00:00:00Z",
  });
}

async function begin() {
  const objects = new Map<string, Uint8Array<ArrayBuffer>>();
  const store = createMemoryModelStore(objects);
  const publication = new Publication(store, id);
  const manifest = createManifest(publication, "first");
  await publication.putFile(manifest.file, new Blob(["abc"]).stream(), 3);
  return { objects, store, publication, manifest };
}

test("a manifest that is written publishes the files, which are kept", async () => {
  const { objects, store, publication, manifest } = await begin();
  await commit(store, publication, manifest);
  expect(await publication.discard()).toBe(true);
  expect([...objects.keys()].sort()).toEqual([
    `models/a/1/${manifest.file}`,
    "models/a/1/manifest.json",
  ]);
});

test("a write that takes effect although it fails has published the version", async () => {
  const { objects, store, publication, manifest } = await begin();
  const publish = async (...written: Parameters<typeof store.publish>): Promise<boolean> => {
    await store.publish(...written);
    throw FAILURE;
  };
  await commit({ ...store, publish }, publication, manifest);
  await publication.discard();
  expect(objects.size).toBe(2);
});

test("after a write that fails nothing is deleted, because it may take effect later", async () => {
  const { objects, store, publication, manifest } = await begin();
  const publish = vi.fn(async () => {
    throw FAILURE;
  });
  const failed = commit({ ...store, publish }, publication, manifest);
  await rejectedApiError("storage_failed", failed);
  expect(await publication.discard()).toBe(false);
  expect([...objects.keys()]).toEqual([`models/a/1/${manifest.file}`]);
});

test("the one that comes second is refused, and its files are deleted", async () => {
  const { objects, store, publication, manifest } = await begin();
  const other = createManifest(new Publication(store, id), "other");
  await store.publish(id, toManifestText(other));
  await rejectedApiError("version_exists", commit(store, publication, manifest));
  expect(await publication.discard()).toBe(true);
  expect([...objects.keys()]).toEqual(["models/a/1/manifest.json"]);
  expect(await store.manifest(id)).toMatchObject({ description: "other" });
});

test("a publication that took longer than its files are safe is refused", async () => {
  vi.useFakeTimers();
  try {
    const { store, publication, manifest } = await begin();
    vi.advanceTimersByTime(16 * 60_000);
    const error = await rejectedApiError("storage_failed", commit(store, publication, manifest));
    expect(error.message).toContain("the limit is 900 s");
    expect(await store.manifest(id)).toBeUndefined();
  } finally {
    vi.useRealTimers();
  }
});
