import { predictionKey } from "../cache/key.ts";
import {
  type Answer,
  type Lookup,
  type PredictionCache,
  toLookup,
} from "../cache/prediction-cache.ts";
import type { CachePolicy, CacheReport, MissReason } from "../domain/cache-control.ts";
import type { Call } from "../domain/call.ts";
import { ApiError } from "../domain/errors.ts";
import { fileEntry, type Manifest } from "../domain/manifest.ts";
import type { Infer, InferRequest, ModelHost } from "../domain/model-host.ts";
import type { Tensor } from "../domain/tensor.ts";
import { settlesWithin } from "../shared/settles-within.ts";

export interface CachedInferOptions {
  readonly enabled: boolean;
  /** When the tiers outside the isolate are asked: always, or where that is likely to be faster. */
  readonly outerTiers: "auto" | "always";
  /** How long a request waits for an identical one before it runs itself. */
  readonly flightPatienceMs?: number;
  readonly now?: () => number;
}

/** A request with what it asks of the cache. */
interface Question {
  readonly request: InferRequest;
  readonly call: Call;
  readonly lookup: Lookup;
  /** Whether the model is in memory, so that a run begins and ends at once. */
  readonly isWarm: boolean;
}

/**
 * A model in memory whose file is smaller than this answers within a millisecond or two (measured on
 * the models of `models/`), sooner than another tier does.
 */
const OUTER_TIERS_FROM_BYTES = 1_048_576;
const FLIGHT_PATIENCE_MS = 30_000;

/** The host's `infer` with the cache in front: identical requests run once. */
export function createCachedInfer(
  host: Pick<ModelHost, "infer" | "state">,
  cache: PredictionCache,
  options: CachedInferOptions,
): Infer {
  const { enabled, outerTiers, now = Date.now } = options;
  const { flightPatienceMs = FLIGHT_PATIENCE_MS } = options;
  /** By key: the request that looks for an answer in outer tiers, or runs. */
  const flights = new Map<string, Promise<Answer>>();

  async function fly({ request, call, lookup }: Question): Promise<Answer> {
    const { cache: control, trace, waitUntil } = call;
    if (lookup.outward && !control.noCache) {
      const found = await trace.measureAsync("cache", () =>
        cache.findFar(lookup, trace.cache, waitUntil),
      );
      if (found) return found;
    }
    trace.cache.outcome = "miss";
    refuseIfOnlyCached(control, trace.cache);
    // Taken before the run, so that a purge during it counts.
    const createdAt = now();
    const outputs = await host.infer(request, call);
    const entry = { ...lookup.address, createdAt, runMs: trace.phasesMs.infer ?? 0, outputs };
    return cache.store(entry, lookup, trace.cache, waitUntil);
  }

  function takeOff(question: Question): Promise<Answer> {
    const { key } = question.lookup.address;
    const flight = fly(question);
    flights.set(key, flight);
    const land = (): void => {
      if (flights.get(key) === flight) flights.delete(key);
    };
    const landed = flight.then(land, land);
    // The others wait for it also when its own client has gone away.
    if (!question.isWarm || question.lookup.outward) question.call.waitUntil(landed);
    return flight;
  }

  /** Takes the answer of an identical request that is under way; a failure is nobody's but its own. */
  async function flyTogether(question: Question): Promise<Answer> {
    const { call, lookup } = question;
    const { key } = lookup.address;
    const flight = flights.get(key);
    if (!flight) return takeOff(question);
    const landed = await settlesWithin(flight, flightPatienceMs).catch(() => false);
    if (landed) {
      const answer = await flight;
      const report = call.trace.cache;
      if (cache.accept(answer, lookup, report)) {
        report.outcome ??= "miss";
        report.reason = answer.tier ? undefined : "absent";
        report.collapsed = !answer.tier;
        return answer;
      }
    }
    // Cut off by the platform, it would keep everybody waiting for as long.
    if (flights.get(key) === flight) flights.delete(key);
    return fly(question);
  }

  return async (request, call) => {
    const { manifest } = request.model;
    const { cache: control, trace, waitUntil } = call;
    const report = trace.cache;
    const bypass: MissReason | undefined =
      !enabled || !manifest.cache.enabled ? "disabled" : control.noStore ? "no-store" : undefined;
    if (bypass) {
      report.outcome = "bypass";
      report.reason = bypass;
      refuseIfOnlyCached(control, report);
      return host.infer(request, call);
    }

    const outputs = request.outputs ?? manifest.outputs.map((spec) => spec.name);
    const endLookup = trace.start("cache");
    const client = manifest.cache.scope === "key" ? await call.principal.id() : undefined;
    const key = await predictionKey(manifest, request.inputs, outputs, client);
    report.key = key;
    await cache.prepare(report, waitUntil);
    // From here to the flight nothing waits, so identical requests cannot pass each other.
    const isWarm = host.state(request.model).state === "ready";
    const outward = outerTiers === "always" || !isWarm || isSlow(manifest);
    const lookup = toLookup(request.model, control, { key, client, outward });
    const near = control.noCache ? undefined : cache.findNear(lookup, report);
    endLookup();
    if (near) return select(near, outputs);

    if (control.noCache) report.reason = "no-cache";
    const question: Question = { request: { ...request, outputs }, call, lookup, isWarm };
    // What these two want is not what others want.
    const isAlone = control.noCache || control.onlyIfCached;
    return select(await (isAlone ? fly(question) : flyTogether(question)), outputs);
  };
}

function isSlow(manifest: Manifest): boolean {
  return fileEntry(manifest, manifest.file).sizeBytes >= OUTER_TIERS_FROM_BYTES;
}

/** The outputs in the order asked for: an entry may have been stored in another. */
function select({ entry }: Answer, names: readonly string[]): Tensor[] {
  return names.map((name) => {
    const tensor = entry.outputs.find((output) => output.name === name);
    if (!tensor) throw new Error(`the cached entry has no output ${name}`);
    return tensor;
  });
}

/** RFC 9111, section 5.2.1.7. */
function refuseIfOnlyCached({ onlyIfCached }: CachePolicy, { reason }: CacheReport): void {
  if (!onlyIfCached) return;
  throw new ApiError(
    "not_cached",
    `The request allows only a cached answer (only-if-cached), and there is none: ${reason}.`,
    { details: { reason } },
  );
}
