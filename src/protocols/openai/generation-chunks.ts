import { ApiError } from "../../domain/errors.ts";
import type { ChoiceDelta, ChoiceToken, EchoedToken } from "./choice-text.ts";
import type { UsageCounter } from "./usage.ts";

/** One choice as a whole. */
export interface Choice {
  readonly index: number;
  readonly text: string;
  readonly tokens: readonly ChoiceToken[];
  readonly prompt: readonly EchoedToken[] | undefined;
  readonly finishReason: "stop" | "length";
}

/** How an API of OpenAI serializes choices. */
export interface ChoiceForm {
  /** Of the response, and of a chunk. */
  readonly object: string;
  readonly chunkObject: string;
  /** Whether the probabilities of tokens are returned. */
  readonly hasLogprobs: boolean;
  whole(choice: Choice): object;
  /** The `choices` of the chunks for a delta, each of them one choice: none while there is nothing to send. */
  chunks(delta: ChoiceDelta): object[];
}

/** What all chunks of a response have, and the response itself. */
export interface ResponseHead {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly system_fingerprint: string;
}

type Deltas = AsyncIterableIterator<ChoiceDelta, undefined>;

/** The chunks of a streamed response, each available as soon as its token is. */
export function toChunks(
  deltas: Deltas,
  form: ChoiceForm,
  head: ResponseHead,
  usage: UsageCounter,
  includeUsage: boolean,
): AsyncIterableIterator<object, undefined> {
  const pending: object[] = [];
  let isComplete = false;
  const toChunk = (choices: readonly object[], ofUsage: object): object => {
    const { id, ...rest } = head;
    return { id, object: form.chunkObject, ...rest, choices, ...ofUsage };
  };
  return {
    async next() {
      while (pending.length === 0) {
        if (isComplete) return { done: true, value: undefined };
        const { done, value } = await deltas.next();
        if (done) {
          isComplete = true;
          if (includeUsage) pending.push(toChunk([], { usage: usage.toUsage() }));
          continue;
        }
        usage.add(value);
        for (const choice of form.chunks(value))
          pending.push(toChunk([choice], includeUsage ? { usage: null } : {}));
      }
      return { done: false, value: pending.shift() as object };
    },
    async return() {
      await deltas.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

/**
 * Probabilities in a whole response, of chosen tokens and of the most probable ones. Each takes some hundred bytes until the response
 * is sent; a stream keeps none.
 */
const MAX_LOGPROBS = 100_000;

/**
 * The whole response.
 * @throws ApiError `invalid_request` for more probabilities than it may have
 */
export async function toWhole(
  deltas: Deltas,
  form: ChoiceForm,
  head: ResponseHead,
  usage: UsageCounter,
): Promise<object> {
  const choices: object[] = [];
  let text = "";
  let tokens: ChoiceToken[] = [];
  let prompt: readonly EchoedToken[] | undefined;
  let logprobs = 0;
  for await (const delta of deltas) {
    usage.add(delta);
    text += delta.text;
    if (form.hasLogprobs) {
      tokens.push(...delta.tokens);
      for (const { top } of [...delta.tokens, ...(delta.prompt ?? [])]) logprobs += 1 + top.length;
      if (logprobs > MAX_LOGPROBS) throw tooManyLogprobs();
    }
    prompt ??= delta.prompt;
    const { index, finishReason } = delta;
    if (!finishReason) continue;
    choices.push(form.whole({ index, text, tokens, prompt, finishReason }));
    text = "";
    prompt = undefined;
    tokens = [];
  }
  const { id, ...rest } = head;
  return { id, object: form.object, ...rest, choices, usage: usage.toUsage() };
}

function tooManyLogprobs(): ApiError {
  return new ApiError(
    "invalid_request",
    `logprobs has more than ${MAX_LOGPROBS} probabilities in one response, the most accepted: request fewer tokens or choices, or a stream.`,
    { details: { field: "logprobs" } },
  );
}
