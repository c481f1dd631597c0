import { bodyOf } from "../../../http/receive.ts";
import { parseJson } from "../../json.ts";
import { EVENT_STREAM_CONTENT } from "../../openapi/schema-reference.ts";
import type { InferenceOperation } from "../../operation.ts";
import { resolveReference } from "../../resolve-model.ts";
import { type CompletionsRequest, createCompletionForm, parseCompletions } from "../completions.ts";
import type { ChoiceRequest } from "../generate-choices.ts";
import { nameGenerationField } from "../generation-error.ts";
import { stopsOf, toTaskParameters } from "../generation-fields.ts";
import { nameField } from "../name-field.ts";
import { checkGenerates, type Generation, respondGeneration } from "../respond-generation.ts";
import { json } from "../schemas.ts";
import { GENERATION } from "./generation-operation.ts";

export const CREATE_COMPLETION: InferenceOperation = {
  ...GENERATION,
  id: "createCompletion",
  path: "/completions",
  summary: "Continue a text in OpenAI's form",
  description:
    "For models whose task is text generation. With `stream`, each token is sent as a server-sent event when it is generated, and `[DONE]` at the end. A field of OpenAI's API that is not honoured is refused.",
  body: {
    required: true,
    content: json("CompletionRequest", {
      text: {
        value: { model: "pocket-gpt", prompt: "It was a dark night, and the", max_tokens: 8 },
      },
    }),
  },
  responses: {
    200: {
      description: "The choices, in the order of the prompts; with `stream`, their chunks.",
      headers: ["x-model-version", "x-model-alias", "cache-status", "age", "content-encoding"],
      content: {
        ...json("CompletionResponse"),
        ...EVENT_STREAM_CONTENT,
      },
    },
  },
  handler:
    ({ router, runTask }) =>
    async (c) => {
      const body = bodyOf(c);
      const fields = c.get("trace").measure("parse", () => parseCompletions(parseJson(body)));
      const model = await resolveReference(c, router, fields.model).catch(nameField("model"));
      checkGenerates(model.manifest);
      return respondGeneration(c, runTask, model, {
        fields,
        choices: toChoices(fields),
        prompts: toCheckedPrompts(fields),
        form: createCompletionForm(fields),
        idPrefix: "cmpl",
      });
    },
};

/** Several prompts as one request, of which the errors name each by its place. */
function toCheckedPrompts(fields: CompletionsRequest): Generation["prompts"] {
  const { prompts } = fields;
  if (prompts.length === 1) return undefined;
  const [{ parameters }] = toChoices({ ...fields, n: 1 });
  const limit = { field: "max_tokens", tokens: fields.max_tokens };
  return {
    inputs: prompts,
    parameters,
    nameField: nameGenerationField({ input: "prompt", path: "prompt", limit }),
  };
}

/** Parameters of the task for prompts that are part of a choice. */
const PROMPT_TOKENS = { prompt_details: true };
const PROMPT_LOGPROBS = { decoder_input_details: true };

/** `n` choices of each prompt. */
function toChoices(fields: CompletionsRequest): [ChoiceRequest, ...ChoiceRequest[]] {
  const { prompts, n, max_tokens, logprobs, echo } = fields;
  const limit = { field: "max_tokens", tokens: max_tokens };
  const generated = { ...limit, tokens: Math.max(1, max_tokens) };
  const choices = prompts.flatMap((prompt, at) =>
    Array.from({ length: n }, (_, choice) => {
      const path = prompts.length === 1 ? "prompt" : `prompt[${at}]`;
      return {
        inputs: prompt,
        parameters: {
          ...toTaskParameters(fields, generated, choice, logprobs),
          ...(echo && (logprobs === undefined ? PROMPT_TOKENS : PROMPT_LOGPROBS)),
        },
        isEchoOnly: max_tokens === 0,
        repeatsPrompt: choice > 0,
        stops: stopsOf(fields),
        nameField: nameGenerationField({ input: "prompt", path, limit }),
      };
    }),
  );
  // The schema asks for a prompt and a choice.
  return choices as [ChoiceRequest, ...ChoiceRequest[]];
}
