import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { SqlRow, SqlStorage } from "../../src/domain/sql-storage.ts";

export interface TestStorage extends SqlStorage {
  /** Moves the clock. */
  advance(milliseconds: number): void;
}

/** The authority's storage over Node's SQLite, in memory, with a clock that only tests move. */
export function createTestStorage(startsAt = Date.parse("2026-11-30T12:00:00Z")): TestStorage {
  const database = new DatabaseSync(":memory:");
  const statements = new Map<string, StatementSync>();
  let now = startsAt;
  let depth = 0;
  return {
    sql: {
      exec(query, ...bindings): SqlRow[] {
        const values = bindings.map((each) =>
          each instanceof ArrayBuffer ? new Uint8Array(each) : each,
        );
        const statement = statements.get(query) ?? database.prepare(query);
        statements.set(query, statement);
        return statement.all(...values).map(toRow);
      },
    },
    transaction(work) {
      const name = `level_${depth++}`;
      database.exec(`SAVEPOINT ${name}`);
      try {
        const result = work();
        database.exec(`RELEASE ${name}`);
        return result;
      } catch (error) {
        database.exec(`ROLLBACK TO ${name}; RELEASE ${name}`);
        throw error;
      } finally {
        depth--;
      }
    },
    now: () => now,
    advance(milliseconds) {
      now += milliseconds;
    },
  };
}

/** A Durable Object has blobs as buffers. */
function toRow(row: Record<string, unknown>): SqlRow {
  const entries = Object.entries(row).map(([name, value]) => [
    name,
    value instanceof Uint8Array ? value.slice().buffer : value,
  ]);
  return Object.fromEntries(entries) as SqlRow;
}
