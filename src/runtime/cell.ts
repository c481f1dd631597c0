import type { ModelSource } from "../domain/ports.ts";
import snapshotFile from "./engine-snapshot.bin";
import { EngineSnapshot } from "./engine-snapshot.ts";
import { OrtInstance } from "./ort-instance.ts";
import type { OrtSession } from "./ort-session.ts";

/** Every instance starts with this much wasm memory. */
export const CELL_START_BYTES = 16_777_216;
/**
 * What of it ONNX Runtime itself takes before any model is loaded: constants, 5 MB of stack, of which little is
 * ever touched, and 3.7 MB of heap (measured: 10,022,912 bytes). The rest is for the steps by which the memory
 * grows: with their `heapBytes` beside it the models of models/ take up to 10,354,688.
 */
export const ENGINE_BYTES = 10_485_760;

const snapshot = new EngineSnapshot(snapshotFile);

/** A model that is ready, in the cell that holds its session. */
export interface Resident {
  readonly source: ModelSource;
  readonly session: OrtSession;
  readonly cell: Cell;
  /** Heap that the session is reckoned to need. */
  readonly heapBytes: number;
  /** Position in the order of use: larger is more recent. */
  lastUsed: number;
}

/**
 * One instance of ONNX Runtime with the sessions in it. What breaks in a cell breaks the cell and
 * nothing else, and its memory is given back when it is dropped.
 */
export class Cell {
  /** Whether small models share it; a large model has a cell of its own. */
  readonly shared: boolean;
  readonly residents = new Set<Resident>();
  /** Loads under way in it, which must not lose it. */
  loads = 0;
  dropped = false;
  /** Whether it held other models before, whose pieces may have left its heap in fragments. */
  recycled = false;
  #instance: OrtInstance | undefined;
  #creating: Promise<OrtInstance> | undefined;
  #refusedBytes: number | undefined;
  readonly #mayGrow: (cell: Cell, bytes: number) => boolean;

  /** @param mayGrow asked before the memory grows to `bytes` */
  constructor(shared: boolean, mayGrow: (cell: Cell, bytes: number) => boolean) {
    this.shared = shared;
    this.#mayGrow = mayGrow;
  }

  /** What the load under way is reckoned to grow the memory to; 0 when none is. */
  reservedBytes = 0;

  /** The wasm memory's size. */
  get memoryBytes(): number {
    return this.#instance?.memoryBytes ?? CELL_START_BYTES;
  }

  get fromSnapshot(): boolean {
    return this.#instance?.fromSnapshot ?? false;
  }

  /** What the cell takes of the budget, also while its memory is still to grow. */
  get budgetedBytes(): number {
    return Math.max(this.memoryBytes, this.reservedBytes);
  }

  get heapBytes(): number {
    let sum = 0;
    for (const resident of this.residents) sum += resident.heapBytes;
    return sum;
  }

  /**
   * The smallest size to which the memory was not allowed to grow since {@link forgetRefusals}, which
   * tells an out-of-memory from other failures.
   */
  get refusedBytes(): number | undefined {
    return this.#refusedBytes;
  }

  /** Before each call into the engine: what was refused earlier explains none of its failures. */
  forgetRefusals(): void {
    this.#refusedBytes = undefined;
  }

  get lastUsed(): number {
    let latest = 0;
    for (const { lastUsed } of this.residents) latest = Math.max(latest, lastUsed);
    return latest;
  }

  /** The cell's instance, created once. */
  async instance(): Promise<OrtInstance> {
    this.#creating ??= OrtInstance.create((bytes) => {
      const allowed = this.#mayGrow(this, bytes);
      if (!allowed) this.#refusedBytes = Math.min(bytes, this.#refusedBytes ?? bytes);
      return allowed;
    }, snapshot);
    this.#instance = await this.#creating;
    return this.#instance;
  }
}
