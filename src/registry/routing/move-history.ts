import type { RoutingStore } from "../../domain/ports.ts";
import { parseHistoryPart, type Routing } from "../../domain/routing.ts";

/** Entries that a document keeps, at most; older ones are moved out of it in parts. */
const MAX_KEPT = 200;
/** All entries of a part must be in the document before the change that moves them. */
const PART_LENGTH = 100;

/**
 * The routing whose oldest entries were written to an object of their own, if its history is long. A part never changes: whoever
 * moves the same entries writes the same, and if the routing is not written after all, the document still has them.
 */
export async function moveHistory(
  store: Pick<RoutingStore, "putHistoryPart" | "historyPart">,
  name: string,
  routing: Routing,
): Promise<Routing> {
  let { history } = routing;
  while (history.length > MAX_KEPT) {
    const part = history.slice(0, PART_LENGTH);
    const first = part[0]?.revision ?? 0;
    const isWritten = await store.putHistoryPart(name, first, part);
    // Of another document, which was deleted: the entries stay where they are.
    if (!isWritten && !(await isStored(store, name, first, part))) break;
    history = history.slice(PART_LENGTH);
  }
  return { ...routing, history };
}

async function isStored(
  store: Pick<RoutingStore, "historyPart">,
  name: string,
  first: number,
  part: Routing["history"],
): Promise<boolean> {
  const stored = parseHistoryPart(await store.historyPart(name, first));
  return !("problem" in stored) && JSON.stringify(stored) === JSON.stringify(part);
}
