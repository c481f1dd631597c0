import { ApiError } from "../../domain/errors.ts";
import type { RoutingStore } from "../../domain/ports.ts";
import type { HistoryEntry, Route, Routing } from "../../domain/routing.ts";
import { onlyVersion, tombstoneOf } from "../../domain/routing.ts";
import type { ChangeAuthor, RoutingChange } from "../../domain/routing-change.ts";
import {
  checkRollback,
  lastRollbackTarget,
  type RollbackTarget,
  revisionAt,
  rollbackTargetAt,
  routingAt,
} from "../../domain/routing-history.ts";
import { readHistory, readRouting } from "./read-routing.ts";
import type { ChangeOptions, RoutingEditor } from "./routing-editor.ts";

/** Which earlier route of an alias a rollback restores; by default, the one before the last change in effect. */
export interface RollbackTo {
  readonly revision?: number | undefined;
  /** Milliseconds since the epoch. */
  readonly at?: number | undefined;
}

export interface HistoryPage {
  /** Only of this alias. */
  readonly alias?: string | undefined;
  readonly limit: number;
  /** Only revisions before this one. */
  readonly before?: number | undefined;
}

/** Reads and changes routings for administrators: what it reads is current. */
export interface RoutingAdministration extends RoutingEditor {
  /**
   * @param at the routing at that time, in milliseconds since the epoch
   * @throws ApiError `routing_corrupt`, `storage_failed`
   */
  read(name: string, at?: number): Promise<Routing>;
  /** Newest first. */
  history(name: string, page: HistoryPage): Promise<readonly HistoryEntry[]>;
  /** @throws ApiError what {@link RoutingEditor.change} throws, and `routing_conflict` when there is nothing to restore */
  rollback(
    name: string,
    alias: string,
    to: RollbackTo,
    author: ChangeAuthor,
    options?: ChangeOptions,
  ): Promise<Routing>;
}

export function createRoutingAdministration(
  store: RoutingStore,
  { change }: RoutingEditor,
): RoutingAdministration {
  async function targetOf(
    name: string,
    routing: Routing,
    alias: string,
    to: RollbackTo,
  ): Promise<RollbackTarget | "nothing"> {
    if (to.revision === undefined && to.at === undefined) {
      const recent = await readHistory(store, name, routing, routing.revision);
      const target = lastRollbackTarget(recent, alias);
      return (
        target ?? lastRollbackTarget(await readHistory(store, name, routing, 0), alias) ?? "nothing"
      );
    }
    const revision = to.revision ?? (await revisionOf(name, routing, to.at ?? 0));
    if (revision > routing.revision)
      throw new ApiError(
        "invalid_request",
        `The routing of model "${name}" has no revision ${revision}: the current one is ${routing.revision}.`,
        { details: { field: "to" } },
      );
    const history = await readHistory(store, name, routing, revision);
    return rollbackTargetAt(routing, history, alias, revision) ?? "nothing";
  }

  async function revisionOf(name: string, routing: Routing, at: number): Promise<number> {
    const recent = await readHistory(store, name, routing, routing.revision);
    const known = revisionAt(recent, at);
    return known ?? revisionAt(await readHistory(store, name, routing, 0), at) ?? 0;
  }

  /** The route without a shadow that does not exist any longer. */
  async function withoutLostShadow(name: string, routing: Routing, route: Route): Promise<Route> {
    const { shadow, ...rest } = route;
    if (!shadow) return route;
    const isLost =
      tombstoneOf(routing, shadow.version) !== undefined ||
      shadow.version === onlyVersion(route) ||
      !(await store.isPublished({ name, version: shadow.version }));
    return isLost ? rest : route;
  }

  return {
    change,

    async read(name, at) {
      const { routing } = await readRouting(store, name);
      if (at === undefined) return routing;
      const revision = await revisionOf(name, routing, at);
      const history = await readHistory(store, name, routing, revision);
      return routingAt(routing, history, revision) ?? routing;
    },

    async history(name, { alias, limit, before }) {
      const { routing } = await readRouting(store, name);
      const end = Math.min(before ?? routing.revision + 1, routing.revision + 1);
      const isMatch = (entry: HistoryEntry): boolean =>
        entry.revision < end && (alias === undefined || entry.alias === alias);
      // Of one alias, how far back its entries go is not known.
      const after = alias === undefined ? Math.max(0, end - 1 - limit) : 0;
      const { entries } = await readHistory(store, name, routing, after);
      return entries.filter(isMatch).slice(-limit).reverse();
    },

    rollback: (name, alias, to, author, options) =>
      change(
        name,
        async (routing): Promise<RoutingChange> => {
          const found = await targetOf(name, routing, alias, to);
          const target = checkRollback(name, alias, found);
          const route = target.to && (await withoutLostShadow(name, routing, target.to));
          return { action: "rollback", alias, to: route, restores: target.restores };
        },
        author,
        options,
      ),
  };
}
