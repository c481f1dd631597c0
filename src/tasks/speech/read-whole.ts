import type { Call } from "../../domain/call.ts";
import { ApiError } from "../../domain/errors.ts";
import type { Clip } from "../audio/audio-clip.ts";
import { producedSamples, Resampler } from "../audio/resample.ts";
import { type FilterFor, pieceFrames } from "../audio/resampling-filters.ts";

/** At the model's rate, that are read in one piece of work. */
const PIECE_SAMPLES = 65_536;

/**
 * All samples of a clip, at the model's rate.
 * @param maxSamples of a window
 * @throws ApiError `invalid_input` for a clip that does not fit
 */
export async function readWhole(
  clip: Clip,
  filterFor: FilterFor,
  maxSamples: number,
  { checkpoint }: Call,
): Promise<Float32Array> {
  const { wav, path } = clip;
  const filter = await filterFor(clip, checkpoint);
  const length = producedSamples(filter, wav.frames);
  if (length > maxSamples)
    throw new ApiError(
      "invalid_input",
      `${path} is ${Number((wav.frames / wav.sampleRate).toFixed(3))} seconds long: with "score_tokens" a recording has to fit one window.`,
      { details: { maxSamples, samples: length } },
    );
  const resampler = new Resampler(filter);
  const parts: Float32Array[] = [];
  const piece = pieceFrames(clip, filter, PIECE_SAMPLES);
  for (let start = 0; start < wav.frames; start += piece) {
    parts.push(resampler.push(wav.readMono(start, piece)));
    await checkpoint();
  }
  parts.push(resampler.finish());
  const samples = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    samples.set(part, at);
    at += part.length;
  }
  return samples.subarray(0, maxSamples);
}
