import type { EntryStore } from "../cache/entry-store.ts";
import { type EntryLookup, type FoundEntry, toLookup } from "../cache/lookup.ts";
import { cachePartition } from "../domain/cache-partition.ts";
import { type Call, neverAborted, throwIfAborted } from "../domain/call.ts";
import { entryOrigin } from "../domain/entry-origin.ts";
import type { Manifest } from "../domain/manifest.ts";
import { memberFile, memberNames } from "../domain/member-models.ts";
import type { CacheableRun, ModelHost, RunCached } from "../domain/model-host.ts";
import type { Tensor } from "../domain/tensor.ts";
import { SingleFlight } from "../shared/single-flight.ts";
import {
  bypassCache,
  createBypassOf,
  refuseHidden,
  refuseIfOnlyCached,
} from "./cache-directives.ts";

export interface RunCachedOptions {
  readonly enabled: boolean;
  /** When the remote tiers are read: always, or where that is likely to be faster than a run. */
  readonly remoteTiers: "auto" | "always";
  /** Whether the model of this name runs in another isolate, so that its runs wait for a reply. */
  readonly hasOwnIsolate?: (model: string) => boolean;
  /** How long a request waits for an identical one before it runs the model itself. */
  readonly maxWaitMs?: number;
  readonly now?: () => number;
}

/** A request without an entry in the local tier. */
interface Miss {
  readonly run: CacheableRun;
  readonly call: Call;
  readonly lookup: EntryLookup;
  /** Whether the model is loaded, so that a run completes without waiting. */
  readonly isLoaded: boolean;
}

/**
 * A loaded model whose file is smaller than this runs in one or two milliseconds (measured on the models of `models/`),
 * faster than a remote tier is read.
 */
const REMOTE_TIERS_FROM_BYTES = 1_048_576;
const MAX_WAIT_MS = 30_000;

/** Runs by way of the cache. Concurrent identical requests run once. */
export function createRunCached(
  host: Pick<ModelHost, "state">,
  entries: EntryStore,
  options: RunCachedOptions,
): RunCached {
  const { remoteTiers, maxWaitMs = MAX_WAIT_MS, now = Date.now } = options;
  const bypassOf = createBypassOf(options);
  const { hasOwnIsolate = () => false } = options;
  /** By cache key: requests that read the remote tiers, or run the model. */
  const flights = new SingleFlight<FoundEntry>(maxWaitMs);

  async function readOrRun({ run, call, lookup }: Miss): Promise<FoundEntry> {
    const { cache: policy, trace, waitUntil } = call;
    if (lookup.useRemoteTiers && !policy.noCache) {
      const found = await trace.measureAsync("cache", () =>
        entries.findRemote(lookup, trace.cache, waitUntil),
      );
      if (found) return found;
      throwIfAborted(call.signal);
    }
    trace.cache.outcome = "miss";
    refuseIfOnlyCached(policy, trace.cache);
    // Taken before the run, so that a purge during the run applies to the entry.
    const createdAt = now();
    const origin = entryOrigin(call);
    const outputs = await run.run(call);
    const runMs = trace.phasesMs.infer ?? 0;
    const entry = { ...lookup.address, origin: await origin, createdAt, runMs, outputs };
    return entries.store(entry, lookup, trace.cache, waitUntil);
  }

  /** Starts a flight that identical requests may join: then it continues when its own client closes the connection. */
  function start({ call, ...miss }: Miss): Promise<FoundEntry> {
    const { run, isLoaded, lookup } = miss;
    const { key } = lookup.address;
    const detached = call.fork({
      get signal() {
        return flights.isJoined(key) ? neverAborted() : call.signal;
      },
      trace: call.trace,
    });
    const flight = flights.start(key, () => readOrRun({ ...miss, call: detached }));
    const waits = !isLoaded || lookup.useRemoteTiers || hasOwnIsolate(run.model.name);
    if (waits) call.waitUntil(flight.catch(() => undefined));
    return flight;
  }

  /** Uses the entry of an identical request's flight; a failure of the flight is not shared. */
  async function share(
    joined: Promise<{ readonly result: FoundEntry } | undefined>,
    miss: Miss,
  ): Promise<FoundEntry> {
    const found = (await joined)?.result;
    const report = miss.call.trace.cache;
    if (!found || !entries.accept(found, miss.lookup, report)) return readOrRun(miss);
    report.outcome ??= "miss";
    report.reason = found.tier ? undefined : "absent";
    report.collapsed = !found.tier;
    return found;
  }

  function readOrRunOnce(miss: Miss): Promise<FoundEntry> {
    const joined = flights.join(miss.lookup.address.key, miss.call.deadline);
    return joined === undefined ? start(miss) : share(joined, miss);
  }

  return async (run, call) => {
    const { model, outputs } = run;
    const { manifest } = model;
    const { cache: policy, trace, waitUntil } = call;
    const report = trace.cache;
    refuseHidden(call);
    const bypass = bypassOf(model, policy);
    if (bypass) {
      bypassCache(call, bypass);
      return run.run(call);
    }

    const endLookup = trace.start("cache");
    const client = await cachePartition(manifest, call);
    const key = await run.key(client);
    report.key = key;
    await entries.refreshPurges(report, waitUntil);
    const isLoaded = (await host.state(model)).state === "ready";
    // Without an `await` until the flight is joined or started, so that identical requests cannot both start one.
    const useRemoteTiers = remoteTiers === "always" || !isLoaded || isSlow(manifest);
    const lookup = toLookup(model, policy, { key, client, useRemoteTiers });
    const local = policy.noCache ? undefined : entries.findLocal(lookup, report);
    endLookup();
    if (local) return select(local, outputs);

    if (policy.noCache) report.reason = "no-cache";
    const miss: Miss = { run, call, lookup, isLoaded };
    // With one of these directives, the outcome differs from that of identical requests without it.
    const isAlone = policy.noCache || policy.onlyIfCached;
    return select(await (isAlone ? readOrRun(miss) : readOrRunOnce(miss)), outputs);
  };
}

function isSlow(manifest: Manifest): boolean {
  const sizes = memberNames(manifest).map((member) => memberFile(manifest, member).sizeBytes);
  return Math.max(...sizes) >= REMOTE_TIERS_FROM_BYTES;
}

/** The outputs in the requested order: an entry may have been stored in another. */
function select({ entry }: FoundEntry, names: readonly string[]): Tensor[] {
  return names.map((name) => {
    const tensor = entry.outputs.find((output) => output.name === name);
    if (!tensor) throw new Error(`the cache entry has no output ${name}`);
    return tensor;
  });
}
