import type { SqlStorage } from "../sql-storage.ts";

/** A change of the tables, which is made once in each database. It is never changed or removed: another one follows it. */
export interface Migration {
  /** Unique, such as `keys-1`. */
  readonly name: string;
  readonly statements: readonly string[];
}

/**
 * Makes the changes that a database has not had yet. One of a newer version of the program is left as it is.
 * @param migrations in the order in which they are made
 */
export function migrate(
  { sql, transaction, now }: SqlStorage,
  migrations: readonly Migration[],
): void {
  transaction(() => {
    sql.exec(
      "CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at INTEGER NOT NULL) STRICT",
    );
    const applied = new Set([...sql.exec("SELECT name FROM migrations")].map(({ name }) => name));
    for (const { name, statements } of migrations) {
      if (applied.has(name)) continue;
      for (const statement of statements) sql.exec(statement);
      sql.exec("INSERT INTO migrations (name, applied_at) VALUES (?, ?)", name, now());
    }
  });
}
