/** A problem that the user can mend: scripts print its message alone, without a stack. */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** What another error says, in one line. */
export function reason(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, " ");
}

/** Prints what ended a script, in one line where the user can mend it, and ends with exit code 1. */
export function exitWith(error: unknown): never {
  if (error instanceof UserError) console.error(`onnxflare: ${error.message}`);
  else console.error(error);
  process.exit(1);
}
