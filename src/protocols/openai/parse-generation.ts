import type { z } from "zod";
import { ApiError } from "../../domain/errors.ts";
import { parseWith } from "../parse.ts";
import { type GenerationFields, MAX_CHOICES } from "./generation-fields.ts";

/** Fields of OpenAI's API that a request may not have, with the reason. */
export type RefusedFields = Readonly<
  Record<string, string | { readonly reason: string; readonly unless: unknown }>
>;

/**
 * Parses the body of a request that generates text.
 * @throws ApiError `invalid_request` that names the field, also one of OpenAI's that this server does not honour
 */
export function parseGeneration<S extends z.ZodType<GenerationFields>>(
  schema: S,
  refused: RefusedFields,
  body: unknown,
): z.output<S> {
  if (typeof body === "object" && body !== null)
    for (const [field, value] of Object.entries(body)) {
      const refusal = Object.hasOwn(refused, field) ? refused[field] : undefined;
      if (value === null || refusal === undefined) continue;
      const { reason, unless } =
        typeof refusal === "string" ? { reason: refusal, unless: undefined } : refusal;
      if (value !== unless)
        throw refuse(field, `${field} is not supported: ${reason}. Leave it out.`);
    }
  const request = parseWith(schema, body);
  if (request.stream_options && !request.stream)
    throw refuse("stream_options", "stream_options has an effect only with stream true.");
  const { seed, n } = request;
  if (seed !== undefined && !Number.isSafeInteger(seed + (n - 1)))
    throw refuse(
      "seed",
      `seed ${seed} leaves no seeds for ${n} choices: seed + n - 1 must be at most 2^53 - 1.`,
    );
  return request;
}

/** @throws ApiError `invalid_request` for more choices than a request may have */
export function checkChoiceCount(prompts: number, n: number): void {
  if (prompts * n <= MAX_CHOICES) return;
  throw refuse(
    "n",
    `${prompts} prompts with n ${n} are ${prompts * n} choices: a request may have ${MAX_CHOICES} at most.`,
  );
}

export function refuse(field: string, message: string): ApiError {
  return new ApiError("invalid_request", message, { details: { field } });
}
