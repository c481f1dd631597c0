import type { Manifest } from "./manifest.ts";
import type { ModelId } from "./model-id.ts";

/** A published version, with its manifest. */
export interface PublishedModel extends ModelId {
  readonly manifest: Manifest;
  /** Changes when the version is deleted and published again. */
  readonly revision: string;
  /** Every published version of the model, newest first. */
  readonly versions: readonly string[];
}
