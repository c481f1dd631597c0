export type SqlValue = ArrayBuffer | string | number | null;
export type SqlRow = Record<string, SqlValue>;

/** SQLite, as a Durable Object has it. A statement runs when it is given, and its rows are read at once. */
export interface Sql {
  /** @param query one statement, with a `?` for each binding */
  exec(query: string, ...bindings: SqlValue[]): Iterable<SqlRow>;
}

/** What a Durable Object keeps its state in. */
export interface SqlStorage {
  readonly sql: Sql;
  /** Everything that the work writes is stored, or nothing when it throws. It is synchronous, and may be nested. */
  transaction<T>(work: () => T): T;
  /** The clock of all times that are stored, in milliseconds since the epoch. */
  now(): number;
}
