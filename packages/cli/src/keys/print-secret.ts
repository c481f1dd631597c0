import { existsSync } from "node:fs";
import { explain, usageError } from "../cli-error.ts";
import type { Output } from "../output.ts";
import { writeSecret } from "../signing/generate-keys.ts";

export interface FileOptions {
  readonly out?: string | undefined;
  readonly force?: boolean | undefined;
}

export interface Printed {
  readonly secret: string;
  /** What `--json` prints: with the secret, and without it where a file has it. */
  readonly value: object;
  readonly withoutSecret: object;
  /** What is said when a file has it. */
  readonly text: (file: string) => string;
}

/** The secret alone on standard output, so that it can be piped; or nothing of it, but into a file that only the user can read. */
export function printSecret(
  output: Output,
  { out, force }: FileOptions,
  { secret, value, withoutSecret, text }: Printed,
): void {
  if (out === undefined) {
    output.result(value, secret);
    return;
  }
  writeSecret(out, secret, force);
  output.result({ ...withoutSecret, file: out }, text(out));
}

/**
 * As {@link printSecret}, for a secret that nobody can get again: where the file cannot be written after all, it is printed.
 */
export function printOnlySecret(output: Output, options: FileOptions, printed: Printed): void {
  try {
    printSecret(output, options, printed);
  } catch (error) {
    output.warn(`${explain(error)}: the key is printed instead, because it is never shown again`);
    printSecret(output, {}, printed);
  }
}

/** @throws CliError before a secret is made that could not be written */
export function checkFile({ out, force }: FileOptions): void {
  if (out !== undefined && !force && existsSync(out))
    throw usageError(`${out} exists`, "Name another file, or pass --force to replace it.");
}
