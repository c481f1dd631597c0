import type { RoutingStore } from "../../domain/ports.ts";
import { parseHistoryPart, type Routing } from "../../domain/routing.ts";

/** Entries that a document keeps, unless more are new; older ones are moved out of it in parts. */
const MAX_KEPT = 200;
const PART_LENGTH = 100;

/**
 * The routing whose oldest entries were written to an object of their own, if its history is long. A part never changes: whoever
 * moves the same entries writes the same, and if the routing is not written after all, the document still has them.
 * @param committed how many of its entries are in the document already: others must not be in a part
 */
export async function moveHistory(
  store: Pick<RoutingStore, "putHistoryPart" | "historyPart">,
  name: string,
  routing: Routing,
  committed: number,
): Promise<Routing> {
  let { history } = routing;
  for (let end = PART_LENGTH; end <= committed && history.length > MAX_KEPT; end += PART_LENGTH) {
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
