import type { Client } from "../../../domain/admission.ts";
import type { SessionStub } from "../wire/protocol.ts";

/** A queue looks for its client after each pause, and once in the end. */
const LOOKS_OF_A_PAUSE = 2;

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

  /** The client as a queue looks at it: to watch it costs more than the wait of a single pause, after which the call runs. */
  inQueue(): Client {
    const unwatched = this.#controller.signal;
    const watch = (): AbortSignal => this.signal;
    let looks = 0;
    return {
      get signal() {
        looks += 1;
        return looks > LOOKS_OF_A_PAUSE ? watch() : unwatched;
      },
    };
  }

  /** Nobody waits for the result any more. */
  leave(): void {
    this.#controller.abort();
  }
}
