import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Manifest, parseManifest } from "../../src/domain/manifest.ts";
import { toManifestText } from "../../src/domain/manifest-text.ts";
import type { ModelId } from "../../src/domain/model-id.ts";
import type { ModelStore, ModelWriter } from "../../src/domain/ports.ts";
import { rejectedApiError } from "../support/errors.ts";
import type { StoreUnderTest } from "./model-store.ts";

/** A store that can be written, on objects of its own, which are empty at first. */
export interface WritableStoreUnderTest extends StoreUnderTest {
  readonly store: ModelStore & ModelWriter;
}

const id: ModelId = { name: "a", version: "1" };

function createManifest({ name, version }: ModelId, description = "A model."): Manifest {
  return parseManifest({
    schemaVersion: 1,
    name,
    version,
    description,
    format: "onnx",
    file: "model.onnx",
    files: [{ path: "model.onnx", sha256: "a".repeat(64), sizeBytes: 3 }],
    inputs: [{ name: "x", datatype: "FP32", shape: [-1] }],
    outputs: [{ name: "y", datatype: "FP32", shape: [-1] }],
    createdAt: "2026-11-22T00:00:00Z",
  });
}

function streamOf(...chunks: readonly Uint8Array[]): ReadableStream<Uint8Array> {
  const left = chunks.values();
  return new ReadableStream({
    pull(controller) {
      const { done, value } = left.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
}

/** What every {@link ModelWriter} does, whatever it stores in; what is written is read by the store's other half. */
export function testModelWriter(create: () => Promise<WritableStoreUnderTest>): void {
  let subject: WritableStoreUnderTest;

  beforeEach(async () => {
    subject = await create();
  });
  afterEach(() => subject.dispose());

  const read = async (where: ModelId, path: string): Promise<number[] | undefined> => {
    const file = await subject.store.file(where, path);
    return file && [...Buffer.concat(await Array.fromAsync(file.body))];
  };
  const put = (where: ModelId, path: string, ...bytes: readonly number[]): Promise<void> =>
    subject.store.putFile(where, path, streamOf(Uint8Array.from(bytes)), bytes.length);
  const publishManifest = (manifest: Manifest): Promise<boolean> =>
    subject.store.publish(manifest, toManifestText(manifest));
  const versionsOf = async (name: string): Promise<string[]> =>
    (await subject.store.versions(name)).map(({ version }) => version);

  describe("putFile", () => {
    test.each<[string, readonly Uint8Array[]]>([
      ["one chunk", [Uint8Array.of(1, 2, 3)]],
      ["several chunks", [Uint8Array.of(1), Uint8Array.of(), Uint8Array.of(2, 3)]],
      ["no bytes", []],
      ["every byte", [Uint8Array.from({ length: 256 }, (_, byte) => byte)]],
      ["many chunks", Array.from({ length: 50 }, (_, byte) => new Uint8Array(20_000).fill(byte))],
    ])("writes %s", async (_, chunks) => {
      const bytes = Buffer.concat(chunks);
      await subject.store.putFile(id, "model.onnx", streamOf(...chunks), bytes.byteLength);
      const file = await subject.store.file(id, "model.onnx");
      expect(file?.sizeBytes).toBe(bytes.byteLength);
      expect(Buffer.concat(await Array.fromAsync(file?.body ?? [])).equals(bytes)).toBe(true);
    });

    test("keeps versions and paths apart", async () => {
      await put(id, "model.onnx", 1);
      await put({ ...id, version: "2" }, "model.onnx", 2);
      await put({ name: "a-b", version: "1" }, "model.onnx", 3);
      await put(id, "deep/er/model.onnx", 4);
      expect(await read(id, "model.onnx")).toEqual([1]);
      expect(await read({ ...id, version: "2" }, "model.onnx")).toEqual([2]);
      expect(await read({ name: "a-b", version: "1" }, "model.onnx")).toEqual([3]);
      expect(await read(id, "deep/er/model.onnx")).toEqual([4]);
    });

    test("publishes nothing", async () => {
      await put(id, "model.onnx", 1);
      expect(await versionsOf("a")).toEqual([]);
      expect(await subject.store.manifest(id)).toBeUndefined();
    });

    test.each([
      ["shorter", 2],
      ["longer", 4],
    ])("fails for a body that is %s than its length, and leaves no file", async (_, length) => {
      const body = streamOf(new Uint8Array(length));
      const error = await rejectedApiError(
        "storage_failed",
        subject.store.putFile(id, "model.onnx", body, 3),
      );
      expect(error.message).toContain('model.onnx of model "a" version 1');
      expect(await read(id, "model.onnx")).toBeUndefined();
    });

    test("fails for a body that fails, with its cause, and leaves no file", async () => {
      const cause = new Error("the client has closed the connection");
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) => controller.error(cause),
      });
      const error = await rejectedApiError(
        "storage_failed",
        subject.store.putFile(id, "model.onnx", body, 3),
      );
      expect(error.cause).toBe(cause);
      expect(await read(id, "model.onnx")).toBeUndefined();
    });
  });

  describe("deleteFile", () => {
    test("removes one file", async () => {
      await put(id, "model.onnx", 1);
      await put(id, "labels.txt", 2);
      await subject.store.deleteFile(id, "model.onnx");
      expect(await read(id, "model.onnx")).toBeUndefined();
      expect(await read(id, "labels.txt")).toEqual([2]);
    });

    test("does nothing for a file that is not there", async () => {
      await subject.store.deleteFile(id, "model.onnx");
      expect(await read(id, "model.onnx")).toBeUndefined();
    });
  });

  describe("folders", () => {
    const FOLDER = "0123456789abcdef";

    test("are claimed once, until they are released", async () => {
      const { store } = subject;
      expect(await store.claimFolder(id, FOLDER)).toBe(true);
      expect(await store.claimFolder(id, FOLDER)).toBe(false);
      expect(await store.claimFolder({ ...id, version: "2" }, FOLDER)).toBe(true);
      await store.releaseFolder(id, FOLDER);
      expect(await store.claimFolder(id, FOLDER)).toBe(true);
    });

    test("with files are not claimed", async () => {
      await put(id, `${FOLDER}/deep/model.onnx`, 1);
      await put(id, `${FOLDER}0/model.onnx`, 1);
      expect(await subject.store.claimFolder(id, FOLDER)).toBe(false);
      await subject.store.deleteFile(id, `${FOLDER}/deep/model.onnx`);
      expect(await subject.store.claimFolder(id, FOLDER)).toBe(true);
    });

    test("are claimed by one of several publications at the same time", async () => {
      const claims = Array.from({ length: 5 }, () => subject.store.claimFolder(id, FOLDER));
      expect((await Promise.all(claims)).filter((isClaimed) => isClaimed)).toHaveLength(1);
    });

    test("are no versions", async () => {
      await subject.store.claimFolder(id, FOLDER);
      expect(await versionsOf("a")).toEqual([]);
      expect(await subject.store.manifest(id)).toBeUndefined();
    });
  });

  describe("publish", () => {
    test("makes the version exist, with its manifest", async () => {
      const manifest = createManifest(id);
      expect(await publishManifest(manifest)).toBe(true);
      expect(await versionsOf("a")).toEqual(["1"]);
      const stored = await subject.store.manifest(id);
      expect(parseManifest(stored)).toEqual(manifest);
    });

    test("refuses a version that exists, and leaves it as it was", async () => {
      await publishManifest(createManifest(id, "first"));
      const before = await subject.store.versions("a");
      expect(await publishManifest(createManifest(id, "second"))).toBe(false);
      expect(await subject.store.manifest(id)).toMatchObject({ description: "first" });
      expect(await subject.store.versions("a")).toEqual(before);
    });

    test("lets one succeed of those who publish a version at the same time", async () => {
      const outcomes = await Promise.all(
        Array.from({ length: 5 }, (_, index) =>
          publishManifest(createManifest(id, `manifest ${index}`)),
        ),
      );
      expect(outcomes.filter((published) => published)).toHaveLength(1);
      expect(await subject.store.manifest(id)).toMatchObject({
        description: `manifest ${outcomes.indexOf(true)}`,
      });
    });
  });
}
