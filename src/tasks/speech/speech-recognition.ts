import {
  type SpeechRecognitionBlock,
  type SpeechRecognitionParameters,
  speechRecognitionBlock,
} from "../../domain/blocks/postprocess/speech-recognition.ts";
import { type LogMelBlock, logMelBlock } from "../../domain/blocks/preprocess/log-mel.ts";
import type { Call } from "../../domain/call.ts";
import { ApiError } from "../../domain/errors.ts";
import { NOTHING_GENERATED } from "../../domain/generation-progress.ts";
import type { Manifest } from "../../domain/manifest.ts";
import { memberModel } from "../../domain/member-models.ts";
import type { TaskPart } from "../../domain/task.ts";
import { type Clip, checkClipCount, readClips } from "../audio/audio-clip.ts";
import { createLogMel } from "../audio/log-mel.ts";
import { createRecurrentModel } from "../audio/recurrent-model.ts";
import { checkRates } from "../audio/resample.ts";
import { createResamplingFilters } from "../audio/resampling-filters.ts";
import { createEncoderDecoder } from "../generation/encoder-decoder.ts";
import { inputSpecs } from "../input-specs.ts";
import { parseParameters } from "../parameters.ts";
import { splitList } from "../preprocessor.ts";
import { splitInputs } from "../split-inputs.ts";
import type { ModelSet, Task } from "../task.ts";
import { parseJsonFile } from "../text/json-file.ts";
import { createTokenDecoder } from "../text/token-decoder.ts";
import { runSteps } from "../text/word-model.ts";
import { type DecodingOptions, decodeWindow, type WindowText } from "./decode-window.ts";
import { toDecodingOptions } from "./decoding-options.ts";
import { createPreviousText } from "./previous-text.ts";
import { readSpeech, type SpeechDetector } from "./read-speech.ts";
import { readWhole } from "./read-whole.ts";
import { type ScoredText, scoreWindow, toScoredText } from "./score-window.ts";
import { TranscriptWriter } from "./transcript.ts";
import { continuation } from "./transcript-segments.ts";
import { maxSpeechSamples, padWindow, toFeatureTensor } from "./window-audio.ts";
import { createWindowQueue } from "./window-queue.ts";

const INPUTS = {
  mediaTypes: logMelBlock.mediaTypes,
  split: (inputs: unknown) => splitList(inputs, checkClipCount),
};

/**
 * Turns speech into text: windows of speech of a recording, one after the other, through an encoder and a decoder. A window's
 * text is known as a whole, as it may be generated more than once; a stream has a part for each window.
 */
export function createSpeechRecognitionTask(
  manifest: Manifest,
  block: LogMelBlock,
  defaults: SpeechRecognitionBlock,
  tokenizerJson: Uint8Array,
): Task {
  const { sampleRate } = block;
  const scale = {
    first: defaults.firstTimestampTokenId,
    stepSeconds: defaults.timestampSeconds,
  };
  const logMel = createLogMel(block);
  const engine = createEncoderDecoder(manifest, defaults.decoder);
  const filterFor = createResamplingFilters(sampleRate);
  const queue = createWindowQueue();
  const detector = createDetector(manifest, block, defaults);
  const encodePrevious = createPreviousText(defaults, tokenizerJson);
  const createText = createTokenDecoder(parseJsonFile(tokenizerJson, "tokenizer"));
  const toText = (tokens: readonly number[]): string => {
    const text = createText();
    return tokens.map((token) => text.push(token)).join("") + text.end();
  };

  /** The text of a window of speech. */
  async function recognize(
    samples: Float32Array,
    options: DecodingOptions,
    models: ModelSet,
    call: Call,
    scored?: ScoredText,
  ): Promise<WindowText> {
    const { trace, checkpoint } = call;
    const features = await trace.measureAsync("preprocess", () =>
      logMel.compute(padWindow(samples, block), checkpoint),
    );
    const input = await engine.encode(models, [toFeatureTensor(block, features)], call);
    // Between two runs that are long.
    await call.pause();
    const tokens = scored
      ? scored.prompt.length + scored.tokens.length + 1
      : options.prompt.length + options.maxNewTokens + 1;
    const progress = trace.generation ?? NOTHING_GENERATED;
    const inputTokens = progress.inputTokens + options.prompt.length;
    trace.generation = { ...progress, inputTokens };
    using lease = await models.lease(engine.reservedBytes(tokens, input));
    const decoder = engine.attach(lease, input);
    const begin = () => decoder.begin(tokens);
    // The lease ends with this block.
    return await (scored
      ? scoreWindow(defaults, scored, begin, toText, call)
      : decodeWindow(defaults, options, begin, toText, call));
  }

  /** A recording as one window, whose text is given. */
  async function* score(
    clip: Clip,
    writer: TranscriptWriter,
    options: DecodingOptions,
    scored: ScoredText,
    models: ModelSet,
    call: Call,
  ): AsyncGenerator<TaskPart, undefined> {
    const samples = await readWhole(clip, filterFor, maxSpeechSamples(block), call);
    const text = await queue.run(call, () => recognize(samples, options, models, call, scored));
    yield writer.add(text, { start: 0, duration: samples.length / sampleRate });
    yield writer.end();
  }

  async function* transcribe(
    clip: Clip,
    writer: TranscriptWriter,
    options: DecodingOptions,
    models: ModelSet,
    call: Call,
  ): AsyncGenerator<TaskPart, undefined> {
    const filter = await filterFor(clip, call.checkpoint);
    const voices = {
      infer: (inputs: Parameters<ModelSet["infer"]>[0], outputs: readonly string[]) =>
        models.infer(inputs, outputs, defaults.voiceActivity.model),
    };
    for await (const window of readSpeech(clip, filter, detector, voices, call)) {
      let read = 0;
      while (read < window.samples.length) {
        const samples = window.samples.subarray(read);
        const text = await queue.run(call, () => recognize(samples, options, models, call));
        const start = (window.start + read) / sampleRate;
        yield writer.add(text, { start, duration: samples.length / sampleRate });
        const rest = continuation(text.tokens, scale, (window.speechLength - read) / sampleRate);
        read = rest === undefined ? window.samples.length : read + Math.round(rest * sampleRate);
      }
    }
    yield writer.end();
  }

  return {
    parameters: speechRecognitionBlock.parameters,
    async execute(request, models, call) {
      const { trace } = call;
      const parameters = parseParameters(speechRecognitionBlock.parameters, request.parameters);
      const { items, form } = await splitInputs(INPUTS, request.inputs, parameters, call);
      refuseOtherLanguage(parameters, defaults, manifest.name);
      if (request.stream && form === "list")
        throw new ApiError(
          "invalid_request",
          '"stream" is true, and "inputs" is a list: a stream is the text of one recording.',
        );
      const promptIds = await trace.measureAsync("preprocess", () =>
        runSteps(encodePrevious(parameters.prompt ?? ""), call.checkpoint),
      );
      const toOptions = (): DecodingOptions =>
        toDecodingOptions(defaults, parameters, promptIds, engine.vocabularySize);
      toOptions();
      const scored = parameters.score_tokens
        ? toScoredText(defaults, parameters.score_tokens, engine.vocabularySize)
        : undefined;
      const clips = await trace.measureAsync("decode", () =>
        readClips(items, block.maxSeconds, call.checkpoint),
      );
      for (const { wav, path } of clips) checkRates(wav.sampleRate, sampleRate, path);
      const audioSeconds = clips.reduce((sum, clip) => sum + secondsOf(clip), 0);
      trace.generation = { ...NOTHING_GENERATED, audioSeconds };
      const begin = (clip: Clip) => {
        const writer = new TranscriptWriter({
          scale,
          language: defaults.language,
          duration: secondsOf(clip),
          hasChunks: parameters.return_timestamps,
          hasDetails: parameters.details,
          toText,
        });
        const parts = scored
          ? score(clip, writer, toOptions(), scored, models, call)
          : transcribe(clip, writer, toOptions(), models, call);
        return { writer, parts };
      };
      const [first] = clips;
      if (request.stream && first) return { kind: "stream", parts: begin(first).parts };
      const transcripts = [];
      for (const clip of clips) {
        const { writer, parts } = begin(clip);
        for await (const _ of parts);
        transcripts.push(writer.toTranscript());
      }
      const { inputTokens, outputTokens } = trace.generation;
      const value = form === "one" ? transcripts[0] : transcripts;
      return { kind: "value", value, form, usage: { inputTokens, outputTokens } };
    },
  };
}

function secondsOf({ wav }: Clip): number {
  return wav.frames / wav.sampleRate;
}

function createDetector(
  manifest: Manifest,
  block: LogMelBlock,
  { voiceActivity }: SpeechRecognitionBlock,
): SpeechDetector {
  const { name } = manifest;
  const { inputs } = memberModel(manifest, voiceActivity.model);
  const { threshold, windowSamples } = voiceActivity;
  const samples = (durationMs: number): number => (block.sampleRate * durationMs) / 1000;
  return {
    model: createRecurrentModel(
      voiceActivity,
      voiceActivity.probabilities,
      inputSpecs({ name, inputs }),
    ),
    shape: voiceActivity,
    rule: {
      speech: {
        windowSamples,
        threshold,
        // As silero-vad.
        negThreshold: Math.max(threshold - 0.15, 0.01),
        minSpeech: samples(voiceActivity.minSpeechMs),
        minSilence: samples(voiceActivity.minSilenceMs),
        pad: samples(voiceActivity.speechPadMs),
      },
      maxLength: maxSpeechSamples(block),
      maxSilence: samples(voiceActivity.maxSilenceMs),
    },
  };
}

/** @throws ApiError `invalid_request` */
function refuseOtherLanguage(
  { language }: SpeechRecognitionParameters,
  block: SpeechRecognitionBlock,
  name: string,
): void {
  if (language === undefined || language.toLowerCase() === block.language) return;
  throw new ApiError(
    "invalid_request",
    `"language" is ${JSON.stringify(language.slice(0, 40))}, and ${name} transcribes ${JSON.stringify(block.language)} alone.`,
    { details: { field: "language", valid: [block.language] } },
  );
}
