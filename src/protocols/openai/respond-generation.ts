import type { Context } from "hono";
import { checkTokenLimit } from "../../domain/access/request-limits.ts";
import type { Call } from "../../domain/call.ts";
import { ApiError } from "../../domain/errors.ts";
import type { Manifest } from "../../domain/manifest.ts";
import type { PublishedModel } from "../../domain/published-model.ts";
import { callOf } from "../../http/call.ts";
import type { AppEnv } from "../../http/context.ts";
import { respondStream, type StreamFormat, toServerSentEvent } from "../../http/stream.ts";
import type { RunTask } from "../../inference/run-task.ts";
import type { Representation } from "../operation.ts";
import { renderOpenAiError } from "./error.ts";
import { type ChoiceRequest, generateChoices } from "./generate-choices.ts";
import { type ChoiceForm, type ResponseHead, toChunks, toWhole } from "./generation-chunks.ts";
import type { GenerationFields } from "./generation-fields.ts";
import { UsageCounter } from "./usage.ts";

const ENCODER = new TextEncoder();

/** What a request asks for. */
export interface Generation {
  readonly fields: GenerationFields;
  readonly choices: readonly [ChoiceRequest, ...ChoiceRequest[]];
  /** All prompts at once, where there are several. */
  readonly prompts?: CheckedPrompts | undefined;
  readonly form: ChoiceForm;
  /** Of the response's id. */
  readonly idPrefix: string;
}

/** Generates the choices of a request, and sends them as a whole or as chunks. */
export async function respondGeneration(
  c: Context<AppEnv>,
  runTask: RunTask,
  model: PublishedModel,
  { fields, choices, prompts, form, idPrefix }: Generation,
): Promise<Representation | Response> {
  const { n, stream, stream_options } = fields;
  const head: ResponseHead = {
    id: `${idPrefix}-${c.get("requestId")}`,
    created: Math.floor(Date.now() / 1000),
    model: fields.model,
    system_fingerprint: `fp_${model.revision}`,
  };
  const usage = new UsageCounter(n);
  const call = callOf(c);
  const isLimited = call.meter !== undefined || call.limits.tokens !== undefined;
  if (prompts || (n > 1 && isLimited))
    await checkPrompts(runTask, model, { ...(prompts ?? choices[0]), n }, call);
  const deltas = await generateChoices(runTask, model, choices, call);
  if (stream) {
    const includeUsage = stream_options?.include_usage ?? false;
    return respondStream(c, toChunks(deltas, form, head, usage, includeUsage), FORMAT);
  }
  const response = await toWhole(deltas, form, head, usage);
  const text = c.get("trace").measure("serialize", () => JSON.stringify(response));
  return {
    contentType: "application/json",
    parts: [ENCODER.encode(text)],
  };
}

type CheckedPrompts = Pick<ChoiceRequest, "inputs" | "parameters" | "nameField">;

/**
 * Checks all prompts, and reserves the tokens of all choices, before the response begins.
 * @throws ApiError what the first prompt is refused with that is not valid; `rate_limited`, `quota_exceeded`
 */
async function checkPrompts(
  runTask: RunTask,
  model: PublishedModel,
  { inputs, parameters, nameField, n }: CheckedPrompts & { readonly n: number },
  call: Call,
): Promise<void> {
  const request = { inputs, parameters, checkOnly: true };
  const checked = await runTask(model, request, call).catch(nameField);
  if (checked.kind !== "value" || !checked.usage) return;
  const { inputTokens, outputTokens = 0 } = checked.usage;
  checkTokenLimit(call.limits, outputTokens * n);
  await call.meter?.prepare((inputTokens + outputTokens) * n);
}

/** @throws ApiError `invalid_request`, because OpenAI's clients retry after a 501 */
export function checkGenerates({ name, task, postprocess }: Manifest): void {
  if (postprocess?.type === "text-generation") return;
  throw new ApiError(
    "invalid_request",
    `Model "${name}" does not generate text${task ? `: its task is ${task}, at /models/${name}` : ""}.`,
    { details: { field: "model" } },
  );
}

const FORMAT: StreamFormat = {
  part: (chunk) => toServerSentEvent(chunk),
  error: (error) => `data: ${renderOpenAiError(error).body}\n\n`,
  end: "data: [DONE]\n\n",
};
