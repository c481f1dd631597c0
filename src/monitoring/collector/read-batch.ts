import * as z from "zod";
import { ApiError } from "../../domain/errors.ts";
import type { Aggregate } from "../../domain/monitoring/aggregate.ts";
import type { Batch } from "../../domain/monitoring/collector.ts";
import type { PredictionBatch } from "../../domain/monitoring/prediction-batch.ts";

/** More than a sender ever has at once. */
const MAX_WINDOWS = 4096;
const MAX_EVENTS = 512;
const MAX_MODELS = 1024;

const name = z.string().max(256);
const batchSchema = z.object({
  source: z.string().min(1).max(64),
  number: z.int().min(1),
  windows: z
    .array(
      z.object({
        model: name,
        version: name,
        start: z.int().multipleOf(60_000),
        // What the program makes itself, and merges field by field.
        aggregate: z.custom<Aggregate>((value) => typeof value === "object" && value !== null),
      }),
    )
    .max(MAX_WINDOWS),
  events: z.array(z.custom((value) => typeof value === "object" && value !== null)).max(MAX_EVENTS),
  missed: z.int().min(0),
  predictions: z
    .custom<PredictionBatch>((value) => typeof value === "object" && value !== null)
    .optional(),
  models: z.array(name).max(MAX_MODELS),
  policy: z.object({
    commitMs: z.number().min(0).max(60_000),
    minutesForMs: z.number().min(0),
    hoursForMs: z.number().min(0),
  }),
});

/** @throws ApiError `invalid_request` */
export function readBatch(given: Batch): Batch {
  const parsed = batchSchema.safeParse(given);
  if (parsed.success) return parsed.data as Batch;
  throw new ApiError("invalid_request", `The batch is not valid: ${z.prettifyError(parsed.error)}`);
}
