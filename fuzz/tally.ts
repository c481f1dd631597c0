import type { Table } from "../bench/table.ts";
import type { Exchange } from "./http/connection.ts";

/** What the requests of each kind led to. */
export interface Tally {
  readonly total: number;
  addRequest(kind: string, exchange: Exchange): void;
  addFinding(kind: string): void;
  /** Requests of a kind, by the first digit of the status. */
  count(kind: string, column: Column): number;
  toTable(): Table;
}

const COLUMNS = ["2xx", "3xx", "4xx", "5xx", "no response", "findings"] as const;
type Column = (typeof COLUMNS)[number];

export function createTally(kinds: readonly string[]): Tally {
  const counts = new Map<string, Map<Column, number>>(kinds.map((kind) => [kind, new Map()]));

  function increment(kind: string, column: Column): void {
    const row = counts.get(kind) ?? new Map<Column, number>();
    counts.set(kind, row);
    row.set(column, (row.get(column) ?? 0) + 1);
  }

  const count = (kind: string, column: Column): number => counts.get(kind)?.get(column) ?? 0;
  const requestsOf = (kind: string): number =>
    COLUMNS.reduce((sum, column) => sum + (column === "findings" ? 0 : count(kind, column)), 0);

  return {
    get total() {
      return [...counts.keys()].reduce((sum, kind) => sum + requestsOf(kind), 0);
    },
    addRequest(kind, exchange) {
      const answered = exchange.kind === "answer";
      const column = answered ? `${Math.floor(exchange.answer.status / 100)}xx` : "no response";
      increment(kind, COLUMNS.find((name) => name === column) ?? "no response");
    },
    addFinding: (kind) => increment(kind, "findings"),
    count,
    toTable() {
      const rows = [...counts.keys()].map((kind) => [
        kind,
        `${requestsOf(kind)}`,
        ...COLUMNS.map((column) => `${count(kind, column)}`),
      ]);
      return { title: "", columns: ["kind", "requests", ...COLUMNS], rows };
    },
  };
}
