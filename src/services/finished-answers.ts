import type { CacheReport } from "../domain/cache-control.ts";
import type { Tensor } from "../domain/tensor.ts";
import type { PublishedModel } from "./catalog.ts";
import type { FinishedAnswer } from "./isolate-cache.ts";
import type { RequestContext } from "./predict.ts";
import { type Lookup, type PredictionCache, toLookup } from "./prediction-cache.ts";

/**
 * The short way to a hit in the isolate: a small request that came before, byte by byte, gets the
 * bytes of its answer, without being parsed, hashed or rendered again. It says where an entry is and
 * what it looks like, never whether it may be used: that is decided as for every other hit.
 */
export interface FinishedAnswers {
  /** What {@link find} and {@link keep} know the request by; `undefined` for one that is too large. */
  identify(published: PublishedModel, form: string, body: Uint8Array): string | undefined;
  /** The answer, when the entry it was made of is there and a hit for this request. */
  find(
    published: PublishedModel,
    request: string | undefined,
    context: RequestContext,
  ): Promise<FinishedAnswer | undefined>;
  /** Keeps the answer of a request that was a hit in the isolate. */
  keep(
    request: string | undefined,
    answer: FinishedAnswer,
    outputs: readonly Tensor[],
    report: CacheReport,
  ): void;
}

/** Of larger bodies, reading and hashing costs less than keeping them. */
const MAX_REQUEST_BYTES = 4096;
const MAX_ANSWER_BYTES = 16_384;
/** Gives every byte a character of its own. */
const DECODER = new TextDecoder("latin1");

export function createFinishedAnswers(
  cache: Pick<PredictionCache, "findRendering" | "hasRendering" | "keepRendering" | "prepare">,
  { enabled }: { readonly enabled: boolean },
): FinishedAnswers {
  return {
    identify({ name, version, revision, manifest }, form, body) {
      // Whose answer it is would have to be known as well.
      const isPublic = manifest.cache.enabled && manifest.cache.scope === "public";
      if (!enabled || !isPublic || body.byteLength > MAX_REQUEST_BYTES) return undefined;
      // Nothing before the body can hold a line break.
      return `${name}\n${version}\n${revision}\n${form}\n${DECODER.decode(body)}`;
    },

    async find(published, request, { control, trace, waitUntil }) {
      if (request === undefined || control.noStore || control.noCache) return undefined;
      if (!cache.hasRendering(request)) return undefined;
      const end = trace.start("cache");
      await cache.prepare(trace.cache, waitUntil);
      const lookupFor = (key: string): Lookup =>
        toLookup(published, control, { key, outward: false });
      const answer = cache.findRendering(request, lookupFor, trace.cache);
      end();
      return answer;
    },

    keep(request, answer, outputs, { outcome, tier, key }) {
      if (request === undefined || key === undefined) return;
      if (outcome !== "hit" || tier !== "isolate") return;
      const sizeBytes = answer.parts.reduce((sum, { byteLength }) => sum + byteLength, 0);
      if (sizeBytes <= MAX_ANSWER_BYTES) cache.keepRendering(key, outputs, { request, answer });
    },
  };
}
