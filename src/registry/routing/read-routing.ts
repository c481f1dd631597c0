import { ApiError } from "../../domain/errors.ts";
import type { RoutingStore } from "../../domain/ports.ts";
import {
  type HistoryEntry,
  NO_ROUTING,
  parseHistoryPart,
  parseRouting,
  type Routing,
} from "../../domain/routing.ts";
import type { RecentHistory } from "../../domain/routing-history.ts";

export interface ReadRouting {
  readonly routing: Routing;
  /** `undefined` when the model has no document. */
  readonly etag: string | undefined;
}

/**
 * Reads the routing of a model, which may have none.
 * @throws ApiError `routing_corrupt`, `storage_failed`
 */
export async function readRouting(
  store: Pick<RoutingStore, "routing">,
  name: string,
): Promise<ReadRouting> {
  const stored = await store.routing(name);
  if (!stored) return { routing: NO_ROUTING, etag: undefined };
  const routing = parseRouting(stored.value);
  if ("problem" in routing) throw corrupt(name, `is not valid: ${routing.problem}`);
  return { routing, etag: stored.etag };
}

/**
 * The history after a revision, with the older parts that it takes.
 * @throws ApiError `routing_corrupt` for a history with a gap, `storage_failed`
 */
export async function readHistory(
  store: Pick<RoutingStore, "historyParts" | "historyPart">,
  name: string,
  { revision, history }: Routing,
  after: number,
): Promise<RecentHistory> {
  const parts: (readonly HistoryEntry[])[] = [history];
  let first = history[0]?.revision ?? revision + 1;
  if (first - 1 <= after) return { entries: history, after: first - 1 };
  const stored = await store.historyParts(name);
  // A part at the beginning of the document was written for a change that did not succeed.
  for (const start of stored.filter((each) => each < first).sort((a, b) => b - a)) {
    if (first - 1 <= after) break;
    const part = parseHistoryPart(await store.historyPart(name, start));
    if ("problem" in part) throw corrupt(name, `has an invalid part, ${start}: ${part.problem}`);
    if (part[0]?.revision !== start || part.at(-1)?.revision !== first - 1)
      throw corrupt(name, `lacks revisions before ${first}: part ${start} does not lead to it`);
    parts.unshift(part);
    first = start;
  }
  if (first - 1 > after) throw corrupt(name, `lacks the revisions before ${first}`);
  return { entries: parts.flat(), after: first - 1 };
}

function corrupt(name: string, why: string): ApiError {
  return new ApiError(
    "routing_corrupt",
    `The routing of model "${name}" is corrupt: models/${name}/routing.json ${why}.`,
    { details: { model: name } },
  );
}
