import { type AuditLog, createAuditLog } from "./audit-log.ts";
import { createKeys, type Keys } from "./keys.ts";
import { createLeases, type Leases } from "./leases.ts";
import { migrate } from "./migrations.ts";
import type { AuthorityStorage } from "./storage.ts";

/** What the Durable Object delegates to: each part has its own tables and methods. */
export interface Authority extends Keys, Leases, AuditLog {}

export function createAuthority(storage: AuthorityStorage): Authority {
  migrate(storage);
  const keys = createKeys(storage);
  const leases = createLeases(storage, { find: (id) => keys.find([id])[0] });
  return { ...keys, ...leases, ...createAuditLog(storage) };
}
