import type { Migration } from "../../domain/durable-object/migrate.ts";

/**
 * `prediction_segments`: the predictions of some seconds to a minute in a row, because a row is what is paid for. `id` is the time of the first one, in milliseconds,
 * times 1000, and a number; no other index is written. `hashes` has 8 bytes for each, and `predictions` a line of JSON, in the same order.
 *
 * `truths`: one for each request with feedback, with its prediction, which it outlives. `truth_sums` are by version and hour; those of all time have the start -1.
 */
export const ACCURACY_MIGRATIONS: readonly Migration[] = [
  {
    name: "accuracy-1",
    statements: [
      "CREATE TABLE prediction_segments (id INTEGER PRIMARY KEY, version TEXT NOT NULL, last_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, count INTEGER NOT NULL, bytes INTEGER NOT NULL, hashes BLOB NOT NULL, predictions TEXT NOT NULL) STRICT",
      "CREATE TABLE truths (request BLOB NOT NULL, version TEXT NOT NULL, predicted_at INTEGER NOT NULL, known_at INTEGER NOT NULL, expires_at INTEGER NOT NULL, owner TEXT NOT NULL, subject TEXT, giver TEXT NOT NULL, prediction TEXT NOT NULL, truth TEXT NOT NULL, PRIMARY KEY (request, owner)) STRICT, WITHOUT ROWID",
      "CREATE TABLE truth_sums (version TEXT NOT NULL, start INTEGER NOT NULL, sums TEXT NOT NULL, PRIMARY KEY (version, start)) STRICT, WITHOUT ROWID",
      "CREATE TABLE canaries (alias TEXT NOT NULL, since INTEGER NOT NULL, stable TEXT NOT NULL, canary TEXT NOT NULL, updated_at INTEGER NOT NULL, state TEXT NOT NULL, PRIMARY KEY (alias, since, stable, canary)) STRICT, WITHOUT ROWID",
    ],
  },
];
