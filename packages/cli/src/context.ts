import type { Output } from "./output.ts";
import type { ServerClient } from "./server/server-client.ts";
import type { Settings } from "./settings.ts";

/** What an action works with. */
export interface CommandContext {
  readonly settings: Settings;
  readonly output: Output;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  readonly server: ServerClient;
}
