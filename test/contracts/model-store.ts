import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ModelId } from "../../src/domain/model-id.ts";
import type { ModelStore } from "../../src/domain/ports.ts";
import { rejectedApiError } from "../support/errors.ts";

/** The objects in storage, changed without the store. */
export interface StoredObjects {
  put(key: string, bytes: Uint8Array): Promise<void>;
  delete(key: string): Promise<void>;
}

/** A store with its own objects, initially none. */
export interface StoreUnderTest {
  readonly store: ModelStore;
  readonly objects: StoredObjects;
  dispose(): Promise<void>;
}

const ENCODER = new TextEncoder();

/** The contract of every {@link ModelStore}, independent of its storage. */
export function testModelStore(create: () => Promise<StoreUnderTest>): void {
  let subject: StoreUnderTest;
  const put = (key: string, text: string): Promise<void> =>
    subject.objects.put(key, ENCODER.encode(text));
  const publish = ({ name, version }: ModelId, manifest: unknown = { name, version }) =>
    put(`models/${name}/${version}/manifest.json`, JSON.stringify(manifest));

  beforeEach(async () => {
    subject = await create();
  });
  afterEach(() => subject.dispose());

  describe("list", () => {
    test("list is empty without models", async () => {
      expect(await subject.store.list()).toEqual([]);
    });

    test("list contains every version of every model", async () => {
      const ids = [
        { name: "a", version: "1" },
        { name: "a", version: "12" },
        { name: "a-b", version: "1" },
        { name: "z.9_", version: "999999999" },
      ];
      for (const id of ids) await publish(id);
      const listed = await subject.store.list();
      const found = listed.map(({ name, version }) => ({ name, version }));
      expect(found).toHaveLength(ids.length);
      expect(found).toEqual(expect.arrayContaining(ids));
    });

    test.each([
      "manifest.json",
      "models/manifest.json",
      "models/a/manifest.json",
      "models/a/1/model.onnx",
      "models/a/1/deep/manifest.json",
      "models/a/0/manifest.json",
      "models/a/01/manifest.json",
      "models/a/v1/manifest.json",
      "models/A/1/manifest.json",
      "models/a/1/manifest.json.bak",
      "models/a/1/manifest.json/more",
      "other/a/1/manifest.json",
      "models//1/manifest.json",
    ])("list ignores the object %s", async (key) => {
      await put(key, "{}");
      expect(await subject.store.list()).toEqual([]);
    });
  });

  describe("versions", () => {
    const versionsOf = async (name: string): Promise<string[]> =>
      (await subject.store.versions(name)).map(({ version }) => version);

    test("versions is empty for an unknown model", async () => {
      await publish({ name: "a", version: "1" });
      expect(await versionsOf("b")).toEqual([]);
    });

    test("versions are sorted by number, newest first", async () => {
      for (const version of ["9", "10", "1", "100", "2"]) await publish({ name: "a", version });
      expect(await versionsOf("a")).toEqual(["100", "10", "9", "2", "1"]);
    });

    test("versions of a model whose name has the same prefix are not included", async () => {
      await publish({ name: "iris", version: "1" });
      await publish({ name: "iris-2", version: "2" });
      await publish({ name: "iris.3", version: "3" });
      expect(await versionsOf("iris")).toEqual(["1"]);
    });

    test("a version exists as long as its manifest does", async () => {
      await put("models/a/1/model.onnx", "bytes");
      expect(await versionsOf("a")).toEqual([]);
      await publish({ name: "a", version: "1" });
      expect(await versionsOf("a")).toEqual(["1"]);
      await subject.objects.delete("models/a/1/manifest.json");
      expect(await versionsOf("a")).toEqual([]);
    });

    test("the revision changes when a version is published again", async () => {
      const id = { name: "a", version: "1" };
      await publish(id, { createdAt: "first" });
      const [first] = await subject.store.versions("a");
      expect(await subject.store.versions("a")).toEqual([first]);
      await publish(id, { createdAt: "second" });
      const [second] = await subject.store.versions("a");
      expect(second?.version).toBe("1");
      expect(second?.revision).not.toBe(first?.revision);
    });
  });

  describe("publishedAt and revision", () => {
    test("list and versions say the same of a version", async () => {
      const before = Math.floor(Date.now() / 1000) * 1000;
      await publish({ name: "a", version: "1" });
      const [listed] = await subject.store.list();
      expect(await subject.store.versions("a")).toMatchObject([
        { revision: listed?.revision, publishedAt: listed?.publishedAt },
      ]);
      expect(listed?.publishedAt).toBeGreaterThanOrEqual(before - 60_000);
      expect(listed?.publishedAt).toBeLessThanOrEqual(Date.now() + 1000);
    });
  });

  describe("hasObject", () => {
    test("hasObject finds any object by its key", async () => {
      expect(await subject.store.hasObject("ready/1")).toBe(false);
      await put("ready/1", "");
      expect(await subject.store.hasObject("ready/1")).toBe(true);
      expect(await subject.store.hasObject("ready/")).toBe(false);
    });
  });

  describe("manifest", () => {
    const id = { name: "a", version: "1" };

    test("manifest returns the stored JSON", async () => {
      const manifest = { text: "Größe 漢字 🙂", number: 1.5, list: [null, true] };
      await publish(id, manifest);
      expect(await subject.store.manifest(id)).toEqual(manifest);
    });

    test("manifest returns undefined for an unknown version", async () => {
      await publish(id);
      expect(await subject.store.manifest({ name: "a", version: "2" })).toBeUndefined();
      expect(await subject.store.manifest({ name: "b", version: "1" })).toBeUndefined();
    });

    test.each(["", "{nope", "<html>"])("a manifest that is %j is corrupt", async (text) => {
      await put("models/a/1/manifest.json", text);
      const error = await rejectedApiError("model_corrupt", subject.store.manifest(id));
      expect(error.message).toContain('model "a" version 1');
      expect(error.cause).toBeInstanceOf(SyntaxError);
    });
  });

  describe("file", () => {
    const id = { name: "a", version: "1" };

    test.each([
      ["an empty file", "empty.bin", new Uint8Array()],
      ["every byte", "model.onnx", Uint8Array.from({ length: 256 }, (_, byte) => byte)],
      ["a file in folders", "deep/er/labels.txt", ENCODER.encode("label")],
      ["a file of many chunks", "large.bin", new Uint8Array(3_000_001).fill(7)],
    ])("file returns %s with its length", async (_, path, bytes) => {
      await subject.objects.put(`models/a/1/${path}`, bytes);
      const file = await subject.store.file(id, path);
      expect(file?.sizeBytes).toBe(bytes.byteLength);
      const read = Buffer.concat(await Array.fromAsync(file?.body ?? []));
      expect(read.equals(bytes)).toBe(true);
    });

    test("file returns undefined for a missing file", async () => {
      await put("models/a/1/model.onnx", "bytes");
      expect(await subject.store.file(id, "model")).toBeUndefined();
      expect(await subject.store.file(id, "model.onnx2")).toBeUndefined();
      expect(await subject.store.file({ name: "a", version: "2" }, "model.onnx")).toBeUndefined();
    });
  });
}
