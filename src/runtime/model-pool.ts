import type { WaitUntil } from "../domain/call.ts";
import { ApiError } from "../domain/errors.ts";
import { formatModelId } from "../domain/model-id.ts";
import type {
  KeepOptions,
  Lease,
  LeaseOptions,
  LoadedModel,
  MemoryConsumer,
  ModelRuntime,
  ModelSource,
  ModelState,
  RevocableLease,
  RuntimeStats,
} from "../domain/ports.ts";
import { LruMap } from "../shared/lru-map.ts";
import type { Cell, Pin, Resident } from "./cell.ts";
import { EngineCalls } from "./engine-calls.ts";
import { CellLost, toCrash, toRunFailure } from "./engine-failure.ts";
import { HeapEstimates } from "./heap-estimates.ts";
import { type LeaseHost, ModelLease, type ModelLeaseOptions } from "./lease.ts";
import { MemoryBudget } from "./memory-budget.ts";
import { ModelLoader } from "./model-loader.ts";
import type { OrtSession } from "./ort-session.ts";
import type { HeapTraffic } from "./tensor-marshalling.ts";

export interface ModelPoolOptions {
  /** What the wasm memories of all cells together may take of the isolate's 128 MB. */
  readonly budgetBytes: number;
  /** The name of the setting that says so, for errors. */
  readonly budgetSetting?: string;
  /** How long a request waits for a load that another request began, before it begins its own. */
  readonly loadTimeoutMs?: number;
  /** Milliseconds since the epoch, which leases expire by. */
  readonly now?: () => number;
}

/** A load that takes longer is assumed to belong to a request that the platform cut off. */
const LOAD_TIMEOUT_MS = 30_000;
/** A model that crashed this many shared cells, or cells of its group, gets a dedicated cell from then on. */
const CRASHES_UNTIL_DEDICATED = 2;
/** Bounds the models whose crashes are counted. */
const MAX_COUNTED = 500;
/** Loads in a row after which the model was gone before it ran: too many models compete for the memory. */
const MAX_ATTEMPTS = 5;
/** Some of the requests that compete for the memory have been served by then. */
const RETRY_AFTER_SECONDS = 1;

/** Creates the runtime: ONNX Runtime in cells, within a budget. */
export function createModelPool(options: ModelPoolOptions): ModelRuntime {
  return new ModelPool(options);
}

class ModelPool implements ModelRuntime, LeaseHost {
  readonly traffic: HeapTraffic = { bytesIn: 0, bytesOut: 0 };
  readonly now: () => number;
  readonly #budget: MemoryBudget;
  readonly #calls = new EngineCalls();
  readonly #estimates: HeapEstimates;
  readonly #loader: ModelLoader;
  readonly #ready = new Map<string, Resident>();
  readonly #leases = new Set<ModelLease>();
  readonly #crashCounts = new LruMap<string, number>(MAX_COUNTED);
  #uses = 0;
  #crashes = 0;

  constructor({
    budgetBytes,
    budgetSetting = "MEMORY_BUDGET_BYTES",
    loadTimeoutMs = LOAD_TIMEOUT_MS,
    now = Date.now,
  }: ModelPoolOptions) {
    const limit = { bytes: budgetBytes, setting: budgetSetting };
    this.now = now;
    this.#budget = new MemoryBudget({
      limit,
      calls: this.#calls,
      onEvict: ({ source }) => this.#ready.delete(source.sha256),
      now,
    });
    this.#estimates = new HeapEstimates(limit);
    this.#loader = new ModelLoader({
      budget: this.#budget,
      estimates: this.#estimates,
      traffic: this.traffic,
      timeoutMs: loadTimeoutMs,
      toLoadedModel: (resident) => this.#toLoadedModel(resident),
      createLease: (resident, reservedBytes) =>
        this.createLease(resident, { reservedBytes, expiresAt: now() + loadTimeoutMs }, true),
      onReady: (resident) => {
        resident.lastUsed = ++this.#uses;
        this.#ready.set(resident.source.sha256, resident);
      },
      dropCutOff: () => this.dropCutOff(),
      now,
      needsDedicatedCell: (sha256) =>
        (this.#crashCounts.get(sha256) ?? 0) >= CRASHES_UNTIL_DEDICATED,
      loseCell: (cell, sha256) => this.#loseCell(cell, sha256),
    });
  }

  use<T>(
    source: ModelSource,
    waitUntil: WaitUntil,
    work: (model: LoadedModel, coldStart: boolean) => T,
  ): Promise<T> {
    return this.#withResident(source, waitUntil, (resident, coldStart) =>
      work(this.#toLoadedModel(resident), coldStart),
    );
  }

  lease(source: ModelSource, waitUntil: WaitUntil, options: LeaseOptions): Promise<Lease> {
    return this.#withResident(source, waitUntil, (resident, coldStart) =>
      this.createLease(resident, options, coldStart),
    );
  }

  createLease(resident: Resident, options: ModelLeaseOptions, coldStart: boolean): ModelLease {
    const lease = new ModelLease(resident, options, coldStart, this);
    this.#budget.pin(lease.pin);
    this.#leases.add(lease);
    return lease;
  }

  keep(resident: Resident, options: KeepOptions): RevocableLease | undefined {
    try {
      return this.createLease(resident, { ...options, isRevocable: true }, false);
    } catch (error) {
      if (error instanceof ApiError) return undefined;
      throw error;
    }
  }

  resize(pin: Pin, reservedBytes: number): void {
    this.#budget.resize(pin, reservedBytes);
  }

  touch(pin: Pin): void {
    this.#budget.touch(pin);
  }

  revokeAll({ cell }: Resident): boolean {
    const before = cell.pins.size;
    this.#budget.revoke(cell);
    return cell.pins.size < before;
  }

  state(sha256: string): ModelState {
    this.dropCutOff();
    if (this.#ready.has(sha256)) return { state: "ready" };
    if (this.#loader.isLoading(sha256)) return { state: "loading" };
    const failure = this.#loader.failure(sha256);
    return failure ? { state: "failed", ...failure } : { state: "absent" };
  }

  unload(sha256: string): boolean {
    this.dropCutOff();
    this.#loader.forgetFailure(sha256);
    const resident = this.#ready.get(sha256);
    if (resident) this.#budget.evict(resident);
    return resident !== undefined;
  }

  register(consumer: MemoryConsumer): void {
    this.#budget.register(consumer);
  }

  reserve(bytes: number): void {
    this.dropCutOff();
    this.#budget.reserveForConsumer(bytes);
  }

  dropKept(): number {
    const kept = [...this.#leases].filter(({ isRevocable }) => isRevocable);
    for (const lease of kept) lease.dispose();
    return kept.length;
  }

  get usedBytes(): number {
    return this.#budget.usedBytes;
  }

  stats(): RuntimeStats {
    this.dropCutOff();
    this.#budget.endExpiredPins();
    const leases = [...this.#leases].filter(({ isRevocable }) => !isRevocable);
    const kept = [...this.#leases].filter(({ isRevocable }) => isRevocable);
    return {
      budgetBytes: this.#budget.limitBytes,
      usedBytes: this.#budget.usedBytes,
      loads: this.#loader.loads,
      evictions: this.#budget.evictions,
      crashes: this.#crashes,
      ...this.traffic,
      cells: this.#budget.cells.map(({ shared, memoryBytes, fromSnapshot, residents }) => ({
        shared,
        memoryBytes,
        fromSnapshot,
        models: [...residents].map(({ source: { id }, heapBytes }) => ({
          name: id.name,
          version: id.version,
          heapBytes,
        })),
      })),
      leases: leases.map(({ id, reservedBytes, expiresAt, handles, handleBytes }) => ({
        name: id.name,
        version: id.version,
        reservedBytes,
        expiresAt,
        handles,
        handleBytes,
      })),
      kept: {
        leases: kept.length,
        bytes: kept.reduce((sum, { handleBytes }) => sum + handleBytes, 0),
      },
    };
  }

  call<T>(resident: Resident, work: (session: OrtSession) => T): T {
    const { source, session, cell } = resident;
    this.dropCutOff();
    if (cell.dropped) throw new CellLost(toCrash("ran", source.id));
    resident.lastUsed = ++this.#uses;
    cell.forgetRefusals();
    try {
      const result = cell.call(source.sha256, () => work(session));
      resident.packing?.afterRun(resident, this.#budget);
      return result;
    } catch (thrown) {
      const { error, fatal } = toRunFailure(thrown, cell, source, this.#budget.limit);
      throw fatal && this.#loseCell(cell, source.sha256) ? new CellLost(error) : error;
    }
  }

  unpin(lease: ModelLease, pin: Pin): void {
    this.#leases.delete(lease);
    this.#budget.unpin(pin);
  }

  /** Calls `work` with the model, and loads it first if need be. */
  async #withResident<T>(
    source: ModelSource,
    waitUntil: WaitUntil,
    work: (resident: Resident, coldStart: boolean) => T,
  ): Promise<T> {
    const { id, sha256 } = source;
    const attempt = (coldStart: boolean): { result: T } | undefined => {
      const resident = this.#ready.get(sha256);
      if (!resident) return undefined;
      resident.lastUsed = ++this.#uses;
      try {
        return { result: work(resident, coldStart) };
      } catch (error) {
        if (error instanceof CellLost) return undefined;
        throw error;
      }
    };
    this.dropCutOff();
    this.#loader.endOverdue();
    // What expired leases held in the model's cell serves its next run.
    this.#budget.endExpiredPins();
    const warm = attempt(false);
    if (warm) return warm.result;
    for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
      const cold = await this.#loader.load(source, waitUntil, () => {
        this.dropCutOff();
        return attempt(true);
      });
      if (cold) return cold.result;
    }
    throw new ApiError(
      "overloaded",
      `${formatModelId(id)} was evicted or lost its cell ${MAX_ATTEMPTS} times before it could run: too many models compete for the memory, or other requests crash its engine. Try again in ${RETRY_AFTER_SECONDS} s.`,
      { details: { retryAfterSeconds: RETRY_AFTER_SECONDS } },
    );
  }

  #toLoadedModel(resident: Resident): LoadedModel {
    return {
      describe: () => resident.session.describe(),
      run: (inputs, outputs) => this.call(resident, (session) => session.run(inputs, outputs)),
    };
  }

  /**
   * Drops a cell that cannot be trusted any more.
   * @returns whether the failure has other causes than the model, so that it is worth another attempt
   */
  #loseCell(cell: Cell, sha256: string): boolean {
    this.#crashes++;
    this.#budget.drop(cell);
    // The fragmented heap of a recycled cell may be the cause; the next attempt gets a new cell.
    if (cell.recycled) return true;
    const { refusedBytes } = cell;
    const isAlone = !cell.shared && cell.group === undefined;
    if (refusedBytes !== undefined && refusedBytes <= this.#budget.limitBytes) {
      // It would fit by itself. What a shared cell needs says little about one of its models.
      if (isAlone) this.#estimates.learn(sha256, refusedBytes);
      else if (cell.group !== undefined) this.#countCrash(sha256);
      return true;
    }
    if (!isAlone) this.#countCrash(sha256);
    return false;
  }

  dropCutOff(): void {
    if (!this.#calls.isInside) return;
    const calls = this.#calls.take();
    for (const { cell } of calls) {
      this.#crashes++;
      this.#budget.drop(cell);
      this.#loader.abandonLoads(cell);
    }
    // Others were called in the middle of the outermost one, because of its model.
    const outermost = calls.at(-1);
    if (!outermost) return;
    const { cell, sha256 } = outermost;
    if (cell.shared || cell.group !== undefined) this.#countCrash(sha256);
  }

  #countCrash(sha256: string): void {
    this.#crashCounts.set(sha256, (this.#crashCounts.get(sha256) ?? 0) + 1);
  }
}
