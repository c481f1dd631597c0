import * as z from "zod";
import { ApiError } from "../../domain/errors.ts";
import { MODEL_VERSION } from "../../domain/model-id.ts";
import {
  ALIAS_NAME,
  ALIAS_NAME_RULE,
  actorSchema,
  DEFAULT_ALIAS,
  MAX_SPLIT,
  NEWEST,
  noteSchema,
  type Split,
  sampleSchema,
  stickySchema,
  weightSchema,
} from "../../domain/routing.ts";
import type { ChangeAuthor, RoutingChange } from "../../domain/routing-change.ts";
import { quote } from "../../shared/quote.ts";
import { parseWith } from "../parse.ts";

/** Who makes a change, and why. */
const AUTHOR = { note: noteSchema.optional(), actor: actorSchema.optional() } as const;

/** Fields of every change. */
const CHANGE = {
  ...AUTHOR,
  expectedRevision: z
    .int()
    .min(0)
    .optional()
    .describe("Refuses the change with 409 if the routing has another revision."),
} as const;

const version = z
  .union([z.string().regex(MODEL_VERSION), z.int().min(1).max(999_999_999)])
  .describe("The version's number.");

const splitVersion = z.strictObject({ version, weight: weightSchema });

export const setAliasRequestSchema = z
  .strictObject({
    version: z
      .union([version, z.literal(NEWEST)])
      .optional()
      .describe(
        `The version that gets all requests; "${NEWEST}" removes what was set of the default.`,
      ),
    split: z
      .union([
        z.record(z.string().regex(MODEL_VERSION), weightSchema),
        z.array(splitVersion).min(1).max(MAX_SPLIT),
      ])
      .optional()
      .describe(
        `The weights of up to ${MAX_SPLIT} versions, by version or as a list, whose order a sticky split keeps.`,
      ),
    sticky: stickySchema.optional(),
    ...CHANGE,
  })
  .describe("Either `version` or `split`.");

export const changeRequestSchema = z.strictObject(CHANGE);

export const deleteVersionRequestSchema = z.strictObject(AUTHOR);

export const setShadowRequestSchema = z.strictObject({
  version,
  sample: sampleSchema
    .optional()
    .describe("The share of the requests that is copied; 1 by default."),
  ...CHANGE,
});

export const rollbackRequestSchema = z
  .strictObject({
    to: z.int().min(0).optional().describe("The revision whose route is restored."),
    at: z.string().optional().describe("The time whose route is restored (ISO 8601)."),
    ...CHANGE,
  })
  .describe(
    "Without `to` and `at`, the route before the last change of the alias's versions that is in effect.",
  );

/** What every change has. */
export interface ChangeFields extends Pick<ChangeAuthor, "actor" | "note"> {
  readonly expectedRevision?: number | undefined;
}

/** @throws ApiError `invalid_request` */
export function parseSetAlias(
  alias: string,
  body: unknown,
): { readonly change: RoutingChange; readonly fields: ChangeFields } {
  const { version, split, sticky, ...fields } = parseWith(setAliasRequestSchema, body);
  if ((version === undefined) === (split === undefined))
    throw invalid("version", `Send either "version" or "split".`);
  if (split === undefined && sticky !== undefined)
    throw invalid("sticky", `"sticky" is of a "split": with a "version" all requests get it.`);
  if (version === NEWEST) {
    if (alias === DEFAULT_ALIAS) return { change: { action: "unalias", alias }, fields };
    throw invalid(
      "version",
      `The alias ${quote(alias)} cannot follow the newest version: only the default can, and "name@${NEWEST}" always does.`,
    );
  }
  const versions = split === undefined ? [{ version, weight: 1 }] : toSplit(split);
  return { change: { action: "alias", alias, split: versions.map(withText), sticky }, fields };
}

type GivenSplit = NonNullable<z.output<typeof setAliasRequestSchema>["split"]>;

function toSplit(split: GivenSplit): { version: string | number; weight: number }[] {
  if (!Array.isArray(split)) {
    const given = Object.entries(split).map(([version, weight]) => ({ version, weight }));
    if (given.length > 0 && given.length <= MAX_SPLIT) return given;
    throw invalid("split", `"split" must have 1 to ${MAX_SPLIT} versions; got ${given.length}.`);
  }
  const versions = split.map(({ version }) => String(version));
  const twice = versions.find((each, index) => versions.indexOf(each) !== index);
  if (twice === undefined) return split;
  throw invalid("split", `"split" has version ${twice} twice: give each version one weight.`);
}

function withText({
  version,
  weight,
}: {
  version: string | number | undefined;
  weight: number;
}): Split[number] {
  return { version: String(version), weight };
}

/** @throws ApiError `invalid_request` */
export function parseSetShadow(
  alias: string,
  body: unknown,
): { readonly change: RoutingChange; readonly fields: ChangeFields } {
  const { version, sample = 1, ...fields } = parseWith(setShadowRequestSchema, body);
  const shadow = { version: String(version), sample };
  return { change: { action: "shadow", alias, shadow }, fields };
}

/** @throws ApiError `invalid_request` */
export function parseRollback(body: unknown): {
  readonly to: { readonly revision?: number | undefined; readonly at?: number | undefined };
  readonly fields: ChangeFields;
} {
  const { to: revision, at, ...fields } = parseWith(rollbackRequestSchema, body);
  if (revision !== undefined && at !== undefined)
    throw invalid("to", `Send "to" or "at", but not both.`);
  return { to: { revision, at: at === undefined ? undefined : parseTime("at", at) }, fields };
}

/** @throws ApiError `invalid_request` */
export function parseChange(body: unknown): ChangeFields {
  return parseWith(changeRequestSchema, body);
}

/** @throws ApiError `invalid_request` */
export function parseDeletion(body: unknown): Pick<ChangeAuthor, "actor" | "note"> {
  return parseWith(deleteVersionRequestSchema, body);
}

/** With a date, and the time in UTC unless it says otherwise. */
const TIME = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

/**
 * @returns milliseconds since the epoch
 * @throws ApiError `invalid_request`
 */
export function parseTime(field: string, text: string): number {
  const match = TIME.exec(text);
  const isLocal = text.includes("T") && match?.[1] === undefined;
  const time = match ? Date.parse(isLocal ? `${text}Z` : text) : Number.NaN;
  if (!Number.isNaN(time) && isDay(text)) return time;
  throw invalid(
    field,
    `"${field}" must be a time such as 2026-11-30T12:00:00Z (ISO 8601); got ${quote(text)}.`,
  );
}

/** @throws ApiError `invalid_request` for a name that no alias can have */
export function parseAliasName(alias: string): string {
  if (ALIAS_NAME.test(alias) && alias !== NEWEST) return alias;
  const why =
    alias === NEWEST
      ? `"name@${NEWEST}" is always the newest version`
      : `an alias is ${ALIAS_NAME_RULE}`;
  throw invalid("alias", `No alias can be named ${quote(alias)}: ${why}.`);
}

function invalid(field: string, message: string): ApiError {
  return new ApiError("invalid_request", message, { details: { field } });
}

/** Whether the month has the day: `Date` takes the 31st of February for the 3rd of March. */
function isDay(text: string): boolean {
  const day = text.slice(0, "2026-11-30".length);
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}
