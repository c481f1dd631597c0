import { ApiError } from "../../domain/errors.ts";
import type { ModelStore, RoutingStore } from "../../domain/ports.ts";
import type { Routing } from "../../domain/routing.ts";
import {
  applyChange,
  type ChangeAuthor,
  type RoutingChange,
  versionsAfter,
} from "../../domain/routing-change.ts";
import type { ReadRouting } from "./read-routing.ts";

/** A change that somebody has asked for. */
export interface RequestedChange {
  readonly change: RoutingChange | ((current: Routing) => Promise<RoutingChange>);
  readonly author: ChangeAuthor;
  readonly expectedRevision: number | undefined;
  /** By which it is found in the history. */
  readonly id: string;
}

export interface AppliedChanges {
  /** The same routing when there was nothing to do. */
  readonly changed: Routing;
  /** For each change the routing after it, or why it is refused. */
  readonly results: PromiseSettledResult<Routing>[];
}

/** Applies changes one after the other to a routing that was read; one that is refused does not affect the others. */
export type ApplyChanges = (
  name: string,
  read: ReadRouting,
  changes: readonly RequestedChange[],
) => Promise<AppliedChanges>;

export function createChangeApplier(
  store: Pick<RoutingStore, "isPublished"> & Pick<ModelStore, "versions">,
  now: () => number,
): ApplyChanges {
  /** @throws ApiError `model_not_found` */
  async function versionsOf(name: string): Promise<readonly string[]> {
    const versions = (await store.versions(name)).map(({ version }) => version);
    if (versions.length > 0) return versions;
    throw new ApiError("model_not_found", `No model named "${name}" has been published.`);
  }

  /** @throws ApiError `model_not_found`, `version_not_found` */
  async function checkPublished(
    name: string,
    versions: readonly string[],
    published: Set<string>,
  ): Promise<void> {
    for (const version of versions) {
      if (published.has(version)) continue;
      if (!(await store.isPublished({ name, version }))) throw await notFound(name, version);
      published.add(version);
    }
  }

  async function notFound(name: string, version: string): Promise<ApiError> {
    const versions = await versionsOf(name);
    return new ApiError(
      "version_not_found",
      `Model "${name}" has no version ${version}: its versions are ${versions.join(", ")}.`,
      { details: { versions } },
    );
  }

  return async (name, { routing, etag }, changes) => {
    const known = new Set(routing.history.map(({ id }) => id));
    /** Versions that are known to be published. */
    const published = new Set<string>();

    async function apply(current: Routing, requested: RequestedChange): Promise<Routing> {
      const { change, author, expectedRevision, id } = requested;
      // A write may succeed whose acknowledgement fails.
      if (known.has(id)) return current;
      if (expectedRevision !== undefined && expectedRevision !== current.revision)
        throw conflict(name, current.revision, expectedRevision);
      const planned = typeof change === "function" ? await change(current) : change;
      // A model without a document may not exist.
      if (etag === undefined && planned.action !== "publish") await versionsOf(name);
      const changed = applyChange(current, planned, { ...author, id, model: name, now: now() });
      if (changed !== current) await checkPublished(name, versionsAfter(planned), published);
      return changed;
    }

    let changed = routing;
    const results: PromiseSettledResult<Routing>[] = [];
    for (const requested of changes)
      try {
        changed = await apply(changed, requested);
        results.push({ status: "fulfilled", value: changed });
      } catch (reason) {
        // What storage failed to say is asked again, for all changes.
        if (!(reason instanceof ApiError) || reason.code === "storage_failed") throw reason;
        results.push({ status: "rejected", reason });
      }
    return { changed, results };
  };
}

function conflict(name: string, revision: number, expectedRevision: number): ApiError {
  return new ApiError(
    "routing_conflict",
    `The routing of model "${name}" has revision ${revision}, and not the expected ${expectedRevision}: read it, and change it again.`,
    { details: { model: name, revision, expectedRevision } },
  );
}
