import { Tokenizer as LibraryTokenizer } from "@huggingface/tokenizers";
import { z } from "zod";
import { ApiError } from "../../domain/errors.ts";
import { type AddedToken, addedTokenSchema, createTokenSplitter } from "./added-tokens.ts";
import { parseJsonFile } from "./json-file.ts";
import { createNormalizer, type Normalize, normalizerSchema } from "./normalizers.ts";
import { createPreTokenizer, fromByteLetters, preTokenizerSchema } from "./pre-tokenizers.ts";

/**
 * A longer text, in UTF-16 code units, is refused before it is tokenized. The time and the memory that a tokenizer takes
 * grow with the characters; ordinary text of this length has more tokens than any model reads.
 */
export const MAX_CHARACTERS = 65_536;

/** A word of a text and its tokens, for {@link locateTokens}. */
export interface Word {
  /** The section of the text that the word is part of, in UTF-16 code units. */
  readonly start: number;
  readonly end: number;
  /** As the pre-tokenizer returns it; the content of an added token. */
  readonly text: string;
  /** Whether it is an added token, found in the original text or in its normalized form. */
  readonly added: "as-written" | "as-normalized" | undefined;
  readonly tokens: readonly string[];
}

export interface Encoding {
  readonly ids: readonly number[];
  /** 0 for all tokens of a single text in most tokenizers. */
  readonly typeIds: readonly number[];
  readonly tokens: readonly string[];
  /** How many special tokens precede those of the text. */
  readonly leading: number;
  /** The words of the text in order; the last one is complete, also where its tokens were cut. */
  readonly words: readonly Word[];
  /** How many tokens belong to the text. */
  readonly length: number;
}

export interface EncodeOptions {
  /** The limit of tokens, special ones included. */
  readonly maxLength: number;
  /** Whether the end of a longer text is cut off, or it is an error. */
  readonly truncation: "end" | "error";
  /** Whether the special tokens of the model are added; default true. */
  readonly special?: boolean;
}

/** A tokenizer.json, with the ids of Python's `tokenizers`. */
export interface Tokenizer {
  /**
   * @param path the name of the text in messages
   * @throws ApiError `invalid_input` for a text that is too long
   */
  encode(text: string, path: string, options: EncodeOptions): Encoding;
  hasId(id: number): boolean;
  /** Joins tokens to a text, by the tokenizer's decoder. */
  join(tokens: readonly string[]): string;
  isUnknown(token: string): boolean;
  /** The padding id: of `padding`, or of a token with a usual name; else 0. */
  readonly padId: number;
  readonly normalize: Normalize;
  /**
   * How the pre-tokenizer writes words: unchanged, in GPT-2's letters for bytes, or with a mark that replaces the space
   * before them (`marked`) or is added where one was removed (`marked-words`).
   */
  readonly writing: "plain" | "bytes" | "marked" | "marked-words";
  /** The token for words that are not in the vocabulary, where there is one. */
  readonly unknownToken: string | undefined;
  /** The prefix of tokens that continue a word, of WordPiece. */
  readonly continuingPrefix: string | undefined;
}

const tokenizerSchema = z.object({
  added_tokens: z.array(addedTokenSchema).default([]),
  normalizer: normalizerSchema.nullish(),
  pre_tokenizer: preTokenizerSchema.nullish(),
  decoder: z.object({ type: z.string() }).nullish(),
  padding: z.object({ pad_id: z.int().min(0) }).nullish(),
  model: z.union([
    z.object({
      type: z.literal("WordPiece"),
      unk_token: z.string(),
      continuing_subword_prefix: z.string().default("##"),
    }),
    z.object({
      type: z.literal("BPE"),
      unk_token: z.string().nullish(),
      fuse_unk: z.boolean().default(false),
      dropout: z.null().optional(),
      continuing_subword_prefix: z.literal("").nullish(),
    }),
    z.object({
      type: z.literal("Unigram"),
      unk_id: z.int().min(0).nullish(),
      vocab: z.array(z.tuple([z.string(), z.number()])),
      byte_fallback: z.literal(false).default(false),
    }),
  ]),
});

/**
 * Limits of vocabularies. The npm library takes up to 1.6 KB for a piece of Unigram, 0.3 KB for one of BPE and 0.15 KB
 * for one of WordPiece (measured): a larger vocabulary would leave too little of the isolate's memory to the models.
 */
const MAX_PIECES = { WordPiece: 150_000, BPE: 150_000, Unigram: 40_000 } as const;

const PAD_TOKENS = ["[PAD]", "<pad>"];

/**
 * The npm library computes the models and the post-processors. Its normalizers and pre-tokenizers differ from Python's
 * and are replaced by those of this folder.
 * @param json a tokenizer.json
 * @throws ApiError `task_not_supported` for a file that is not a tokenizer, and for parts that cannot be computed exactly
 */
export function createTokenizer(json: Uint8Array): Tokenizer {
  const config = parseJsonFile(json, "tokenizer") as Record<string, unknown>;
  const parsed = tokenizerSchema.safeParse(config);
  if (!parsed.success)
    throw new ApiError(
      "task_not_supported",
      `The model's tokenizer has parts that are not supported: ${z.prettifyError(parsed.error).replaceAll("\n", " ")}`,
    );
  const { added_tokens, model, padding, decoder } = parsed.data;
  checkSize(model.type, (config.model as { vocab?: object }).vocab ?? {});
  // Without added tokens, which the library would find inside of words.
  const own = {
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    decoder: config.decoder ?? null,
  };
  const library = new LibraryTokenizer({ ...config, ...own }, {});
  const normalize = createNormalizer(parsed.data.normalizer);
  const preTokenize = createPreTokenizer(parsed.data.pre_tokenizer);
  const asWritten = new Map<string, AddedToken>();
  const asNormalized = new Map<string, AddedToken>();
  for (const token of added_tokens)
    if (token.normalized ?? !token.special) asNormalized.set(normalize(token.content), token);
    else asWritten.set(token.content, token);
  const splitWritten = createTokenSplitter(asWritten);
  const splitNormalized = createTokenSplitter(asNormalized);
  const ids = library.model?.tokens_to_ids ?? new Map<string, number>();
  const addedIds = new Map(added_tokens.map(({ content, id }) => [content, id]));
  const idOf = (token: string): number | undefined => addedIds.get(token) ?? ids.get(token);
  const known = new Set([...ids.values(), ...addedIds.values()]);
  const unknownId = library.model?.unk_token_id;
  const unknownToken = model.type === "Unigram" ? undefined : (model.unk_token ?? undefined);
  const fuse = model.type === "BPE" && model.fuse_unk;

  const tokensOf = (word: string): string[] => {
    const tokens = library.model?.encode([word]) ?? [];
    if (model.type === "Unigram") return fuseUnknown(tokens, (token) => !ids.has(token));
    if (!fuse) return tokens;
    return tokens.filter((token, at) => token !== unknownToken || tokens[at - 1] !== unknownToken);
  };

  const { leading, trailing } = specialTokens(library);

  const wordsOf = function* (text: string): Generator<Word> {
    for (const { start, end, token } of splitWritten(text)) {
      if (token) {
        yield { start, end, text: token.content, added: "as-written", tokens: [token.content] };
        continue;
      }
      const normalized = normalize(text.slice(start, end));
      for (const part of splitNormalized(normalized)) {
        if (part.token) {
          const { content } = part.token;
          yield { start, end, text: content, added: "as-normalized", tokens: [content] };
          continue;
        }
        const atStart = start === 0 && part.start === 0;
        for (const word of preTokenize(normalized.slice(part.start, part.end), atStart))
          yield { start, end, text: word, added: undefined, tokens: tokensOf(word) };
      }
    }
  };

  return {
    padId: padding?.pad_id ?? PAD_TOKENS.map(idOf).find((id) => id !== undefined) ?? 0,
    hasId: (id) => known.has(id),
    join: (tokens) =>
      decoder?.type === "ByteLevel"
        ? fromByteLetters(tokens)
        : (library.decoder?.decode([...tokens]) ?? tokens.join(" ")),
    isUnknown: (token) => (idOf(token) ?? unknownId) === unknownId,
    normalize,
    writing: writingOf(config),
    unknownToken,
    continuingPrefix: model.type === "WordPiece" ? model.continuing_subword_prefix : undefined,
    encode(text, path, { maxLength, truncation, special = true }) {
      if (text.length > MAX_CHARACTERS)
        throw new ApiError(
          "invalid_input",
          `${path} is ${text.length} characters long: a text may have ${MAX_CHARACTERS} at most.`,
          { details: { maxCharacters: MAX_CHARACTERS, actual: text.length } },
        );
      const room = maxLength - (special ? leading + trailing : 0);
      const words: Word[] = [];
      const own: string[] = [];
      for (const word of wordsOf(text.toWellFormed())) {
        words.push(word);
        for (const token of word.tokens) own.push(token);
        // The rest would be cut off.
        if (truncation === "end" && own.length >= room) break;
      }
      if (own.length > room) {
        if (truncation === "error")
          throw new ApiError(
            "invalid_input",
            `${path} has ${own.length + maxLength - room} tokens: this model reads ${maxLength} at most.`,
            { details: { maxTokens: maxLength, actual: own.length + maxLength - room } },
          );
        own.length = Math.max(0, room);
      }
      const processed = special ? library.post_processor?.(own, null, true) : undefined;
      const tokens: string[] = processed?.tokens ?? own;
      return {
        ids: tokens.map((token) => idOf(token) ?? unknownId ?? 0),
        typeIds: processed?.token_type_ids ?? tokens.map(() => 0),
        tokens,
        leading: special ? leading : 0,
        words,
        length: own.length,
      };
    },
  };
}

function checkSize(type: keyof typeof MAX_PIECES, vocabulary: object): void {
  const pieces = Object.keys(vocabulary).length;
  if (pieces > MAX_PIECES[type])
    throw new ApiError(
      "task_not_supported",
      `The model's tokenizer has ${pieces} pieces, more than the ${MAX_PIECES[type]} of ${type} that fit into memory: send token ids to /v2.`,
      { details: { maxPieces: MAX_PIECES[type], actual: pieces } },
    );
}

function writingOf({ pre_tokenizer = null }: Record<string, unknown>): Tokenizer["writing"] {
  const written = JSON.stringify(pre_tokenizer);
  const has = (type: string): boolean => written.includes(`"type":"${type}"`);
  if (has("ByteLevel")) return "bytes";
  if (!has("Metaspace")) return "plain";
  return has("WhitespaceSplit") ? "marked-words" : "marked";
}

/** Joins adjacent unknown pieces to one token. */
function fuseUnknown(tokens: readonly string[], unknown: (token: string) => boolean): string[] {
  const fused: string[] = [];
  let wasUnknown = false;
  for (const token of tokens) {
    const isUnknown = unknown(token);
    if (isUnknown && wasUnknown) fused.push((fused.pop() ?? "") + token);
    else fused.push(token);
    wasUnknown = isUnknown;
  }
  return fused;
}

/** How many special tokens the post-processor adds before and after a text. */
function specialTokens(library: LibraryTokenizer): { leading: number; trailing: number } {
  const mark = "\0";
  const tokens: string[] = library.post_processor?.([mark], null, true).tokens ?? [mark];
  const leading = tokens.indexOf(mark);
  return { leading, trailing: tokens.length - leading - 1 };
}
