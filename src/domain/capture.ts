import * as z from "zod";
import type { ModelId } from "./model-id.ts";

/** The most that one capture may take, as JSON. */
const MAX_CAPTURE_BYTES = 1_048_576;
const DEFAULT_CAPTURE_BYTES = 262_144;
const MAX_RETENTION_DAYS = 3650;

/** What of the requests to a version is stored. Without the block nothing is. */
export const captureSchema = z
  .strictObject({
    sample: z
      .number()
      .gt(0)
      .max(1)
      .describe("The share of the answered requests that is stored, over 0 and up to 1."),
    retentionDays: z
      .number()
      .gt(0)
      .max(MAX_RETENTION_DAYS)
      .describe("After so many days, which may be a fraction, what was stored is deleted."),
    inputs: z.boolean().default(true).describe("Whether inputs and parameters are stored."),
    outputs: z.boolean().default(true).describe("Whether answers are stored."),
    maxBytes: z
      .int()
      .min(1)
      .max(MAX_CAPTURE_BYTES)
      .default(DEFAULT_CAPTURE_BYTES)
      .describe("Of larger requests, as JSON, nothing is stored."),
  })
  .refine(({ inputs, outputs }) => inputs || outputs, {
    error: "`inputs` or `outputs` must be true: leave `capture` out to store nothing",
  })
  .describe(
    "Stores requests and answers, encrypted, for a time: docs/privacy.md. Without it nothing of them is stored.",
  );

export type CaptureSettings = z.output<typeof captureSchema>;

/** What a key of a stored capture says. */
export interface CaptureAddress extends ModelId {
  readonly key: string;
  /** The id of the principal. */
  readonly principal: string;
  /** The hash of the subject. */
  readonly subject: string | undefined;
  /** The hash of the request's id. */
  readonly request: string;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

export interface StoredCapture extends CaptureAddress {
  readonly sizeBytes: number;
  /** Milliseconds since the epoch. */
  readonly writtenAt: number;
}

export interface CapturePage {
  readonly captures: readonly StoredCapture[];
  /** Where to go on; `undefined` at the end. */
  readonly cursor: string | undefined;
}

/** Stored requests and answers, encrypted. Its failures are `ApiError`s `storage_failed`. */
export interface CaptureStore {
  /** @returns the key */
  put(capture: Omit<CaptureAddress, "key">, json: Uint8Array): Promise<string>;
  /**
   * A page of what is stored, those whose retention ends first in front.
   * @param cursor of the page before; the first one when left out
   */
  list(cursor?: string): Promise<CapturePage>;
  /**
   * The JSON of a capture; `undefined` when there is none.
   * @throws ApiError `model_corrupt` for one that cannot be decrypted
   */
  read(key: string): Promise<string | undefined>;
  /** Deletes those that exist. */
  delete(keys: readonly string[]): Promise<void>;
}
