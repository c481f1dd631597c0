import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ObjectStore } from "../../src/domain/object-store.ts";

export interface ObjectStoreUnderTest {
  /** Without objects at first. */
  readonly objects: ObjectStore;
  dispose(): Promise<void>;
}

const KEY = "models/a/1/model.onnx";

/** What every {@link ObjectStore} does, whatever it stores in. */
export function testObjectStore(create: () => Promise<ObjectStoreUnderTest>): void {
  let subject: ObjectStoreUnderTest;
  let objects: ObjectStore;

  beforeEach(async () => {
    subject = await create();
    objects = subject.objects;
  });
  afterEach(() => subject.dispose());

  async function read(key: string, offset?: number): Promise<number[] | undefined> {
    const object = await objects.get(key, offset);
    return object && [...new Uint8Array(await new Response(object.body).arrayBuffer())];
  }

  async function keys(prefix: string, after?: string): Promise<string[]> {
    const listed = await Array.fromAsync(
      objects.list(prefix, after === undefined ? {} : { after }),
    );
    return listed.map(({ key }) => key);
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

  describe("objects", () => {
    test("that do not exist are undefined", async () => {
      expect(await objects.head(KEY)).toBeUndefined();
      expect(await objects.get(KEY)).toBeUndefined();
    });

    test.each([
      ["no bytes", []],
      ["every byte", Array.from({ length: 256 }, (_, byte) => byte)],
    ])("of %s are read as they were put", async (_, bytes) => {
      await objects.put(KEY, Uint8Array.from(bytes), { contentType: "application/json" });
      expect(await read(KEY)).toEqual(bytes);
      expect(await objects.head(KEY)).toMatchObject({ key: KEY, sizeBytes: bytes.length });
    });

    test("are read from an offset, with the size of the whole", async () => {
      await objects.put(KEY, Uint8Array.of(1, 2, 3, 4));
      expect(await read(KEY, 3)).toEqual([4]);
      expect((await objects.get(KEY, 3))?.sizeBytes).toBe(4);
    });

    test("do not change with the bytes that were put", async () => {
      const bytes = Uint8Array.of(1, 2);
      await objects.put(KEY, bytes);
      bytes[0] = 9;
      expect(await read(KEY)).toEqual([1, 2]);
    });

    test("have an etag that every read returns, and that each write changes", async () => {
      const first = await objects.put(KEY, Uint8Array.of(1));
      for (const found of [await objects.head(KEY), await objects.get(KEY)])
        expect(found).toMatchObject({ etag: first?.etag, writtenAt: first?.writtenAt });
      const second = await objects.put(KEY, Uint8Array.of(2));
      expect(second?.etag).not.toBe(first?.etag);
      expect((await objects.head(KEY))?.etag).toBe(second?.etag);
    });

    test("are deleted, and those that do not exist are no failure", async () => {
      await objects.put("a", Uint8Array.of(1));
      await objects.put("b", Uint8Array.of(1));
      await objects.delete(["a", "missing"]);
      await objects.delete([]);
      expect(await keys("")).toEqual(["b"]);
    });
  });

  describe("streams", () => {
    test("are written and read as they were", async () => {
      const chunks = Array.from({ length: 50 }, (_, byte) => new Uint8Array(20_000).fill(byte));
      await objects.putStream(KEY, streamOf(...chunks), 1_000_000);
      expect((await objects.head(KEY))?.sizeBytes).toBe(1_000_000);
      const object = await objects.get(KEY);
      const bytes = Buffer.from(await new Response(object?.body).arrayBuffer());
      expect(bytes.equals(Buffer.concat(chunks))).toBe(true);
      const rest = await objects.get(KEY, 999_990);
      expect(new Uint8Array(await new Response(rest?.body).arrayBuffer())).toEqual(
        new Uint8Array(10).fill(49),
      );
    });

    test.each([
      ["shorter", 2],
      ["longer", 4],
    ])("that are %s than they should be fail, and write nothing", async (_, length) => {
      const body = streamOf(new Uint8Array(length));
      await expect(objects.putStream(KEY, body, 3)).rejects.toThrow();
      expect(await objects.head(KEY)).toBeUndefined();
    });

    test("that fail write nothing", async () => {
      const body = new ReadableStream<Uint8Array>({
        pull: (controller) => controller.error(new Error("gone")),
      });
      await expect(objects.putStream(KEY, body, 3)).rejects.toThrow("gone");
      expect(await objects.head(KEY)).toBeUndefined();
    });
  });

  describe("conditional writes", () => {
    test("only if absent succeed once", async () => {
      const options = { onlyIf: { absent: true } } as const;
      expect(await objects.put(KEY, Uint8Array.of(1), options)).toBeDefined();
      expect(await objects.put(KEY, Uint8Array.of(2), options)).toBeUndefined();
      expect(await read(KEY)).toEqual([1]);
    });

    test("only with an etag succeed while the object has it", async () => {
      const first = await objects.put(KEY, Uint8Array.of(1));
      const onlyIf = { etag: first?.etag ?? "" };
      const second = await objects.put(KEY, Uint8Array.of(2), { onlyIf });
      expect(second).toBeDefined();
      expect(await objects.put(KEY, Uint8Array.of(3), { onlyIf })).toBeUndefined();
      expect(await read(KEY)).toEqual([2]);
    });

    test("with an etag fail for an object that was deleted", async () => {
      const first = await objects.put(KEY, Uint8Array.of(1));
      await objects.delete([KEY]);
      const onlyIf = { etag: first?.etag ?? "" };
      expect(await objects.put(KEY, Uint8Array.of(2), { onlyIf })).toBeUndefined();
      expect(await objects.head(KEY)).toBeUndefined();
    });

    test("of several writers at once, one succeeds", async () => {
      const first = await objects.put(KEY, Uint8Array.of(0));
      const onlyIf = { etag: first?.etag ?? "" };
      const written = await Promise.all(
        [1, 2, 3, 4, 5].map((byte) => objects.put(KEY, Uint8Array.of(byte), { onlyIf })),
      );
      expect(written.filter((object) => object !== undefined)).toHaveLength(1);
      expect(await read(KEY)).toEqual([written.findIndex((object) => object) + 1]);
    });
  });

  describe("lists", () => {
    test("have the objects of a prefix in the order of their keys, from after a key", async () => {
      for (const key of ["b/2", "a/10", "b/1", "a/2", "a"])
        await objects.put(key, Uint8Array.of(1));
      expect(await keys("")).toEqual(["a", "a/10", "a/2", "b/1", "b/2"]);
      expect(await keys("a/")).toEqual(["a/10", "a/2"]);
      expect(await keys("a/", "a/10")).toEqual(["a/2"]);
      expect(await keys("c")).toEqual([]);
    });

    test("describe each object as head does", async () => {
      await objects.put(KEY, Uint8Array.of(1, 2));
      expect(await Array.fromAsync(objects.list("models/"))).toEqual([await objects.head(KEY)]);
    });
  });
}
