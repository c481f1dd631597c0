import type { CachePolicy, CacheReport } from "../domain/cache-control.ts";
import type { Call } from "../domain/call.ts";
import type { FinishedAnswer } from "../domain/finished-answer.ts";
import type { PublishedModel } from "../domain/published-model.ts";
import type { Tensor } from "../domain/tensor.ts";
import { type Lookup, type PredictionCache, toLookup } from "./prediction-cache.ts";

/**
 * The short way to a hit in the isolate: a small request that came before, byte by byte, gets the
 * bytes of its answer, without being parsed, hashed or rendered again. It says where an entry is and
 * what it looks like, never whether it may be used: that is decided as for every other hit.
 */
export interface FinishedAnswers {
  /** Whether a request with so many bytes may be one that came before, and take the same answer. */
  accept(published: PublishedModel, control: CachePolicy, sizeBytes: number | undefined): boolean;
  /** What {@link find} and {@link keep} know the request by; `undefined` for one that is too large. */
  identify(published: PublishedModel, form: string, body: Uint8Array): string | undefined;
  /**
   * The answer, when the entry it was made of is there and a hit for this request; as a promise only where
   * something has to be waited for.
   */
  find(
    published: PublishedModel,
    request: string | undefined,
    call: Pick<Call, "cache" | "trace" | "waitUntil">,
  ): Promise<FinishedAnswer | undefined> | FinishedAnswer | undefined;
  /** Keeps the answer of a request that was a hit in the isolate. */
  keep(
    request: string | undefined,
    answer: { readonly sizeBytes: number; finish(): FinishedAnswer },
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
  entries: Pick<PredictionCache, "findRendering" | "hasRendering" | "keepRendering" | "prepare">,
  { enabled }: { readonly enabled: boolean },
): FinishedAnswers {
  function isKeepable({ manifest }: PublishedModel, sizeBytes: number | undefined): boolean {
    // Whose answer it is would have to be known as well.
    const isPublic = manifest.cache.enabled && manifest.cache.scope === "public";
    return enabled && isPublic && sizeBytes !== undefined && sizeBytes <= MAX_REQUEST_BYTES;
  }

  return {
    accept: (published, { noStore, noCache }, sizeBytes) =>
      !noStore && !noCache && isKeepable(published, sizeBytes),

    identify(published, form, body) {
      if (!isKeepable(published, body.byteLength)) return undefined;
      const { name, version, revision } = published;
      // Nothing before the body can hold a line break.
      return `${name}\n${version}\n${revision}\n${form}\n${DECODER.decode(body)}`;
    },

    find(published, request, { cache: control, trace, waitUntil }) {
      if (request === undefined || control.noStore || control.noCache) return undefined;
      if (!entries.hasRendering(request)) return undefined;
      const lookupFor = (key: string): Lookup =>
        toLookup(published, control, { key, outward: false });
      const end = trace.start("cache");
      const take = (): FinishedAnswer | undefined => {
        const answer = entries.findRendering(request, lookupFor, trace.cache);
        end();
        return answer;
      };
      return entries.prepare(trace.cache, waitUntil)?.then(take) ?? take();
    },

    keep(request, { sizeBytes, finish }, outputs, { outcome, tier, key }) {
      if (request === undefined || key === undefined || sizeBytes > MAX_ANSWER_BYTES) return;
      if (outcome !== "hit" || tier !== "isolate") return;
      entries.keepRendering(key, outputs, { request, answer: finish() });
    },
  };
}
