import type { ModelSource } from "../../src/domain/ports.ts";

interface MemorySourceOptions {
  readonly name?: string;
  /** Of `bytes`, hexadecimal. */
  readonly sha256: string;
  readonly heapBytes?: number | undefined;
}

/** An ONNX model in memory, for the runtime alone. */
export function createMemorySource(
  bytes: Uint8Array<ArrayBuffer>,
  { name = "model", sha256, heapBytes }: MemorySourceOptions,
): ModelSource {
  return {
    id: { name, version: "1" },
    format: "onnx",
    prepack: true,
    sizeBytes: bytes.byteLength,
    sha256,
    heapBytes,
    open: async () => ({ sizeBytes: bytes.byteLength, body: new Blob([bytes]).stream() }),
    prepare: async () => {},
  };
}
