import type { Sql } from "../../domain/sql-storage.ts";

/** Longer than a sender tries to send a batch again. */
const REMEMBERED_MS = 15 * 60_000;

interface Sender {
  /** Of its last batch. */
  readonly number: number;
  /** When that came. */
  readonly at: number;
}

/** The last batch of each sender, in memory and, when they are stored, in one row: one for each would be dear. */
export function createSenders(sql: Sql) {
  let senders = read();

  function read(): Map<string, Sender> {
    const [row] = sql.exec("SELECT value FROM collector_state WHERE name = 'senders'");
    return new Map(row ? (JSON.parse(String(row.value)) as [string, Sender][]) : []);
  }

  return {
    /** Whether a batch is not there yet; from then on it is. */
    accept(source: string, number: number, at: number): boolean {
      if (number <= (senders.get(source)?.number ?? 0)) return false;
      senders.set(source, { number, at });
      return true;
    },
    store(now: number): void {
      for (const [source, { at }] of senders) if (at < now - REMEMBERED_MS) senders.delete(source);
      sql.exec(
        "INSERT OR REPLACE INTO collector_state (name, value) VALUES ('senders', ?)",
        JSON.stringify([...senders]),
      );
    },
    /** Forgets what is not stored. */
    revert(): void {
      senders = read();
    },
  };
}
