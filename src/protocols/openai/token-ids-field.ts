import * as z from "zod";

/**
 * The token ids of a text. They are checked together: a list with an issue for each of a million elements takes 10 s and 700 MB
 * (measured).
 */
export function tokenIdsField(description: string): z.ZodType<number[]> {
  return z
    .unknown()
    .refine(isTokenIds, { abort: true })
    .refine((ids) => (ids as number[]).length > 0, "at least one token")
    .meta({
      type: "array",
      items: { type: "integer", minimum: 0, maximum: Number.MAX_SAFE_INTEGER },
      minItems: 1,
      description,
    }) as z.ZodType<number[]>;
}

function isTokenIds(value: unknown): boolean {
  return Array.isArray(value) && value.every((id) => Number.isSafeInteger(id) && id >= 0);
}
