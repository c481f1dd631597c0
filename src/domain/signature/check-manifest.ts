import type { ModelId } from "../model-id.ts";

/** A manifest as it was read. */
export interface StoredManifest {
  readonly id: ModelId;
  readonly text: string;
  /** Its JSON, not yet validated. */
  readonly value: unknown;
}

/**
 * Decides whether a manifest may be used, and with it the files that it names.
 * @param readSignature of this manifest: its JSON, `undefined` when there is none
 * @throws ApiError `signature_invalid`
 */
export type CheckManifest = (
  manifest: StoredManifest,
  readSignature: () => Promise<unknown>,
) => Promise<void>;
