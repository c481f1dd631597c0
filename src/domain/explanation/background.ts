import * as z from "zod";
import { type Json, toCanonicalJson } from "../../shared/canonical-json.ts";
import { toHex } from "../../shared/hex.ts";
import { sha256 } from "../../shared/sha256.ts";
import type { PublishedModel } from "../published-model.ts";
import type { VersionDocumentStore } from "../version-document.ts";

/**
 * Background rows: inputs that are typical of what a version sees. Explanations take from them the values of features that are not
 * known, so that a value of an explanation is a difference from the typical answer.
 */

export const MAX_BACKGROUND_ROWS = 1000;
/** Of the rows as they are stored, with what is said of them. */
export const MAX_BACKGROUND_BYTES = 1024 * 1024;

export const backgroundSchema = z.strictObject({
  schemaVersion: z.literal(1),
  model: z.string(),
  version: z.string(),
  modelSha256: z
    .string()
    .regex(/^[0-9a-f]{64}$/, "64 lower-case hexadecimal digits")
    .describe("SHA-256 of the model file; the rows are not used for another one."),
  createdAt: z.iso.datetime(),
  source: z.string().max(500).optional().describe("What the rows are."),
  inputs: z
    .array(z.unknown())
    .min(1)
    .max(MAX_BACKGROUND_ROWS)
    .describe("Inputs of the version's task, each as a prediction takes it."),
});

export type Background = Readonly<Omit<z.output<typeof backgroundSchema>, "inputs">> & {
  /** Values of JSON. */
  readonly inputs: readonly unknown[];
};

/** Background rows with their digest. */
export interface KnownBackground {
  /** Of the rows: explanations with others are others. */
  readonly digest: string;
  readonly background: Background;
}

/** What an explanation gets of the background rows that are kept with a version. */
export interface KeptBackground {
  /** Inputs of its task. */
  readonly inputs: readonly unknown[];
  readonly digest: string;
}

/** Reads the background rows that are kept with a version. */
export interface BackgroundReader {
  /** @returns `undefined` when there are none; @throws ApiError `storage_failed` */
  read(model: PublishedModel): Promise<KeptBackground | undefined>;
}

/** The background rows of versions, those of one version in one document. */
export type BackgroundStore = VersionDocumentStore;

/** Hexadecimal: the same rows in the same order have the same one. */
export async function backgroundDigest({ inputs }: Pick<Background, "inputs">): Promise<string> {
  return toHex(await sha256(toCanonicalJson(inputs as readonly Json[]))).slice(0, 32);
}
