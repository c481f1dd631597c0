import * as z from "zod";
import { samplingParameters } from "../../sampling-parameters.ts";
import type { ManifestContext, PostprocessDefinition, Problem } from "../block-definition.ts";
import { filePath, blockVersion as version } from "../block-fields.ts";
import {
  recurrentProblems,
  recurrentReferences,
  recurrentWindowFields,
} from "../recurrent-windows.ts";
import { findSpec, fixedSize, pairProblems, tensorProblems } from "../tensor-checks.ts";
import {
  encoderDecoderFields,
  encoderDecoderProblems,
  encoderDecoderReferences,
} from "./encoder-decoder.ts";

const MAX_SUPPRESSED = 4096;
/** Of the text that precedes a recording, which is also cut to half of the decoder's context. */
const MAX_PROMPT_LENGTH = 4096;
const MAX_SCORED_TOKENS = 4096;

const tokenId = z.int().min(0);
const milliseconds = z.int().min(0).max(60_000);

const voiceActivity = z.strictObject({
  model: z.string().default("voice-activity").describe("One of `models`."),
  ...recurrentWindowFields,
  probabilities: z
    .string()
    .describe("Its FP32 output, the probability of speech in each window: [windows]."),
  threshold: z.number().min(0.01).max(1).default(0.5).describe("Where speech begins."),
  minSpeechMs: milliseconds.default(250).describe("Shorter speech is dropped."),
  minSilenceMs: milliseconds.default(100).describe("Shorter silence is speech."),
  maxSilenceMs: milliseconds
    .default(3000)
    .describe("Longer silence is in no window of the decoder."),
  speechPadMs: milliseconds.default(200).describe("Added to a window's speech at both ends."),
});

const schema = z.strictObject({
  type: z.literal("speech-recognition"),
  version,
  tokenizer: filePath.describe("A file of this version: a tokenizer.json of Hugging Face."),
  decoder: encoderDecoderFields,
  language: z.string().min(2).max(8).describe("The language of texts, as ISO 639-1: `en`."),
  startTokenIds: z.array(tokenId).min(1).max(8).describe("The tokens that each text begins with."),
  eosTokenIds: z
    .array(tokenId)
    .min(1)
    .max(16)
    .describe("Each of them ends a text; the first is `<|endoftext|>`."),
  noTimestampsTokenId: tokenId.describe("Never generated: it asks for a text without times."),
  firstTimestampTokenId: tokenId.describe("The token of 0 s; those after it are of later times."),
  timestampSeconds: z
    .number()
    .min(0.001)
    .max(1)
    .default(0.02)
    .describe("From one time to the next one."),
  maxInitialTimestampIndex: z.int().min(0).optional().describe("The latest first time."),
  noSpeechTokenId: tokenId
    .optional()
    .describe("Its probability in place of the first token is that of a window without speech."),
  previousTextTokenId: tokenId.optional().describe("Precedes the text of the request's `prompt`."),
  suppressTokenIds: z.array(tokenId).max(MAX_SUPPRESSED).default([]).describe("Never generated."),
  beginSuppressTokenIds: z
    .array(tokenId)
    .max(MAX_SUPPRESSED)
    .default([])
    .describe("Never generated first."),
  maxNewTokens: z.int().min(1).max(4096).default(224).describe("Tokens of a window."),
  temperatures: z
    .array(z.number().min(0).max(2))
    .min(1)
    .max(8)
    .default([0, 0.2, 0.4, 0.6, 0.8, 1])
    .describe(
      "Tried in this order, until a text is not refused by the next two. 0 takes the most probable tokens.",
    ),
  maxCompressionRatio: z
    .number()
    .min(1)
    .default(2.4)
    .describe("A text that zlib compresses more repeats itself."),
  minLogprob: z
    .number()
    .max(0)
    .default(-1)
    .describe("The least mean logarithm of its tokens' probabilities."),
  maxNoSpeech: z
    .number()
    .min(0)
    .max(1)
    .default(0.6)
    .describe(
      "A window whose text is less probable than that, and whose probability of no speech is above this, has none.",
    ),
  voiceActivity,
});

export type SpeechRecognitionBlock = z.output<typeof schema>;

const transcriptChunk = z.strictObject({
  text: z.string(),
  timestamp: z.array(z.number()).length(2).describe("Its beginning and end, in seconds."),
});

const transcriptSegment = z.strictObject({
  start: z.number().describe("In seconds, as all times."),
  end: z.number(),
  text: z.string(),
  tokens: z.array(z.int()),
  window_start: z.number().describe("Where the window of speech begins that it was found in."),
  temperature: z.number(),
  avg_logprob: z.number().describe("Of its window."),
  compression_ratio: z.number().describe("Of its window."),
  no_speech_prob: z.number().describe("Of its window."),
});

const transcriptDetails = z.strictObject({
  language: z.string(),
  duration: z.number().describe("Of the audio, in seconds."),
  segments: z.array(transcriptSegment),
});

const prediction = z
  .strictObject({
    text: z.string(),
    chunks: z.array(transcriptChunk).optional().describe("With `return_timestamps`."),
    details: transcriptDetails.optional().describe("With `details`."),
  })
  .describe("Speech recognition: what is said in a recording.");

/** A parameter of Hugging Face's specification of which some values alone have no effect. */
function neutral<const T extends readonly (boolean | number | string)[]>(
  values: T,
  reason: string,
) {
  const expected = values.map((value) => JSON.stringify(value)).join(" or ");
  return z
    .literal(values as T, { error: () => `must be ${expected}, because ${reason}` })
    .optional()
    .describe(`accepted when it is ${expected}`);
}

const generationParameters = z.strictObject({
  ...samplingParameters,
  max_new_tokens: z
    .int()
    .min(1)
    .optional()
    .describe("tokens of a window at most, its times included"),
  max_length: z
    .int()
    .min(1)
    .optional()
    .describe("the same with the tokens before the text; without effect beside max_new_tokens"),
  min_length: z
    .int()
    .min(0)
    .optional()
    .describe("as min_new_tokens, with the tokens before the text"),
  num_beams: neutral([1], "texts are generated without beams"),
  num_beam_groups: neutral([1], "texts are generated without beams"),
  early_stopping: neutral([false, true, "never"], "texts are generated without beams"),
  epsilon_cutoff: neutral([0], "tokens are not cut off by it"),
  eta_cutoff: neutral([0], "tokens are not cut off by it"),
  penalty_alpha: neutral([0], "there is no contrastive search"),
  use_cache: neutral([true], "keys and values are always kept"),
});

const parameters = {
  return_timestamps: z
    .boolean({
      error: ({ input }) =>
        input === "word" || input === "char"
          ? `must be true or false: times of ${input === "word" ? "words" : "characters"} need the model's alignment heads (outputs with its cross-attentions), which it does not return`
          : "must be true or false",
    })
    .default(false)
    .describe("whether `chunks` are returned, with their times"),
  generation_parameters: generationParameters
    .optional()
    .describe("how tokens are chosen, by the names of transformers"),
  language: z.string().optional().describe("accepted when it is the model's"),
  prompt: z
    .string()
    .max(MAX_PROMPT_LENGTH)
    .optional()
    .describe(
      "a text that precedes the recording, whose spelling and names the model goes on with",
    ),
  details: z
    .boolean()
    .default(false)
    .describe(
      "whether segments are returned with their tokens and figures, also without `return_timestamps`",
    ),
  score_tokens: z
    .array(tokenId)
    .min(1)
    .max(MAX_SCORED_TOKENS)
    .optional()
    .describe(
      "the tokens of a text, without times: the recording, which has to fit one window, is not transcribed, and `details` tell how probable this text is (`avg_logprob`, its end included)",
    ),
};

/** The text of speech. Parameters and results are those of Hugging Face's automatic speech recognition. */
export const speechRecognitionBlock = {
  type: "speech-recognition",
  schema,
  parameters: z.strictObject(parameters),
  prediction,
  named: {
    Transcript: prediction,
    TranscriptChunk: transcriptChunk,
    TranscriptDetails: transcriptDetails,
    TranscriptSegment: transcriptSegment,
  },
  generates: true,
  references({ decoder, tokenizer, voiceActivity }) {
    const references = encoderDecoderReferences(decoder);
    const { inputs, outputs } = recurrentReferences(voiceActivity);
    const windows = { inputs, outputs: [voiceActivity.probabilities, ...outputs] };
    const models = { ...references.models, [voiceActivity.model]: windows };
    return { ...references, files: [tokenizer], models };
  },
  *problems(block, manifest) {
    yield* pairProblems("speech-recognition", manifest, "log-mel");
    yield* encoderDecoderProblems(["postprocess", "decoder"], block.decoder, manifest);
    yield* voiceProblems(block, manifest);
    yield* tokenProblems(
      block,
      fixedSize(findSpec(manifest.outputs, block.decoder.logits)?.shape[2]),
    );
  },
} satisfies PostprocessDefinition<typeof schema>;

function* voiceProblems(
  { voiceActivity }: SpeechRecognitionBlock,
  { models = {} }: ManifestContext,
): Generator<Problem> {
  const model = Object.hasOwn(models, voiceActivity.model)
    ? models[voiceActivity.model]
    : undefined;
  if (!model) return;
  const path = ["postprocess", "voiceActivity"];
  yield* recurrentProblems(path, voiceActivity, model);
  const spec = findSpec(model.outputs, voiceActivity.probabilities);
  const shapes = [["windows"], ["windows", 1]];
  if (spec)
    yield* tensorProblems([...path, "probabilities"], spec, { datatypes: ["FP32"], shapes });
}

function* tokenProblems(
  block: SpeechRecognitionBlock,
  vocabulary: number | undefined,
): Generator<Problem> {
  if (vocabulary === undefined) return;
  const lists = [
    "startTokenIds",
    "eosTokenIds",
    "suppressTokenIds",
    "beginSuppressTokenIds",
  ] as const;
  const single = [
    "noTimestampsTokenId",
    "firstTimestampTokenId",
    "noSpeechTokenId",
    "previousTextTokenId",
  ] as const;
  for (const field of [...lists, ...single]) {
    const foreign = [block[field] ?? []].flat().find((id) => id >= vocabulary);
    if (foreign !== undefined)
      yield {
        path: ["postprocess", field],
        message: `${foreign} is no token: the vocabulary has ${vocabulary}`,
      };
  }
}

export type SpeechRecognitionParameters = z.output<typeof speechRecognitionBlock.parameters>;
export type Transcript = z.output<typeof prediction>;
export type TranscriptSegment = z.output<typeof transcriptSegment>;
