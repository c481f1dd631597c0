import type { Migration } from "../../domain/durable-object/migrate.ts";
import { AUDIT_MIGRATIONS } from "./audit-table.ts";
import { KEY_MIGRATIONS } from "./key-table.ts";
import { LEASE_MIGRATIONS } from "./lease-table.ts";

/** In the order in which they are made. Each part of the authority has its own. */
export const MIGRATIONS: readonly Migration[] = [
  ...KEY_MIGRATIONS,
  ...LEASE_MIGRATIONS,
  ...AUDIT_MIGRATIONS,
];
