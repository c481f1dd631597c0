import type { SessionStub } from "./protocol.ts";

/** The signal of the call's client, which the Worker is asked to tell about when the signal is first needed. */
export function watchClient(session: Pick<SessionStub, "closed">): () => AbortSignal {
  let controller: AbortController | undefined;
  return () => {
    if (!controller) {
      const watching = new AbortController();
      controller = watching;
      // It fails when the Worker's request has ended, whose client is then gone as well.
      const abort = (): void => watching.abort();
      session.closed().then(abort, abort);
    }
    return controller.signal;
  };
}
