import * as z from "zod";
import { MODEL_PATTERN } from "./model-pattern.ts";
import { SCOPES } from "./scope.ts";

const MAX_NAME_LENGTH = 100;
export const MAX_OWNER_LENGTH = 200;
const MAX_NOTES_LENGTH = 2000;
const MAX_PATTERNS = 100;
/** More than a counter reaches, and far below what a double holds exactly. */
const MAX_COUNT = 1_000_000_000_000;

const count = z.int().min(1).max(MAX_COUNT);

const name = z.string().trim().min(1).max(MAX_NAME_LENGTH).describe("What the key is for.");
const scopes = z
  .array(z.enum(SCOPES))
  .min(1)
  .refine((given) => new Set(given).size === given.length, "each scope is given once")
  .describe("What the key permits; `admin` permits everything.");
const models = z
  .array(
    z
      .string()
      .regex(
        MODEL_PATTERN,
        "a pattern is a model's name, in which * stands for any characters: 1 to 63 of a-z 0-9 . _ - *",
      ),
  )
  .min(1)
  .max(MAX_PATTERNS)
  .describe("Patterns of the names of models that the key may use; all when left out.");
const expiresAt = z.iso
  .datetime({
    offset: true,
    error: "a time such as 2027-01-31T00:00:00Z is expected (ISO 8601, with Z or an offset)",
  })
  .describe("When the key ends by itself (ISO 8601), in the future.");
const owner = z.string().trim().min(1).max(MAX_OWNER_LENGTH).describe("Who answers for the key.");
const notes = z.string().max(MAX_NOTES_LENGTH);
const concurrency = count.describe("Requests in flight at the same time.");

const LIMITS = {
  bodyBytes: count.describe("Size of a body, in bytes."),
  tokens: count.describe("Tokens that one request may have generated."),
  batch: count.describe("Inputs of one request, such as rows or texts."),
  timeoutMs: count.describe("Longest deadline, in milliseconds."),
};
const RATE = { requestsPerMinute: count, tokensPerMinute: count };
const QUOTA = {
  requestsPerDay: count,
  tokensPerDay: count,
  cpuMsPerDay: count.describe("Milliseconds of CPU time."),
};

const ABOUT_LIMITS = "Of each request, below the limits of the deployment.";
const ABOUT_RATE = "In each minute.";
const ABOUT_QUOTA = "In each day, which begins at 00:00 UTC.";

const limitsSchema = toOptional(LIMITS).describe(ABOUT_LIMITS);
const rateSchema = toOptional(RATE).describe(ABOUT_RATE);
const quotaSchema = toOptional(QUOTA).describe(ABOUT_QUOTA);

/** What a key is made with. */
export const keyFieldsSchema = z.strictObject({
  name,
  scopes,
  models: models.optional(),
  limits: limitsSchema.optional(),
  rate: rateSchema.optional(),
  quota: quotaSchema.optional(),
  concurrency: concurrency.optional(),
  expiresAt: expiresAt.optional(),
  owner: owner.optional(),
  notes: notes.optional(),
});

/** A merge patch (RFC 7396): `null` removes a field, also one of limits, rate and quota. */
export const keyPatchSchema = z.strictObject({
  name: name.optional(),
  scopes: scopes.optional(),
  models: models.nullish(),
  limits: toNullish(LIMITS).nullish().describe(ABOUT_LIMITS),
  rate: toNullish(RATE).nullish().describe(ABOUT_RATE),
  quota: toNullish(QUOTA).nullish().describe(ABOUT_QUOTA),
  concurrency: concurrency.nullish(),
  expiresAt: expiresAt.nullish(),
  owner: owner.nullish(),
  notes: notes.nullish(),
  disabled: z.boolean().optional().describe("Whether the key is refused until it is enabled."),
});

type Counts<Shape> = { readonly [Name in keyof Shape]: typeof count };

function toOptional<Shape extends Counts<Shape>>(shape: Shape) {
  const entries = Object.entries<typeof count>(shape).map(([key, each]) => [key, each.optional()]);
  return z.strictObject(
    Object.fromEntries(entries) as { [Name in keyof Shape]: z.ZodOptional<typeof count> },
  );
}

function toNullish<Shape extends Counts<Shape>>(shape: Shape) {
  const entries = Object.entries<typeof count>(shape).map(([key, each]) => [key, each.nullish()]);
  return z.strictObject(
    Object.fromEntries(entries) as {
      [Name in keyof Shape]: z.ZodOptional<z.ZodNullable<typeof count>>;
    },
  );
}
