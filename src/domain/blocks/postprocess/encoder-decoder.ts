import * as z from "zod";
import type {
  BlockReferences,
  ManifestContext,
  ModelContext,
  Problem,
} from "../block-definition.ts";
import { ENCODER } from "../encoder-name.ts";
import { tokenInputProblems, tokenInputs } from "../preprocess/prompt.ts";
import { findSpec, fixedSize, tensorProblems } from "../tensor-checks.ts";
import { cacheFields, cacheNames, cacheProblems, tensorNames } from "./text-generation.ts";

const tensorName = z.string().min(1);

/** How a decoder writes what an encoder has read. */
export const encoderDecoderFields = z
  .strictObject({
    inputs: tokenInputs.describe(
      "The decoder's inputs beside its caches and what the encoder gives it.",
    ),
    logits: tensorName.describe(
      "The decoder's FP32 output, of shape [batch, tokens, vocabulary]: of all tokens of a run, or of the last one.",
    ),
    context: z.int().min(2).max(131_072).describe("How many tokens the decoder's text may have."),
    cache: cacheFields.describe("The keys and values of the decoder's own earlier tokens."),
    encoderFeeds: z
      .record(tensorName, tensorName)
      .refine((feeds) => Object.keys(feeds).length > 0, { error: "at least one input" })
      .describe(
        'Inputs of the decoder, and the outputs of the encoder that each of its runs reads there: `{"encoder_hidden_states": "last_hidden_state"}`.',
      ),
    encoderAttentionMask: tensorName
      .optional()
      .describe("An input of the decoder: 1 for each position of the encoder, [batch, positions]."),
    crossCache: z
      .strictObject({
        past: tensorNames.describe("`past_key_values.{layer}.encoder.{kind}`."),
        present: tensorNames.describe("`present.{layer}.encoder.{kind}`."),
      })
      .optional()
      .describe(
        "The keys and values of the encoder's outputs in merged decoders: computed by the first run, and read by later ones.",
      ),
  })
  .describe(
    "How the decoder, the main model, is run. Its encoder is the model `encoder` of `models`.",
  );

export type EncoderDecoderFields = z.output<typeof encoderDecoderFields>;

/** The names of both caches' tensors, in the order of layers. */
export function crossCacheNames(
  { cache, crossCache }: Pick<EncoderDecoderFields, "cache" | "crossCache">,
  side: "past" | "present",
): string[] {
  return crossCache ? cacheNames(cache, crossCache[side]) : [];
}

/** What the decoder and its encoder must have; a preprocess block names the encoder's inputs. */
export function encoderDecoderReferences(fields: EncoderDecoderFields): BlockReferences {
  const { inputs, logits, cache, encoderFeeds, encoderAttentionMask } = fields;
  return {
    inputs: [
      ...Object.values(inputs).filter((name) => name !== undefined),
      ...Object.keys(encoderFeeds),
      ...(encoderAttentionMask === undefined ? [] : [encoderAttentionMask]),
      ...cacheNames(cache, cache.past),
      ...crossCacheNames(fields, "past"),
    ],
    outputs: [logits, ...cacheNames(cache, cache.present), ...crossCacheNames(fields, "present")],
    models: { [ENCODER]: { outputs: [...new Set(Object.values(encoderFeeds))] } },
  };
}

/** Checks the fields against both models. */
export function* encoderDecoderProblems(
  path: Problem["path"],
  fields: EncoderDecoderFields,
  manifest: ManifestContext,
): Generator<Problem> {
  const { inputs, logits, cache, encoderAttentionMask, crossCache } = fields;
  yield* tokenInputProblems([...path, "inputs"], inputs, manifest);
  const output = findSpec(manifest.outputs, logits);
  if (output)
    yield* tensorProblems([...path, "logits"], output, {
      datatypes: ["FP32"],
      shapes: [["batch", "tokens", "vocabulary"]],
    });
  yield* cacheProblems([...path, "cache"], cache, manifest);
  const mask = encoderAttentionMask && findSpec(manifest.inputs, encoderAttentionMask);
  if (mask)
    yield* tensorProblems([...path, "encoderAttentionMask"], mask, {
      datatypes: ["INT64", "INT32"],
      shapes: [["batch", "positions"]],
    });
  yield* feedProblems([...path, "encoderFeeds"], fields, manifest);
  if (!crossCache) return;
  yield* cacheProblems([...path, "crossCache"], { ...cache, ...crossCache }, manifest, true);
  if (inputs.useCacheBranch === undefined)
    yield {
      path: [...path, "crossCache"],
      message: "needs inputs.useCacheBranch, by which the first run differs from later ones",
    };
}

/** What the encoder returns is what the decoder reads. */
function* feedProblems(
  path: Problem["path"],
  { encoderFeeds }: EncoderDecoderFields,
  { inputs, models = {} }: ManifestContext,
): Generator<Problem> {
  const encoder: ModelContext | undefined = models[ENCODER];
  for (const [name, from] of Object.entries(encoderFeeds)) {
    const [input, output] = [findSpec(inputs, name), findSpec(encoder?.outputs ?? [], from)];
    if (!input || !output) continue;
    if (input.datatype === "BYTES")
      yield { path: [...path, name], message: `${JSON.stringify(name)} must be numeric` };
    // A size that the encoder does not declare may be that of the decoder.
    const shape = output.shape.map((size) => fixedSize(size) ?? "any");
    yield* tensorProblems([...path, name], input, {
      datatypes: [output.datatype],
      shapes: [shape],
    });
  }
}
