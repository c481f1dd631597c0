import type { ModelSource } from "../domain/ports.ts";
import { settlesWithin } from "../shared/settles-within.ts";
import type { EngineCalls } from "./engine-calls.ts";
import snapshotFile from "./engine-snapshot.bin";
import { EngineSnapshot } from "./engine-snapshot.ts";
import { QuantizedMatmul } from "./kernels/quantized-matmul.ts";
import { OrtError, OrtInstance } from "./ort-instance.ts";
import type { OrtSession } from "./ort-session.ts";
import type { WeightPacking } from "./weight-packing.ts";

/** The initial wasm memory of every instance. */
export const CELL_START_BYTES = 16_777_216;
/**
 * What of it ONNX Runtime itself takes before any model is loaded: constants, 5 MB of stack, of which little is
 * ever touched, and 3.7 MB of heap (measured: 10,022,912 bytes). The rest is for the steps by which the memory
 * grows: with their `heapBytes` beside it the models of models/ take up to 10,354,688.
 */
export const ENGINE_BYTES = 10_485_760;
/** An engine starts in a tenth of a second without waiting for anything; a start that takes longer was cut off. */
const MAX_START_MS = 2000;
/** Smaller models have no weights that would be worth the start of the products of our own (1 ms). */
const MATMUL_FROM_BYTES = 1_048_576;

const snapshot = new EngineSnapshot(snapshotFile);

/** The least memory of a cell whose models need this much heap. */
export function cellBytes(heapBytes: number): number {
  return Math.max(CELL_START_BYTES, ENGINE_BYTES + heapBytes);
}

/** A model that is ready, in the cell that holds its session. */
export interface Resident {
  readonly source: ModelSource;
  readonly session: OrtSession;
  readonly cell: Cell;
  /** Heap that the session is estimated to need. */
  readonly heapBytes: number;
  /** When its weights may be packed; none where they cannot be. */
  readonly packing: WeightPacking | undefined;
  /** Position in the order of use: larger is more recent. */
  lastUsed: number;
  /** Whether it was unloaded while it was pinned: its pins keep it, and new calls do not find it. */
  unloaded: boolean;
}

/** Keeps a model in its cell, with memory reserved beside it. */
export interface Pin {
  readonly resident: Resident;
  reservedBytes: number;
  /** Milliseconds since the epoch. */
  expiresAt: number;
  /** Whether it ends as soon as its memory is needed: it does not keep the model. */
  readonly isRevocable: boolean;
  /** Ends it, because it expired, was revoked, or its cell was dropped. */
  end(): void;
}

/**
 * One instance of ONNX Runtime with the sessions in it. A failure of the engine costs the models of
 * its cell and no others, and the cell's memory is freed when it is dropped.
 */
export class Cell {
  /** Whether small models share it; a large model, or a group of models, has a cell of its own. */
  readonly shared: boolean;
  /** Of the models that are used together and share it. */
  group: string | undefined;
  readonly residents = new Set<Resident>();
  readonly pins = new Set<Pin>();
  /** Loads in progress in it; it is not evicted meanwhile. */
  loads = 0;
  dropped = false;
  /** Whether it takes no more models, and is dropped when its last pin ends. */
  retired = false;
  /** Whether it held other models before, which may have left its heap fragmented. */
  recycled = false;
  /** What the load in progress is estimated to grow the memory to; 0 when there is none. */
  loadBytes = 0;
  #instance: OrtInstance | undefined;
  #creating: Promise<OrtInstance> | undefined;
  #refusedBytes: number | undefined;
  #matmul: { readonly installed: QuantizedMatmul | undefined } | undefined;
  readonly #mayGrow: (cell: Cell, bytes: number) => boolean;
  readonly #calls: EngineCalls;

  /** @param mayGrow called before the memory grows to `bytes`; `false` makes the allocation fail */
  constructor(
    shared: boolean,
    calls: EngineCalls,
    mayGrow: (cell: Cell, bytes: number) => boolean,
  ) {
    this.shared = shared;
    this.#calls = calls;
    this.#mayGrow = mayGrow;
  }

  /** The wasm memory's size. */
  get memoryBytes(): number {
    return this.#instance?.memoryBytes ?? CELL_START_BYTES;
  }

  get fromSnapshot(): boolean {
    return this.#instance?.fromSnapshot ?? false;
  }

  /** What the cell counts for in the budget: its memory, and what was promised beyond that. */
  get budgetedBytes(): number {
    const { reservedBytes } = this;
    const pinnedBytes = reservedBytes === 0 ? 0 : cellBytes(this.heapBytes + reservedBytes);
    return Math.max(this.memoryBytes, this.loadBytes, pinnedBytes);
  }

  get heapBytes(): number {
    let sum = 0;
    for (const resident of this.residents) sum += resident.heapBytes;
    return sum;
  }

  /** Heap reserved by pins, beside that of the models. */
  get reservedBytes(): number {
    let sum = 0;
    for (const pin of this.pins) sum += pin.reservedBytes;
    return sum;
  }

  /**
   * The smallest size that the memory was not allowed to grow to since {@link forgetRefusals}: it
   * distinguishes out-of-memory from other failures.
   */
  get refusedBytes(): number | undefined {
    return this.#refusedBytes;
  }

  /** To be called before each call into the engine, whose failure earlier refusals do not explain. */
  forgetRefusals(): void {
    this.#refusedBytes = undefined;
  }

  get lastUsed(): number {
    let latest = 0;
    for (const { lastUsed } of this.residents) latest = Math.max(latest, lastUsed);
    return latest;
  }

  /** Whether a model of it is pinned. */
  get isHeld(): boolean {
    for (const pin of this.pins) if (!pin.isRevocable) return true;
    return false;
  }

  isPinned(resident: Resident): boolean {
    for (const pin of this.pins) if (pin.resident === resident && !pin.isRevocable) return true;
    return false;
  }

  /** The models that may be released, least recently used first. */
  evictable(): Resident[] {
    return [...this.residents]
      .filter((resident) => !this.isPinned(resident))
      .sort((a, b) => a.lastUsed - b.lastUsed);
  }

  /**
   * Runs synchronous work that enters the engine. All work does so here, so that a call that was cut off is noticed.
   * @param sha256 of the model that it is for
   */
  call<T>(sha256: string, work: () => T): T {
    return this.#calls.run(this, sha256, work);
  }

  /** The cell's instance, created once; `undefined` when the request that began to create it was cut off. */
  async instance(): Promise<OrtInstance | undefined> {
    if (this.#instance) return this.#instance;
    if (this.#creating && !(await settlesWithin(this.#creating, MAX_START_MS))) return undefined;
    this.#creating ??= OrtInstance.create((bytes) => {
      const allowed = this.#mayGrow(this, bytes);
      if (!allowed) this.#refusedBytes = Math.min(bytes, this.#refusedBytes ?? bytes);
      return allowed;
    }, snapshot);
    this.#instance = await this.#creating;
    return this.#instance;
  }

  /** The products of quantized matrices for a model of this size; to be called inside {@link call}. */
  matmul(instance: OrtInstance, sizeBytes: number): QuantizedMatmul | undefined {
    if (!this.#matmul && sizeBytes < MATMUL_FROM_BYTES) return undefined;
    this.#matmul ??= { installed: this.#installMatmul(instance) };
    return this.#matmul.installed;
  }

  /** `undefined` also where there is no memory for it: the model comes first. */
  #installMatmul(instance: OrtInstance): QuantizedMatmul | undefined {
    try {
      return QuantizedMatmul.install(instance);
    } catch (error) {
      if (!(error instanceof OrtError)) throw error;
      this.forgetRefusals();
      return undefined;
    }
  }
}
