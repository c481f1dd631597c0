import * as z from "zod";
import { compareVersions, MODEL_VERSION } from "./model-id.ts";
import { issueMessage } from "./schema-issue.ts";

/**
 * The routing of a model: `models/{name}/routing.json` in R2, changed by compare-and-swap only. It says which versions an alias
 * stands for, which versions are deleted, and how that came about.
 */

/** A letter first, so that `name@alias` and `name@version` differ. */
export const ALIAS_NAME = /^[a-z][a-z0-9-]{0,62}$/;
export const ALIAS_NAME_RULE =
  "1 to 63 lower-case letters, digits and hyphens, beginning with a letter";
/** The alias of a name without one: the newest version, unless it is pinned or split. */
export const DEFAULT_ALIAS = "default";
/** Not an alias: `name@newest` is always the newest version. */
export const NEWEST = "newest";

export const MAX_ALIASES = 100;
export const MAX_SPLIT = 8;
export const MAX_WEIGHT = 1_000_000;
/** Requests that remove the objects of one version at the same time, at most. */
export const MAX_REMOVALS = 20;
const MAX_NOTE_LENGTH = 500;
const MAX_ACTOR_LENGTH = 100;

/** What keeps a client on one version of a split. */
export const STICKY_BY = ["header", "key", "input"] as const;
export type StickyBy = (typeof STICKY_BY)[number];

const versionSchema = z.string().regex(MODEL_VERSION, "a version is a positive integer");
export const aliasSchema = z
  .string()
  .regex(ALIAS_NAME, `an alias is ${ALIAS_NAME_RULE}`)
  .refine((name) => name !== NEWEST, `"${NEWEST}" is always the newest version, and no alias`);
export const weightSchema = z
  .number()
  .positive()
  .max(MAX_WEIGHT)
  .describe("The version's share of the requests is its weight divided by the sum of all.");
export const sampleSchema = z
  .number()
  .positive()
  .max(1)
  .describe("The share of the requests that is copied.");
export const stickySchema = z
  .enum(STICKY_BY)
  .describe(
    "What keeps a client on one version: the header `x-sticky-key`, its API key, or the bytes of its requests' bodies. Without it, and for requests without that, each request is drawn at random.",
  );
export const noteSchema = z.string().max(MAX_NOTE_LENGTH).describe("Kept in the history.");
export const actorSchema = z
  .string()
  .min(1)
  .max(MAX_ACTOR_LENGTH)
  .describe("Who makes the change, for the history, which has the digest of the key besides.");

const splitSchema = z
  .array(z.strictObject({ version: versionSchema, weight: weightSchema }))
  .min(1)
  .max(MAX_SPLIT)
  .refine((split) => new Set(split.map(({ version }) => version)).size === split.length, {
    error: "each version is in a split once",
  });

const shadowSchema = z.strictObject({ version: versionSchema, sample: sampleSchema });

export const routeSchema = z.strictObject({
  split: splitSchema.describe("A single version gets all requests."),
  sticky: stickySchema.optional(),
  shadow: shadowSchema
    .optional()
    .describe("The version that a copy of the requests is sent to after their responses."),
});

const revision = z.int().min(0);
const time = z.iso.datetime();

const tombstoneSchema = z.strictObject({
  at: time,
  by: z.string(),
  filesDigest: z
    .string()
    .optional()
    .describe(
      "Of the version's files: only they may be published again. Absent if the version was corrupt.",
    ),
  removing: z
    .array(z.strictObject({ id: z.string(), at: time }))
    .max(MAX_REMOVALS)
    .optional()
    .describe("The deletions of its objects that have begun."),
  removedAt: time.optional().describe("When the last of its objects was deleted."),
});

const ROUTING_ACTIONS = [
  "alias", // an alias stands for a version or a split
  "unalias", // an alias is removed; the default is the newest version again
  "shadow",
  "unshadow",
  "rollback",
  "delete", // a version
  "publish", // of a version that was deleted
] as const;

export const historyEntrySchema = z.strictObject({
  revision: z.int().min(1),
  id: z.string().optional().describe("Distinguishes the change from one of the same content."),
  at: time,
  by: z
    .string()
    .describe(
      "Who made the change: `key:` and the id of an API key or the beginning of the SHA-256 of `ADMIN_KEY`, or another label.",
    ),
  actor: actorSchema.optional(),
  action: z.enum(ROUTING_ACTIONS),
  alias: aliasSchema.optional(),
  version: versionSchema.optional().describe("Of `delete` and `publish`."),
  from: routeSchema.nullable().optional().describe("The alias's route before; null without one."),
  to: routeSchema.nullable().optional().describe("The alias's route after; null without one."),
  note: noteSchema.optional(),
  restores: revision.optional().describe("Of `rollback`: the revision whose route is restored."),
  tombstone: tombstoneSchema.optional().describe("Of `delete` and `publish`: set, and removed."),
});

export const aliasesSchema = z.record(aliasSchema, routeSchema);
export const tombstonesSchema = z.record(versionSchema, tombstoneSchema);

const routingSchema = z
  .strictObject({
    schemaVersion: z.literal(1),
    revision,
    aliases: aliasesSchema,
    deleted: tombstonesSchema,
    history: z.array(historyEntrySchema),
  })
  .refine(isAppendOnly, {
    error: "the history does not lead to the revision, one by one",
    path: ["history"],
  });

export type Routing = z.output<typeof routingSchema>;
export type Route = z.output<typeof routeSchema>;
export type Split = Route["split"];
export type Shadow = z.output<typeof shadowSchema>;
export type HistoryEntry = z.output<typeof historyEntrySchema>;
export type Tombstone = z.output<typeof tombstoneSchema>;

/** Of a model without a document. */
export const NO_ROUTING: Routing = Object.freeze({
  schemaVersion: 1,
  revision: 0,
  aliases: {},
  deleted: {},
  history: [],
});

/** @returns the document, or what is wrong with it */
export function parseRouting(value: unknown): Routing | { readonly problem: string } {
  return parse(routingSchema, value);
}

const historyPartSchema = z.array(historyEntrySchema).min(1).refine(isGapless, {
  error: "the revisions do not follow each other",
});

/** Older entries of a history, which were moved out of the document. */
export function parseHistoryPart(
  value: unknown,
): readonly HistoryEntry[] | { readonly problem: string } {
  return parse(historyPartSchema, value);
}

function parse<S extends z.ZodType>(
  schema: S,
  value: unknown,
): z.output<S> | { readonly problem: string } {
  const result = schema.safeParse(value, { reportInput: true });
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.map(String).join(".");
  const what = issue ? issueMessage(issue) : "it is not valid";
  return { problem: path ? `${path}: ${what}` : what };
}

/** Whether the entries lead to the revision; the first ones may have been moved out of the document. */
function isAppendOnly({
  revision,
  history,
}: {
  readonly revision: number;
  readonly history: readonly { readonly revision: number }[];
}): boolean {
  return (history.at(-1)?.revision ?? 0) === revision && isGapless(history);
}

function isGapless(entries: readonly { readonly revision: number }[]): boolean {
  return entries.every((entry, index) => {
    const before = entries[index - 1];
    return before === undefined || entry.revision === before.revision + 1;
  });
}

/** Of an alias that may have the name of a property of every object. */
export function routeOf({ aliases }: Pick<Routing, "aliases">, alias: string): Route | undefined {
  return Object.hasOwn(aliases, alias) ? aliases[alias] : undefined;
}

export function tombstoneOf(
  { deleted }: Pick<Routing, "deleted">,
  version: string,
): Tombstone | undefined {
  return Object.hasOwn(deleted, version) ? deleted[version] : undefined;
}

/** The versions that a route needs. */
export function versionsOf({ split, shadow }: Route): string[] {
  const versions = split.map(({ version }) => version);
  return shadow && !versions.includes(shadow.version) ? [...versions, shadow.version] : versions;
}

/** The only version of a route that is not split. */
export function onlyVersion({ split }: Pick<Route, "split">): string | undefined {
  return split.length === 1 ? split[0]?.version : undefined;
}

/** The version with the largest weight; of several, the newest one. */
export function heaviestVersion(split: Split): string {
  const [first] = [...split].sort(
    (a, b) => b.weight - a.weight || compareVersions(a.version, b.version),
  );
  return first?.version ?? "";
}
