import { ApiError } from "../../domain/errors.ts";
import type { ModelStore, RoutingStore } from "../../domain/ports.ts";
import type { Routing } from "../../domain/routing.ts";
import {
  applyChange,
  type ChangeAuthor,
  type RoutingChange,
  versionsAfter,
} from "../../domain/routing-change.ts";
import { createKeyedQueue } from "../../shared/keyed-queue.ts";
import { moveHistory } from "./move-history.ts";
import { readRouting } from "./read-routing.ts";

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

const MAX_ATTEMPTS = 16;
const FIRST_WAIT_MS = 20;
/** R2 writes an object about once a second. */
const MAX_WAIT_MS = 1000;
/** Changes of this isolate wait for one another, but not for one whose request the platform may have ended. */
const MAX_QUEUED_MS = 5000;

export function createRoutingEditor(
  store: RoutingStore & Pick<ModelStore, "versions">,
  { now = Date.now, wait = sleep, onChange = () => undefined }: RoutingEditorOptions = {},
): RoutingEditor {
  const queue = createKeyedQueue(MAX_QUEUED_MS);

  /** @throws ApiError `model_not_found` */
  async function checkModel(name: string): Promise<readonly string[]> {
    const versions = (await store.versions(name)).map(({ version }) => version);
    if (versions.length > 0) return versions;
    throw new ApiError("model_not_found", `No model named "${name}" has been published.`);
  }

  /** @throws ApiError `model_not_found`, `version_not_found` */
  async function checkPublished(name: string, versions: readonly string[]): Promise<void> {
    for (const version of versions) {
      if (await store.isPublished({ name, version })) continue;
      const versions = await checkModel(name);
      throw new ApiError(
        "version_not_found",
        `Model "${name}" has no version ${version}: its versions are ${versions.join(", ")}.`,
        { details: { versions } },
      );
    }
  }

  /** @returns `undefined` when another change came first */
  async function attempt(
    name: string,
    change: Parameters<RoutingEditor["change"]>[1],
    author: ChangeAuthor & { readonly id: string },
    { expectedRevision }: ChangeOptions,
  ): Promise<Routing | undefined> {
    const { routing, etag } = await readRouting(store, name);
    // A write may succeed whose acknowledgement fails.
    if (routing.history.some(({ id }) => id === author.id)) return routing;
    if (expectedRevision !== undefined && expectedRevision !== routing.revision)
      throw new ApiError(
        "routing_conflict",
        `The routing of model "${name}" has revision ${routing.revision}, and not the expected ${expectedRevision}: read it, and change it again.`,
        { details: { model: name, revision: routing.revision, expectedRevision } },
      );
    const planned = typeof change === "function" ? await change(routing) : change;
    // A model without a document may not exist.
    if (etag === undefined && planned.action !== "publish") await checkModel(name);
    const changed = applyChange(routing, planned, { ...author, model: name, now: now() });
    if (changed === routing) return routing;
    await checkPublished(name, versionsAfter(planned));
    const moved = await moveHistory(store, name, changed);
    return (await store.putRouting(name, moved, etag)) ? moved : undefined;
  }

  async function changeRepeatedly(
    ...[name, change, author, options = {}]: Change
  ): Promise<Routing> {
    const identified = { ...author, id: crypto.randomUUID().slice(0, 8) };
    let failure: unknown;
    for (let attempts = 0; attempts < MAX_ATTEMPTS; attempts++) {
      if (attempts > 0)
        await wait(Math.random() * Math.min(MAX_WAIT_MS, FIRST_WAIT_MS * 2 ** attempts));
      try {
        const changed = await attempt(name, change, identified, options);
        if (changed) return changed;
        failure = undefined;
      } catch (error) {
        if (!isStorageFailure(error)) throw error;
        failure = error;
      }
    }
    if (failure !== undefined) throw failure;
    throw new ApiError(
      "routing_conflict",
      `The routing of model "${name}" was changed by others at each of ${MAX_ATTEMPTS} attempts: try again.`,
      { details: { model: name } },
    );
  }

  return {
    async change(...args) {
      const [name] = args;
      try {
        return await queue(name, () => changeRepeatedly(...args));
      } finally {
        onChange(name);
      }
    },
  };
}

type Change = Parameters<RoutingEditor["change"]>;

function isStorageFailure(error: unknown): boolean {
  return error instanceof ApiError && error.code === "storage_failed";
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, milliseconds));
}
