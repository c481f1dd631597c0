import { ApiError } from "./errors.ts";
import { DEFAULT_ALIAS, type HistoryEntry, type Route, type Routing, routeOf } from "./routing.ts";
import { undo } from "./routing-change.ts";

/** The newest entries of a history: all after a revision. */
export interface RecentHistory {
  /** In the order of their revisions, up to the current one. */
  readonly entries: readonly HistoryEntry[];
  /** The revision that they follow; 0 for a whole history. */
  readonly after: number;
}

/** The revision that was current at a time, in milliseconds since the epoch; `undefined` if it is older than the entries. */
export function revisionAt({ entries, after }: RecentHistory, time: number): number | undefined {
  const last = entries.findLast(({ at }) => Date.parse(at) <= time);
  if (last) return last.revision;
  return after === 0 ? 0 : undefined;
}

/** Aliases and tombstones of an earlier revision; `undefined` if it is older than the entries. */
export function routingAt(
  routing: Routing,
  { entries, after }: RecentHistory,
  revision: number,
): Routing | undefined {
  if (revision < after) return undefined;
  const undone = entries.filter((entry) => entry.revision > revision).reduceRight(undo, routing);
  return {
    ...undone,
    revision,
    history: entries.filter((entry) => entry.revision <= revision),
  };
}

/** The revision whose route a rollback restores. */
export interface RollbackTarget {
  readonly restores: number;
  /** `undefined`: without a route. */
  readonly to: Route | undefined;
}

/** A change of an alias that is in effect, and the one that was in effect before it. */
interface Change {
  readonly entry: HistoryEntry;
  readonly previous: Change | undefined | "unknown";
}

/**
 * What a rollback of an alias restores: the route before the last change of its versions that is in effect. A rollback restores
 * which changes were in effect as well, so a second one goes further back, and one to a revision that was rolled back makes its
 * changes effective again. Changes of the shadow alone are no steps.
 * @returns `undefined` if that depends on older entries; "nothing" if the alias has no change to roll back
 */
export function lastRollbackTarget(
  { entries, after }: RecentHistory,
  alias: string,
): RollbackTarget | "nothing" | undefined {
  /** What was in effect after each entry. */
  const states: { readonly revision: number; readonly change: Change | undefined | "unknown" }[] = [
    { revision: after, change: after === 0 ? undefined : "unknown" },
  ];
  const stateAt = (revision: number): Change | undefined | "unknown" => {
    const state = states.findLast((each) => each.revision <= revision);
    return state ? state.change : "unknown";
  };
  for (const entry of entries) {
    if (entry.alias !== alias) continue;
    const previous = states.at(-1)?.change;
    const { revision, restores } = entry;
    if (restores !== undefined) states.push({ revision, change: stateAt(restores) });
    else if (!isSameSplit(entry.from, entry.to))
      states.push({ revision, change: { entry, previous } });
  }
  const current = states.at(-1)?.change;
  if (current === "unknown") return undefined;
  if (current === undefined) return "nothing";
  return { restores: current.entry.revision - 1, to: current.entry.from ?? undefined };
}

function isSameSplit(a: Route | null | undefined, b: Route | null | undefined): boolean {
  return JSON.stringify([a?.split, a?.sticky]) === JSON.stringify([b?.split, b?.sticky]);
}

/**
 * Checks what a rollback restores: an alias without a route would refuse its requests, except the default.
 * @throws ApiError `routing_conflict`
 */
export function checkRollback(
  model: string,
  alias: string,
  target: RollbackTarget | "nothing",
): RollbackTarget {
  const refuse = (why: string): ApiError =>
    new ApiError(
      "routing_conflict",
      `The alias "${alias}" of model "${model}" cannot be rolled back: ${why}.`,
      { details: { model, alias } },
    );
  if (target === "nothing") throw refuse("it has no change to undo");
  if (target.to || alias === DEFAULT_ALIAS) return target;
  throw refuse(`it had no route at revision ${target.restores}`);
}

/** The route that an alias had at an earlier revision. */
export function rollbackTargetAt(
  routing: Routing,
  history: RecentHistory,
  alias: string,
  revision: number,
): RollbackTarget | undefined {
  const then = routingAt(routing, history, revision);
  return then && { restores: revision, to: routeOf(then, alias) };
}
