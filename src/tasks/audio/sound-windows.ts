import { type SoundWindowFields, windowSamples } from "../../domain/blocks/sound-windows.ts";
import type { Call } from "../../domain/call.ts";
import { ApiError } from "../../domain/errors.ts";
import type { Clip } from "./audio-clip.ts";
import { standardizeSamples } from "./normalize-features.ts";
import { Resampler, type ResamplingFilter } from "./resample.ts";
import { pieceFrames } from "./resampling-filters.ts";

/** A part of a recording that a model reads at a time. */
export interface SoundWindow {
  /** In seconds of the recording, without the silence that fills the last one. */
  readonly start: number;
  readonly end: number;
  readonly samples: Float32Array;
}

/** How the windows of a recording lie, in samples of the model's rate. */
export interface WindowPlan {
  readonly count: number;
  readonly length: number;
  readonly hop: number;
  /** Samples of the recording. */
  readonly total: number;
}

/** Samples of a window that are in memory at a time: 32 MB. */
const MAX_WINDOW_SAMPLES = 2 ** 23;
/** At the model's rate, that are read in one piece of work. */
const PIECE_SAMPLES = 65_536;

/** @throws ApiError `invalid_input` for a recording that is read as a whole and too long for that */
export function planWindows(
  block: SoundWindowFields,
  { wav, path }: Clip,
  { up, down }: Pick<ResamplingFilter, "up" | "down">,
): WindowPlan {
  const total = Math.ceil((wav.frames * up) / down);
  const windows = windowSamples(block) ?? { length: total, hop: total };
  if (windows.length > MAX_WINDOW_SAMPLES)
    throw new ApiError(
      "invalid_input",
      `${path} has ${total} samples at the model's rate, which it reads at once: ${MAX_WINDOW_SAMPLES} are the limit. Send it in pieces.`,
      { details: { maxSamples: MAX_WINDOW_SAMPLES, samples: total } },
    );
  const { length, hop } = windows;
  // Where windows have gaps between them, the end of the recording may be in one.
  const toEnd = 1 + Math.max(0, Math.ceil((total - length) / hop));
  return { count: Math.min(toEnd, Math.ceil(total / hop)), length, hop, total };
}

/** Windows in their order. Of the recording, what the next window has is in memory as samples. */
export async function* readWindows(
  block: SoundWindowFields,
  clip: Clip,
  filter: ResamplingFilter,
  { count, length, hop, total }: WindowPlan,
  { trace, checkpoint }: Pick<Call, "trace" | "checkpoint">,
): AsyncGenerator<SoundWindow, undefined> {
  const { sampleRate, fillLast, minSeconds, normalize } = block;
  const { wav } = clip;
  const resampler = new Resampler(filter);
  const piece = pieceFrames(clip, filter, PIECE_SAMPLES);
  let read = 0;
  let kept = new Float32Array(0);
  /** Where the kept samples begin. */
  let first = 0;

  for (let index = 0; index < count; index++) {
    const start = index * hop;
    const end = Math.min(total, start + length);
    const parts: Float32Array[] = [];
    for (let have = first + kept.length; have < end; ) {
      const part = trace.measure("preprocess", () => {
        if (read >= wav.frames) return resampler.finish();
        const samples = wav.readMono(read, piece);
        read += piece;
        return resampler.push(samples);
      });
      parts.push(part);
      have += part.length;
      if (read >= wav.frames && part.length === 0) break;
      await checkpoint();
    }
    const samples = trace.measure("preprocess", () => {
      kept = joined(kept, parts, Math.max(0, start - first));
      first = Math.max(first, start);
      const least = Math.max(fillLast ? length : 0, Math.round(minSeconds * sampleRate));
      const window = new Float32Array(Math.max(end - start, least));
      window.set(kept.subarray(0, end - start));
      if (normalize !== "none") standardizeSamples(window.subarray(0, end - start));
      return window;
    });
    yield { start: start / sampleRate, end: end / sampleRate, samples };
  }
}

/** The samples one after the other, without the first ones. */
function joined(
  kept: Float32Array,
  parts: readonly Float32Array[],
  without: number,
): Float32Array<ArrayBuffer> {
  const all = [kept, ...parts];
  const length = all.reduce((sum, part) => sum + part.length, 0);
  const result = new Float32Array(Math.max(0, length - without));
  let at = -without;
  for (const part of all) {
    if (at + part.length > 0) result.set(part.subarray(Math.max(0, -at)), Math.max(0, at));
    at += part.length;
  }
  return result;
}
