import type { OtherMemory } from "../domain/ports.ts";
import { CELL_START_BYTES, Cell, ENGINE_BYTES, type Resident } from "./cell.ts";

/** Models that need no more heap than this share a cell. */
const SMALL_MODEL_BYTES = 4_194_304;
/** What the models of one shared cell may need together; with the engine, about 36 MB. */
const SHARED_CELL_MODEL_BYTES = 25_165_824;
/** A shared cell that has grown past this, by a greedy run, takes no more models. */
const SHARED_CELL_BYTES = 50_331_648;
/** A cell is recycled for a model that needs at least its memory divided by this. */
const RECYCLING_SLACK = 1.5;

/** The memory that a cell with a model of this heap needs at least. */
export function cellBytes(heapBytes: number): number {
  return Math.max(CELL_START_BYTES, ENGINE_BYTES + heapBytes);
}

/**
 * The cells of an isolate, within a budget of wasm memory. Finds each model a place, and makes room by
 * giving up what was used least recently. Nothing here waits: a cell with a load under way, or one
 * that is in the middle of a run, is simply not given up.
 */
export class MemoryBudget {
  readonly limitBytes: number;
  evictions = 0;
  readonly #cells = new Set<Cell>();
  readonly #others: OtherMemory[] = [];
  readonly #onEvict: (resident: Resident) => void;

  /** @param onEvict called for each model that is given up */
  constructor(limitBytes: number, onEvict: (resident: Resident) => void) {
    this.limitBytes = limitBytes;
    this.#onEvict = onEvict;
  }

  get cells(): readonly Cell[] {
    return [...this.#cells];
  }

  get usedBytes(): number {
    let sum = 0;
    for (const { budgetedBytes } of this.#cells) sum += budgetedBytes;
    for (const { memoryBytes } of this.#others) sum += memoryBytes;
    return sum;
  }

  /** Counts other memory from now on. */
  count(memory: OtherMemory): void {
    this.#others.push(memory);
  }

  /** Drops idle cells, least recently used first, until so many bytes fit or none is left. */
  makeRoomForOthers(bytes: number): void {
    for (const cell of this.#idleCells()) {
      if (this.usedBytes + bytes <= this.limitBytes) return;
      this.drop(cell);
    }
  }

  /**
   * A cell for a load, to be settled after it: the shared one for a small model, else a recycled or a
   * new one.
   * @param alone keeps even a small model apart
   * @returns `undefined` when other loads hold the memory
   */
  place(heapBytes: number, alone: boolean): Cell | undefined {
    const shared = heapBytes <= SMALL_MODEL_BYTES && !alone;
    const existing = shared ? this.#sharedCell() : undefined;
    if (existing) {
      this.#makeRoomWithin(existing, heapBytes);
      existing.loads++;
      return existing;
    }
    const neededBytes = cellBytes(heapBytes);
    const recycled = shared ? undefined : this.#recycle(neededBytes);
    if (!recycled && !this.#makeRoom(neededBytes)) return undefined;
    const cell = recycled ?? new Cell(shared, (growing, bytes) => this.#mayGrow(growing, bytes));
    this.#cells.add(cell);
    cell.reservedBytes = neededBytes;
    cell.loads++;
    return cell;
  }

  /** Ends a load, whether it succeeded or not. */
  settle(cell: Cell): void {
    cell.loads--;
    if (cell.loads > 0) return;
    cell.reservedBytes = 0;
    if (cell.residents.size === 0) this.drop(cell);
  }

  /** Gives one model up: a cell of its own with its memory, a place in a shared one for the next. */
  evict(resident: Resident): void {
    const { cell } = resident;
    this.#release(resident);
    if (cell.residents.size === 0 && cell.loads === 0) this.drop(cell);
  }

  /** Forgets a cell with all that is in it; its memory is collected. */
  drop(cell: Cell): void {
    cell.dropped = true;
    this.#cells.delete(cell);
    for (const resident of cell.residents) this.#forget(resident);
  }

  #sharedCell(): Cell | undefined {
    for (const cell of this.#cells)
      if (cell.shared && cell.memoryBytes <= SHARED_CELL_BYTES) return cell;
    return undefined;
  }

  /** Releases the least recently used models of a shared cell, whose heap the next one reuses. */
  #makeRoomWithin(cell: Cell, heapBytes: number): void {
    const roomBytes = Math.min(SHARED_CELL_MODEL_BYTES, this.limitBytes - ENGINE_BYTES);
    const byUse = [...cell.residents].sort((a, b) => a.lastUsed - b.lastUsed);
    for (const resident of byUse) {
      if (cell.heapBytes + heapBytes <= roomBytes) return;
      this.#release(resident);
    }
  }

  /**
   * When there is no room for another cell: the least recently used one, if its memory fits the model
   * well. Its heap serves again, which spares an instance and the wait for garbage collection. A model
   * that needs most of the budget cannot do with a heap in fragments (measured: it fails there).
   */
  #recycle(neededBytes: number): Cell | undefined {
    if (this.#fits(neededBytes)) return undefined;
    if (neededBytes > this.limitBytes / 2) return undefined;
    const [oldest] = this.#idleCells();
    if (!oldest || oldest.shared || oldest.memoryBytes > neededBytes * RECYCLING_SLACK)
      return undefined;
    // It is idle, so its memory is all that it takes now; a smaller one will have to grow.
    if (!this.#makeRoom(neededBytes - oldest.memoryBytes, oldest)) return undefined;
    for (const resident of [...oldest.residents]) this.#release(resident);
    oldest.recycled = true;
    return oldest;
  }

  /** Whether so many bytes fit, if need be after other memory was released. */
  #fits(neededBytes: number): boolean {
    if (this.usedBytes + neededBytes <= this.limitBytes) return true;
    for (const memory of this.#others) memory.release();
    return this.usedBytes + neededBytes <= this.limitBytes;
  }

  /**
   * Drops the least recently used idle cells until so many bytes fit. When they cannot fit, it drops
   * none: a greedy input must not cost the other models their places.
   */
  #makeRoom(neededBytes: number, except?: Cell): boolean {
    if (this.#fits(neededBytes)) return true;
    const idle = this.#idleCells(except);
    const idleBytes = idle.reduce((sum, { budgetedBytes }) => sum + budgetedBytes, 0);
    if (this.usedBytes - idleBytes + neededBytes > this.limitBytes) return false;
    for (const cell of idle) {
      if (this.usedBytes + neededBytes <= this.limitBytes) break;
      this.drop(cell);
    }
    return true;
  }

  /** Called from inside the engine, in the middle of a load or run of `cell`. */
  #mayGrow(cell: Cell, bytes: number): boolean {
    const moreBytes = bytes - cell.budgetedBytes;
    return moreBytes <= 0 || this.#makeRoom(moreBytes, cell);
  }

  /** Least recently used first. */
  #idleCells(except?: Cell): Cell[] {
    return [...this.#cells]
      .filter((cell) => cell !== except && cell.loads === 0)
      .sort((a, b) => a.lastUsed - b.lastUsed);
  }

  #release(resident: Resident): void {
    this.#forget(resident);
    resident.session.release();
  }

  #forget(resident: Resident): void {
    this.evictions++;
    resident.cell.residents.delete(resident);
    this.#onEvict(resident);
  }
}
