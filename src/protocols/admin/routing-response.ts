import * as z from "zod";
import { manifestSchema } from "../../domain/manifest.ts";
import {
  aliasesSchema,
  DEFAULT_ALIAS,
  historyEntrySchema,
  type Routing,
  routeOf,
  routeSchema,
  tombstonesSchema,
} from "../../domain/routing.ts";

/** Schemas of the responses about routing. */

export const routeResponseSchema = routeSchema;
export const historyEntryResponseSchema = historyEntrySchema;

export const routingStateSchema = z.strictObject({
  model: z.string(),
  revision: z
    .int()
    .min(0)
    .describe("The number of changes so far, or until the time that was asked for."),
  aliases: aliasesSchema.describe("By name."),
  default: routeSchema.nullable().describe("Of a name without an alias; null: the newest version."),
  deleted: tombstonesSchema.describe("Deleted versions, by their numbers."),
});

export const routingHistorySchema = z.strictObject({
  model: z.string(),
  entries: z.array(historyEntrySchema).describe("Newest first."),
});

export const deletedVersionSchema = z.strictObject({
  deleted: z.strictObject({ name: z.string(), version: z.string() }),
  removedObjects: z.int().min(0).describe("Of the version, in storage."),
  removedRoutes: z
    .array(
      z.strictObject({
        alias: z.string(),
        from: routeSchema.nullable(),
        to: routeSchema.nullable().describe("null: the alias was removed."),
      }),
    )
    .describe("The routes that had the version; none without `force`."),
  routing: routingStateSchema.describe("After the deletion."),
});

export const modelDetailsSchema = z.strictObject({
  name: z.string(),
  versions: z
    .array(
      z.strictObject({
        version: z.string(),
        revision: z.string().describe("Changes when the version is deleted and published again."),
        publishedAt: z.iso.datetime(),
        sizeBytes: z.int().min(0).optional().describe("Of all its files."),
        task: z.string().optional(),
        format: z.string().optional(),
        sha256: z.string().optional().describe("Of the main model file."),
        description: z.string().optional(),
        signed: z.boolean().optional(),
        problem: z.string().optional().describe("Why the version cannot be served."),
      }),
    )
    .describe("Newest first. Of more than 200 versions, the oldest have no details."),
  routing: routingStateSchema,
});

export const versionDetailsSchema = z.strictObject({
  manifest: manifestSchema,
  signature: z
    .record(z.string(), z.unknown())
    .optional()
    .describe("The bundle of its signature, if it is signed."),
});

export function toRoutingState(
  model: string,
  routing: Routing,
): z.output<typeof routingStateSchema> {
  const { revision, aliases, deleted } = routing;
  return { model, revision, aliases, default: routeOf(routing, DEFAULT_ALIAS) ?? null, deleted };
}
