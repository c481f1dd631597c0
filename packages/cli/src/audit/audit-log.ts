import type { AuditPage, ListedEntry } from "../../../../src/domain/audit/audit-authority.ts";
import type { AuditHead } from "../../../../src/domain/audit/audit-entry.ts";
import type { ServerClient } from "../server/server-client.ts";

const PAGE = 1000;

export interface AuditFilterOptions {
  readonly operation?: string | undefined;
  readonly by?: string | undefined;
  readonly model?: string | undefined;
  readonly keyId?: string | undefined;
  readonly request?: string | undefined;
}

/** All entries in the order of the chain. @param onPage told the number of the last entry that was read */
export async function* readChain(
  server: ServerClient,
  onPage: (seq: number) => void = () => {},
): AsyncIterable<ListedEntry> {
  let after: number | undefined = 0;
  while (after !== undefined) {
    const page: AuditPage = await readPage(server, { after, limit: PAGE });
    yield* page.entries;
    // A cursor that does not advance would be asked for again without an end.
    after = page.next !== undefined && page.next > after ? page.next : undefined;
    if (after !== undefined) onPage(after);
  }
}

/** The newest entries that match, newest first. */
export async function readNewest(
  server: ServerClient,
  { keyId: key, request: requestId, ...filter }: AuditFilterOptions,
  from: { readonly before?: number | undefined; readonly limit: number },
): Promise<readonly ListedEntry[]> {
  const entries: ListedEntry[] = [];
  let before = from.before;
  while (entries.length < from.limit) {
    const limit = Math.min(PAGE, from.limit - entries.length);
    const page = await readPage(server, { ...filter, key, requestId, before, limit });
    entries.push(...page.entries);
    if (page.next === undefined || (before !== undefined && page.next >= before)) break;
    before = page.next;
  }
  return entries;
}

export function readHead(server: ServerClient): Promise<AuditHead> {
  return server.json<AuditHead>({ path: "/admin/audit/head" });
}

function readPage(
  server: ServerClient,
  query: Readonly<Record<string, string | number | undefined>>,
): Promise<AuditPage> {
  return server.json<AuditPage>({ path: "/admin/audit", query });
}
