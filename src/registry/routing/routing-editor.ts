import { ApiError } from "../../domain/errors.ts";
import type { ModelStore, RoutingStore } from "../../domain/ports.ts";
import type { Routing } from "../../domain/routing.ts";
import type { ChangeAuthor, RoutingChange } from "../../domain/routing-change.ts";
import { createBatches } from "../../shared/batches.ts";
import { createChangeApplier, type RequestedChange } from "./apply-changes.ts";
import { moveHistory } from "./move-history.ts";
import { readRouting } from "./read-routing.ts";
import { repeatSwap } from "./repeat-swap.ts";

/** Changes routings by compare-and-swap: of changes at the same time none is lost, whichever isolates make them. */
export interface RoutingEditor {
  /**
   * Makes a change; another change that comes first is taken into account.
   * @param change may depend on the current routing, and is asked for again when that is another one
   * @returns the routing after it; of the history, the newest entries
   * @throws ApiError what {@link applyChange} throws; `model_not_found`, `version_not_found`; `routing_conflict` for another
   *   revision than the expected one, or when others kept changing it; `routing_corrupt`, `storage_failed`
   */
  change(
    name: string,
    change: RoutingChange | ((current: Routing) => Promise<RoutingChange>),
    author: ChangeAuthor,
    options?: ChangeOptions,
  ): Promise<Routing>;
}

export interface ChangeOptions {
  /** The change is refused if the routing has another revision. */
  readonly expectedRevision?: number | undefined;
}

export interface RoutingEditorOptions {
  readonly now?: () => number;
  /** Waits between two attempts. */
  readonly wait?: (milliseconds: number) => Promise<void>;
  readonly onChange?: (name: string) => void;
}

const MAX_BATCH_MS = 20_000;

export function createRoutingEditor(
  store: RoutingStore & Pick<ModelStore, "versions">,
  { now = Date.now, wait = sleep, onChange = () => undefined }: RoutingEditorOptions = {},
): RoutingEditor {
  const applyAll = createChangeApplier(store, now);
  /** Changes of this isolate at the same time are one write. */
  const commit = createBatches<RequestedChange, Routing>(commitRepeatedly, MAX_BATCH_MS);

  /** @returns `undefined` when another change came first */
  async function attempt(
    name: string,
    changes: readonly RequestedChange[],
  ): Promise<PromiseSettledResult<Routing>[] | undefined> {
    const { routing, etag } = await readRouting(store, name);
    const { changed, results } = await applyAll(name, { routing, etag }, changes);
    if (changed === routing) return results;
    const moved = await moveHistory(store, name, changed, routing.history.length);
    return (await store.putRouting(name, moved, etag)) ? results : undefined;
  }

  function commitRepeatedly(
    name: string,
    changes: readonly RequestedChange[],
  ): Promise<PromiseSettledResult<Routing>[]> {
    return repeatSwap(() => attempt(name, changes), {
      wait,
      conflict: (attempts, waitedMs) => conflict(name, attempts, waitedMs),
      isRepeatable: isStorageFailure,
    });
  }

  return {
    async change(name, change, author, { expectedRevision } = {}) {
      try {
        const id = crypto.randomUUID().slice(0, 8);
        return await commit(name, { change, author, expectedRevision, id });
      } finally {
        onChange(name);
      }
    },
  };
}

function conflict(name: string, attempts: number, waitedMs: number): ApiError {
  return new ApiError(
    "routing_conflict",
    `The routing of model "${name}" was changed by others at each of ${attempts} attempts in ${Math.round(waitedMs / 1000)} seconds: try again.`,
    { details: { model: name } },
  );
}

function isStorageFailure(error: unknown): boolean {
  return error instanceof ApiError && error.code === "storage_failed";
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, milliseconds));
}
