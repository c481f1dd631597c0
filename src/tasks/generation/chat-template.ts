import { Template } from "@huggingface/jinja";
import * as z from "zod";
import type { Conversation } from "../../domain/conversation.ts";
import { ApiError } from "../../domain/errors.ts";
import { MAX_CHARACTERS } from "../text/text-item.ts";

/** Writes a conversation as the prompt that the model was trained on. */
export type RenderChat = (conversation: Conversation, path: string) => string;

/** Far more than templates with tools have. */
const MAX_TEMPLATE_CHARACTERS = 65_536;

const template = z.string().max(MAX_TEMPLATE_CHARACTERS);
/** As text, or as an added token. */
const token = z.union([z.string(), z.object({ content: z.string() })]).nullish();

const configSchema = z.object({
  chat_template: z.union(
    [
      template,
      z
        .array(z.object({ name: z.string(), template }))
        .transform((named) => named.find(({ name }) => name === "default")?.template)
        .pipe(z.string()),
    ],
    `must be a text of ${MAX_TEMPLATE_CHARACTERS} characters at most, or a list of them of which one is named default`,
  ),
  bos_token: token,
  eos_token: token,
  unk_token: token,
  pad_token: token,
});

const SPECIAL_TOKENS = ["bos_token", "eos_token", "unk_token", "pad_token"] as const;

/**
 * A message is its role, its text and its end. Fewer messages than a context has tokens bound the time of a template, which
 * is rendered in one piece: one that reads all messages for each of them takes 3.5 s for 1024, and 0.2 s for 256 (measured).
 */
const MIN_MESSAGE_TOKENS = 4;

/**
 * The chat template of a tokenizer_config.json, rendered as by transformers' `apply_chat_template` with
 * `add_generation_prompt`. A file without a template that can be used refuses conversations, and no other prompts.
 * @param context tokens that prompt and answer may have together
 */
export function createChatTemplate(tokenizerConfig: Uint8Array, context: number): RenderChat {
  let render: RenderChat | undefined;
  return (conversation, path) => {
    checkCount(conversation.messages.length, context, path);
    render ??= parseTemplate(tokenizerConfig);
    return render(conversation, path);
  };
}

/** @throws ApiError `invalid_request` for a file without a template that can be used */
function parseTemplate(tokenizerConfig: Uint8Array): RenderChat {
  const parsed = configSchema.safeParse(parseJson(tokenizerConfig));
  if (!parsed.success)
    throw unusable(z.prettifyError(parsed.error).replaceAll("\n", " "), parsed.error);
  const compiled = compile(parsed.data.chat_template);
  const tokens = SPECIAL_TOKENS.flatMap((name) => {
    const value = parsed.data[name];
    return value ? [[name, typeof value === "string" ? value : value.content] as const] : [];
  });
  const variables = { ...Object.fromEntries(tokens), add_generation_prompt: true };
  return ({ messages }, path) => {
    checkLength(messages, path);
    try {
      return compiled.render({ ...variables, messages });
    } catch (cause) {
      throw new ApiError(
        "invalid_input",
        `${path} cannot be written by the model's chat template: ${messageOf(cause)}.`,
        { cause },
      );
    }
  };
}

/** @throws ApiError `invalid_input` for more messages than the context has room for */
function checkCount(actual: number, context: number, path: string): void {
  const maxMessages = Math.max(1, Math.floor(context / MIN_MESSAGE_TOKENS));
  if (actual <= maxMessages) return;
  throw new ApiError(
    "invalid_input",
    `The conversation of ${path} has ${actual} messages, and the model's context has ${context} tokens: a conversation may have ${maxMessages} messages at most, one for each ${MIN_MESSAGE_TOKENS} tokens. Leave out the first ones.`,
    { details: { maxMessages, actual, context } },
  );
}

/** Before the template reads them: its result is a text like any other, with the same limit. */
function checkLength(messages: Conversation["messages"], path: string): void {
  const length = messages.reduce((sum, { content }) => sum + content.length, 0);
  if (length <= MAX_CHARACTERS) return;
  throw new ApiError(
    "invalid_input",
    `${path} have ${length} characters: a conversation may have ${MAX_CHARACTERS} at most.`,
    { details: { maxCharacters: MAX_CHARACTERS, actual: length } },
  );
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true, ignoreBOM: false }).decode(bytes));
  } catch (cause) {
    throw unusable("its file is not JSON", cause);
  }
}

function compile(source: string): Template {
  try {
    return new Template(source);
  } catch (cause) {
    throw unusable(messageOf(cause), cause);
  }
}

function unusable(reason: string, cause: unknown): ApiError {
  return new ApiError(
    "invalid_request",
    `The model's chat template cannot be used: ${reason}. Publish another version.`,
    { cause, details: { field: "model" } },
  );
}

function messageOf(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).replace(/\.$/, "");
}
