import { ApiError } from "../domain/errors.ts";
import { formatModelId, type ModelId } from "../domain/model-id.ts";
import type { RoutingStore } from "../domain/ports.ts";
import { withoutRemoval, withRemoval } from "../domain/removals.ts";
import { MAX_REMOVALS, type Routing, type Tombstone, tombstoneOf } from "../domain/routing.ts";
import { readRouting } from "./routing/read-routing.ts";
import { repeatSwap } from "./routing/repeat-swap.ts";

/** Registers removals of objects in the tombstones of versions; no change of the history. */
export interface Removals {
  /**
   * @param check is called with the tombstone, and may refuse
   * @returns `undefined` when the version is not deleted
   * @throws ApiError `routing_conflict` when too many run, or others kept changing the routing; what `check` throws
   */
  register(
    id: ModelId,
    removalId: string,
    check: (tombstone: Tombstone) => Promise<void>,
  ): Promise<Routing | undefined>;
  /** Takes a removal out that has removed everything. */
  finish(id: ModelId, removalId: string): Promise<Routing>;
}

export interface RemovalsOptions {
  readonly now: () => number;
  /** Waits before another attempt. */
  readonly wait: (milliseconds: number) => Promise<void>;
}

export function createRemovals(
  store: Pick<RoutingStore, "routing" | "putRouting">,
  { now, wait }: RemovalsOptions,
): Removals {
  /** @param change returns the same routing for nothing to do */
  function update(id: ModelId, change: (routing: Routing) => Promise<Routing>): Promise<Routing> {
    const attempt = async (): Promise<Routing | undefined> => {
      const { routing, etag } = await readRouting(store, id.name);
      const changed = await change(routing);
      if (changed === routing || (await store.putRouting(id.name, changed, etag))) return changed;
      return undefined;
    };
    return repeatSwap(attempt, { wait, conflict: (attempts) => conflict(id, attempts) });
  }

  return {
    async register(id, removalId, check) {
      const removal = { id: removalId, at: new Date(now()).toISOString() };
      let isDeleted = true;
      const routing = await update(id, async (current) => {
        const tombstone = tombstoneOf(current, id.version);
        isDeleted = tombstone !== undefined;
        if (!tombstone) return current;
        await check(tombstone);
        const registered = withRemoval(current, id.version, removal);
        if (registered) return registered;
        throw new ApiError(
          "routing_conflict",
          `${formatModelId(id)} is being deleted by ${MAX_REMOVALS} requests already: wait for them.`,
          { details: { model: id.name, version: id.version } },
        );
      });
      return isDeleted ? routing : undefined;
    },

    finish: (id, removalId) =>
      update(id, async (current) =>
        withoutRemoval(current, id.version, removalId, new Date(now()).toISOString()),
      ),
  };
}

function conflict(id: ModelId, attempts: number): ApiError {
  return new ApiError(
    "routing_conflict",
    `The routing of model "${id.name}" was changed by others at each of ${attempts} attempts: delete ${formatModelId(id)} again.`,
    { details: { model: id.name } },
  );
}
