import { EXIT_CODES, type ExitReason } from "./exit-codes.ts";

export interface CliErrorOptions {
  /** What to do about it, in one sentence. */
  readonly hint?: string | undefined;
  /** The code of the server's error. */
  readonly code?: string | undefined;
  readonly status?: number | undefined;
  readonly requestId?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/** A failure that is reported by its message, without a stack trace. */
export class CliError extends Error {
  override readonly name = "CliError";
  readonly reason: ExitReason;
  readonly hint: string | undefined;
  readonly code: string | undefined;
  readonly status: number | undefined;
  readonly requestId: string | undefined;
  readonly details: Readonly<Record<string, unknown>> | undefined;

  constructor(reason: ExitReason, message: string, options: CliErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.hint = options.hint;
    this.code = options.code;
    this.status = options.status;
    this.requestId = options.requestId;
    this.details = options.details;
  }

  get exitCode(): number {
    return EXIT_CODES[this.reason].code;
  }
}

/** What is wrong with the arguments, the configuration or a local file. */
export function usageError(message: string, hint?: string): CliError {
  return new CliError("usage", message, { hint });
}

/** The message of any throwable, in one line. */
export function explain(error: unknown): string {
  const message = error instanceof Error ? error.message || error.name : String(error);
  return message.replaceAll(/\s*\n\s*/g, " ");
}
