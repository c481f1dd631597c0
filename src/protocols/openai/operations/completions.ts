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
import { checkGenerates, respondGeneration } from "../respond-generation.ts";
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
      headers: ["x-model-version", "cache-status", "age", "content-encoding"],
      content: {
        ...json("CompletionResponse"),
        ...EVENT_STREAM_CONTENT,
      },
    },
  },
  handler:
    ({ catalog, runTask }) =>
    async (c) => {
      const body = bodyOf(c);
      const fields = c.get("trace").measure("parse", () => parseCompletions(parseJson(body)));
      const model = await resolveReference(c, catalog, fields.model).catch(nameField("model"));
      checkGenerates(model.manifest);
      return respondGeneration(c, runTask, model, {
        fields,
        choices: toChoices(fields),
        form: createCompletionForm(fields),
        idPrefix: "cmpl",
      });
    },
};

/** `n` choices of each prompt. */
function toChoices(fields: CompletionsRequest): [ChoiceRequest, ...ChoiceRequest[]] {
  const { prompts, n, max_tokens, logprobs = 0 } = fields;
  const limit = { field: "max_tokens", tokens: max_tokens };
  const choices = prompts.flatMap((prompt, at) =>
    Array.from({ length: n }, (_, choice) => {
      const path = prompts.length === 1 ? "prompt" : `prompt[${at}]`;
      return {
        inputs: prompt,
        parameters: toTaskParameters(fields, limit, choice, logprobs),
        stops: stopsOf(fields),
        nameField: nameGenerationField({ input: "prompt", path, limit }),
      };
    }),
  );
  // The schema asks for a prompt and a choice.
  return choices as [ChoiceRequest, ...ChoiceRequest[]];
}
