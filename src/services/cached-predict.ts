import type { CachedPrediction } from "../domain/cache.ts";
import type { CacheReport, MissReason } from "../domain/cache-control.ts";
import { ApiError } from "../domain/errors.ts";
import { fileEntry, type Manifest } from "../domain/manifest.ts";
import type { ModelRuntime } from "../domain/ports.ts";
import { predictionKey } from "../domain/prediction-key.ts";
import { settlesWithin } from "../domain/settles-within.ts";
import type { Tensor } from "../domain/tensor.ts";
import type { Predict, PredictRequest, RequestContext } from "./predict.ts";
import type { Lookup, PredictionCache } from "./prediction-cache.ts";

export interface CachedPredictOptions {
  readonly enabled: boolean;
  /** When the tiers outside the isolate are asked: always, or where that is likely to be faster. */
  readonly outerTiers: "auto" | "always";
  readonly now?: () => number;
}

/**
 * A model in memory whose file is smaller than this answers within a millisecond or two (measured on
 * the models of `models/`), sooner than another tier does.
 */
const OUTER_TIERS_FROM_BYTES = 1_048_576;
/** How long a request waits for an identical one before it runs itself. */
const FLIGHT_PATIENCE_MS = 30_000;

/** {@link Predict} with the cache in front: the same question is answered once. */
export function createCachedPredict(
  predict: Predict,
  cache: PredictionCache,
  runtime: ModelRuntime,
  { enabled, outerTiers, now = Date.now }: CachedPredictOptions,
): Predict {
  const inFlight = new Map<string, Promise<CachedPrediction>>();

  async function run(
    request: PredictRequest,
    context: RequestContext,
    lookup: Lookup,
  ): Promise<CachedPrediction> {
    const { trace, waitUntil } = context;
    // Taken before the run, so that a purge during it counts.
    const createdAt = now();
    const outputs = await predict(request, context);
    const entry = { ...lookup.address, createdAt, runMs: trace.phasesMs.infer ?? 0, outputs };
    cache.store(entry, lookup, trace.cache, waitUntil);
    return entry;
  }

  /** Runs, unless an identical request is running; a failure is nobody's but its own. */
  async function runOnce(
    request: PredictRequest,
    context: RequestContext,
    lookup: Lookup,
  ): Promise<CachedPrediction> {
    const { key } = lookup.address;
    const running = inFlight.get(key);
    if (running !== undefined) {
      const answered = await settlesWithin(running, FLIGHT_PATIENCE_MS).catch(() => false);
      if (!answered) return run(request, context, lookup);
      context.trace.cache.collapsed = true;
      return running;
    }
    const flight = run(request, context, lookup);
    inFlight.set(key, flight);
    const land = (): void => {
      if (inFlight.get(key) === flight) inFlight.delete(key);
    };
    // The others wait for it also when its own client has gone away.
    context.waitUntil(flight.then(land, land));
    return flight;
  }

  return async (request, context) => {
    const { manifest, name, version } = request.published;
    const { control, trace, waitUntil } = context;
    const report = trace.cache;
    const bypass: MissReason | undefined =
      !enabled || !manifest.cache.enabled ? "disabled" : control.noStore ? "no-store" : undefined;
    if (bypass) {
      report.outcome = "bypass";
      report.reason = bypass;
      refuseIfOnlyCached(control.onlyIfCached, report);
      return predict(request, context);
    }

    const outputs = request.outputs ?? manifest.outputs.map((spec) => spec.name);
    const { ttlSeconds, scope } = manifest.cache;
    const isWarm = runtime.state(fileEntry(manifest, manifest.file).sha256).state === "ready";
    const outward = outerTiers === "always" || !isWarm || isSlow(manifest);
    const endLookup = trace.start("cache");
    const client = scope === "key" ? await context.client() : undefined;
    const key = await predictionKey(manifest, request.inputs, outputs, client);
    report.key = key;
    const lookup: Lookup = {
      address: { key, model: { name, version }, client },
      maxAgeSeconds: Math.min(ttlSeconds, control.maxAgeSeconds ?? ttlSeconds),
      ttlSeconds,
      outward,
    };
    report.reason = "no-cache";
    const found = control.noCache ? undefined : await cache.find(lookup, report, waitUntil);
    endLookup();
    if (found) return select(found, outputs);

    report.outcome = "miss";
    refuseIfOnlyCached(control.onlyIfCached, report);
    const fresh = { ...request, outputs };
    // A model in memory answers before anybody else can ask: there is nothing to wait for together.
    const runs = isWarm && !outward ? run : runOnce;
    return select(await runs(fresh, context, lookup), outputs);
  };
}

function isSlow(manifest: Manifest): boolean {
  return fileEntry(manifest, manifest.file).sizeBytes >= OUTER_TIERS_FROM_BYTES;
}

/** The outputs in the order asked for: an entry may have been stored in another. */
function select({ outputs }: CachedPrediction, names: readonly string[]): Tensor[] {
  return names.map((name) => {
    const tensor = outputs.find((output) => output.name === name);
    if (!tensor) throw new Error(`the cached entry has no output ${name}`);
    return tensor;
  });
}

/** RFC 9111, section 5.2.1.7. */
function refuseIfOnlyCached(onlyIfCached: boolean, { reason }: CacheReport): void {
  if (!onlyIfCached) return;
  throw new ApiError(
    "not_cached",
    `The request allows only a cached answer (only-if-cached), and there is none: ${reason}.`,
    { details: { reason } },
  );
}
