import { writeFileSync } from "node:fs";
import { explain, usageError } from "../cli-error.ts";

/** Writes what may be about a person into a file that only the user can read. */
export function writeResult(path: string, text: string): void {
  try {
    writeFileSync(path, text, { mode: 0o600 });
  } catch (error) {
    throw usageError(`${path} can't be written: ${explain(error)}`);
  }
}
