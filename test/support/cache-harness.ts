import {
  createEntryStore,
  type EntryStore,
  type EntryStoreOptions,
} from "../../src/cache/entry-store.ts";
import type { CacheAddress, CacheTier, PurgeLog } from "../../src/domain/cache.ts";
import { type CacheReport, parseCacheControl } from "../../src/domain/cache-control.ts";
import { createCall } from "../../src/domain/call.ts";
import { type Manifest, parseManifest } from "../../src/domain/manifest.ts";
import type { Infer, InferRequest, ModelHost } from "../../src/domain/model-host.ts";
import type { ModelState } from "../../src/domain/ports.ts";
import type { Tensor } from "../../src/domain/tensor.ts";
import { Trace } from "../../src/domain/trace.ts";
import { toCacheableRun } from "../../src/hosts/cacheable-run.ts";
import { createRunCached } from "../../src/inference/run-cached.ts";

/** The entry store and the single flight, with an `infer` that tests control instead of an engine. */
export interface Harness {
  readonly store: EntryStore;
  /** Milliseconds since the epoch; changes only when a test sets it. */
  readonly clock: { ms: number };
  /** The inputs that were run, one text for each run. */
  readonly runs: string[];
  /** How many requests have read the local tier; each has joined or started a single flight in the same iteration of the event loop. */
  lookups: number;
  /** Whether the model is in memory. */
  model: ModelState["state"];
  infer: Infer;
  request(options?: RequestOptions): Promise<Result>;
  /** Waits for all work that continues after the responses. */
  settle(): Promise<void>;
}

export interface RequestOptions {
  readonly input?: string;
  readonly manifest?: Manifest;
  readonly outputs?: readonly string[];
  /** The request's Cache-Control header. */
  readonly control?: string;
  readonly client?: string;
  /** The hash of a subject. */
  readonly subject?: string;
  /** The request's id. */
  readonly id?: string;
  readonly signal?: AbortSignal;
}

export interface Result {
  /** By output. */
  readonly texts: Readonly<Record<string, string>>;
  readonly report: CacheReport;
  readonly trace: Trace;
}

export interface HarnessOptions extends Partial<EntryStoreOptions> {
  readonly tiers?: readonly CacheTier[];
  readonly log?: PurgeLog | undefined;
  readonly clock?: { ms: number };
  readonly enabled?: boolean;
  readonly remoteTiers?: "auto" | "always";
  readonly maxWaitMs?: number;
}

/** Long enough for any read of a tier, and short enough to wait for one that hangs. */
const READ_TIMEOUT_MS = 40;

/** Work may start more work, but never this often. */
const MAX_SETTLE_ROUNDS = 1000;

export function createManifest(changes: object = {}): Manifest {
  return parseManifest({
    schemaVersion: 1,
    name: "echo",
    version: "1",
    format: "onnx",
    file: "model.onnx",
    files: [{ path: "model.onnx", sha256: "a".repeat(64), sizeBytes: 1 }],
    inputs: [{ name: "text", datatype: "BYTES", shape: [1] }],
    outputs: [
      { name: "first", datatype: "BYTES", shape: [1] },
      { name: "second", datatype: "BYTES", shape: [1] },
    ],
    cache: { enabled: true, ttlSeconds: 3600 },
    createdAt: "2026-11-22T00:00:00Z",
    ...changes,
  });
}

const ECHO = createManifest();

export function createHarness({
  tiers = [],
  log,
  clock = { ms: Date.UTC(2026, 10, 22) },
  enabled = true,
  remoteTiers = "always",
  maxWaitMs,
  ...options
}: HarnessOptions = {}): Harness {
  const now = (): number => clock.ms;
  const store = createEntryStore(tiers, log, {
    localBytes: 1_000_000,
    maxEntryBytes: 100_000,
    readTimeoutMs: READ_TIMEOUT_MS,
    now,
    ...options,
  });
  let pending: Promise<unknown>[] = [];
  const harness: Harness = {
    store,
    clock,
    runs: [],
    lookups: 0,
    model: "ready",
    infer: async (request) => toOutputs(request),
    async request({
      input = "hello",
      manifest = ECHO,
      outputs,
      control,
      client = "anonymous",
      subject,
      id,
      signal,
    } = {}) {
      const trace = new Trace();
      const inputs: Tensor[] = [{ name: "text", datatype: "BYTES", shape: [1], data: [input] }];
      const { name, version } = manifest;
      const model = { name, version, revision: "1", versions: [version], manifest };
      const tensors = await runCached(
        toCacheableRun(run, { model, inputs, outputs }),
        createCall({
          trace,
          cache: parseCacheControl(control),
          principal: { id: async () => client },
          subject,
          ...(id && { id }),
          waitUntil: (work) => void pending.push(work),
          ...(signal && { signal }),
        }),
      );
      const texts = tensors.map(({ name, data }) => [name, String(data[0])]);
      return { texts: Object.fromEntries(texts), report: trace.cache, trace };
    },
    async settle() {
      for (let round = 0; round < MAX_SETTLE_ROUNDS; round++) {
        if (pending.length === 0) return;
        const work = pending;
        pending = [];
        await Promise.all(work);
      }
      throw new Error(`work still continues after ${MAX_SETTLE_ROUNDS} rounds`);
    },
  };
  const host: Pick<ModelHost, "state"> = {
    state: async () => {
      harness.lookups++;
      return { state: harness.model } as ModelState;
    },
  };
  const run: Infer = (request, call) => {
    harness.runs.push(String(request.inputs[0]?.data[0]));
    call.trace.phasesMs.infer = 5;
    return harness.infer(request, call);
  };
  const runCached = createRunCached(host, store, {
    enabled,
    remoteTiers,
    ...(maxWaitMs === undefined ? {} : { maxWaitMs }),
    now,
  });
  return harness;
}

/** `first` is the input with the model's digest before it, `second` the input in capitals. */
export function toOutputs({ model, inputs, outputs }: InferRequest): Tensor[] {
  const text = String(inputs[0]?.data[0]);
  const digest = model.manifest.files[0]?.sha256.slice(0, 1);
  const values: Record<string, string> = {
    first: `${digest} ${text}`,
    second: text.toUpperCase(),
  };
  return (outputs ?? ["first", "second"]).map((name) => ({
    name,
    datatype: "BYTES",
    shape: [1],
    data: [values[name] ?? ""],
  }));
}

/** A tier in memory whose values can be inspected, and which records its calls. */
export interface MemoryTier extends CacheTier {
  readonly values: Map<string, Uint8Array>;
  readonly calls: string[];
  /** Of each stored value. */
  readonly ttls: number[];
}

export function createMemoryTier(name: CacheTier["name"]): MemoryTier {
  const values = new Map<string, Uint8Array>();
  const calls: string[] = [];
  const ttls: number[] = [];
  return {
    name,
    values,
    calls,
    ttls,
    async get(address) {
      calls.push("get");
      return values.get(toKey(address));
    },
    async put(address, value, ttlSeconds) {
      calls.push("put");
      ttls.push(ttlSeconds);
      values.set(toKey(address), value.slice());
    },
    async delete(address) {
      calls.push("delete");
      values.delete(toKey(address));
    },
  };
}

/** By the key alone, as the Cache API does. */
function toKey({ key }: CacheAddress): string {
  return key;
}
