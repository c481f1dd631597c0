import { ApiError } from "../../../domain/errors.ts";
import type { Manifest } from "../../../domain/manifest.ts";
import { bodyOf } from "../../../http/receive.ts";
import { parseJson } from "../../json.ts";
import { EVENT_STREAM_CONTENT } from "../../openapi/schema-reference.ts";
import type { InferenceOperation } from "../../operation.ts";
import { resolveReference } from "../../resolve-model.ts";
import { type ChatCompletionRequest, parseChatCompletion } from "../chat-completions.ts";
import { createChatForm } from "../chat-form.ts";
import { toConversation } from "../chat-messages.ts";
import type { ChoiceRequest } from "../generate-choices.ts";
import { nameGenerationField } from "../generation-error.ts";
import { stopsOf, toTaskParameters } from "../generation-fields.ts";
import { nameField } from "../name-field.ts";
import { checkGenerates, respondGeneration } from "../respond-generation.ts";
import { toGrammar } from "../response-format.ts";
import { json } from "../schemas.ts";
import { GENERATION } from "./generation-operation.ts";

export const CREATE_CHAT_COMPLETION: InferenceOperation = {
  ...GENERATION,
  id: "createChatCompletion",
  path: "/chat/completions",
  summary: "Answer a conversation in OpenAI's form",
  description:
    "For models whose task is text generation and that have a chat template. With `stream`, each token is sent as a server-sent event when it is generated, and `[DONE]` at the end. A field of OpenAI's API that is not honoured is refused.",
  body: {
    required: true,
    content: json("ChatCompletionRequest", {
      question: {
        value: {
          model: "pocket-gpt",
          messages: [{ role: "user", content: "How do I compare two files with diff?" }],
        },
      },
    }),
  },
  responses: {
    200: {
      description: "The choices; with `stream`, their chunks.",
      headers: ["x-model-version", "x-model-alias", "cache-status", "age", "content-encoding"],
      content: {
        ...json("ChatCompletionResponse"),
        ...EVENT_STREAM_CONTENT,
      },
    },
  },
  handler:
    ({ router, runTask }) =>
    async (c) => {
      const body = bodyOf(c);
      const fields = c.get("trace").measure("parse", () => parseChatCompletion(parseJson(body)));
      const model = await resolveReference(c, router, fields.model).catch(nameField("model"));
      checkGenerates(model.manifest);
      checkChats(model.manifest);
      return respondGeneration(c, runTask, model, {
        fields,
        choices: toChoices(fields),
        form: createChatForm(fields),
        idPrefix: "chatcmpl",
      });
    },
};

/** @throws ApiError `invalid_request` for a model that only continues texts */
function checkChats({ name, preprocess }: Manifest): void {
  if (preprocess?.type === "prompt" && preprocess.chatTemplate !== undefined) return;
  throw new ApiError(
    "invalid_request",
    `Model "${name}" has no chat template: send a prompt to /v1/completions.`,
    { details: { field: "model" } },
  );
}

function toChoices(fields: ChatCompletionRequest): [ChoiceRequest, ...ChoiceRequest[]] {
  const { messages, limit, n, top_logprobs = 0 } = fields;
  const inputs = toConversation(messages);
  const grammar = toGrammar(fields.response_format);
  const choices = Array.from({ length: n }, (_, choice) => ({
    inputs,
    parameters: {
      ...toTaskParameters(fields, limit, choice, fields.logprobs ? top_logprobs : undefined),
      ...(grammar && { grammar }),
    },
    stops: stopsOf(fields),
    repeatsPrompt: choice > 0,
    nameField: nameGenerationField({ input: "messages", path: "messages", limit }),
  }));
  // The schema asks for one choice.
  return choices as [ChoiceRequest, ...ChoiceRequest[]];
}
