import { mkdirSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { reason, UserError } from "./user-error.ts";

/**
 * Makes the folder of the simulated R2, KV and Durable Objects, and holds it for this process: two
 * Workers writing into one folder would corrupt it. The lock is SQLite's lock on a file, which the
 * operating system frees whatever ends the process.
 * @throws UserError when the folder cannot be used.
 */
export function openStateFolder(path: string): string {
  const folder = resolve(path);
  const remedy = "; set ONNXFLARE_STATE to another folder";
  try {
    makeFolder(folder);
  } catch (error) {
    throw new UserError(`the state folder ${folder} can't be made: ${reason(error)}${remedy}`);
  }
  try {
    holdLock(join(folder, "lock.sqlite"));
  } catch (error) {
    const busy = error instanceof Error && "errcode" in error && error.errcode === SQLITE_BUSY;
    const why = busy ? "is in use by another start" : `can't be written: ${reason(error)}`;
    throw new UserError(`the state folder ${folder} ${why}${remedy}`);
  }
  return folder;
}

/** `mkdirSync` with `recursive` never ends under /proc, where making a folder fails with ENOENT. */
function makeFolder(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  if (dirname(folder) !== folder) makeFolder(dirname(folder));
  mkdirSync(folder);
}

const SQLITE_BUSY = 5;
/** Keeps the locks' owners from the garbage collector. */
const locks: DatabaseSync[] = [];

function holdLock(file: string): void {
  const lock = new DatabaseSync(file);
  lock.exec("BEGIN EXCLUSIVE");
  locks.push(lock);
}
