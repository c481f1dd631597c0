import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { ModelSource } from "../../../src/domain/ports.ts";
import { OrtInstance } from "../../../src/runtime/ort-instance.ts";
import { readIntoHeap } from "../../../src/runtime/read-into-heap.ts";
import { rejectedApiError } from "../../support/errors.ts";
import { stubWorkersGlobals } from "../../support/workers-globals.ts";

/** Every kind of stream that storage may return, in Node; R2's own is tested in workerd. */

/** More than four pieces of 64 KiB, and no whole number of them. */
const BYTES = Uint8Array.from({ length: 300_001 }, (_, index) => (index * 7919) >>> 3);

let instance: OrtInstance;

const enter = <T>(work: () => T): T => work();

beforeAll(async () => {
  stubWorkersGlobals();
  instance = await OrtInstance.create(() => true);
});
afterAll(() => void vi.unstubAllGlobals());

function sourceOf(body: ReadableStream<Uint8Array>): ModelSource {
  return {
    id: { name: "model", version: "1" },
    format: "onnx",
    prepack: true,
    heapBytes: undefined,
    sizeBytes: BYTES.length,
    sha256: createHash("sha256").update(BYTES).digest("hex"),
    open: async () => ({ sizeBytes: BYTES.length, body }),
    prepare: async () => {},
  };
}

interface Script {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly chunkBytes: number;
  /** Whether it fails at its end. */
  readonly fails?: boolean;
  readonly cancel?: () => void;
}

type MakeStream = (script: Script) => ReadableStream<Uint8Array>;

/** As a bucket's body: a byte stream, whose reader provides the buffer. */
const ofBytes: MakeStream = ({ bytes, chunkBytes, fails, cancel = () => {} }) => {
  let sent = 0;
  return new ReadableStream({
    type: "bytes",
    pull(controller) {
      if (sent === bytes.length) {
        if (fails) return controller.error(new Error("reset"));
        controller.close();
        controller.byobRequest?.respond(0);
        return;
      }
      const chunk = bytes.slice(sent, sent + chunkBytes);
      sent += chunk.length;
      controller.enqueue(chunk);
    },
    cancel,
  });
};

/** As a transformed body: a stream of chunks. */
const ofChunks: MakeStream = ({ bytes, chunkBytes, fails, cancel = () => {} }) => {
  let sent = 0;
  return new ReadableStream({
    pull(controller) {
      if (sent === bytes.length)
        return fails ? controller.error(new Error("reset")) : controller.close();
      const chunk = bytes.slice(sent, sent + chunkBytes);
      sent += chunk.length;
      controller.enqueue(chunk);
    },
    cancel,
  });
};

describe.each([
  ["bytes", ofBytes],
  ["chunks", ofChunks],
])("a stream of %s", (_, makeStream) => {
  test.each([1000, 4096, 65_536, 65_537, BYTES.length])(
    "that come by %d arrives whole",
    async (chunkBytes) => {
      const body = makeStream({ bytes: BYTES, chunkBytes });
      const address = await readIntoHeap(instance, sourceOf(body), enter);
      const read = instance.heap.slice(address, address + BYTES.length);
      instance.module._free(address);
      expect(Buffer.compare(read, BYTES)).toBe(0);
    },
  );

  test("that goes on is cancelled", async () => {
    const bytes = new Uint8Array(10 * BYTES.length);
    bytes.set(BYTES);
    const cancel = vi.fn();
    const body = makeStream({ bytes, chunkBytes: 4096, cancel });
    const error = await rejectedApiError(
      "model_corrupt",
      readIntoHeap(instance, sourceOf(body), enter),
    );
    expect(error.message).toContain(`bytes arrived instead of ${BYTES.length}`);
    expect(cancel).toHaveBeenCalledOnce();
  });

  test("that ends too early is refused", async () => {
    const bytes = BYTES.slice(0, -1);
    const body = makeStream({ bytes, chunkBytes: 4096 });
    const error = await rejectedApiError(
      "model_corrupt",
      readIntoHeap(instance, sourceOf(body), enter),
    );
    expect(error.message).toContain(`${bytes.length} bytes arrived instead of ${BYTES.length}`);
  });

  test("that breaks in the middle is a failure of storage", async () => {
    const body = makeStream({ bytes: BYTES.slice(0, 100_000), chunkBytes: 4096, fails: true });
    const error = await rejectedApiError(
      "storage_failed",
      readIntoHeap(instance, sourceOf(body), enter),
    );
    expect(error.cause).toMatchObject({ message: "reset" });
  });
});
