import * as z from "zod";
import type { JsonObject } from "../audit/audit-entry.ts";
import { EVENT_SCHEMA_VERSION, type TelemetryEvent } from "../event.ts";

/** Parts of the definitions of events. They describe events to readers and tools; nothing is parsed by them while requests run. */

/** What every event begins with. */
export function eventHead<const Kind extends string>(kind: Kind) {
  return {
    event: z.literal(kind).describe("The kind of the event."),
    schemaVersion: z
      .literal(EVENT_SCHEMA_VERSION)
      .describe("Raised when the meaning of a field changes, and not when fields are added."),
    time: z.iso.datetime().describe("When it began, ISO 8601 in UTC."),
  };
}

export const count = z.int().min(0);
export const milliseconds = z.number().min(0);
export const model = z.string().describe("The name of the model.");
export const version = z.string().describe("The version of the model.");
export const digest = z.string().regex(/^[0-9a-f]{64}$/);
export const traceId = z.string().regex(/^[0-9a-f]{32}$/);
export const spanId = z.string().regex(/^[0-9a-f]{16}$/);
/** Counts by name. */
export const counts = z.record(z.string(), count).readonly();
export const jsonObject = z.record(z.string(), z.unknown()) as unknown as z.ZodType<JsonObject>;

/** Of sampled numbers. */
export const spread = z
  .strictObject({
    mean: z.number().describe("Their mean."),
    deviation: z.number().min(0).describe("Their standard deviation, that of a population."),
    histogram: z
      .array(count)
      .readonly()
      .optional()
      .describe("Counts by the bins of the reference profile, one more than it has edges."),
  })
  .readonly();

/** An event's definition: its schema, and what it is emitted for. */
export interface EventDefinition {
  readonly schema: z.ZodType<TelemetryEvent>;
  readonly summary: string;
}
