import type { Context } from "hono";
import type { JsonObject } from "../../domain/audit/audit-entry.ts";
import type { Routing } from "../../domain/routing.ts";
import type { AppEnv } from "../../http/context.ts";
import { recordChange } from "../../http/record-change.ts";

/**
 * Notes a change of routes for the audit log, by what it has appended to the history.
 * @param routing as it is after the change
 */
export function recordRouteChange(c: Context<AppEnv>, { history }: Routing): void {
  const last = history.at(-1);
  if (!last) return;
  // A change may be several entries, which share its id.
  const entries = history.filter(({ id, revision }) =>
    id === undefined ? revision === last.revision : id === last.id,
  );
  const routes = entries.filter(({ alias }) => alias !== undefined);
  const routesOf = (end: "from" | "to"): JsonObject =>
    Object.fromEntries(routes.map((entry) => [entry.alias, entry[end] ?? null]));
  const revision = entries[0]?.revision ?? last.revision;
  recordChange(c, {
    before: { ...routesOf("from"), revision: revision - 1 },
    after: { ...routesOf("to"), revision: last.revision },
  });
}
