import * as z from "zod";
import { ApiError } from "../../domain/errors.ts";
import { addedTokenSchema } from "./added-tokens.ts";
import { type DecoderConfig, decoderSchema } from "./decoder-stages.ts";
import { bytesOfLetters } from "./pre-tokenizers.ts";
import { tokensById, vocabularyOrPieces } from "./token-decoder.ts";

const tokenizerSchema = z.object({
  added_tokens: z.array(addedTokenSchema).default([]),
  decoder: decoderSchema.nullish(),
  model: z.object({ vocab: vocabularyOrPieces }),
});

export interface TokenBytes {
  readonly vocabularySize: number;
  /** What a token adds to a text; `undefined` for special tokens and unknown ids. */
  bytesOf(token: number): Uint8Array | undefined;
}

const ENCODER = new TextEncoder();
const BYTE = /^<0x([0-9A-Fa-f]{2})>$/;

/**
 * The bytes that each token adds to a text that has begun, where that does not depend on its neighbours: of decoders by
 * bytes (`ByteLevel`), and of those that write spaces as marks, with bytes as a fallback.
 * @param tokenizerJson a parsed tokenizer.json
 * @throws ApiError `invalid_request` for another decoder
 */
export function createTokenBytes(tokenizerJson: unknown): TokenBytes {
  const { added_tokens, decoder, model } = tokenizerSchema.parse(tokenizerJson);
  const tokens = tokensById(model.vocab);
  for (const { id, content } of added_tokens) tokens[id] = content;
  const special = new Set(added_tokens.filter((token) => token.special).map(({ id }) => id));
  const toBytes = decoder ? bytesBy(decoder) : undefined;
  if (!toBytes)
    throw new ApiError(
      "invalid_request",
      '"grammar" is not supported by this model: its tokenizer does not tell which bytes a token adds to a text.',
      { details: { field: "grammar" } },
    );
  return {
    vocabularySize: tokens.length,
    bytesOf(token) {
      const content = tokens[token];
      return content === undefined || special.has(token) ? undefined : toBytes(content);
    },
  };
}

type ToBytes = (token: string) => Uint8Array;

/** @returns `undefined` where a token's text depends on others */
function bytesBy(decoder: DecoderConfig): ToBytes | undefined {
  const stages = decoder.type === "Sequence" ? decoder.decoders : [decoder];
  if (stages.length === 1 && stages[0]?.type === "ByteLevel") return bytesOfLetters;
  let hasBytes = false;
  const replacements: [mark: string, text: string][] = [];
  for (const stage of stages) {
    switch (stage.type) {
      case "Replace":
        replacements.push([stage.pattern.String, stage.content]);
        break;
      case "Metaspace":
        replacements.push([stage.replacement, " "]);
        break;
      case "ByteFallback":
        hasBytes = true;
        break;
      // Only the beginning of a text is stripped, which is the prompt's.
      case "Fuse":
      case "Strip":
        if (stage.type === "Strip" && stage.stop > 0) return undefined;
        break;
      default:
        return undefined;
    }
  }
  if (replacements.length === 0) return undefined;
  return (token) => {
    const byte = hasBytes ? BYTE.exec(token)?.[1] : undefined;
    if (byte !== undefined) return Uint8Array.of(Number.parseInt(byte, 16));
    const text = replacements.reduce(
      (all, [mark, written]) => all.replaceAll(mark, () => written),
      token,
    );
    return ENCODER.encode(text);
  };
}
