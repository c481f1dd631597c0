import { ApiError } from "../../domain/errors.ts";
import type { SqlRow, SqlStorage } from "../../domain/sql-storage.ts";
import { quote } from "../../shared/quote.ts";

/**
 * The tables that have rows of a key, with the column that names it. An erasure deletes all of them; the audit, which is never
 * shortened, erases its details itself. A test compares this with the tables that there are.
 */
export const TABLES_OF_KEYS = [
  { table: "key_digests", column: "key_id" },
  { table: "budget_windows", column: "key_id" },
  { table: "budget_slices", column: "key_id" },
  { table: "keys", column: "id" },
] as const;

/** What verifies a key is of no use to whom it belongs to. */
const HIDDEN = ["sha256"];

export type KeyData = ReturnType<typeof createKeyData>;

/** All that the authority has of a key, for access requests and erasures. */
export function createKeyData({ sql, transaction }: SqlStorage) {
  function rowsOf(id: string, table: string, column: string): SqlRow[] {
    return [...sql.exec(`SELECT * FROM ${table} WHERE ${column} = ?`, checkId(id))];
  }

  return {
    /** The rows of a key by table, without what verifies it. */
    exportKey: (id: string): Record<string, object[]> =>
      Object.fromEntries(
        TABLES_OF_KEYS.map(({ table, column }) => [table, rowsOf(id, table, column).map(toShown)]),
      ),

    /**
     * Deletes all rows of a key, which ends with it. Of a key that does not exist there are none.
     * @returns their number
     */
    eraseKey: (id: string): number =>
      transaction(() =>
        TABLES_OF_KEYS.reduce((erased, { table, column }) => {
          const rows = rowsOf(id, table, column);
          sql.exec(`DELETE FROM ${table} WHERE ${column} = ?`, id);
          return erased + rows.length;
        }, 0),
      ),
  };
}

/** @throws ApiError `invalid_request` */
function checkId(id: string): string {
  if (typeof id === "string" && id.length > 0 && id.length <= 64) return id;
  throw new ApiError(
    "invalid_request",
    `The id of a key must be a text; got ${quote(String(id))}.`,
  );
}

function toShown(row: SqlRow): object {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !HIDDEN.includes(name)));
}
