import { WINDOW_SECONDS, type WindowDelta } from "../../domain/monitoring/collector.ts";
import type { Sql } from "../../domain/sql-storage.ts";

/** Longer than a sender tries to send what it has. */
const REMEMBERED_MS = 86_400_000;
const WINDOW_MS = WINDOW_SECONDS * 1000;
const ALL = "*";

/** What was deleted, of which something may still arrive. What is published later under its name begins with the next minute. */
export function createForgotten(sql: Sql) {
  function isAfter(start: number, name: string): boolean {
    const [row] = sql.exec("SELECT at FROM forgotten WHERE name = ?", name);
    return row === undefined || minuteOf(start) > minuteOf(Number(row.at));
  }

  return {
    /** All versions when it is left out. */
    addVersion(version: string | undefined, at: number): void {
      add(version === undefined ? ALL : `version ${version}`, at);
    },
    addModel(model: string, at: number): void {
      add(`model ${model}`, at);
    },
    covers: ({ version, start }: Pick<WindowDelta, "version" | "start">): boolean =>
      !isAfter(start, ALL) || !isAfter(start, `version ${version}`),
    coversModel: (model: string, at: number): boolean => !isAfter(at, `model ${model}`),
    /** When the first of it need not be remembered any more. */
    expiresAt(): number | undefined {
      const [row] = sql.exec("SELECT min(at) AS at FROM forgotten");
      return typeof row?.at === "number" ? row.at + REMEMBERED_MS : undefined;
    },
    sweep(now: number): void {
      sql.exec("DELETE FROM forgotten WHERE at <= ?", now - REMEMBERED_MS);
    },
  };

  function add(name: string, at: number): void {
    sql.exec("INSERT OR REPLACE INTO forgotten (name, at) VALUES (?, ?)", name, at);
  }
}

function minuteOf(time: number): number {
  return Math.floor(time / WINDOW_MS);
}
