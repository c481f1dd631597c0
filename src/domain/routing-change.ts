import { ApiError } from "./errors.ts";
import { withRemoval } from "./removals.ts";
import {
  DEFAULT_ALIAS,
  type HistoryEntry,
  MAX_ALIASES,
  onlyVersion,
  type Route,
  type Routing,
  routeOf,
  type Shadow,
  type Split,
  type StickyBy,
  type Tombstone,
  tombstoneOf,
  versionsOf,
} from "./routing.ts";

/** One change of a routing. */
export type RoutingChange =
  /** An alias stands for other versions; its shadow remains, unless it is now the only version. */
  | {
      readonly action: "alias";
      readonly alias: string;
      readonly split: Split;
      readonly sticky?: StickyBy | undefined;
    }
  | { readonly action: "unalias"; readonly alias: string }
  | { readonly action: "shadow"; readonly alias: string; readonly shadow: Shadow }
  | { readonly action: "unshadow"; readonly alias: string }
  /** The route of an earlier revision; without `to`, the default is the newest version again. */
  | {
      readonly action: "rollback";
      readonly alias: string;
      readonly to: Route | undefined;
      readonly restores: number;
    }
  /** A version does not exist from then on; with `force`, no route uses it any longer. */
  | {
      readonly action: "delete";
      readonly version: string;
      readonly filesDigest?: string | undefined;
      readonly force: boolean;
      /** Of the deletion of its objects, which begins with the change. */
      readonly removalId?: string | undefined;
    }
  /** A deleted version exists again. */
  | { readonly action: "publish"; readonly version: string };

/** Who makes a change, when and why. */
export interface ChangeAuthor {
  readonly by: string;
  readonly actor?: string | undefined;
  readonly note?: string | undefined;
}

export interface ChangeContext extends ChangeAuthor {
  readonly model: string;
  readonly id?: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

type Step = Omit<HistoryEntry, "revision" | "id" | "at" | "by" | "actor">;

/**
 * The routing after a change, whose history has an entry more, or several for a version that is deleted with routes to it. Pure:
 * whether versions were published is checked by the caller, by {@link versionsAfter}.
 * @returns the same routing for a change that there is nothing to do for
 * @throws ApiError `alias_not_found`, `version_deleted`, `version_in_use`, `invalid_request`
 */
export function applyChange(
  routing: Routing,
  change: RoutingChange,
  context: ChangeContext,
): Routing {
  const { now, by, actor, id, model } = context;
  // Clocks of isolates differ; the history is in the order of its times all the same.
  const last = routing.history.at(-1)?.at;
  const at = new Date(last === undefined ? now : Math.max(now, Date.parse(last))).toISOString();
  const changed = toSteps(routing, change, { model, by, at }).reduce<Routing>((current, step) => {
    const revision = current.revision + 1;
    const entry: HistoryEntry = {
      revision,
      ...(id !== undefined && { id }),
      at,
      by,
      ...(actor !== undefined && { actor }),
      ...step,
      ...(step.note === undefined && context.note !== undefined && { note: context.note }),
    };
    return { ...replay(current, entry), revision, history: [...current.history, entry] };
  }, routing);
  return change.action === "delete" ? withRegistration(changed, change, at) : changed;
}

/** Registers the removal of a version's objects, which the history does not have. */
function withRegistration(
  routing: Routing,
  { version, removalId }: Extract<RoutingChange, { action: "delete" }>,
  at: string,
): Routing {
  if (removalId === undefined) return routing;
  return withRemoval(routing, version, { id: removalId, at }) ?? routing;
}

/** Aliases and tombstones after an entry of the history. */
export function replay(
  { schemaVersion, revision, aliases, deleted, history }: Routing,
  { action, alias, to, version, tombstone }: HistoryEntry,
): Routing {
  return {
    schemaVersion,
    revision,
    aliases: alias === undefined ? aliases : withEntry(aliases, alias, to ?? undefined),
    deleted:
      version === undefined
        ? deleted
        : withEntry(deleted, version, action === "delete" ? tombstone : undefined),
    history,
  };
}

/** What {@link replay} has changed is undone. */
export function undo(
  { schemaVersion, revision, aliases, deleted, history }: Routing,
  { action, alias, from, version, tombstone }: HistoryEntry,
): Routing {
  return {
    schemaVersion,
    revision,
    aliases: alias === undefined ? aliases : withEntry(aliases, alias, from ?? undefined),
    deleted:
      version === undefined
        ? deleted
        : withEntry(deleted, version, action === "publish" ? tombstone : undefined),
    history,
  };
}

/** The versions that must be published for a change. */
export function versionsAfter(change: RoutingChange): readonly string[] {
  switch (change.action) {
    case "alias":
      return versionsOf(change);
    case "shadow":
      return [change.shadow.version];
    case "rollback":
      return change.to ? versionsOf(change.to) : [];
    default:
      return [];
  }
}

function toSteps(
  routing: Routing,
  change: RoutingChange,
  context: { readonly model: string } & Pick<Tombstone, "at" | "by">,
): Step[] {
  for (const version of versionsAfter(change)) refuseDeleted(routing, version, context.model);
  switch (change.action) {
    case "alias":
      return [toAliasStep(routing, change, context.model)];
    case "unalias": {
      const { alias } = change;
      const from = routeOf(routing, alias) ?? null;
      if (!from && alias !== DEFAULT_ALIAS) throw aliasNotFound(context.model, alias, routing);
      return [{ action: "unalias", alias, from, to: null }];
    }
    case "shadow":
    case "unshadow":
      return [toShadowStep(routing, change, context.model)];
    case "rollback": {
      const { alias, to = null, restores } = change;
      return [{ action: "rollback", alias, from: routeOf(routing, alias) ?? null, to, restores }];
    }
    case "delete":
      return toDeletion(routing, change, context);
    case "publish": {
      const { version } = change;
      const tombstone = tombstoneOf(routing, version);
      if (!tombstone) return [];
      const { removing: _, removedAt: __, ...removed } = tombstone;
      return [{ action: "publish", version, tombstone: removed }];
    }
  }
}

function toAliasStep(
  routing: Routing,
  { alias, split, sticky }: Extract<RoutingChange, { action: "alias" }>,
  model: string,
): Step {
  const from = routeOf(routing, alias);
  if (!from && Object.keys(routing.aliases).length >= MAX_ALIASES)
    throw new ApiError(
      "invalid_request",
      `Model "${model}" has ${MAX_ALIASES} aliases, which is the most that a model may have: remove one of them first.`,
      { details: { limit: MAX_ALIASES } },
    );
  const shadow = from?.shadow?.version === onlyVersion({ split }) ? undefined : from?.shadow;
  const to: Route = { split, ...(sticky && { sticky }), ...(shadow && { shadow }) };
  return { action: "alias", alias, from: from ?? null, to };
}

function toShadowStep(
  routing: Routing,
  change: Extract<RoutingChange, { action: "shadow" | "unshadow" }>,
  model: string,
): Step {
  const { action, alias } = change;
  const from = routeOf(routing, alias);
  if (!from && alias === DEFAULT_ALIAS)
    throw new ApiError(
      "alias_not_found",
      `The default of model "${model}" follows the newest version, so it has no shadow: pin it to a version first.`,
      { details: { model, alias } },
    );
  if (!from) throw aliasNotFound(model, alias, routing);
  const { shadow: _, ...route } = from;
  if (change.action === "unshadow") return { action, alias, from, to: route };
  if (change.shadow.version === onlyVersion(from))
    throw new ApiError(
      "invalid_request",
      `Version ${change.shadow.version} of model "${model}" cannot be the shadow of the alias "${alias}": it is the version that answers.`,
      { details: { field: "version" } },
    );
  return { action, alias, from, to: { ...route, shadow: change.shadow } };
}

/** The routes to the version first, so that none points at a version that does not exist. */
function toDeletion(
  routing: Routing,
  { version, filesDigest, force }: Extract<RoutingChange, { action: "delete" }>,
  { model, at, by }: { readonly model: string } & Pick<Tombstone, "at" | "by">,
): Step[] {
  if (tombstoneOf(routing, version)) return [];
  const used = Object.entries(routing.aliases).filter(([, route]) =>
    versionsOf(route).includes(version),
  );
  const names = used.map(([alias]) => alias);
  if (used.length > 0 && !force)
    throw new ApiError(
      "version_in_use",
      `Version ${version} of model "${model}" is used by ${names.length === 1 ? "the alias" : "the aliases"} ${names.map((name) => `"${name}"`).join(", ")}: route them to other versions first, or delete it with force, which removes it from their routes.`,
      { details: { model, version, aliases: names } },
    );
  const note = `Version ${version} was deleted.`;
  const steps = used.map(([alias, from]): Step => {
    const to = withoutVersion(from, version);
    return { action: to ? "alias" : "unalias", alias, from, to: to ?? null, note };
  });
  const tombstone = { at, by, ...(filesDigest !== undefined && { filesDigest }) };
  return [...steps, { action: "delete", version, tombstone }];
}

function withoutVersion({ split, sticky, shadow }: Route, version: string): Route | undefined {
  const others = split.filter((each) => each.version !== version);
  if (others.length === 0) return undefined;
  const isKept = shadow && ![version, onlyVersion({ split: others })].includes(shadow.version);
  return { split: others, ...(sticky && { sticky }), ...(isKept && { shadow }) };
}

/** @throws ApiError `version_deleted` */
function refuseDeleted(routing: Routing, version: string, model: string): void {
  const tombstone = tombstoneOf(routing, version);
  if (!tombstone) return;
  throw new ApiError(
    "version_deleted",
    `Version ${version} of model "${model}" was deleted at ${tombstone.at}: no alias can point at it.`,
    { details: { model, version, at: tombstone.at } },
  );
}

export function aliasNotFound(
  model: string,
  alias: string,
  { aliases }: Pick<Routing, "aliases">,
): ApiError {
  const known = Object.keys(aliases).sort();
  const has = known.length > 0 ? `its aliases are ${known.join(", ")}` : "it has none";
  return new ApiError("alias_not_found", `Model "${model}" has no alias "${alias}": ${has}.`, {
    details: { model, alias, aliases: known },
  });
}

/** A copy in which the key has this value, or is not; keys may have any name. */
function withEntry<V>(
  record: Readonly<Record<string, V>>,
  key: string,
  value: V | undefined,
): Record<string, V> {
  const others = Object.entries(record).filter(([name]) => name !== key);
  return Object.fromEntries(value === undefined ? others : [...others, [key, value]]);
}
