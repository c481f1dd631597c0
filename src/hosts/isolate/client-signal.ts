import type { SessionStub } from "./protocol.ts";

/** The client of a call, as its isolate sees it. */
export class WatchedClient {
  readonly #session: Pick<SessionStub, "closed">;
  readonly #controller = new AbortController();
  #isWatched = false;

  constructor(session: Pick<SessionStub, "closed">) {
    this.#session = session;
  }

  /** Aborted when the client has left, which the Worker is asked to tell when the signal is first needed. */
  get signal(): AbortSignal {
    const { signal } = this.#controller;
    if (this.#isWatched) return signal;
    this.#isWatched = true;
    const leave = (): void => this.leave();
    // It fails with the session, when the request has ended.
    this.#session.closed().then(leave, leave);
    return signal;
  }

  /** Nobody waits for the result any more. */
  leave(): void {
    this.#controller.abort();
  }
}
