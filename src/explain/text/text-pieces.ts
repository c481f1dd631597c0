import { ApiError } from "../../domain/errors.ts";
import { TokenIds } from "../../domain/token-ids.ts";
import type { TextMetadata } from "../../tasks/text/text-metadata.ts";
import { canLocate, locateTokens, type Span } from "../../tasks/text/token-spans.ts";
import { runSteps } from "../../tasks/text/word-model.ts";
import type { Coalition } from "../game.ts";
import type { MediaParameters } from "../media/media-parameters.ts";
import { splitWords, wordAt } from "./split-words.ts";

/** The parts of a text that may be left out, and the text without some of them. */
export interface TextPieces {
  /** As far as the model reads it. */
  readonly text: string;
  readonly spans: readonly Span[];
  /** By token of the model, the part that it belongs to; -1 for special tokens. Absent for models without tokens. */
  readonly pieceOf?: readonly number[] | undefined;
  /** An item of the version's preprocessor. */
  toItem(coalition: Coalition): string | TokenIds;
  /** The tokens of that item by their places in the whole text; absent where the item is a text. */
  keptTokens?(coalition: Coalition): readonly number[];
}

type Options = Pick<MediaParameters, "unit" | "removal">;

/** The words of a text that is not split into tokens, such as one whose letters are counted. */
export function wordPieces(text: string, { unit, removal }: Options): TextPieces {
  if (unit === "token") throw refuse("unit", "token", "the model reads no tokens", "word");
  if (removal === "mask")
    throw refuse("removal", "mask", "the model has no token that masks", "remove");
  const spans = splitWords(text);
  return { text, spans, toItem: (coalition) => withoutWords(text, spans, coalition) };
}

/**
 * @param needsPlaces whether the answer is about tokens, whose places must be known whatever is left out
 * @throws ApiError `invalid_request` for what the tokenizer does not permit
 */
export async function tokenPieces(
  { text, encoding, tokenizer }: TextMetadata,
  { unit = "word", removal: wanted }: Options,
  checkpoint: () => Promise<void>,
  needsPlaces = false,
): Promise<TextPieces> {
  const { maskId } = tokenizer;
  const removal = wanted ?? (maskId === undefined ? "remove" : "mask");
  if (removal === "mask" && maskId === undefined)
    throw refuse("removal", "mask", "its tokenizer has no mask token", "remove");
  const byText = unit === "word" && removal === "remove" && !needsPlaces;
  if (!canLocate(tokenizer)) {
    if (byText) return wordPieces(text, {});
    throw refuse(
      "unit",
      unit,
      "its tokenizer cannot locate tokens in the text",
      "word, with removal remove,",
    );
  }
  const places = await runSteps(locateTokens(text, encoding, tokenizer), checkpoint);
  const { leading, length, ids } = encoding;
  const own = places.slice(leading, leading + length);
  // What follows the last token was cut off, or is nothing that the tokenizer reads.
  const read = text.slice(0, own.at(-1)?.end ?? 0);
  const words = splitWords(read);
  if (byText)
    return { text: read, spans: words, toItem: (kept) => withoutWords(read, words, kept) };
  const spans = unit === "word" ? words : own;
  const pieceOf = ids.map((_, at) => {
    if (at < leading || at >= leading + length) return -1;
    return unit === "token" ? at - leading : wordAt(words, own[at - leading] as Span);
  });
  const isKept = (coalition: Coalition, at: number): boolean => {
    const piece = pieceOf[at] as number;
    return piece < 0 || coalition[piece] === 1;
  };
  const all = ids.map((_, at) => at);
  const keptTokens = (coalition: Coalition): readonly number[] =>
    removal === "mask" ? all : all.filter((at) => isKept(coalition, at));
  return {
    text: read,
    spans,
    pieceOf,
    keptTokens,
    toItem(coalition) {
      const kept = keptTokens(coalition).map((at) =>
        isKept(coalition, at) ? (ids[at] as number) : (maskId as number),
      );
      // A text without tokens, of a tokenizer without special ones.
      return kept.length === 0 ? "" : new TokenIds(kept);
    },
  };
}

/** The words that are left, each with the space after it. */
function withoutWords(text: string, words: readonly Span[], coalition: Coalition): string {
  let left = text.slice(0, words[0]?.start ?? text.length);
  for (const [index, { start }] of words.entries())
    if (coalition[index] === 1) left += text.slice(start, words[index + 1]?.start ?? text.length);
  return left;
}

function refuse(field: string, value: string, reason: string, valid: string): ApiError {
  return new ApiError(
    "invalid_request",
    `"parameters" are not valid for this model: ${field} cannot be ${value}, because ${reason}. Send ${valid} instead.`,
    { details: { field, valid: [valid] } },
  );
}
