import type { WaitUntil } from "../domain/call.ts";
import { ApiError, isLackOfMemory } from "../domain/errors.ts";
import { formatModelId } from "../domain/model-id.ts";
import type { Lease, LoadedModel, ModelSource } from "../domain/ports.ts";
import { LruMap } from "../shared/lru-map.ts";
import { settlesWithin } from "../shared/settles-within.ts";
import type { Cell, Resident } from "./cell.ts";
import { CellLost, toCrash, toLoadFailure } from "./engine-failure.ts";
import type { HeapEstimates } from "./heap-estimates.ts";
import { Load } from "./load.ts";
import type { MemoryBudget } from "./memory-budget.ts";
import { OrtSession } from "./ort-session.ts";
import { readIntoHeap } from "./read-into-heap.ts";
import type { HeapTraffic } from "./tensor-marshalling.ts";
import { WeightPacking } from "./weight-packing.ts";

interface ModelLoaderOptions {
  readonly budget: MemoryBudget;
  readonly estimates: HeapEstimates;
  readonly traffic: HeapTraffic;
  /** How long a request waits for a load that another request began, before it begins its own. */
  readonly timeoutMs: number;
  readonly toLoadedModel: (resident: Resident) => LoadedModel;
  /** Leases a model that is not ready yet, for its preparation. */
  readonly createLease: (resident: Resident, reservedBytes: number) => Lease;
  /** Called when the model is ready to be used. */
  readonly onReady: (resident: Resident) => void;
  readonly needsDedicatedCell: (sha256: string) => boolean;
  /**
   * Drops a cell after a fatal failure; returns whether it has other causes than the model, so that it
   * is worth another attempt.
   */
  readonly loseCell: (cell: Cell, sha256: string) => boolean;
  /** Drops the cells whose calls the platform has cut off; called before work that enters engines. */
  readonly dropCutOff: () => void;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Bounds the failures that are kept. */
const MAX_FAILURES = 500;
/** Within one a load that is waited for is abandoned, and within two one that is not. */
const OVERDUE_TIMEOUTS = 2;
/** Some of the requests that compete for the memory have been served by then. */
const RETRY_AFTER_SECONDS = 1;

/** Loads models into cells, each once for all requests that wait for it. */
export class ModelLoader {
  readonly #options: ModelLoaderOptions;
  readonly #loading = new Map<string, Load>();
  /** Oldest first: those of `#loading`, and those whose model has not been used yet by all who waited. */
  readonly #active = new Set<Load>();
  /** Models that do not fit with repacked weights, by SHA-256. */
  readonly #unpacked = new LruMap<string, true>(MAX_FAILURES);
  readonly #failures = new LruMap<string, unknown>(MAX_FAILURES);
  #loads = 0;

  constructor(options: ModelLoaderOptions) {
    this.#options = options;
  }

  /** How many loads have got a cell so far. */
  get loads(): number {
    return this.#loads;
  }

  isLoading(sha256: string): boolean {
    return this.#loading.has(sha256);
  }

  /** The last failure of a model that was not loaded since. */
  failure(sha256: string): { readonly error: unknown } | undefined {
    return this.#failures.has(sha256) ? { error: this.#failures.get(sha256) } : undefined;
  }

  forgetFailure(sha256: string): void {
    this.#failures.delete(sha256);
  }

  /**
   * Joins the load in progress, or starts one.
   * @param take called when the load is over, unless it was abandoned
   * @returns what `take` returns, or `undefined` when the model has to be requested again
   */
  async load<T>(source: ModelSource, waitUntil: WaitUntil, take: () => T): Promise<T | undefined> {
    const { sha256 } = source;
    const joined = this.#loading.get(sha256);
    if (!joined) return (await this.#start(source, waitUntil).join(take))?.taken;
    const { timeoutMs, dropCutOff: check } = this.#options;
    const outcome = await joined.join(take, { timeoutMs, check });
    if (!outcome) this.#abandon(joined);
    return outcome?.taken;
  }

  /** For loads into a cell that was dropped because a call into its engine was cut off. */
  abandonLoads(cell: Cell): void {
    for (const load of [...this.#active]) {
      if (load.cell !== cell) continue;
      this.#abandon(load);
      load.abandon();
    }
  }

  /** For loads that were cut off, or whose end was, and which no other caller has joined. */
  endOverdue(): void {
    if (this.#active.size === 0) return;
    const { now, timeoutMs } = this.#options;
    const overdueFrom = now() - OVERDUE_TIMEOUTS * timeoutMs;
    for (const load of [...this.#active]) {
      if (load.startedAt > overdueFrom) continue;
      if (load.isReady) load.end();
      else this.#abandon(load);
    }
  }

  #start(source: ModelSource, waitUntil: WaitUntil): Load {
    const { sha256 } = source;
    const load = new Load(sha256, this.#options.now(), {
      work: async () => {
        try {
          await this.#performWithin(source, load);
          this.#failures.delete(sha256);
        } catch (error) {
          this.#failures.set(sha256, error);
          throw error;
        } finally {
          if (this.#loading.get(sha256) === load) this.#loading.delete(sha256);
        }
      },
      end: () => {
        this.#active.delete(load);
        if (load.cell) this.#options.budget.endLoad(load.cell);
      },
    });
    this.#loading.set(sha256, load);
    this.#active.add(load);
    load.start();
    waitUntil(load.ended);
    return load;
  }

  /** For a load whose request the platform cut off, and with it the reading of storage. */
  #abandon(load: Load): void {
    if (this.#loading.get(load.sha256) === load) this.#loading.delete(load.sha256);
    this.#active.delete(load);
    if (load.cell) this.#options.budget.abandon(load.cell);
  }

  /** A model that does not fit with repacked weights is loaded without them: its runs are slower. */
  async #performWithin(source: ModelSource, load: Load): Promise<void> {
    const { estimates } = this.#options;
    const { sha256, prepack } = source;
    const unpacked = estimates.unpacked(source);
    if (this.#unpacked.has(sha256) || estimates.needsUnpacked(source))
      return this.#perform(unpacked, load);
    try {
      await this.#perform(source, load);
    } catch (error) {
      if (!prepack || !isLackOfMemory(error) || !estimates.mayFitUnpacked(source)) throw error;
      await this.#perform(unpacked, load).catch((other) => {
        throw isLackOfMemory(other) ? error : other;
      });
      this.#unpacked.set(sha256, true);
    }
  }

  /** When it returns, the model is ready, or has to be requested again. */
  async #perform(source: ModelSource, load: Load): Promise<void> {
    const { budget, estimates, traffic, onReady, loseCell, dropCutOff } = this.#options;
    const { id, sha256, sizeBytes } = source;
    estimates.refuseTooLarge(source);
    const heapBytes = estimates.heapBytes(source);
    const cell = await this.#allocateCell(source, heapBytes, load);
    this.#loads++;
    let session: OrtSession | undefined;
    const enter = <T>(work: () => T): T => {
      dropCutOff();
      if (cell.dropped) throw new CellLost(toCrash("loaded", id));
      return cell.call(sha256, work);
    };
    try {
      const instance = await cell.instance();
      if (!instance) return budget.abandon(cell);
      const address = await readIntoHeap(instance, source, enter);
      cell.forgetRefusals();
      session = enter(() => {
        const matmul = cell.matmul(instance, sizeBytes);
        return new OrtSession(instance, address, sizeBytes, source, traffic, matmul);
      });
      const packing = session.weights && new WeightPacking();
      const resident: Resident = {
        source,
        session,
        cell,
        heapBytes,
        packing,
        lastUsed: 0,
        unloaded: false,
      };
      await this.#prepare(source, resident);
      dropCutOff();
      if (cell.dropped) return;
      if (cell.retired) {
        // This load, or another one of the cell, was abandoned: the model may be ready elsewhere.
        enter(() => session?.release());
        return;
      }
      cell.residents.add(resident);
      onReady(resident);
    } catch (thrown) {
      dropCutOff();
      // The cell was lost to another model: that is no failure of this one, so it is loaded again.
      if (thrown instanceof CellLost || (cell.dropped && !(thrown instanceof ApiError))) return;
      const { error, fatal } = toLoadFailure(thrown, cell, source, budget.limit);
      if (fatal && loseCell(cell, sha256)) return;
      const loaded = session;
      if (loaded && !cell.dropped) cell.call(sha256, () => loaded.release());
      throw error;
    }
  }

  /** Leases that the preparation leaves behind end with it. */
  async #prepare(source: ModelSource, resident: Resident): Promise<void> {
    const { createLease, toLoadedModel } = this.#options;
    const leases: Lease[] = [];
    try {
      await source.prepare(toLoadedModel(resident), (reservedBytes = 0) => {
        const lease = createLease(resident, reservedBytes);
        leases.push(lease);
        return lease;
      });
    } finally {
      for (const lease of leases) lease.dispose();
    }
  }

  /** Allocates a cell for the load; waits while other loads hold the memory. */
  async #allocateCell(
    { id, sha256, group }: ModelSource,
    heapBytes: number,
    load: Load,
  ): Promise<Cell> {
    const { budget, needsDedicatedCell, timeoutMs, dropCutOff } = this.#options;
    const dedicated = needsDedicatedCell(sha256);
    for (;;) {
      dropCutOff();
      const cell = budget.allocateCell(heapBytes, dedicated, group);
      if (cell) {
        load.cell = cell;
        return cell;
      }
      const others = [...this.#active].filter((other) => other !== load && other.cell);
      const [oldest] = others;
      if (!oldest)
        throw new ApiError(
          "overloaded",
          `There is no memory for ${formatModelId(id)} now: leases and loads hold it. Try again in ${RETRY_AFTER_SECONDS} s.`,
          { details: { retryAfterSeconds: RETRY_AFTER_SECONDS } },
        );
      const anyEnded = Promise.race(others.map(({ ended }) => ended));
      if (!(await settlesWithin(anyEnded, timeoutMs))) this.#abandon(oldest);
    }
  }
}
