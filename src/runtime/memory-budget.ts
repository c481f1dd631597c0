import type { MemoryConsumer } from "../domain/ports.ts";
import { Cell, cellBytes, ENGINE_BYTES, type Pin, type Resident } from "./cell.ts";
import type { EngineCalls } from "./engine-calls.ts";
import { type BudgetLimit, noMemoryBeside } from "./memory-advice.ts";

/** Models that need no more heap than this share a cell. */
const SMALL_MODEL_BYTES = 4_194_304;
/** What the models of one shared cell may need together; with the engine, about 36 MB. */
const SHARED_CELL_MODEL_BYTES = 25_165_824;
/** A shared cell that takes more than this, grown by a large run or pinned, gets no more models. */
const SHARED_CELL_BYTES = 50_331_648;
/** The share of the budget that may be taken by what is kept until memory is needed. */
const REVOCABLE_SHARE = 1 / 4;
/** What of the budget it leaves free, for the runs of models, whose memory grows in the middle of a run. */
const REVOCABLE_HEADROOM_BYTES = 8_388_608;
/** A cell is recycled for a model that needs at least its memory divided by this. */
const RECYCLING_SLACK = 1.5;

interface MemoryBudgetOptions {
  readonly limit: BudgetLimit;
  /** Into the engines of all cells. */
  readonly calls: EngineCalls;
  /** Called for each model that is evicted. */
  readonly onEvict: (resident: Resident) => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/**
 * The cells of an isolate, within a budget of wasm memory. Allocates a cell for each load, and evicts
 * the least recently used ones to make that possible. Nothing here waits: a cell with a load in
 * progress, one in the middle of a run, and one with a pinned model are never evicted.
 */
export class MemoryBudget {
  readonly limit: BudgetLimit;
  evictions = 0;
  readonly #cells = new Set<Cell>();
  /** Those that are revocable in the order of use. */
  readonly #pins = new Set<Pin>();
  readonly #consumers: MemoryConsumer[] = [];
  readonly #calls: EngineCalls;
  readonly #onEvict: (resident: Resident) => void;
  readonly #now: () => number;

  constructor({ limit, calls, onEvict, now }: MemoryBudgetOptions) {
    this.limit = limit;
    this.#calls = calls;
    this.#onEvict = onEvict;
    this.#now = now;
  }

  get limitBytes(): number {
    return this.limit.bytes;
  }

  get cells(): readonly Cell[] {
    return [...this.#cells];
  }

  get usedBytes(): number {
    let sum = 0;
    for (const { budgetedBytes } of this.#cells) sum += budgetedBytes;
    for (const { memoryBytes } of this.#consumers) sum += memoryBytes;
    return sum;
  }

  /** Counts a consumer's memory from now on. */
  register(consumer: MemoryConsumer): void {
    this.#consumers.push(consumer);
  }

  /** Drops idle cells, least recently used first, until a consumer's bytes fit or none is left. */
  reserveForConsumer(bytes: number): void {
    this.endExpiredPins();
    for (const cell of this.#idleCells()) {
      if (this.usedBytes + bytes <= this.limitBytes) return;
      this.drop(cell);
    }
  }

  /**
   * A cell for a load, to be followed by {@link endLoad}: that of its group, the shared one for a small model, else a
   * recycled or a new one.
   * @param dedicated keeps even a small model, or one of a group, in a cell of its own
   * @returns `undefined` when other loads, or pins, hold the memory
   */
  allocateCell(
    heapBytes: number,
    dedicated: boolean,
    groupOfModel?: string | undefined,
  ): Cell | undefined {
    const group = dedicated ? undefined : groupOfModel;
    const cellOfGroup = group === undefined ? undefined : this.#cellOfGroup(group);
    if (cellOfGroup) return this.#extend(cellOfGroup, heapBytes) ? cellOfGroup : undefined;
    const shared = heapBytes <= SMALL_MODEL_BYTES && !dedicated && group === undefined;
    const existing = shared ? this.#sharedCell() : undefined;
    if (existing) {
      this.#evictWithin(existing, heapBytes);
      existing.loads++;
      return existing;
    }
    const neededBytes = cellBytes(heapBytes);
    const recycled = shared ? undefined : this.#recycle(neededBytes);
    if (!recycled && !this.#reserve(neededBytes)) return undefined;
    const cell =
      recycled ?? new Cell(shared, this.#calls, (growing, bytes) => this.#mayGrow(growing, bytes));
    this.#cells.add(cell);
    cell.group = group;
    cell.loadBytes = neededBytes;
    cell.loads++;
    return cell;
  }

  /** Ends a load, whether it succeeded or not. */
  endLoad(cell: Cell): void {
    cell.loads--;
    if (cell.loads > 0) return;
    cell.loadBytes = 0;
    if (cell.residents.size === 0) this.drop(cell);
  }

  /** Takes back the cell of a load that the platform cut off, now or when its last pin ends. */
  abandon(cell: Cell): void {
    if (cell.isHeld) cell.retired = true;
    else this.drop(cell);
  }

  /**
   * Evicts one model: the memory of a dedicated cell is freed with it, that of a shared one serves the
   * next model. A pinned model is only hidden until its last pin ends.
   */
  evict(resident: Resident): void {
    const { cell } = resident;
    if (cell.isPinned(resident)) {
      this.#countEviction(resident);
      resident.unloaded = true;
      return;
    }
    this.#release(resident);
    if (cell.residents.size === 0 && cell.loads === 0) this.drop(cell);
  }

  /** Removes a cell with its models; the garbage collector frees its memory. */
  drop(cell: Cell): void {
    cell.dropped = true;
    this.#cells.delete(cell);
    for (const pin of [...cell.pins]) pin.end();
    for (const resident of cell.residents) this.#forget(resident);
  }

  /**
   * Pins a model and reserves memory beside it, for which revocable pins end and idle cells are evicted; a revocable
   * one evicts none.
   * @throws ApiError `out_of_memory` when the memory cannot fit beside the model, `overloaded` when it
   *   does not fit now, both with `neededBytes` and `availableBytes`
   */
  pin(pin: Pin): void {
    const { resident, reservedBytes, isRevocable } = pin;
    if (isRevocable) this.#reserveRevocable(resident, reservedBytes);
    else if (reservedBytes > 0) this.#reserveBeside(resident, reservedBytes);
    resident.cell.pins.add(pin);
    this.#pins.add(pin);
  }

  /**
   * Pins a model with memory for what is only faster: nothing else ends for it, also nothing that is revocable.
   * @throws ApiError `overloaded` when that is not free
   */
  pinIfFree(pin: Pin): void {
    const { reservedBytes, resident } = pin;
    const { cell } = resident;
    this.endExpiredPins();
    const revocableBytes = this.#revocable().reduce((sum, each) => sum + each.reservedBytes, 0);
    const isWithinShare =
      revocableBytes + reservedBytes <= Math.floor(this.limitBytes * REVOCABLE_SHARE);
    const growth =
      cellBytes(cell.heapBytes + cell.reservedBytes + reservedBytes) - cell.budgetedBytes;
    if (!isWithinShare || !this.#hasHeadroom(growth))
      throw noMemoryBeside(resident.source.id, "overloaded", reservedBytes, 0, this.limit);
    cell.pins.add(pin);
    this.#pins.add(pin);
  }

  /**
   * Changes what a pin that is not revocable reserves.
   * @throws ApiError what {@link pin} throws, without a change
   */
  resize(pin: Pin, reservedBytes: number): void {
    const moreBytes = reservedBytes - pin.reservedBytes;
    if (moreBytes > 0) this.#reserveBeside(pin.resident, moreBytes);
    pin.reservedBytes = reservedBytes;
  }

  /** Notes the use of a revocable pin: those that were not used for longer end first. */
  touch(pin: Pin): void {
    this.#pins.delete(pin);
    this.#pins.add(pin);
  }

  /** Ends the revocable pins of a cell, least recently used first, until that is enough. */
  revoke(cell: Cell, isEnough: () => boolean = () => false): void {
    for (const pin of this.#revocable()) {
      if (isEnough()) return;
      if (pin.resident.cell === cell) pin.end();
    }
  }

  /** The end of a pin, which gave its memory back before, unless the cell was dropped. */
  unpin(pin: Pin): void {
    const { resident } = pin;
    const { cell } = resident;
    this.#pins.delete(pin);
    cell.pins.delete(pin);
    if (cell.dropped || pin.isRevocable) return;
    if (cell.retired && !cell.isHeld) this.drop(cell);
    else if (resident.unloaded && !cell.isPinned(resident)) this.evict(resident);
  }

  /**
   * Ends the pins that have expired.
   * @param except a cell whose engine is in the middle of a call, and must not be entered
   */
  endExpiredPins(except?: Cell): void {
    if (this.#pins.size === 0) return;
    const now = this.#now();
    for (const pin of [...this.#pins])
      if (pin.expiresAt <= now && pin.resident.cell !== except) pin.end();
  }

  #sharedCell(): Cell | undefined {
    this.endExpiredPins();
    for (const cell of this.#cells)
      if (cell.shared && !cell.retired && cell.budgetedBytes <= SHARED_CELL_BYTES) return cell;
    return undefined;
  }

  #cellOfGroup(group: string): Cell | undefined {
    this.endExpiredPins();
    return this.cells.find((cell) => cell.group === group && !cell.retired);
  }

  /** Makes room for one more model in the cell of its group, whose other models stay if all fit together. */
  #extend(cell: Cell, heapBytes: number): boolean {
    const neededBytes = (): number => {
      const heldBytes = Math.max(
        cell.heapBytes + cell.reservedBytes,
        cell.loads > 0 ? cell.loadBytes - ENGINE_BYTES : 0,
      );
      return cellBytes(heldBytes + heapBytes);
    };
    const fits = (): boolean => this.#reserve(neededBytes() - cell.budgetedBytes, cell);
    for (const resident of cell.evictable()) {
      if (fits()) break;
      this.#release(resident);
    }
    if (!fits()) return false;
    cell.loadBytes = neededBytes();
    cell.loads++;
    return true;
  }

  /** Releases the least recently used models of a shared cell, whose heap the next one reuses. */
  #evictWithin(cell: Cell, heapBytes: number): void {
    const modelBytes = Math.min(SHARED_CELL_MODEL_BYTES, this.limitBytes - ENGINE_BYTES);
    for (const resident of cell.evictable()) {
      if (cell.heapBytes + heapBytes <= modelBytes) return;
      this.#release(resident);
    }
  }

  /**
   * When another cell does not fit: the least recently used one, if its memory fits the model
   * well. Its heap is used again, which spares an instance and the wait for garbage collection. A model
   * that needs most of the budget does not get one: it fails in a fragmented heap (measured).
   */
  #recycle(neededBytes: number): Cell | undefined {
    if (this.#fits(neededBytes)) return undefined;
    if (neededBytes > this.limitBytes / 2) return undefined;
    const [oldest] = this.#idleCells();
    if (!oldest || oldest.shared || oldest.memoryBytes > neededBytes * RECYCLING_SLACK)
      return undefined;
    // It is idle, so its memory is all that it takes now; a smaller one will have to grow.
    if (!this.#reserve(neededBytes - oldest.memoryBytes, oldest)) return undefined;
    for (const resident of [...oldest.residents]) this.#release(resident);
    oldest.recycled = true;
    return oldest;
  }

  #reserveBeside(resident: Resident, bytes: number): void {
    const { cell } = resident;
    const { id } = resident.source;
    this.endExpiredPins();
    const mostBytes = Math.max(0, this.limitBytes - ENGINE_BYTES - resident.heapBytes);
    if (bytes > mostBytes) throw noMemoryBeside(id, "out_of_memory", bytes, mostBytes, this.limit);
    const others = cell.evictable().filter((other) => other !== resident);
    const othersBytes = others.reduce((sum, { heapBytes }) => sum + heapBytes, 0);
    const growth = (evictedBytes: number): number =>
      cellBytes(cell.heapBytes - evictedBytes + cell.reservedBytes + bytes) - cell.budgetedBytes;
    this.revoke(cell, () => this.#hasHeadroom(growth(0)));
    const missingBytes = this.#missingBytes(growth(othersBytes), cell);
    if (missingBytes > 0)
      throw noMemoryBeside(id, "overloaded", bytes, Math.max(0, bytes - missingBytes), this.limit);
    // Other models of a shared cell are released only as far as other cells are not enough.
    for (const other of others) {
      if (this.#reserve(growth(0), cell)) return;
      this.#release(other);
    }
    this.#reserve(growth(0), cell);
  }

  /** For a revocable pin: only others of its kind end for it. */
  #reserveRevocable({ cell, source: { id } }: Resident, bytes: number): void {
    this.endExpiredPins();
    const mostBytes = Math.floor(this.limitBytes * REVOCABLE_SHARE);
    if (bytes > mostBytes) throw noMemoryBeside(id, "out_of_memory", bytes, mostBytes, this.limit);
    const pins = this.#revocable();
    const bytesOf = (some: readonly Pin[]): number =>
      some.reduce((sum, { reservedBytes }) => sum + reservedBytes, 0);
    const growth = (endedBytes: number): number =>
      cellBytes(cell.heapBytes + cell.reservedBytes - endedBytes + bytes) - cell.budgetedBytes;
    const own = pins.filter(({ resident }) => resident.cell === cell);
    if (!this.#hasHeadroom(growth(bytesOf(own))))
      throw noMemoryBeside(id, "overloaded", bytes, 0, this.limit);
    for (const pin of pins) {
      const isWithinShare = bytesOf(this.#revocable()) + bytes <= mostBytes;
      if (isWithinShare && this.#hasHeadroom(growth(0))) return;
      if (!isWithinShare || pin.resident.cell === cell) pin.end();
    }
  }

  #revocable(): Pin[] {
    return [...this.#pins].filter(({ isRevocable }) => isRevocable);
  }

  /**
   * Whether so many bytes fit as things are, and enough is left.
   * @param bytes by which the memory of a cell has to grow; negative where it has more than it needs, as it never shrinks
   */
  #hasHeadroom(bytes: number): boolean {
    return this.usedBytes + Math.max(0, bytes + REVOCABLE_HEADROOM_BYTES) <= this.limitBytes;
  }

  /** Whether so many bytes fit, if need be after expired pins and what consumers do not use. */
  #fits(neededBytes: number, except?: Cell): boolean {
    if (this.usedBytes + neededBytes <= this.limitBytes) return true;
    this.endExpiredPins(except);
    for (const consumer of this.#consumers) consumer.release();
    return this.usedBytes + neededBytes <= this.limitBytes;
  }

  /** How many of these bytes would not fit even if every idle cell were dropped. */
  #missingBytes(neededBytes: number, except?: Cell): number {
    if (this.#fits(neededBytes, except)) return 0;
    let idleBytes = 0;
    for (const { budgetedBytes } of this.#idleCells(except)) idleBytes += budgetedBytes;
    return Math.max(0, this.usedBytes - idleBytes + neededBytes - this.limitBytes);
  }

  /**
   * Drops the least recently used idle cells until so many bytes fit. When they cannot fit, it drops
   * none: an excessive input must not evict other models.
   */
  #reserve(neededBytes: number, except?: Cell): boolean {
    if (this.#missingBytes(neededBytes, except) > 0) return false;
    for (const cell of this.#idleCells(except)) {
      if (this.usedBytes + neededBytes <= this.limitBytes) break;
      this.drop(cell);
    }
    return true;
  }

  /** Called from inside the engine, in the middle of a load or run of `cell`. */
  #mayGrow(cell: Cell, bytes: number): boolean {
    const moreBytes = bytes - cell.budgetedBytes;
    return moreBytes <= 0 || this.#reserve(moreBytes, cell);
  }

  /** Least recently used first. */
  #idleCells(except?: Cell): Cell[] {
    return [...this.#cells]
      .filter((cell) => cell !== except && cell.loads === 0 && !cell.isHeld)
      .sort((a, b) => a.lastUsed - b.lastUsed);
  }

  #release(resident: Resident): void {
    this.#forget(resident);
    const { cell, session, source } = resident;
    for (const pin of [...cell.pins]) if (pin.resident === resident) pin.end();
    cell.call(source.sha256, () => session.release());
  }

  #forget(resident: Resident): void {
    resident.cell.residents.delete(resident);
    if (!resident.unloaded) this.#countEviction(resident);
  }

  #countEviction(resident: Resident): void {
    this.evictions++;
    this.#onEvict(resident);
  }
}
