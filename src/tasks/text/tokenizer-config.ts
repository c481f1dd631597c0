import * as z from "zod";
import { ApiError } from "../../domain/errors.ts";
import { addedTokenSchema } from "./added-tokens.ts";
import { bytePairSchema, createBytePair } from "./byte-pair.ts";
import { parseJsonFile } from "./json-file.ts";
import { normalizerSchema } from "./normalizers.ts";
import { preTokenizerSchema } from "./pre-tokenizers.ts";
import { createUnigram, unigramSchema } from "./unigram.ts";
import type { WordModel } from "./word-model.ts";
import { createWordPiece, wordPieceSchema } from "./word-piece.ts";

const tokenizerSchema = z.object({
  added_tokens: z.array(addedTokenSchema).default([]),
  normalizer: normalizerSchema.nullish(),
  pre_tokenizer: preTokenizerSchema.nullish(),
  post_processor: z.looseObject({ type: z.string() }).nullish(),
  decoder: z.looseObject({ type: z.string() }).nullish(),
  padding: z.object({ pad_id: z.int().min(0) }).nullish(),
  model: z.discriminatedUnion("type", [wordPieceSchema, bytePairSchema, unigramSchema]),
});

export type TokenizerConfig = z.output<typeof tokenizerSchema>;
type ModelConfig = TokenizerConfig["model"];

/** Limits of vocabularies: a larger one would leave too little of the isolate's memory to the models. */
const MAX_PIECES = { WordPiece: 150_000, BPE: 150_000, Unigram: 40_000 } as const;

/**
 * @param json a tokenizer.json
 * @throws ApiError `task_not_supported` for a file that is not a tokenizer, and for parts that cannot be computed exactly
 */
export function parseTokenizerConfig(json: Uint8Array): TokenizerConfig {
  const parsed = tokenizerSchema.safeParse(parseJsonFile(json, "tokenizer"));
  if (!parsed.success)
    throw new ApiError(
      "task_not_supported",
      `The model's tokenizer has parts that are not supported: ${z.prettifyError(parsed.error).replaceAll("\n", " ")}`,
    );
  checkSize(parsed.data.model);
  return parsed.data;
}

function checkSize({ type, vocab }: ModelConfig): void {
  const pieces = Object.keys(vocab).length;
  if (pieces > MAX_PIECES[type])
    throw new ApiError(
      "task_not_supported",
      `The model's tokenizer has ${pieces} pieces, more than the ${MAX_PIECES[type]} of ${type} that fit into memory: send token ids to /v2.`,
      { details: { maxPieces: MAX_PIECES[type], actual: pieces } },
    );
}

export function createWordModel(config: ModelConfig): WordModel {
  switch (config.type) {
    case "WordPiece":
      return createWordPiece(config);
    case "BPE":
      return createBytePair(config);
    case "Unigram":
      return createUnigram(config);
  }
}
