import type { Context } from "hono";
import type { AppEnv } from "./context.ts";

/** The connection to the client, which may be closed before a streamed response is complete. */
export class ClientConnection {
  readonly #controller = new AbortController();

  /** @param request its signal is aborted on disconnect only with the compatibility flag `enable_request_signal` */
  constructor({ signal }: Request) {
    const abort = (): void => this.close(signal.reason);
    if (signal.aborted) abort();
    else signal.addEventListener("abort", abort, { once: true });
  }

  /** Aborted when the client has closed the connection. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  close(reason?: unknown): void {
    this.#controller.abort(reason);
  }
}

/** The connection of this request. */
export function connectionOf(c: Context<AppEnv>): ClientConnection {
  const known = c.get("connection");
  if (known) return known;
  const connection = new ClientConnection(c.req.raw);
  c.set("connection", connection);
  return connection;
}
