import {
  type VoiceActivityBlock,
  type VoiceActivityParameters,
  type VoiceActivityPrediction,
  voiceActivityBlock,
} from "../../domain/blocks/postprocess/voice-activity.ts";
import {
  type AudioWindowsBlock,
  audioWindowsBlock,
} from "../../domain/blocks/preprocess/audio-windows.ts";
import type { Call } from "../../domain/call.ts";
import { ApiError } from "../../domain/errors.ts";
import { type Manifest, modelDigest } from "../../domain/manifest.ts";
import { inputSpecs } from "../input-specs.ts";
import { parseParameters } from "../parameters.ts";
import { splitList } from "../preprocessor.ts";
import { splitInputs } from "../split-inputs.ts";
import type { ModelSet, Task } from "../task.ts";
import { type Clip, checkClipCount, readClips } from "./audio-clip.ts";
import { createRecurrentModel } from "./recurrent-model.ts";
import {
  checkRates,
  historyLength,
  INITIAL_RESAMPLER,
  producedSamples,
  Resampler,
  type ResamplingFilter,
} from "./resample.ts";
import { createResamplingFilters, pieceFrames } from "./resampling-filters.ts";
import { INITIAL_SEGMENTER, type SegmentRule, SpeechSegmenter } from "./speech-segments.ts";
import {
  decodeStreamState,
  encodeStreamState,
  MAX_STREAM_SAMPLES,
  type StateLengths,
  type StreamState,
} from "./stream-state.ts";
import { initialProbabilities, WindowProbabilities } from "./window-probabilities.ts";

/**
 * Finds the segments of speech in a recording, by a recurrent model that reads it window by window. A stream
 * may be sent in pieces of any length: each request sends the `state` of the previous prediction, and the predictions
 * together are the prediction for the whole recording.
 */
export function createVoiceActivityTask(
  manifest: Manifest,
  block: AudioWindowsBlock,
  defaults: VoiceActivityBlock,
): Task {
  const { sampleRate, windowSamples, windowsPerRun } = block;
  const digest = modelDigest(manifest);
  const model = createRecurrentModel(block, defaults.probabilities, inputSpecs(manifest));
  const filterFor = createResamplingFilters(sampleRate);

  const initialState = (clip: Clip): StreamState => ({
    sampleRate: clip.wav.sampleRate,
    resampler: INITIAL_RESAMPLER,
    ...initialProbabilities(block, model),
    segmenter: INITIAL_SEGMENTER,
  });

  const lengthsAfter = (filter: ResamplingFilter, received: number): StateLengths => {
    const produced = producedSamples(filter, received);
    return {
      history: historyLength(filter, received),
      context: block.contextSamples,
      waiting: produced % windowSamples,
      recurrent: model.stateLength,
      windows: Math.floor(produced / windowSamples),
    };
  };

  const continuedState = (clip: Clip, filter: ResamplingFilter, token: string): StreamState =>
    decodeStreamState(token, digest, (header) => {
      refuseOtherRate(clip, header.sampleRate);
      if (header.received + clip.wav.frames > MAX_STREAM_SAMPLES)
        throw new ApiError("invalid_input", "The stream is too long: begin another.");
      return lengthsAfter(filter, header.received);
    });

  async function detect(
    { clip, from }: Stream,
    parameters: VoiceActivityParameters,
    models: ModelSet,
    { trace, checkpoint }: Call,
  ): Promise<VoiceActivityPrediction> {
    const { wav } = clip;
    const filter = await filterFor(clip, checkpoint);
    const resampler = new Resampler(filter, from.resampler);
    const segmenter = new SpeechSegmenter(ruleOf(block, defaults, parameters), from.segmenter);
    const windows = new WindowProbabilities(block, model, models, from);
    const probabilities: number[] = [];

    const process = async (samples: () => Float32Array, pad: boolean): Promise<void> => {
      for (const probability of await windows.push(samples, pad, trace)) {
        probabilities.push(probability);
        segmenter.push(probability);
      }
    };

    const piece = pieceFrames(clip, filter, windowsPerRun * windowSamples);
    for (let start = 0; start < wav.frames; start += piece) {
      await process(() => resampler.push(wav.readMono(start, piece)), false);
      await checkpoint();
    }
    if (!parameters.stream) {
      await process(() => resampler.finish(), true);
      segmenter.finish(Math.ceil((resampler.state.received * filter.up) / filter.down));
    }
    return trace.measure("postprocess", () => {
      const speech = segmenter
        .take()
        .map(({ start, end }) => ({ start: start / sampleRate, end: end / sampleRate }));
      if (!parameters.stream) return { speech, probabilities };
      const state = encodeStreamState(
        {
          sampleRate: wav.sampleRate,
          resampler: resampler.state,
          ...windows.state,
          segmenter: segmenter.state,
        },
        digest,
      );
      return { speech, probabilities, state };
    });
  }

  return {
    parameters: voiceActivityBlock.parameters,
    async execute(request, models, call) {
      const { trace } = call;
      const parameters = parseParameters(voiceActivityBlock.parameters, request.parameters);
      const { items, form } = await splitInputs(INPUTS, request.inputs, parameters, call);
      refuseBadThresholds(defaults, parameters);
      const { state } = parameters;
      if (state !== undefined && items.length > 1)
        throw new ApiError(
          "invalid_request",
          'The parameter "state" continues one stream: send one input with it.',
        );
      const clips = await trace.measureAsync("decode", () =>
        readClips(items, block.maxSeconds, call.checkpoint),
      );
      // All are checked before the first one is run.
      const streams: Stream[] = [];
      for (const clip of clips) {
        checkRates(clip.wav.sampleRate, sampleRate, clip.path);
        // The filters themselves are not kept: one may take megabytes.
        const from =
          state === undefined
            ? initialState(clip)
            : continuedState(clip, await filterFor(clip, call.checkpoint), state);
        streams.push({ clip, from });
      }
      const predictions: VoiceActivityPrediction[] = [];
      for (const stream of streams)
        predictions.push(await detect(stream, parameters, models, call));
      return { kind: "value", value: form === "one" ? predictions[0] : predictions, form };
    },
  };
}

/** A clip with the state that it continues. */
interface Stream {
  readonly clip: Clip;
  readonly from: StreamState;
}

const INPUTS = {
  mediaTypes: audioWindowsBlock.mediaTypes,
  split: (inputs: unknown) => splitList(inputs, checkClipCount),
};

/** The rule in samples, from milliseconds. */
function ruleOf(
  { sampleRate, windowSamples }: AudioWindowsBlock,
  defaults: VoiceActivityBlock,
  parameters: VoiceActivityParameters,
): SegmentRule {
  const samples = (durationMs: number): number => (sampleRate * durationMs) / 1000;
  const { threshold = defaults.threshold } = parameters;
  return {
    windowSamples,
    threshold,
    negThreshold: parameters.neg_threshold ?? Math.max(threshold - 0.15, 0.01),
    minSpeech: samples(parameters.min_speech_duration_ms ?? defaults.minSpeechMs),
    minSilence: samples(parameters.min_silence_duration_ms ?? defaults.minSilenceMs),
    pad: samples(parameters.speech_pad_ms ?? defaults.speechPadMs),
  };
}

function refuseBadThresholds(
  defaults: VoiceActivityBlock,
  parameters: VoiceActivityParameters,
): void {
  const { threshold = defaults.threshold, neg_threshold } = parameters;
  if (neg_threshold === undefined || neg_threshold <= threshold) return;
  throw new ApiError(
    "invalid_request",
    `"neg_threshold", below which speech may end, is ${neg_threshold}: it must not be above "threshold", which is ${threshold}.`,
  );
}

function refuseOtherRate({ wav, path }: Clip, sampleRate: number): void {
  if (wav.sampleRate === sampleRate) return;
  throw new ApiError(
    "invalid_input",
    `${path} has a rate of ${wav.sampleRate} Hz, but the stream that "state" continues has ${sampleRate} Hz.`,
  );
}
