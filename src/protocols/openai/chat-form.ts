import * as z from "zod";
import type { GeneratedToken } from "../../domain/blocks/postprocess/text-generation.ts";
import type { ChoiceDelta, ChoiceToken } from "./choice-text.ts";
import type { ChoiceForm } from "./generation-chunks.ts";

const chatToken = {
  token: z.string(),
  logprob: z.number(),
  bytes: z
    .array(z.int().min(0).max(255))
    .nullable()
    .describe("In UTF-8; null for a token that is no whole characters."),
};

export const chatLogprobsSchema = z.strictObject({
  content: z.array(
    z.strictObject({ ...chatToken, top_logprobs: z.array(z.strictObject(chatToken)) }),
  ),
  refusal: z.null(),
});

type ChatLogprobs = z.output<typeof chatLogprobsSchema>;

/** Choices in the form of chat completions. */
export function createChatForm({ logprobs }: { readonly logprobs: boolean }): ChoiceForm {
  const logprobsOf = (tokens: readonly ChoiceToken[]) => (logprobs ? toLogprobs(tokens) : null);
  /** The choice that is streamed. */
  let streamed = -1;
  return {
    object: "chat.completion",
    chunkObject: "chat.completion.chunk",
    hasLogprobs: logprobs,
    whole: ({ index, text, tokens, finishReason }) => ({
      index,
      message: { role: "assistant", content: text, refusal: null },
      logprobs: logprobsOf(tokens),
      finish_reason: finishReason,
    }),
    chunks({ index, text, tokens, finishReason }: ChoiceDelta) {
      const chunk = (
        delta: object,
        of: readonly ChoiceToken[] = [],
        reason: string | null = null,
      ) => ({
        index,
        delta,
        logprobs: of.length > 0 ? logprobsOf(of) : null,
        finish_reason: reason,
      });
      const chunks: object[] = [];
      if (index !== streamed) chunks.push(chunk({ role: "assistant", content: "", refusal: null }));
      streamed = index;
      if (text !== "" || (logprobs && tokens.length > 0))
        chunks.push(chunk({ content: text }, tokens));
      if (finishReason) chunks.push(chunk({}, [], finishReason));
      return chunks;
    },
  };
}

function toLogprobs(tokens: readonly ChoiceToken[]): ChatLogprobs {
  const content = tokens.map(({ token, top }) => ({
    ...toChatToken(token),
    top_logprobs: top.map(toChatToken),
  }));
  return { content, refusal: null };
}

const ENCODER = new TextEncoder();
const REPLACEMENT = "\u{FFFD}";

function toChatToken({ text, logprob }: Pick<GeneratedToken, "text" | "logprob">) {
  const bytes = text.includes(REPLACEMENT) ? null : [...ENCODER.encode(text)];
  return { token: text, logprob, bytes };
}
