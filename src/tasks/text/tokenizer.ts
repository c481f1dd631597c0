import { ApiError } from "../../domain/errors.ts";
import { type AddedToken, createTokenSplitter } from "./added-tokens.ts";
import { createNormalizer, type Normalize } from "./normalizers.ts";
import { type PairTruncation, pairLengths } from "./pair-lengths.ts";
import { createPreTokenizer, fromByteLetters } from "./pre-tokenizers.ts";
import { checkTextLength, MAX_CHARACTERS } from "./text-item.ts";
import { createWordModel, parseTokenizerConfig, type TokenizerConfig } from "./tokenizer-config.ts";
import {
  createLibrary,
  hasOneType,
  specialTokens,
  specialTokensOfPair,
} from "./tokenizer-library.ts";
import { STEP_SIZE, type Steps } from "./word-model.ts";

/** Of a text after normalization, which turns a character into 18 at most, and a Korean syllable into 3. */
export const MAX_NORMALIZED_CHARACTERS = 4 * MAX_CHARACTERS;
/** Tokens are counted up to here for the message about a text that has too many. */
const MAX_COUNTED = 32_768;

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
  /** The words of the text in order, complete also where its tokens were cut. */
  readonly words: readonly Word[];
  /** How many tokens at the beginning of the text were cut. */
  readonly skipped: number;
  /** How many tokens belong to the text. */
  readonly length: number;
}

export interface EncodeOptions {
  /** The limit of tokens, special ones included. */
  readonly maxLength: number;
  /** Whether a longer text is cut off at its end or at its start, or it is an error. */
  readonly truncation: "end" | "start" | "error";
}

/** Two texts that the model reads together, and their names in messages. */
export interface TextPair {
  readonly first: string;
  readonly second: string;
  readonly firstPath: string;
  readonly secondPath: string;
}

/** A pair as one sequence: `leading`, `words`, `skipped` and `length` are those of the second text. */
export type PairEncoding = Encoding;

export interface PairOptions {
  /** The limit of tokens, special ones included. */
  readonly maxLength: number;
  readonly truncation: PairTruncation;
}

/** A tokenizer.json, with the ids of Python's `tokenizers`. */
export interface Tokenizer {
  /**
   * @param path the name of the text in messages
   * @throws ApiError `invalid_input` for a text that is too long
   */
  encode(text: string, path: string, options: EncodeOptions): Steps<Encoding>;
  /**
   * @throws ApiError `invalid_input` for texts that are too long
   */
  encodePair(pair: TextPair, options: PairOptions): Steps<PairEncoding>;
  hasId(id: number): boolean;
  /** The ids of the special tokens that precede and follow those of a text. */
  readonly leading: readonly number[];
  readonly trailing: readonly number[];
  /** Joins tokens to a text, by the tokenizer's decoder. */
  join(tokens: readonly string[]): string;
  isUnknown(token: string): boolean;
  /** The padding id: of `padding`, or of a token with a usual name; else 0. */
  readonly padId: number;
  /** The token for what is hidden from the model, by its usual names; `undefined` where there is none. */
  readonly maskId: number | undefined;
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

const PAD_TOKENS = ["[PAD]", "<pad>"];
const MASK_TOKENS = ["[MASK]", "<mask>"];

/**
 * The npm library computes the post-processors and decoders. Its normalizers and pre-tokenizers differ from Python's, and
 * its models can neither pause within a word nor take all long ones; they are replaced by those of this folder.
 * @param json a tokenizer.json
 * @throws ApiError `task_not_supported` for a file that is not a tokenizer, and for parts that cannot be computed exactly
 */
export function createTokenizer(json: Uint8Array): Tokenizer {
  const config = parseTokenizerConfig(json);
  const { added_tokens, padding, decoder } = config;
  const model = createWordModel(config.model);
  const library = createLibrary(config);
  const normalize = createNormalizer(config.normalizer);
  const preTokenize = createPreTokenizer(config.pre_tokenizer);
  const asWritten = new Map<string, AddedToken>();
  const asNormalized = new Map<string, AddedToken>();
  for (const token of added_tokens)
    if (token.normalized ?? !token.special) asNormalized.set(normalize(token.content), token);
    else asWritten.set(token.content, token);
  const splitWritten = createTokenSplitter(asWritten);
  const splitNormalized = createTokenSplitter(asNormalized);
  const addedIds = new Map(added_tokens.map(({ content, id }) => [content, id]));
  const idOf = (token: string): number | undefined => addedIds.get(token) ?? model.ids.get(token);
  const idOrUnknown = (token: string): number => idOf(token) ?? model.unknownId ?? 0;
  const known = new Set([...model.ids.values(), ...addedIds.values()]);
  const special = specialTokens(library);
  const isOneType = hasOneType(config);

  /** Passes each word to `take`, until that returns true. */
  const eachWord = function* (
    text: string,
    path: string,
    take: (word: Word) => boolean,
  ): Steps<void> {
    let normalizedLength = 0;
    let work = 0;
    for (const { start, end, token } of splitWritten(text)) {
      const section = { start, end };
      if (token) {
        const { content } = token;
        if (take({ ...section, text: content, added: "as-written", tokens: [content] })) return;
        continue;
      }
      const normalized = normalize(text.slice(start, end));
      normalizedLength += normalized.length;
      if (normalizedLength > MAX_NORMALIZED_CHARACTERS) throw tooLong(path, normalizedLength);
      if (normalized.length > STEP_SIZE) yield;
      for (const part of splitNormalized(normalized)) {
        if (part.token) {
          const { content } = part.token;
          if (take({ ...section, text: content, added: "as-normalized", tokens: [content] }))
            return;
          continue;
        }
        const atStart = start === 0 && part.start === 0;
        for (const word of preTokenize(normalized.slice(part.start, part.end), atStart)) {
          const tokens = yield* model.tokensOf(word);
          if (take({ ...section, text: word, added: undefined, tokens })) return;
          work += word.length;
          if (work < STEP_SIZE) continue;
          work = 0;
          yield;
        }
      }
    }
  };

  /** @param enough of tokens, after which no word is read */
  const split = function* (
    text: string,
    path: string,
    enough: number,
  ): Steps<{ readonly words: readonly Word[]; readonly own: readonly string[] }> {
    checkTextLength(text, path);
    const words: Word[] = [];
    const own: string[] = [];
    yield* eachWord(text.toWellFormed(), path, (word) => {
      words.push(word);
      for (const token of word.tokens) own.push(token);
      return own.length >= enough;
    });
    return { words, own };
  };

  return {
    padId: padding?.pad_id ?? PAD_TOKENS.map(idOf).find((id) => id !== undefined) ?? 0,
    maskId: MASK_TOKENS.map((token) => addedIds.get(token)).find((id) => id !== undefined),
    hasId: (id) => known.has(id),
    leading: special.leading.map(idOrUnknown),
    trailing: special.trailing.map(idOrUnknown),
    join: (tokens) =>
      decoder?.type === "ByteLevel"
        ? fromByteLetters(tokens)
        : (library.decoder?.decode([...tokens]) ?? tokens.join(" ")),
    isUnknown: (token) => (idOf(token) ?? model.unknownId) === model.unknownId,
    normalize,
    writing: writingOf(config.pre_tokenizer),
    unknownToken: model.unknownToken,
    continuingPrefix: model.continuingPrefix,
    *encode(text, path, { maxLength, truncation }) {
      const leading = special.leading.length;
      const room = Math.max(0, maxLength - leading - special.trailing.length);
      // What follows would be cut off, or the text is refused anyway.
      const enough = truncation === "end" ? room : Math.max(room + 1, MAX_COUNTED);
      const { words, own } = yield* split(
        text,
        path,
        truncation === "start" ? Number.POSITIVE_INFINITY : enough,
      );
      if (own.length > room && truncation === "error")
        throw tooManyTokens(path, own.length - room + maxLength, own.length >= enough, maxLength);
      const skipped = truncation === "start" ? Math.max(0, own.length - room) : 0;
      const kept = own.slice(skipped, skipped + room);
      const processed = library.post_processor?.(kept, null, true);
      const tokens: string[] = processed?.tokens ?? kept;
      return {
        ids: tokens.map(idOrUnknown),
        typeIds: processed?.token_type_ids ?? tokens.map(() => 0),
        tokens,
        leading,
        words,
        skipped,
        length: kept.length,
      };
    },
    *encodePair({ first, second, firstPath, secondPath }, { maxLength, truncation }) {
      const between = specialTokensOfPair(library);
      const room = Math.max(0, maxLength - between.count);
      // The odd token is for the longer one of two long texts, so both must be counted.
      const isCounted = truncation === "error" || (truncation === "longest" && room % 2 === 1);
      const enough = isCounted ? MAX_COUNTED : room;
      const a = yield* split(first, firstPath, enough);
      const b = yield* split(second, secondPath, enough);
      const lengths = pairLengths([a.own.length, b.own.length], room, truncation);
      if (!lengths)
        throw tooManyTokens(
          `${firstPath} and ${secondPath}`,
          a.own.length + b.own.length + between.count,
          a.own.length >= enough || b.own.length >= enough,
          maxLength,
          "have",
        );
      const [left, right] = [a.own.slice(0, lengths[0]), b.own.slice(0, lengths[1])];
      const processed = library.post_processor?.(left, right, true);
      const tokens: string[] = processed?.tokens ?? [...left, ...right];
      const types: readonly number[] | undefined = isOneType
        ? undefined
        : processed?.token_type_ids;
      return {
        ids: tokens.map(idOrUnknown),
        typeIds: types ?? tokens.map(() => 0),
        tokens,
        leading: tokens.length - between.trailing - right.length,
        words: b.words,
        skipped: 0,
        length: right.length,
      };
    },
  };
}

function tooLong(path: string, length: number): ApiError {
  return new ApiError(
    "invalid_input",
    `${path} has ${length} characters or more once the model's tokenizer has normalized it: a text may have ${MAX_NORMALIZED_CHARACTERS} at most.`,
    { details: { maxNormalizedCharacters: MAX_NORMALIZED_CHARACTERS, actual: length } },
  );
}

function tooManyTokens(
  path: string,
  actual: number,
  orMore: boolean,
  maxTokens: number,
  verb = "has",
): ApiError {
  return new ApiError(
    "invalid_input",
    `${path} ${verb} ${actual} tokens${orMore ? " or more" : ""}: this model reads ${maxTokens} at most.`,
    { details: { maxTokens, actual } },
  );
}

function writingOf(preTokenizer: TokenizerConfig["pre_tokenizer"]): Tokenizer["writing"] {
  const written = JSON.stringify(preTokenizer ?? null);
  const has = (type: string): boolean => written.includes(`"type":"${type}"`);
  if (has("ByteLevel")) return "bytes";
  if (!has("Metaspace")) return "plain";
  return has("WhitespaceSplit") ? "marked-words" : "marked";
}
