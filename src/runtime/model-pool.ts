import { ApiError } from "../domain/errors.ts";
import { formatModelId } from "../domain/model-id.ts";
import type {
  LoadedModel,
  ModelRuntime,
  ModelSource,
  ModelState,
  RuntimeStats,
  Temperature,
  WaitUntil,
} from "../domain/ports.ts";
import { settlesWithin } from "../domain/settles-within.ts";
import { type Cell, ENGINE_BYTES, type Resident } from "./cell.ts";
import { toEngineFailure, toLoadFailure } from "./engine-failure.ts";
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
/** Bounds what is remembered of failures and kills. */
const MAX_REMEMBERED = 500;
/** A model that is evicted each time before it could be used: the budget is far too small. */
const MAX_ATTEMPTS = 5;

/** A load under way, as those who wait for it see it. */
interface Load {
  done: Promise<void>;
  /** Known once the load has a place. */
  cell: Cell | undefined;
}

/** Creates the runtime: ONNX Runtime in cells, within a budget. */
export function createModelPool(options: ModelPoolOptions): ModelRuntime {
  return new ModelPool(options);
}

class ModelPool implements ModelRuntime {
  readonly #budget: MemoryBudget;
  readonly #loadPatienceMs: number;
  readonly #ready = new Map<string, Resident>();
  readonly #loading = new Map<string, Load>();
  readonly #failures = new Map<string, unknown>();
  readonly #kills = new Map<string, number>();
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
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const resident = this.#ready.get(source.sha256);
      if (resident) {
        resident.lastUsed = ++this.#uses;
        return work(this.#toLoadedModel(resident), attempt === 0 ? "warm" : "cold");
      }
      await this.#load(source, waitUntil);
    }
    throw new ApiError(
      "overloaded",
      `${formatModelId(source.id)} was evicted ${MAX_ATTEMPTS} times before it could run: too many models want the memory at once. Try again.`,
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

  stats(): RuntimeStats {
    return {
      budgetBytes: this.#budget.limitBytes,
      usedBytes: this.#budget.usedBytes,
      loads: this.#loads,
      evictions: this.#budget.evictions,
      crashes: this.#crashes,
      cells: this.#budget.cells.map(({ shared, memoryBytes, residents }) => ({
        shared,
        memoryBytes,
        models: [...residents].map(({ source: { id }, heapBytes }) => ({ ...id, heapBytes })),
      })),
    };
  }

  /**
   * Joins the load that is under way, or begins one. When it returns, the model may be ready, or
   * may have to be asked for again.
   */
  async #load(source: ModelSource, waitUntil: WaitUntil): Promise<void> {
    const { sha256 } = source;
    const joined = this.#loading.get(sha256);
    if (joined) {
      if (await settlesWithin(joined.done, this.#loadPatienceMs)) return;
      // The platform cut off the request that began it, and with it the reading of storage.
      if (this.#loading.get(sha256) === joined) this.#loading.delete(sha256);
      if (joined.cell) this.#budget.drop(joined.cell);
      return;
    }
    const load: Load = { done: Promise.resolve(), cell: undefined };
    this.#loading.set(sha256, load);
    load.done = this.#begin(source, load).then(
      () => {
        this.#failures.delete(sha256);
      },
      (error: unknown) => {
        remember(this.#failures, sha256, error);
        throw error;
      },
    );
    const finished = load.done.finally(() => {
      if (this.#loading.get(sha256) === load) this.#loading.delete(sha256);
    });
    waitUntil(finished.catch(() => undefined));
    await finished;
  }

  async #begin(source: ModelSource, load: Load): Promise<void> {
    this.#refuseTooLarge(source);
    const heapBytes = source.heapBytes ?? this.#estimateHeapBytes(source);
    const cell = await this.#claimCell(source, heapBytes);
    load.cell = cell;
    this.#loads++;
    let session: OrtSession | undefined;
    try {
      const instance = await cell.instance();
      const address = await readIntoHeap(instance, source);
      cell.growthRefused = false;
      session = new OrtSession(instance, address, source.sizeBytes, source);
      const resident = { source, session, cell, heapBytes, lastUsed: ++this.#uses };
      await source.prepare(this.#toLoadedModel(resident));
      if (cell.dropped) return;
      cell.residents.add(resident);
      this.#ready.set(source.sha256, resident);
    } catch (thrown) {
      // Another model took the cell down: that is no failure of this one, so it is loaded again.
      if (cell.dropped) return;
      const { error, fatal } = toLoadFailure(thrown, cell, source.id);
      if (fatal) this.#kill(cell, source.sha256);
      else session?.release();
      // The fragments of a recycled heap may be to blame: the next attempt gets a fresh cell.
      if (fatal && cell.recycled) return;
      throw error;
    } finally {
      this.#budget.settle(cell);
    }
  }

  /** Waits while other loads hold the memory. */
  async #claimCell({ id, sha256 }: ModelSource, heapBytes: number): Promise<Cell> {
    const alone = (this.#kills.get(sha256) ?? 0) >= KILLS_UNTIL_ALONE;
    for (;;) {
      const cell = this.#budget.place(heapBytes, alone);
      if (cell) return cell;
      const others = [...this.#loading].filter(([key]) => key !== sha256);
      if (others.length === 0)
        throw new ApiError("overloaded", `There is no memory for ${formatModelId(id)} now.`);
      await Promise.race(others.map(([, { done }]) => done.catch(() => undefined)));
    }
  }

  #toLoadedModel({ source, session, cell }: Resident): LoadedModel {
    return {
      describe: () => session.describe(),
      run: (inputs, outputs) => {
        cell.growthRefused = false;
        try {
          return session.run(inputs, outputs);
        } catch (thrown) {
          const { error, fatal } = toEngineFailure(thrown, cell, source.id);
          if (fatal) this.#kill(cell, source.sha256);
          throw error;
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
    return Math.min(Math.ceil(sizeBytes * factor), this.#budget.limitBytes - ENGINE_BYTES);
  }

  #kill(cell: Cell, sha256: string): void {
    this.#crashes++;
    if (cell.shared) remember(this.#kills, sha256, (this.#kills.get(sha256) ?? 0) + 1);
    this.#budget.drop(cell);
  }
}

function remember<V>(entries: Map<string, V>, key: string, value: V): void {
  entries.delete(key);
  entries.set(key, value);
  const [oldest] = entries.keys();
  if (entries.size > MAX_REMEMBERED && oldest !== undefined) entries.delete(oldest);
}
