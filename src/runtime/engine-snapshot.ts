/**
 * The memory of an engine that has started and has loaded a model, as differences from the memory of
 * one that was just instantiated. Starting an engine registers thousands of operators and
 * kernels, which always results in the same bytes: copying them takes 4 ms of CPU, a start 85 ms,
 * most of it to compile code that runs once (docs/adr/2026-11-22-start-from-a-memory-snapshot.md).
 *
 * The file is a line of JSON, the {@link SnapshotHeader}, and then the bytes of its runs, end to end.
 * `npm run snapshot` writes it.
 */
export class EngineSnapshot {
  readonly #header: SnapshotHeader;
  readonly #bytes: Uint8Array;

  /** @throws Error when the file, which is part of the build, is incomplete */
  constructor(file: ArrayBuffer) {
    const bytes = new Uint8Array(file);
    const end = bytes.indexOf(NEWLINE);
    if (end < 0)
      throw new Error("the engine's snapshot has no header; `npm run snapshot` writes a new one");
    this.#header = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
    this.#bytes = bytes.subarray(end + 1);
    const wanted = this.#header.runs.reduce((sum, [, length]) => sum + length, 0);
    if (this.#bytes.byteLength !== wanted)
      throw new Error(
        `the engine's snapshot has ${this.#bytes.byteLength} bytes instead of ${wanted}; \`npm run snapshot\` writes a new one`,
      );
  }

  get header(): SnapshotHeader {
    return this.#header;
  }

  /**
   * Restores the snapshot into the memory of an engine that was just instantiated.
   * @returns false, and leaves the memory unchanged, when the snapshot is of another engine
   */
  restore(memory: MemoryView, stackPointer: number): boolean {
    const header = this.#header;
    if (memory.buffer.byteLength !== header.memoryBytes) return false;
    if (stackPointer !== header.stackPointer) return false;
    if (fingerprint(memory, header.freshPages) !== header.fingerprint) return false;
    const heap = new Uint8Array(memory.buffer);
    let from = 0;
    for (const [address, length] of header.runs) {
      heap.set(this.#bytes.subarray(from, from + length), address);
      from += length;
    }
    return true;
  }
}

export interface SnapshotHeader {
  /** The version of onnxruntime-web that it was made with. */
  readonly onnxruntimeWeb: string;
  /** SHA-256 of that package's wasm file. */
  readonly wasmSha256: string;
  /** Size of the memory, the same before and after the start. */
  readonly memoryBytes: number;
  /** The same before and after the start, which changes nothing outside the memory. */
  readonly stackPointer: number;
  /** The pages that are not all zeros in the memory of an engine that was just instantiated. */
  readonly freshPages: readonly number[];
  /** {@link fingerprint} of those. */
  readonly fingerprint: number;
  /** Addresses and lengths of what the start changes. */
  readonly runs: readonly (readonly [address: number, length: number])[];
}

export const PAGE_BYTES = 65_536;
const NEWLINE = 0x0a;
const FNV_OFFSET = 0x811c9dc5;
const FNV_PRIME = 0x01000193;

/** A WebAssembly memory, or a view of a whole buffer. */
interface MemoryView {
  readonly buffer: ArrayBufferLike;
}

/**
 * FNV-1a by words of 32 bits over some pages of a memory. An engine's fresh memory holds its constants,
 * among them its version and the virtual function tables of its classes, the pointers of its
 * allocator and its environment. Where all that is equal, the snapshot is valid.
 */
export function fingerprint({ buffer }: MemoryView, pages: readonly number[]): number {
  let hash = FNV_OFFSET;
  for (const page of pages) {
    const words = new Int32Array(buffer, page * PAGE_BYTES, PAGE_BYTES / 4);
    for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ (words[i] ?? 0), FNV_PRIME);
  }
  return hash >>> 0;
}
