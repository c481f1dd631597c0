import * as z from "zod";
import { ApiError } from "../../domain/errors.ts";
import { addedTokenSchema } from "./added-tokens.ts";
import { createStages, decoderSchema, type Stage } from "./decoder-stages.ts";
import { vocabularySchema } from "./word-model.ts";

/** Turns the tokens of one text into the text, while they arrive. */
export interface TokenDecoder {
  /**
   * The next token, by its id.
   * @returns the text that is certain now and was not returned before: whole characters only, often none. Ids that the
   *   tokenizer does not have add nothing.
   */
  push(id: number): string;
  /** The rest of the text. Bytes that are no complete character become U+FFFD. */
  end(): string;
}

export interface TokenDecoderOptions {
  /** True by default. */
  readonly skipSpecialTokens?: boolean;
}

/** Of Unigram. */
const piecesSchema = z.array(z.tuple([z.string(), z.number()]));

export const vocabularyOrPieces = z.union([vocabularySchema, piecesSchema]);

const tokenizerSchema = z.object({
  added_tokens: z.array(addedTokenSchema).default([]),
  decoder: decoderSchema.nullish(),
  model: z.object({ vocab: vocabularyOrPieces }),
});

/**
 * The parts together are the text that `decode` of Python's `tokenizers` returns for all the ids.
 * @param tokenizerJson a parsed tokenizer.json
 * @returns creates a decoder for a text
 * @throws ApiError `task_not_supported` for a decoder that is unknown or cannot be computed token by token
 */
export function createTokenDecoder(
  tokenizerJson: unknown,
  { skipSpecialTokens = true }: TokenDecoderOptions = {},
): () => TokenDecoder {
  const parsed = tokenizerSchema.safeParse(tokenizerJson);
  if (!parsed.success)
    throw new ApiError(
      "task_not_supported",
      `The model's tokenizer cannot turn ids into text: ${z.prettifyError(parsed.error).replaceAll("\n", " ")}`,
    );
  const { added_tokens, decoder, model } = parsed.data;
  const tokens = tokensById(model.vocab);
  for (const { id, content } of added_tokens) tokens[id] = content;
  const skipped = new Set<string>();
  if (skipSpecialTokens)
    for (const { content, special } of added_tokens) if (special) skipped.add(content);
  const stages = createStages(decoder);
  return () => {
    const chain = stages.map((create) => create());
    return {
      push(id) {
        const token = tokens[id];
        return token === undefined || skipped.has(token) ? "" : pass(chain, 0, [token]);
      },
      end: () => chain.map((stage, index) => pass(chain, index + 1, stage.end())).join(""),
    };
  };
}

/** Passes tokens through the stages from `first` on. */
function pass(chain: readonly Stage[], first: number, tokens: readonly string[]): string {
  let passed = tokens;
  for (let index = first; index < chain.length; index++) {
    const stage = chain[index];
    if (stage) passed = passed.flatMap((token) => stage.push(token));
  }
  return passed.join("");
}

/** The tokens of a vocabulary, at their ids. */
export function tokensById(
  vocabulary: z.output<typeof vocabularyOrPieces>,
): (string | undefined)[] {
  const tokens: (string | undefined)[] = [];
  if (Array.isArray(vocabulary)) for (const [token] of vocabulary) tokens.push(token);
  else for (const [token, id] of Object.entries(vocabulary)) tokens[id] = token;
  return tokens;
}
