import * as z from "zod";
import { toCanonicalJson } from "../../shared/canonical-json.ts";
import { toHex } from "../../shared/hex.ts";
import { sha256 } from "../../shared/sha256.ts";
import { MAX_FEATURES } from "../statistics/feature-plan.ts";

/**
 * What the inputs and outputs of a version look like in its example data: the bins by which requests are counted, and the counts of the
 * example data. It has no rows; but names of categories are values of columns, and edges of bins lie between values.
 */

/** Bins of a number: edges of quantiles, so that all are about equally full. */
export const BINS = 10;
export const MAX_BINS = 64;
export const MAX_CATEGORIES = 1000;
/** Of example data; fewer rows say nothing of a distribution. */
export const MIN_EXAMPLE_ROWS = 20;
export const MAX_EXAMPLE_ROWS = 10_000;
export const MAX_OUTPUTS = 8;
const MAX_NAME_LENGTH = 200;
/** Of a profile as it is stored. */
export const MAX_PROFILE_BYTES = 512 * 1024;

const count = z.int().min(0);
const featureName = z.string().min(1).max(MAX_NAME_LENGTH);

const numericSchema = z
  .strictObject({
    name: featureName.describe("Of the input or column."),
    kind: z.literal("numeric"),
    count: count.describe("Values that are there."),
    missing: count.describe("Values that are missing."),
    mean: z.number(),
    deviation: z.number().min(0).describe("The standard deviation, that of a population."),
    min: z.number(),
    max: z.number(),
    edges: z
      .array(z.number())
      .max(MAX_BINS - 1)
      .refine(isAscending, "must ascend")
      .describe(
        "Ascending. A bin has its upper edge and not its lower one; the first and the last bin have no end.",
      ),
    counts: z.array(count).max(MAX_BINS).describe("One more than edges."),
  })
  .refine(({ edges, counts }) => counts.length === edges.length + 1, {
    error: "must have one more entry than `edges`",
    path: ["counts"],
  })
  .refine(({ count: all, counts }) => sum(counts) === all, {
    error: "must add up to `count`",
    path: ["counts"],
  });

const categorySchema = z
  .strictObject({
    name: featureName,
    kind: z.literal("category"),
    count: count.describe("Values that are there."),
    missing: count.describe("Values that are missing."),
    categories: z
      .array(z.string().max(MAX_NAME_LENGTH))
      .max(MAX_CATEGORIES)
      .refine((names) => new Set(names).size === names.length, "two categories are the same"),
    counts: z
      .array(count)
      .max(MAX_CATEGORIES + 1)
      .describe("By category; the last one is of all others."),
  })
  .refine(({ categories, counts }) => counts.length === categories.length + 1, {
    error: "must have one more entry than `categories`",
    path: ["counts"],
  })
  .refine(({ count: all, counts }) => sum(counts) === all, {
    error: "must add up to `count`",
    path: ["counts"],
  });

export const referenceFeatureSchema = z.discriminatedUnion("kind", [numericSchema, categorySchema]);

const features = (max: number) =>
  z
    .array(referenceFeatureSchema)
    .max(max)
    .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, {
      error: "two features have the same name",
    });

export const referenceProfileSchema = z.strictObject({
  schemaVersion: z.literal(1),
  model: z.string(),
  version: z.string(),
  modelSha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "64 lower-case hexadecimal digits")
    .describe("SHA-256 of the model file; the profile is not used for another one."),
  rows: z.int().min(1).describe("Rows of the example data."),
  createdAt: z.iso.datetime(),
  source: z.string().max(500).optional().describe("What the example data is."),
  inputs: features(MAX_FEATURES),
  outputs: features(MAX_OUTPUTS),
});

export type ReferenceProfile = DeepReadonly<z.output<typeof referenceProfileSchema>>;
/** An input or output of the example data, by which requests are compared with it. */
export type ReferenceFeature = DeepReadonly<z.output<typeof referenceFeatureSchema>>;
export type NumericReference = DeepReadonly<z.output<typeof numericSchema>>;
export type CategoryReference = DeepReadonly<z.output<typeof categorySchema>>;

/** The schemas themselves are not readonly: OpenAPI would leave such fields out of requests. */
type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T;

/** A profile with its digest. */
export interface KnownProfile {
  /** Of what requests are compared with. */
  readonly digest: string;
  readonly profile: ReferenceProfile;
}

/** Hexadecimal, by which counts are kept apart: profiles with the same bins and counts have the same one, whenever they were made. */
export async function profileDigest({
  modelSha256,
  inputs,
  outputs,
}: ReferenceProfile): Promise<string> {
  return toHex(await sha256(toCanonicalJson({ modelSha256, inputs, outputs }))).slice(0, 32);
}

function isAscending(edges: readonly number[]): boolean {
  return edges.every((edge, index) => index === 0 || edge > (edges[index - 1] as number));
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, each) => total + each, 0);
}
