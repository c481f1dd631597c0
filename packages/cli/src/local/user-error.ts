/** A problem that the user can fix: scripts print only its message, without a stack trace. */
export class UserError extends Error {
  override readonly name = "UserError";
}

/** The message of an error in one line. */
export function reason(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s*\n\s*/g, " ");
}

/** Prints an error, without a stack trace when it is a {@link UserError}, and exits with code 1. */
export function exitWith(error: unknown): never {
  if (error instanceof UserError) console.error(`onnxflare: ${error.message}`);
  else console.error(error);
  process.exit(1);
}
