import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { ModelId } from "../../src/domain/model-id.ts";
import { isComplete, missingOf, receivedRanges, type Upload } from "../../src/domain/upload.ts";
import type { UploadStore } from "../../src/domain/upload-store.ts";
import { failureOf } from "../../src/shared/pump-bytes.ts";
import { rejectedApiError } from "../support/errors.ts";

export interface UploadStoreUnderTest {
  /** Without uploads at first. */
  readonly uploads: UploadStore;
  dispose(): Promise<void>;
}

const id: ModelId = { name: "a", version: "1" };
const WHOLE = Uint8Array.from({ length: 10 }, (_, index) => index);
const FILE = { sha256: createHash("sha256").update(WHOLE).digest("hex"), sizeBytes: 10 };

/** What every {@link UploadStore} does, whatever it stores in. */
export function testUploadStore(create: () => Promise<UploadStoreUnderTest>): void {
  let subject: UploadStoreUnderTest;
  let uploads: UploadStore;

  beforeEach(async () => {
    subject = await create();
    uploads = subject.uploads;
  });
  afterEach(() => subject.dispose());

  const streamOf = (bytes: Uint8Array): ReadableStream<Uint8Array> =>
    new Blob([Uint8Array.from(bytes)]).stream();
  const putWhole = (where: ModelId, path: string, ...bytes: number[]): Promise<void> =>
    uploads.putWhole(where, path, streamOf(Uint8Array.from(bytes)), bytes.length);
  const putPart = (start: number, end: number, file = FILE): Promise<void> =>
    uploads.putPart(
      id,
      "weights.bin",
      file,
      { start, end },
      streamOf(WHOLE.subarray(start, end + 1)),
    );
  const read = async (upload: Upload | undefined, offset?: number): Promise<number[]> =>
    upload ? [...Buffer.concat(await Array.fromAsync(uploads.open(id, upload, offset)))] : [];
  const only = async (): Promise<Upload> => {
    const listed = await uploads.list(id);
    expect(listed).toHaveLength(1);
    return listed[0] as Upload;
  };

  describe("a file that is sent as a whole", () => {
    test("is listed and read, from the beginning or from an offset", async () => {
      expect(await uploads.list(id)).toEqual([]);
      await putWhole(id, "a/weights.bin", 1, 2, 3, 4);
      const upload = await only();
      expect(upload).toMatchObject({ path: "a/weights.bin", sizeBytes: 4, sha256: undefined });
      expect([isComplete(upload), receivedRanges(upload)]).toEqual([true, [{ start: 0, end: 3 }]]);
      expect(await read(upload)).toEqual([1, 2, 3, 4]);
      expect(await read(upload, 3)).toEqual([4]);
    });

    test("is replaced by another one of its path", async () => {
      await putWhole(id, "weights.bin", 1, 2);
      await putWhole(id, "weights.bin", 9);
      expect(await read(await only())).toEqual([9]);
    });

    test("that is shorter than it should be is not there", async () => {
      const body = streamOf(Uint8Array.of(1));
      await rejectedApiError("storage_failed", uploads.putWhole(id, "weights.bin", body, 3));
      expect(await uploads.list(id)).toEqual([]);
    });

    test("belongs to its version", async () => {
      const other = { ...id, version: "12" };
      for (const each of [id, other]) await putWhole(each, "weights.bin", 1);
      expect(await uploads.delete(id)).toBe(1);
      expect(await uploads.list(id)).toEqual([]);
      expect(await uploads.list(other)).toHaveLength(1);
      await uploads.delete(other);
    });
  });

  describe("a file that is sent in parts", () => {
    test("is complete when all have arrived, in any order and again", async () => {
      await putPart(7, 9);
      await putPart(0, 2);
      const begun = await only();
      expect(begun).toMatchObject({ path: "weights.bin", ...FILE });
      expect([isComplete(begun), missingOf(begun)]).toEqual([false, [{ start: 3, end: 6 }]]);
      await putPart(0, 2);
      await putPart(3, 6);
      const upload = await only();
      expect([isComplete(upload), missingOf(upload)]).toEqual([true, []]);
      expect(await read(upload)).toEqual([...WHOLE]);
      for (const offset of [0, 2, 3, 5, 7, 9])
        expect(await read(upload, offset)).toEqual([...WHOLE.subarray(offset)]);
    });

    test("does not mix with one of other bytes, of another size or sent as a whole", async () => {
      await putPart(0, 4);
      await putPart(5, 9, { ...FILE, sha256: "b".repeat(64) });
      await putPart(5, 8, { ...FILE, sizeBytes: 9 });
      await putWhole(id, "weights.bin", 1);
      const listed = await uploads.list(id);
      expect(listed.map(isComplete).filter((complete) => complete)).toHaveLength(1);
      expect(listed).toHaveLength(4);
    });

    test("that is shorter than its range is not there", async () => {
      const body = streamOf(Uint8Array.of(1));
      const range = { start: 0, end: 4 };
      await rejectedApiError(
        "storage_failed",
        uploads.putPart(id, "weights.bin", FILE, range, body),
      );
      expect(await uploads.list(id)).toEqual([]);
    });

    test("whose parts were deleted while it was read fails", async () => {
      await putPart(0, 4);
      await putPart(5, 9);
      const upload = await only();
      const body = uploads.open(id, upload);
      await uploads.delete(id, [{ ...upload, parts: upload.parts.slice(1) }]);
      await expect(Array.fromAsync(body)).rejects.toThrow(
        "was changed or deleted while it was read",
      );
      expect(failureOf(body)).toMatchObject({ code: "storage_failed" });
    });

    test("is deleted alone where others were sent", async () => {
      await putPart(0, 4);
      await putWhole(id, "weights.bin.parts", 1);
      const parts = (await uploads.list(id)).filter(({ sha256 }) => sha256 !== undefined);
      expect(await uploads.delete(id, parts)).toBe(1);
      expect(await read(await only())).toEqual([1]);
    });
  });
}
