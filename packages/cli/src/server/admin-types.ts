import type { Route } from "../../../../src/domain/routing.ts";

/** Responses of `/admin`, as far as commands read them. */

export interface RoutingView {
  readonly model: string;
  readonly revision: number;
  readonly aliases: Readonly<Record<string, Route>>;
  /** The version that `model` without an alias is. */
  readonly default?: unknown;
  readonly deleted: Readonly<Record<string, { readonly at: string; readonly by: string }>>;
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
