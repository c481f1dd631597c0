import type { TextGenerationBlock } from "../../domain/blocks/postprocess/text-generation.ts";
import type { PromptBlock } from "../../domain/blocks/preprocess/prompt.ts";
import { ApiError } from "../../domain/errors.ts";
import type { TokenIds } from "../../domain/token-ids.ts";
import type { Item } from "../preprocessor.ts";
import { textOf } from "../text/text-item.ts";
import type { Tokenizer } from "../text/tokenizer.ts";
import type { Steps } from "../text/word-model.ts";

export interface Prompt {
  readonly path: string;
  readonly text: string;
  readonly ids: readonly number[];
  /** How many of the first tokens are not written in the text. */
  readonly added: number;
}

export interface PromptOptions {
  /** How many of the last tokens are read; all of them when left out. */
  readonly truncate: number | undefined;
  isSpecial(id: number): boolean;
}

/** Which special tokens a prompt begins with. */
type PromptForm = Pick<PromptBlock, "addSpecialTokens" | "bosTokenId">;

/**
 * The tokens of a prompt. One that begins with a special token, such as that of a role in a chat, has its own beginning.
 * @throws ApiError `invalid_input` for a text without tokens
 */
export function* encodePrompt(
  tokenizer: Tokenizer,
  { addSpecialTokens, bosTokenId }: PromptForm,
  item: Item,
  { truncate, isSpecial }: PromptOptions,
): Steps<Prompt> {
  const { path } = item;
  // As the tokenizer reads it: half of a surrogate pair is U+FFFD.
  const text = textOf(item).toWellFormed();
  const encoding = yield* tokenizer.encode(text, path, {
    maxLength: Number.POSITIVE_INFINITY,
    truncation: "start",
  });
  if (encoding.length === 0)
    throw new ApiError("invalid_input", `${path} is empty: send a text of at least one token.`);
  const own = addSpecialTokens
    ? encoding.ids
    : encoding.ids.slice(encoding.leading, encoding.leading + encoding.length);
  const [first] = own;
  const isBegun = bosTokenId === undefined || (first !== undefined && isSpecial(first));
  const ids = isBegun ? own : [bosTokenId, ...own];
  const added = (addSpecialTokens ? encoding.leading : 0) + (isBegun ? 0 : 1);
  const skipped = truncate === undefined ? 0 : Math.max(0, ids.length - truncate);
  return { path, text, ids: ids.slice(skipped), added: Math.max(0, added - skipped) };
}

/**
 * A prompt that a client has turned into tokens itself, special ones included.
 * @param toText the text of ids
 * @throws ApiError `invalid_input` for ids that the vocabulary does not have
 */
export function promptOfIds(
  { ids }: TokenIds,
  path: string,
  tokenizer: Pick<Tokenizer, "hasId">,
  toText: (ids: readonly number[]) => string,
): Prompt {
  if (ids.length === 0)
    throw new ApiError("invalid_input", `${path} has no tokens: send at least one.`);
  const wrong = ids.find((id) => !tokenizer.hasId(id));
  if (wrong !== undefined)
    throw new ApiError(
      "invalid_input",
      `${path} is not a text by this model's tokenizer: the token ${wrong} is not in its vocabulary. Send the text instead of token ids.`,
    );
  return { path, text: toText(ids), ids, added: 0 };
}

/** @throws ApiError `invalid_input` for a prompt that leaves no room in the context */
export function checkRoom(promptTokens: number, path: string, context: number): void {
  if (promptTokens < context) return;
  throw new ApiError(
    "invalid_input",
    `${path} has ${promptTokens} tokens, and the model's context has ${context}, of which the answer needs at least one: send a shorter text, or the parameter "truncate".`,
    { details: { context, promptTokens } },
  );
}

/**
 * How many tokens are generated at most.
 * @param asked by the request; without it as many as the block says, as far as the context has room
 * @throws ApiError `invalid_input` when the context has no room
 */
export function maxNewTokens(
  { ids, path }: Prompt,
  { context, maxNewTokens }: Pick<TextGenerationBlock, "context" | "maxNewTokens">,
  asked: number | undefined,
): number {
  checkRoom(ids.length, path, context);
  const room = context - ids.length;
  if (asked !== undefined && asked > room)
    throw new ApiError(
      "invalid_input",
      `"max_new_tokens" is ${asked} and ${path} has ${ids.length} tokens, which are ${asked + ids.length} together, and the model's context has ${context}: at most ${room} can be generated.`,
      { details: { context, promptTokens: ids.length, maxNewTokens: asked } },
    );
  return asked ?? Math.min(maxNewTokens, room);
}
