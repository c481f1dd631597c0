/** Responses of `/admin`, as far as commands read them. */

export interface Route {
  readonly split: readonly { readonly version: string; readonly weight: number }[];
  readonly sticky?: "header" | "key" | "input";
  readonly shadow?: { readonly version: string; readonly sample: number };
}

export interface Tombstone {
  readonly at: string;
  readonly by: string;
}

export interface RoutingView {
  readonly model: string;
  readonly revision: number;
  readonly aliases: Readonly<Record<string, Route>>;
  /** The version that `model` without an alias is. */
  readonly default?: unknown;
  readonly deleted: Readonly<Record<string, Tombstone>>;
}

export interface HistoryEntry {
  readonly revision: number;
  readonly at: string;
  readonly by: string;
  readonly actor?: string;
  readonly action: string;
  readonly alias?: string;
  readonly version?: string;
  readonly from?: Route | null;
  readonly to?: Route | null;
  readonly note?: string;
  readonly restores?: number;
}

export interface VersionView {
  readonly version: string;
  readonly publishedAt?: string;
  readonly sizeBytes?: number;
  readonly task?: string;
  readonly format?: string;
  readonly sha256?: string;
  readonly signed?: boolean;
  readonly description?: string;
}

export interface ModelView {
  readonly name: string;
  readonly versions: readonly VersionView[];
  readonly routing: RoutingView;
}
