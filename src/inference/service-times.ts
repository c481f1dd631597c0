import { LruMap } from "../shared/lru-map.ts";

/** Weight of the newest sample in a moving average. */
const SMOOTHING = 0.1;
/** Models whose averages are kept. */
const MAX_MODELS = 1000;
/** The largest bodies of each class of sizes: a request with 2,000 texts says little about one with a single text. */
const SIZE_CLASSES = [16_384, 262_144, 4_194_304, Number.POSITIVE_INFINITY];

interface Averages {
  all: number | undefined;
  readonly bySize: (number | undefined)[];
}

/**
 * Moving averages of service times, in milliseconds, by model and size of the body. On Cloudflare's network clocks stand
 * still while the CPU works, so they are 0 there; in workerd on other machines they are accurate.
 */
export class ServiceTimes {
  readonly #models = new LruMap<string, Averages>(MAX_MODELS);
  #all: number | undefined;

  /** The expected time of a request: that of similar ones, of the model, or of all; `undefined` before the first sample. */
  expect(model: string | undefined, bodyBytes: number | undefined): number | undefined {
    const averages = model === undefined ? undefined : this.#models.get(model);
    if (!averages) return this.#all;
    const bySize = bodyBytes === undefined ? undefined : averages.bySize[sizeClass(bodyBytes)];
    return bySize ?? averages.all ?? this.#all;
  }

  add(model: string | undefined, bodyBytes: number | undefined, sampleMs: number): void {
    this.#all = toward(this.#all, sampleMs);
    if (model === undefined) return;
    const averages = this.#models.get(model) ?? { all: undefined, bySize: [] };
    averages.all = toward(averages.all, sampleMs);
    if (bodyBytes !== undefined) {
      const index = sizeClass(bodyBytes);
      averages.bySize[index] = toward(averages.bySize[index], sampleMs);
    }
    this.#models.set(model, averages);
  }
}

/** The average begins with the first sample. */
export function toward(average: number | undefined, sampleMs: number): number {
  return average === undefined ? sampleMs : average + SMOOTHING * (sampleMs - average);
}

function sizeClass(bytes: number): number {
  return SIZE_CLASSES.findIndex((limit) => bytes <= limit);
}
