import type { Call } from "../../domain/call.ts";
import { LruMap } from "../../shared/lru-map.ts";
import type { Clip } from "./audio-clip.ts";
import { designFilter, type ResamplingFilter } from "./resample.ts";

/** Filters of the last sample rates. */
const MAX_FILTERS = 4;
/** A megabyte; the filters of rates without a common factor take up to eight, and are not kept. */
const MAX_KEPT_TAPS = 131_072;
/** Samples of all channels that are read at a time: a few milliseconds. */
const MAX_PIECE_SAMPLES = 262_144;

/** The filter that changes a clip's rate, of which those used last are kept. */
export type FilterFor = (clip: Clip, checkpoint: Call["checkpoint"]) => Promise<ResamplingFilter>;

/** @param sampleRate the model's, in Hz */
export function createResamplingFilters(sampleRate: number): FilterFor {
  const filters = new LruMap<number, ResamplingFilter>(MAX_FILTERS);
  return async ({ wav, path }, checkpoint) => {
    const known = filters.get(wav.sampleRate);
    if (known) return known;
    const filter = await designFilter(wav.sampleRate, sampleRate, path, checkpoint);
    if (filter.taps.length <= MAX_KEPT_TAPS) filters.set(wav.sampleRate, filter);
    return filter;
  };
}

/**
 * How many frames of a clip are read at a time, so that a long one is never in memory as floats.
 * @param samples at the model's rate that are wanted at a time
 */
export function pieceFrames(
  { wav }: Pick<Clip, "wav">,
  { up, down }: ResamplingFilter,
  samples: number,
): number {
  return Math.min(Math.ceil((samples * down) / up), Math.ceil(MAX_PIECE_SAMPLES / wav.channels));
}
