import { type EngineSnapshot, PAGE_BYTES } from "./engine-snapshot.ts";
import { instantiateOrtModule, type OrtModule } from "./ort-module.ts";

/** The size of a pointer, wasm32. */
export const POINTER_BYTES = 4;
const LOG_LEVEL_FATAL = 4;

/** The engine refused a call, or gave what cannot be used. */
export class OrtError extends Error {
  override readonly name = "OrtError";
}

/**
 * One ONNX Runtime with a wasm memory of its own. Memory never shrinks: it is freed with the whole
 * instance, by the garbage collector.
 */
export class OrtInstance {
  readonly module: OrtModule;
  /** Whether its memory was copied from a snapshot instead of a start. */
  readonly fromSnapshot: boolean;
  /** By which it calls its functions. */
  readonly table: WebAssembly.Table;
  readonly #memory: WebAssembly.Memory;
  #view: DataView;
  #bytes: Uint8Array;

  private constructor(
    module: OrtModule,
    memory: WebAssembly.Memory,
    table: WebAssembly.Table,
    fromSnapshot: boolean,
  ) {
    this.module = module;
    this.table = table;
    this.fromSnapshot = fromSnapshot;
    this.#memory = memory;
    this.#view = new DataView(memory.buffer);
    this.#bytes = new Uint8Array(memory.buffer);
  }

  /**
   * @param mayGrow called before the memory grows to that many bytes; `false` makes the allocation fail
   * @param snapshot of the memory of a started engine; restored instead of a start, if it fits this engine
   */
  static async create(
    mayGrow: (bytes: number) => boolean,
    snapshot?: EngineSnapshot,
  ): Promise<OrtInstance> {
    const { module, memory, table } = await instantiateOrtModule();
    guardGrowth(memory, mayGrow);
    const fromSnapshot = snapshot?.restore(memory, module.stackSave()) ?? false;
    const instance = new OrtInstance(module, memory, table, fromSnapshot);
    if (!fromSnapshot && module._OrtInit(1, LOG_LEVEL_FATAL) !== 0)
      throw instance.lastError("ONNX Runtime did not start");
    return instance;
  }

  /** Shared with the functions that take the place of its own. */
  get memory(): WebAssembly.Memory {
    return this.#memory;
  }

  get memoryBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  /** A view of the whole memory; any allocation may detach an older view from it. */
  get heap(): Uint8Array {
    if (this.#bytes.buffer !== this.#memory.buffer) this.#refresh();
    return this.#bytes;
  }

  get view(): DataView {
    if (this.#view.buffer !== this.#memory.buffer) this.#refresh();
    return this.#view;
  }

  #refresh(): void {
    this.#view = new DataView(this.#memory.buffer);
    this.#bytes = new Uint8Array(this.#memory.buffer);
  }

  readPointer(address: number): number {
    return this.view.getUint32(address, true);
  }

  writePointer(address: number, value: number): void {
    this.view.setUint32(address, value, true);
  }

  /** @throws OrtError when the memory limit is reached */
  allocate(bytes: number): number {
    // malloc(0) may return null, and ONNX Runtime needs a pointer even for an empty tensor.
    const address = this.module._malloc(Math.max(bytes, 1));
    if (address === 0) throw new OrtError(`out of memory: ${bytes} bytes could not be allocated`);
    return address;
  }

  /** A NUL-terminated copy of `text` on the heap, to be freed by the caller. */
  allocateString(text: string): number {
    const bytes = this.module.lengthBytesUTF8(text) + 1;
    const address = this.allocate(bytes);
    this.module.stringToUTF8(text, address, bytes);
    return address;
  }

  /** Lets `work` allocate on the wasm stack; all of it is released when `work` returns or throws. */
  withStack<T>(work: (allocate: (bytes: number) => number) => T): T {
    const { module } = this;
    const saved = module.stackSave();
    try {
      return work(module.stackAlloc);
    } finally {
      module.stackRestore(saved);
    }
  }

  /** The engine's last error as an exception to throw. */
  lastError(what: string): OrtError {
    return this.withStack((allocate) => {
      const address = allocate(8);
      this.module._OrtGetLastError(address, address + 4);
      const message = this.readPointer(address + 4);
      return new OrtError(
        `${what}: ${message ? tidy(this.module.UTF8ToString(message)) : "no reason given"}`,
      );
    });
  }

  /** @throws OrtError unless `status` is 0 */
  check(status: number, what: string): void {
    if (status !== 0) throw this.lastError(what);
  }
}

/** Removes paths of the engine's C++ sources from its messages. */
function tidy(message: string): string {
  return message
    .replace(/^.*\[ONNXRuntimeError\] : \d+ : \w+ : /s, "")
    .replace(/(?:\/[\w.-]+)+\.(?:cc|h):\d+ /g, "")
    .replaceAll(/\s+/g, " ")
    .replace(/[.\s]+$/, "");
}

/**
 * Lets `mayGrow` refuse a growth. The glue code grows the memory through this object's `grow`, and
 * treats an exception as a refusal: the allocation fails, as at the limit of a memory.
 */
function guardGrowth(memory: WebAssembly.Memory, mayGrow: (bytes: number) => boolean): void {
  Object.defineProperty(memory, "grow", {
    value: (pages: number): number => {
      if (!mayGrow(memory.buffer.byteLength + pages * PAGE_BYTES))
        throw new RangeError("the memory budget is used up");
      return WebAssembly.Memory.prototype.grow.call(memory, pages);
    },
  });
}
