import type { Migration } from "../../domain/durable-object/migrate.ts";

/**
 * `entry` is what is hashed, and `details` with `salt` what `detailsHash` of it is the hash of. There is nothing that follows from them: what is not
 * hashed could be changed unnoticed. The index finds the entries of a change.
 */
export const AUDIT_MIGRATIONS: readonly Migration[] = [
  {
    name: "audit-1",
    statements: [
      "CREATE TABLE audit (seq INTEGER PRIMARY KEY, entry TEXT NOT NULL, hash TEXT NOT NULL, details TEXT, salt TEXT) STRICT",
      "CREATE INDEX audit_changes ON audit (json_extract(entry, '$.change'), json_extract(entry, '$.phase'))",
    ],
  },
];
