import { mkdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { reason, UserError } from "./user-error.ts";

/**
 * Creates the folder of the simulated R2, KV and Durable Objects, and locks it for this process: two
 * Workers writing into one folder would corrupt it. The lock is SQLite's lock on a file, which the
 * operating system releases when the process ends for any reason.
 * @throws UserError when the folder cannot be used
 */
export async function openStateFolder(path: string): Promise<string> {
  const folder = resolve(path);
  const remedy = "; set ONNXFLARE_STATE to another folder";
  try {
    makeFolder(folder);
  } catch (error) {
    throw new UserError(`the state folder ${folder} can't be created: ${reason(error)}${remedy}`);
  }
  try {
    await holdLock(join(folder, "lock.sqlite"));
  } catch (error) {
    const busy = error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
    const problem = busy ? "is in use by another process" : `can't be written: ${reason(error)}`;
    throw new UserError(`the state folder ${folder} ${problem}${remedy}`);
  }
  return folder;
}

/** `mkdirSync` with `recursive` does not terminate under /proc, where creating a folder fails with ENOENT. */
function makeFolder(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder));
  mkdirSync(folder);
}

const SQLITE_BUSY = 5;
/** References that keep the databases, and so the locks, from being garbage collected. */
const locks: DatabaseSync[] = [];

async function holdLock(file: string): Promise<void> {
  // Older Nodes, which run the other commands, do not have it.
  const { DatabaseSync } = await import("node:sqlite");
  const lock = new DatabaseSync(file);
  lock.exec("BEGIN EXCLUSIVE");
  locks.push(lock);
}
