import type { Quota } from "../../domain/access/key-policy.ts";
import type { BudgetUsage } from "../../domain/access/lease.ts";
import { migrate } from "../../domain/durable-object/migrate.ts";
import type { SqlStorage } from "../../domain/sql-storage.ts";
import { type AuditLog, createAuditLog } from "./audit-log.ts";
import { createKeyData, type KeyData } from "./key-data.ts";
import { createKeys, type Keys } from "./keys.ts";
import { createLeases, type Leases } from "./leases.ts";
import { MIGRATIONS } from "./migrations.ts";

/** What the Durable Object delegates to: each part has its own tables and methods. */
export interface Authority extends Keys, Leases, AuditLog, KeyData {}

export function createAuthority(storage: SqlStorage): Authority {
  migrate(storage, MIGRATIONS);
  const keys = createKeys(storage, { usageOf: (id) => toQuotaUsage(leases.usage(id)) });
  const leases = createLeases(storage, { find: (id) => keys.find([id])[0] });
  return { ...keys, ...leases, ...createAuditLog(storage), ...createKeyData(storage) };
}

/** By the names of the quotas of a key. */
function toQuotaUsage(usage: BudgetUsage): Quota | undefined {
  const entries = [
    ["requestsPerDay", usage["requests-per-day"]],
    ["tokensPerDay", usage["tokens-per-day"]],
    ["cpuMsPerDay", usage["cpu-ms-per-day"]],
  ].filter(([, used]) => used !== undefined);
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}
