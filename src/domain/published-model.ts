import type { Manifest } from "./manifest.ts";
import type { ModelId } from "./model-id.ts";

/** A version that exists, with its manifest. */
export interface PublishedModel extends ModelId {
  readonly manifest: Manifest;
  /** Another one after the version was deleted and published anew. */
  readonly revision: string;
  /** Every published version of the model, newest first. */
  readonly versions: readonly string[];
}
