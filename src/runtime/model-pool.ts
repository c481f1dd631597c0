import { ApiError } from "../domain/errors.ts";
import { formatModelId } from "../domain/model-id.ts";
import type {
  LoadedModel,
  ModelRuntime,
  ModelSource,
  ModelState,
  OtherMemory,
  RuntimeStats,
  Temperature,
  WaitUntil,
} from "../domain/ports.ts";
import { settlesWithin } from "../shared/settles-within.ts";
import { type Cell, ENGINE_BYTES, type Resident } from "./cell.ts";
import { toLoadFailure, toRunFailure } from "./engine-failure.ts";
import { Load } from "./load.ts";
import { cellBytes, MemoryBudget } from "./memory-budget.ts";
import { OrtSession } from "./ort-session.ts";
import { readIntoHeap } from "./read-into-heap.ts";

export interface ModelPoolOptions {
  /** What the wasm memories of all cells together may take of the isolate's 128 MB. */
  readonly budgetBytes: number;
  /** How long a request waits for a load that another request began, before it begins its own. */
  readonly loadPatienceMs?: number;
}

/** A load that outlives this is taken for one whose request was cut off by the platform. */
const LOAD_PATIENCE_MS = 30_000;
/** A model that killed this many shared cells lives alone from then on. */
const KILLS_UNTIL_ALONE = 2;
/** Bounds what is remembered of failures, kills and needs. */
const MAX_REMEMBERED = 500;
/** Loads in a row that leave no model to run: too many models want the memory at once. */
const MAX_ATTEMPTS = 5;
/** What a session needs however small its model is (measured: 50 KB for a single node). */
const SESSION_BYTES = 65_536;
/** By then some of those who want the memory at once have been served. */
const RETRY_AFTER_SECONDS = 1;

/** The cell was lost through no fault of the model, which deserves another attempt. */
class CellLost extends Error {}

/** Creates the runtime: ONNX Runtime in cells, within a budget. */
export function createModelPool(options: ModelPoolOptions): ModelRuntime {
  return new ModelPool(options);
}

class ModelPool implements ModelRuntime {
  readonly #budget: MemoryBudget;
  readonly #loadPatienceMs: number;
  readonly #ready = new Map<string, Resident>();
  readonly #loading = new Map<string, Load>();
  /** Oldest first: what `#loading` has, and models that those who waited have not come for yet. */
  readonly #underWay = new Set<Load>();
  readonly #failures = new Map<string, unknown>();
  readonly #kills = new Map<string, number>();
  /** Heap that models turned out to need beyond what was reckoned. */
  readonly #needs = new Map<string, number>();
  #uses = 0;
  #loads = 0;
  #crashes = 0;

  constructor({ budgetBytes, loadPatienceMs = LOAD_PATIENCE_MS }: ModelPoolOptions) {
    this.#budget = new MemoryBudget(budgetBytes, ({ source }) => this.#ready.delete(source.sha256));
    this.#loadPatienceMs = loadPatienceMs;
  }

  async use<T>(
    source: ModelSource,
    waitUntil: WaitUntil,
    work: (model: LoadedModel, temperature: Temperature) => T,
  ): Promise<T> {
    const { id, sha256 } = source;
    const run = (temperature: Temperature): { result: T } | undefined => {
      const resident = this.#ready.get(sha256);
      if (!resident) return undefined;
      resident.lastUsed = ++this.#uses;
      try {
        return { result: work(this.#toLoadedModel(resident), temperature) };
      } catch (error) {
        if (error instanceof CellLost) return undefined;
        throw error;
      }
    };
    const warm = run("warm");
    if (warm) return warm.result;
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const cold = await this.#load(source, waitUntil, () => run("cold"));
      if (cold) return cold.result;
    }
    throw new ApiError(
      "overloaded",
      `${formatModelId(id)} lost its memory ${MAX_ATTEMPTS} times before it could run: too many models want it at once, or other requests crash its engine. Try again in ${RETRY_AFTER_SECONDS} s.`,
      { details: { retryAfterSeconds: RETRY_AFTER_SECONDS } },
    );
  }

  state(sha256: string): ModelState {
    if (this.#ready.has(sha256)) return { state: "ready" };
    if (this.#loading.has(sha256)) return { state: "loading" };
    if (this.#failures.has(sha256)) return { state: "failed", error: this.#failures.get(sha256) };
    return { state: "absent" };
  }

  unload(sha256: string): boolean {
    this.#failures.delete(sha256);
    const resident = this.#ready.get(sha256);
    if (resident) this.#budget.evict(resident);
    return resident !== undefined;
  }

  count(memory: OtherMemory): void {
    this.#budget.count(memory);
  }

  makeRoom(bytes: number): void {
    this.#budget.makeRoomForOthers(bytes);
  }

  stats(): RuntimeStats {
    return {
      budgetBytes: this.#budget.limitBytes,
      usedBytes: this.#budget.usedBytes,
      loads: this.#loads,
      evictions: this.#budget.evictions,
      crashes: this.#crashes,
      cells: this.#budget.cells.map(({ shared, memoryBytes, fromSnapshot, residents }) => ({
        shared,
        memoryBytes,
        fromSnapshot,
        models: [...residents].map(({ source: { id }, heapBytes }) => ({ ...id, heapBytes })),
      })),
    };
  }

  /**
   * Joins the load that is under way, or begins one.
   * @param take called when the load is over, unless it was given up
   * @returns what `take` returns, or `undefined` when the model has to be asked for again
   */
  async #load<T>(source: ModelSource, waitUntil: WaitUntil, take: () => T): Promise<T | undefined> {
    const { sha256 } = source;
    const joined = this.#loading.get(sha256);
    if (!joined) return (await this.#begin(source, waitUntil).join(take))?.taken;
    const outcome = await joined.join(take, this.#loadPatienceMs);
    if (!outcome) this.#giveUp(joined);
    return outcome?.taken;
  }

  #begin(source: ModelSource, waitUntil: WaitUntil): Load {
    const { sha256 } = source;
    const load = new Load(sha256, {
      work: async () => {
        try {
          await this.#perform(source, load);
          this.#failures.delete(sha256);
        } catch (error) {
          remember(this.#failures, sha256, error);
          throw error;
        } finally {
          if (this.#loading.get(sha256) === load) this.#loading.delete(sha256);
        }
      },
      end: () => {
        this.#underWay.delete(load);
        if (load.cell) this.#budget.settle(load.cell);
      },
    });
    this.#loading.set(sha256, load);
    this.#underWay.add(load);
    load.begin();
    waitUntil(load.over);
    return load;
  }

  /** The platform cut off the request that began the load, and with it the reading of storage. */
  #giveUp(load: Load): void {
    if (this.#loading.get(load.sha256) === load) this.#loading.delete(load.sha256);
    this.#underWay.delete(load);
    if (load.cell) this.#budget.drop(load.cell);
  }

  /** When it returns, the model is ready, or has to be asked for again. */
  async #perform(source: ModelSource, load: Load): Promise<void> {
    const { id, sha256, sizeBytes } = source;
    this.#refuseTooLarge(source);
    const reckonedBytes = source.heapBytes ?? this.#estimateHeapBytes(source);
    const heapBytes = Math.max(reckonedBytes, this.#needs.get(sha256) ?? 0);
    const cell = await this.#claimCell(source, heapBytes, load);
    this.#loads++;
    let session: OrtSession | undefined;
    try {
      const instance = await cell.instance();
      const address = await readIntoHeap(instance, source);
      if (cell.dropped) return;
      cell.forgetRefusals();
      session = new OrtSession(instance, address, sizeBytes, source);
      const resident = { source, session, cell, heapBytes, lastUsed: ++this.#uses };
      await source.prepare(this.#toLoadedModel(resident));
      if (cell.dropped) return;
      cell.residents.add(resident);
      this.#ready.set(sha256, resident);
    } catch (thrown) {
      // Another model took the cell down: that is no failure of this one, so it is loaded again.
      if (thrown instanceof CellLost || (cell.dropped && !(thrown instanceof ApiError))) return;
      const { error, fatal } = toLoadFailure(thrown, cell, id);
      if (fatal && this.#lose(cell, sha256)) return;
      if (!cell.dropped) session?.release();
      throw error;
    }
  }

  /** Finds the load a place; waits while other loads hold the memory. */
  async #claimCell({ id, sha256 }: ModelSource, heapBytes: number, load: Load): Promise<Cell> {
    const alone = (this.#kills.get(sha256) ?? 0) >= KILLS_UNTIL_ALONE;
    for (;;) {
      const cell = this.#budget.place(heapBytes, alone);
      if (cell) {
        load.cell = cell;
        return cell;
      }
      const others = [...this.#underWay].filter((other) => other !== load && other.cell);
      const [oldest] = others;
      if (!oldest)
        throw new ApiError("overloaded", `There is no memory for ${formatModelId(id)} now.`);
      const anyOver = Promise.race(others.map(({ over }) => over));
      if (!(await settlesWithin(anyOver, this.#loadPatienceMs))) this.#giveUp(oldest);
    }
  }

  #toLoadedModel({ source, session, cell }: Resident): LoadedModel {
    return {
      describe: () => session.describe(),
      run: (inputs, outputs) => {
        if (cell.dropped) throw new CellLost();
        cell.forgetRefusals();
        try {
          return session.run(inputs, outputs);
        } catch (thrown) {
          const { error, fatal } = toRunFailure(thrown, cell, source.id);
          throw fatal && this.#lose(cell, source.sha256) ? new CellLost() : error;
        }
      },
    };
  }

  /** Before anything is downloaded, by what is certain: the measured heap, or the file's own size. */
  #refuseTooLarge({ id, sizeBytes, heapBytes }: ModelSource): void {
    const neededBytes = cellBytes(heapBytes ?? sizeBytes);
    const budgetBytes = this.#budget.limitBytes;
    if (neededBytes <= budgetBytes) return;
    throw new ApiError(
      "model_too_large",
      `${formatModelId(id)} needs ${neededBytes} bytes of memory, but the budget is ${budgetBytes} bytes (MEMORY_BUDGET_BYTES).`,
      { details: { neededBytes, budgetBytes } },
    );
  }

  /**
   * A guess for a manifest that does not say. While an ONNX file is read, its bytes, their parsed
   * form, the weights and their repacked form lie side by side, and the memory never shrinks
   * (measured: 4.2 times the file with repacking). An ORT file is used where it lies.
   */
  #estimateHeapBytes({ format, sizeBytes, prepack }: ModelSource): number {
    const factor = format === "ort" ? 1.4 : prepack ? 4.2 : 3.2;
    const heapBytes = SESSION_BYTES + Math.ceil(sizeBytes * factor);
    return Math.min(heapBytes, this.#budget.limitBytes - ENGINE_BYTES);
  }

  /**
   * Drops a cell that cannot be trusted any more.
   * @returns whether the model is not to blame, so that it deserves another attempt
   */
  #lose(cell: Cell, sha256: string): boolean {
    this.#crashes++;
    this.#budget.drop(cell);
    // The fragments of a recycled heap may be to blame; the next attempt gets a fresh cell.
    if (cell.recycled) return true;
    const { shared, refusedBytes } = cell;
    if (refusedBytes !== undefined && refusedBytes <= this.#budget.limitBytes) {
      // Alone it would fit. What a shared cell needs says little about one of its models.
      if (!shared) remember(this.#needs, sha256, refusedBytes - ENGINE_BYTES);
      return true;
    }
    if (shared) remember(this.#kills, sha256, (this.#kills.get(sha256) ?? 0) + 1);
    return false;
  }
}

function remember<V>(entries: Map<string, V>, key: string, value: V): void {
  entries.delete(key);
  entries.set(key, value);
  const [oldest] = entries.keys();
  if (entries.size > MAX_REMEMBERED && oldest !== undefined) entries.delete(oldest);
}
