import type { Manifest } from "./manifest.ts";
import type { ModelId } from "./model-id.ts";
import type { KnownProfile } from "./monitoring/reference-profile.ts";

/** A published version, with its manifest. */
export interface PublishedModel extends ModelId {
  readonly manifest: Manifest;
  /** Changes when the version is deleted and published again. */
  readonly revision: string;
  /** Every published version of the model, newest first. */
  readonly versions: readonly string[];
  /** What its requests are compared with; absent when there is none, or when it could not be read. */
  readonly profile?: KnownProfile;
  /** Of the background rows that are kept with it, which changes with them; absent when there are none. */
  readonly backgroundEtag?: string;
}

/** The version that a request gets. */
export interface RoutedModel extends PublishedModel {
  /** The alias that the request named; absent when it named none. */
  readonly alias?: string;
  /** The alias, named or not, of whose split with several versions it was drawn; absent where there was nothing to draw. */
  readonly split?: string;
  /** The version that gets a copy of a share of the requests, after their responses. */
  readonly shadow?: ShadowModel;
}

export interface ShadowModel extends PublishedModel {
  /** The share of the requests that is copied, over 0 and up to 1. */
  readonly sample: number;
}
