import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** A file of simulated storage, or a value in it. */
export interface StoredPiece {
  readonly place: string;
  readonly bytes: Uint8Array;
}

/**
 * Everything that a workerd that has ended left in the folder of its state: the bytes of each file, which have what was deleted too, and the
 * values in SQLite databases, because a long one is in pieces in the file.
 * @param leavesOut files that are not read
 */
export function readStoredState(
  folder: string,
  leavesOut: (path: string) => boolean = () => false,
): StoredPiece[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => !leavesOut(path))
    .map((path) => ({
      path,
      place: path.slice(folder.length + 1),
      bytes: readFileSync(path),
    }));
  // Opened when all are read: SQLite creates and removes files beside a database.
  const databases = files.filter(({ bytes }) => bytes.subarray(0, 15).equals(SQLITE));
  return [...files, ...databases.flatMap(({ path, place }) => readValues(path, place))];
}

/** How a file of SQLite begins. */
const SQLITE = Buffer.from("SQLite format 3");

function readValues(path: string, place: string): StoredPiece[] {
  const database = new DatabaseSync(path);
  try {
    const tables = database
      .prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")
      .all()
      .map(({ name }) => String(name));
    return tables.flatMap((table) => {
      const rows = database.prepare(`SELECT * FROM "${table.replaceAll('"', '""')}"`);
      // The times of alarms are nanoseconds.
      rows.setReadBigInts(true);
      return rows.all().map((row) => ({
        place: `${place}, table ${table}`,
        bytes: Buffer.concat(Object.values(row).flatMap(toBytes)),
      }));
    });
  } finally {
    database.close();
  }
}

function toBytes(value: unknown): Uint8Array[] {
  const separator = Buffer.from("\n");
  if (value instanceof Uint8Array) return [value, separator];
  return [Buffer.from(String(value)), separator];
}
