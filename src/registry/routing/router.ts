import { ApiError } from "../../domain/errors.ts";
import type { ModelReference } from "../../domain/model-id.ts";
import type { PublishedModel, RoutedModel } from "../../domain/published-model.ts";
import {
  ALIAS_NAME,
  ALIAS_NAME_RULE,
  DEFAULT_ALIAS,
  NEWEST,
  type Route,
  routeOf,
} from "../../domain/routing.ts";
import { aliasNotFound } from "../../domain/routing-change.ts";
import { drawVersion, type RequestTraits } from "../../domain/routing-draw.ts";
import { quote } from "../../shared/quote.ts";
import { beforeDeadline, type WaitDeadline } from "../../shared/settles-within.ts";
import { type Catalog, type KnownModel, RELIST_AFTER_MS, withCurrentListing } from "../catalog.ts";

/** Resolves references to the versions that requests get. */
export interface Router {
  /**
   * The version that a request gets.
   * @param traits decide on the version of a split; without them it is the one with the largest weight, as for requests that run
   *   no model
   * @param deadline until which storage is waited for
   * @throws ApiError what {@link Catalog.resolve} throws, `alias_not_found`, `routing_corrupt`, `deadline_exceeded`
   */
  resolve(
    reference: ModelReference,
    traits?: RequestTraits,
    deadline?: WaitDeadline,
  ): Promise<RoutedModel>;
  /** The result of `resolve`, if it is cached; the same version for the same traits. */
  recall(reference: ModelReference, traits?: RequestTraits): RoutedModel | undefined;
}

export function createRouter(catalog: Catalog): Router {
  const recall: Router["recall"] = ({ name, version, alias }, traits) => {
    const known = catalog.peek(name);
    if (!known) return undefined;
    if (version !== undefined) return known.models.get(version);
    if (known.routing instanceof ApiError) return undefined;
    const route = alias === NEWEST ? undefined : routeOf(known.routing, alias ?? DEFAULT_ALIAS);
    if (route)
      return known.routed.get(routedKey(alias, drawVersion(route, scopeOf(name, alias), traits)));
    const isNewest = alias === undefined || alias === NEWEST || alias === DEFAULT_ALIAS;
    const newest = isNewest ? known.versions[0] : undefined;
    if (newest === undefined) return undefined;
    return alias === undefined
      ? known.models.get(newest)
      : known.routed.get(routedKey(alias, newest));
  };

  /** @returns `undefined` when the alias has no route: the newest version */
  async function findRoute(
    name: string,
    alias: string | undefined,
  ): Promise<{ known: KnownModel; route: Route | undefined }> {
    const known = await catalog.find(name);
    if (known.routing instanceof ApiError) throw known.routing;
    const route = routeOf(known.routing, alias ?? DEFAULT_ALIAS);
    if (route || alias === undefined || alias === DEFAULT_ALIAS) return { known, route };
    if (!ALIAS_NAME.test(alias)) throw invalidAlias(name, alias);
    const current = await catalog.find(name, RELIST_AFTER_MS);
    if (current.routing instanceof ApiError) throw current.routing;
    const added = routeOf(current.routing, alias);
    if (!added) throw aliasNotFound(name, alias, current.routing);
    return { known: current, route: added };
  }

  /** A version that a route names, which exists unless somebody else has changed storage. */
  async function versionOfRoute(
    known: KnownModel,
    alias: string | undefined,
    version: string,
  ): Promise<PublishedModel> {
    const { name, versions } = known;
    if (versions.includes(version)) return catalog.version(known, version);
    const current = await catalog.find(name, RELIST_AFTER_MS);
    if (current.versions.includes(version)) return catalog.version(current, version);
    throw new ApiError(
      "routing_corrupt",
      `The alias "${alias ?? DEFAULT_ALIAS}" of model "${name}" points to version ${version}, which does not exist: its versions are ${versions.join(", ")}. Route the alias to one of them, or publish the version.`,
      { details: { model: name, alias: alias ?? DEFAULT_ALIAS, version, versions } },
    );
  }

  async function resolveRoute(
    name: string,
    alias: string | undefined,
    traits: RequestTraits | undefined,
  ): Promise<RoutedModel> {
    if (alias === NEWEST) {
      const known = await catalog.find(name);
      return remember(known, alias, await catalog.version(known, undefined));
    }
    const { known, route } = await findRoute(name, alias);
    if (!route) return remember(known, alias, await catalog.version(known, undefined));
    const drawn = drawVersion(route, scopeOf(name, alias), traits);
    const model = await versionOfRoute(known, alias, drawn);
    return remember(known, alias, model, {
      shadow: await findShadow(catalog, known, route, drawn),
      split: route.split.length > 1 ? (alias ?? DEFAULT_ALIAS) : undefined,
    });
  }

  return {
    recall,

    async resolve(reference, traits, deadline) {
      const recalled = recall(reference, traits);
      if (recalled) return recalled;
      const { name, version, alias } = reference;
      const resolving =
        version !== undefined
          ? catalog.resolve(name, version)
          : withCurrentListing(
              () => resolveRoute(name, alias, traits),
              () => catalog.find(name, 0),
            );
      return beforeDeadline(resolving, deadline);
    },
  };
}

/** The shadow of a route. One that cannot be resolved is left out: the answers do not depend on it. */
async function findShadow(
  catalog: Pick<Catalog, "version">,
  known: KnownModel,
  { shadow }: Route,
  answering: string,
): Promise<RoutedModel["shadow"]> {
  if (!shadow || shadow.version === answering) return undefined;
  try {
    return { ...(await catalog.version(known, shadow.version)), sample: shadow.sample };
  } catch {
    return undefined;
  }
}

interface Drawn {
  readonly shadow?: RoutedModel["shadow"] | undefined;
  readonly split?: string | undefined;
}

function remember(
  known: KnownModel,
  alias: string | undefined,
  model: PublishedModel,
  { shadow, split }: Drawn = {},
): RoutedModel {
  const isPlain = alias === undefined && !shadow && split === undefined;
  const routed: RoutedModel = isPlain
    ? model
    : {
        ...model,
        ...(alias !== undefined && { alias }),
        ...(shadow && { shadow }),
        ...(split !== undefined && { split }),
      };
  known.routed.set(routedKey(alias, model.version), routed);
  return routed;
}

function routedKey(alias: string | undefined, version: string): string {
  return `${alias ?? ""}@${version}`;
}

/** Distinguishes the draws of one client. A name without an alias and its default alias are the same. */
function scopeOf(name: string, alias = DEFAULT_ALIAS): string {
  return `${name}@${alias}`;
}

function invalidAlias(name: string, alias: string): ApiError {
  return new ApiError(
    "alias_not_found",
    `Model "${name}" has no alias ${quote(alias)}: an alias is ${ALIAS_NAME_RULE}.`,
    { details: { model: name } },
  );
}
