import * as z from "zod";

/**
 * The files of configuration that exporters write beside an ONNX file (Optimum, transformers.js): what of them decides how the model is served. A
 * field of another form than here counts as absent, because libraries write many kinds of them.
 */

function lenient<S extends z.ZodType>(schema: S) {
  return schema.optional().catch(undefined);
}

const integer = lenient(z.int().min(0));
const number = lenient(z.number());
/** One token, or a list of them. */
const tokenIds = lenient(
  z
    .union([z.int().min(0), z.array(z.int().min(0))])
    .transform((ids) => (Array.isArray(ids) ? ids : [ids])),
);

/** config.json */
const modelConfigSchema = z.object({
  architectures: lenient(z.array(z.string())),
  model_type: lenient(z.string()),
  is_encoder_decoder: lenient(z.boolean()),
  max_position_embeddings: integer,
  n_positions: integer,
  n_ctx: integer,
  max_sequence_length: integer,
  max_seq_len: integer,
  seq_length: integer,
  max_target_positions: integer,
  sliding_window: integer,
  use_sliding_window: lenient(z.boolean()),
  bos_token_id: tokenIds,
  eos_token_id: tokenIds,
  pad_token_id: tokenIds,
  decoder_start_token_id: tokenIds,
  id2label: lenient(z.record(z.string().regex(/^\d+$/), z.string())),
  problem_type: lenient(z.string()),
});

/** generation_config.json */
const generationConfigSchema = z.looseObject({
  bos_token_id: tokenIds,
  eos_token_id: tokenIds,
  decoder_start_token_id: tokenIds,
  max_new_tokens: integer,
  min_new_tokens: integer,
  max_length: integer,
  min_length: integer,
  forced_bos_token_id: tokenIds,
  forced_eos_token_id: tokenIds,
  num_beams: integer,
  length_penalty: number,
  early_stopping: lenient(z.union([z.boolean(), z.literal("never")])),
  do_sample: lenient(z.boolean()),
  temperature: number,
  top_k: integer,
  top_p: number,
  min_p: number,
  typical_p: number,
  repetition_penalty: number,
  no_repeat_ngram_size: integer,
  bad_words_ids: lenient(z.array(z.array(z.int().min(0)))),
  suppress_tokens: tokenIds,
});

const tokenText = lenient(
  z.union([z.string(), z.object({ content: z.string() }).transform(({ content }) => content)]),
);

/** tokenizer_config.json */
const tokenizerConfigSchema = z.looseObject({
  add_bos_token: lenient(z.boolean()),
  bos_token: tokenText,
  eos_token: tokenText,
  chat_template: lenient(z.union([z.string(), z.array(z.unknown())])),
  model_max_length: number,
});

/** tokenizer.json, as far as publishing reads it. */
const tokenizerSchema = z.object({
  added_tokens: z.array(z.object({ id: z.int().min(0), content: z.string() })).catch([]),
  post_processor: z.unknown().optional(),
});

/** 1_Pooling/config.json of sentence-transformers */
const poolingSchema = z.object({
  pooling_mode_cls_token: lenient(z.boolean()),
  pooling_mode_mean_tokens: lenient(z.boolean()),
  pooling_mode_max_tokens: lenient(z.boolean()),
  pooling_mode_mean_sqrt_len_tokens: lenient(z.boolean()),
  pooling_mode_weightedmean_tokens: lenient(z.boolean()),
  pooling_mode_lasttoken: lenient(z.boolean()),
});

const edge = z.int().min(1).max(4096);
const size = lenient(
  z.union([
    edge.transform((length) => ({ shortest_edge: length })),
    z.object({ height: edge, width: edge }),
    z.object({ shortest_edge: edge }),
  ]),
);
const cropSize = lenient(
  z.union([
    edge.transform((length) => ({ height: length, width: length })),
    z.object({ height: edge, width: edge }),
  ]),
);
const flag = lenient(z.boolean());
const channels = lenient(z.array(z.number()).min(1).max(4));

/** preprocessor_config.json of models of images and sounds */
const preprocessorSchema = z.object({
  image_processor_type: lenient(z.string()),
  feature_extractor_type: lenient(z.string()),
  do_resize: flag,
  size,
  resample: integer,
  crop_pct: number,
  do_center_crop: flag,
  crop_size: cropSize,
  do_rescale: flag,
  rescale_factor: number,
  do_normalize: flag,
  image_mean: channels,
  image_std: channels,
  do_flip_channel_order: flag,
  do_pad: flag,
  sampling_rate: integer,
  num_mel_bins: integer,
  max_length: integer,
  mean: number,
  std: number,
});

export const EXPORT_SCHEMAS = {
  config: modelConfigSchema,
  generationConfig: generationConfigSchema,
  tokenizerConfig: tokenizerConfigSchema,
  tokenizer: tokenizerSchema,
  pooling: poolingSchema,
  preprocessor: preprocessorSchema,
  /** modules.json of sentence-transformers */
  modules: z.array(z.object({ type: z.string() })),
} as const;

export type ExportPart = keyof typeof EXPORT_SCHEMAS;

/** The parsed files of an export; what is missing is `undefined`. */
export type ExportConfig = {
  readonly [P in ExportPart]?: z.output<(typeof EXPORT_SCHEMAS)[P]> | undefined;
} & {
  /** chat_template.jinja */
  readonly chatTemplate?: string | undefined;
};

export type PreprocessorConfig = z.output<typeof preprocessorSchema>;
export type ModelConfig = z.output<typeof modelConfigSchema>;
export type GenerationConfig = z.output<typeof generationConfigSchema>;
