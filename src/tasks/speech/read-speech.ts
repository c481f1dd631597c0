import type { Call } from "../../domain/call.ts";
import type { Clip } from "../audio/audio-clip.ts";
import type { RecurrentModel } from "../audio/recurrent-model.ts";
import { Resampler, type ResamplingFilter } from "../audio/resample.ts";
import { pieceFrames } from "../audio/resampling-filters.ts";
import { SpeechWindows, type WindowRule } from "../audio/speech-windows.ts";
import { initialProbabilities, WindowProbabilities } from "../audio/window-probabilities.ts";
import type { ModelSet } from "../task.ts";

/** A part of a recording in which somebody speaks. */
export interface SpeechWindow {
  /** Where it begins in the recording, in samples of the model's rate. */
  readonly start: number;
  readonly samples: Float32Array;
  /** Samples until the end of its speech. */
  readonly speechLength: number;
}

/** A model that hears speech, and how its windows are read. */
export interface SpeechDetector {
  readonly model: RecurrentModel;
  readonly shape: {
    readonly windowSamples: number;
    readonly contextSamples: number;
    readonly windowsPerRun: number;
  };
  readonly rule: WindowRule;
}

/**
 * The windows of speech of a recording, each when its end is known. Of the recording, what may be part of the next window is in
 * memory as samples.
 * @param models runs the detector's model
 */
export async function* readSpeech(
  clip: Clip,
  filter: ResamplingFilter,
  { model, shape, rule }: SpeechDetector,
  models: Pick<ModelSet, "infer">,
  { trace, checkpoint }: Call,
): AsyncGenerator<SpeechWindow, undefined> {
  const { wav } = clip;
  const resampler = new Resampler(filter);
  const probabilities = new WindowProbabilities(
    shape,
    model,
    models,
    initialProbabilities(shape, model),
  );
  const windows = new SpeechWindows(rule);
  /** The last samples, and where they begin. */
  let kept = new Float32Array(0);
  let first = 0;

  const process = async (read: () => Float32Array, isLast: boolean): Promise<void> => {
    const samples = (): Float32Array => {
      const next = read();
      const both = new Float32Array(kept.length + next.length);
      both.set(kept);
      both.set(next, kept.length);
      kept = both;
      return next;
    };
    for (const probability of await probabilities.push(samples, isLast, trace))
      windows.push(probability);
    if (isLast) windows.finish(first + kept.length);
  };

  function* take(): Generator<SpeechWindow> {
    for (const { start, end, speechEnd } of windows.take())
      yield {
        start,
        samples: kept.slice(start - first, end - first),
        speechLength: speechEnd - start,
      };
    const unneeded = Math.min(kept.length, Math.max(0, windows.position - first));
    kept = kept.slice(unneeded);
    first += unneeded;
  }

  const piece = pieceFrames(clip, filter, shape.windowsPerRun * shape.windowSamples);
  for (let start = 0; start < wav.frames; start += piece) {
    await process(() => resampler.push(wav.readMono(start, piece)), false);
    await checkpoint();
    yield* take();
  }
  await process(() => resampler.finish(), true);
  yield* take();
}
