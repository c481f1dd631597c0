import type { BudgetName } from "../../domain/access/budget.ts";
import type { Migration } from "../../domain/durable-object/migrate.ts";
import type { Sql } from "../../domain/sql-storage.ts";

export const LEASE_MIGRATIONS: readonly Migration[] = [
  {
    name: "leases-1",
    statements: [
      `CREATE TABLE budget_windows (
        key_id TEXT NOT NULL,
        budget TEXT NOT NULL,
        window INTEGER NOT NULL,
        leased REAL NOT NULL,
        used REAL NOT NULL,
        refused_at INTEGER,
        ends_at INTEGER NOT NULL,
        PRIMARY KEY (key_id, budget, window)
      ) STRICT, WITHOUT ROWID`,
      "CREATE INDEX budget_windows_by_end ON budget_windows (ends_at)",
      `CREATE TABLE budget_slices (
        key_id TEXT NOT NULL,
        budget TEXT NOT NULL,
        isolate TEXT NOT NULL,
        window INTEGER NOT NULL,
        granted REAL NOT NULL,
        used REAL NOT NULL,
        sequence INTEGER NOT NULL,
        ends_at INTEGER NOT NULL,
        PRIMARY KEY (key_id, budget, isolate)
      ) STRICT, WITHOUT ROWID`,
      "CREATE INDEX budget_slices_by_end ON budget_slices (ends_at)",
    ],
  },
  { name: "leases-2", statements: ["ALTER TABLE budget_windows ADD COLUMN refused_by TEXT"] },
];

/** The slice of one isolate. There is one for each budget: that of the last window in which the isolate asked. */
export interface SliceRow {
  readonly window: number;
  readonly granted: number;
  readonly used: number;
  readonly sequence: number;
  readonly endsAt: number;
}

/** All slices of a window together, those of isolates that have ended included. */
export interface WindowRow {
  readonly leased: number;
  readonly used: number;
  /** When an isolate last needed more than there was. */
  readonly refusedAt: number | undefined;
  /** Which one that was. */
  readonly refusedBy: string | undefined;
}

export function createLeaseTable(sql: Sql) {
  return {
    window(key: string, budget: BudgetName, window: number): WindowRow {
      const [row] = sql.exec(
        "SELECT leased, used, refused_at, refused_by FROM budget_windows WHERE key_id = ? AND budget = ? AND window = ?",
        key,
        budget,
        window,
      );
      return {
        leased: Number(row?.leased ?? 0),
        used: Number(row?.used ?? 0),
        refusedAt: typeof row?.refused_at === "number" ? row.refused_at : undefined,
        refusedBy: typeof row?.refused_by === "string" ? row.refused_by : undefined,
      };
    },
    setWindow(
      key: string,
      budget: BudgetName,
      window: number,
      { leased, used, refusedAt, refusedBy, endsAt }: WindowRow & { readonly endsAt: number },
    ): void {
      sql.exec(
        `INSERT INTO budget_windows (key_id, budget, window, leased, used, refused_at, refused_by, ends_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET leased = excluded.leased, used = excluded.used, refused_at = excluded.refused_at, refused_by = excluded.refused_by, ends_at = excluded.ends_at`,
        key,
        budget,
        window,
        leased,
        used,
        refusedAt ?? null,
        refusedBy ?? null,
        endsAt,
      );
    },
    /** Of windows that have not ended. */
    usage(key: string, now: number): Partial<Record<BudgetName, number>> {
      const rows = sql.exec(
        "SELECT budget, used FROM budget_windows WHERE key_id = ? AND ends_at > ?",
        key,
        now,
      );
      return Object.fromEntries([...rows].map(({ budget, used }) => [budget, Number(used)]));
    },
    slice(key: string, budget: BudgetName, isolate: string): SliceRow | undefined {
      const [row] = sql.exec(
        "SELECT window, granted, used, sequence, ends_at FROM budget_slices WHERE key_id = ? AND budget = ? AND isolate = ?",
        key,
        budget,
        isolate,
      );
      return (
        row && {
          window: Number(row.window),
          granted: Number(row.granted),
          used: Number(row.used),
          sequence: Number(row.sequence),
          endsAt: Number(row.ends_at),
        }
      );
    },
    setSlice(
      key: string,
      budget: BudgetName,
      isolate: string,
      { window, granted, used, sequence, endsAt }: SliceRow,
    ): void {
      sql.exec(
        `INSERT INTO budget_slices (key_id, budget, isolate, window, granted, used, sequence, ends_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO UPDATE SET window = excluded.window, granted = excluded.granted, used = excluded.used, sequence = excluded.sequence, ends_at = excluded.ends_at`,
        key,
        budget,
        isolate,
        window,
        granted,
        used,
        sequence,
        endsAt,
      );
    },
    /** Slots of other isolates that are held. */
    heldByOthers(key: string, budget: BudgetName, isolate: string, now: number): number {
      const [row] = sql.exec(
        "SELECT SUM(granted) AS granted FROM budget_slices WHERE key_id = ? AND budget = ? AND isolate <> ? AND ends_at > ?",
        key,
        budget,
        isolate,
        now,
      );
      return Number(row?.granted ?? 0);
    },
    /** Removes what ended before a time, and what nobody asks for any more. */
    sweep(before: number): void {
      sql.exec("DELETE FROM budget_slices WHERE ends_at < ?", before);
      sql.exec("DELETE FROM budget_windows WHERE ends_at < ?", before);
    },
  };
}
