import type { Migration } from "../../domain/durable-object/migrate.ts";

/**
 * An aggregate of a version in a minute, in an hour, and since its first request, as JSON. What was in an hour is in the hours, the
 * minutes and the totals. There are no indexes: each would be another row that is written.
 */
export const COLLECTOR_MIGRATIONS: readonly Migration[] = [
  {
    name: "collector-1",
    statements: [
      `CREATE TABLE minutes (
        start INTEGER NOT NULL,
        version TEXT NOT NULL,
        model TEXT NOT NULL,
        aggregate TEXT NOT NULL,
        PRIMARY KEY (start, version)
      ) STRICT, WITHOUT ROWID`,
      `CREATE TABLE hours (
        start INTEGER NOT NULL,
        version TEXT NOT NULL,
        model TEXT NOT NULL,
        aggregate TEXT NOT NULL,
        PRIMARY KEY (start, version)
      ) STRICT, WITHOUT ROWID`,
      `CREATE TABLE totals (
        version TEXT PRIMARY KEY,
        model TEXT NOT NULL,
        aggregate TEXT NOT NULL
      ) STRICT, WITHOUT ROWID`,
      // The last batch of each sender, and other values, as JSON.
      "CREATE TABLE collector_state (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID",
      "CREATE TABLE models (model TEXT PRIMARY KEY, seen_at INTEGER NOT NULL) STRICT, WITHOUT ROWID",
      // Of what was deleted: a version, all of them as `*`, or a model in the shard of the service.
      "CREATE TABLE forgotten (name TEXT PRIMARY KEY, at INTEGER NOT NULL) STRICT, WITHOUT ROWID",
      // Of data that may still arrive.
      "CREATE TABLE erasures (kind TEXT NOT NULL, value TEXT NOT NULL, at INTEGER NOT NULL, PRIMARY KEY (kind, value)) STRICT, WITHOUT ROWID",
    ],
  },
];
