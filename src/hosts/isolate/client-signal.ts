import type { SessionStub } from "./protocol.ts";

/** The signal of the call's client, which the Worker is asked to tell about when the signal is first needed. */
export function watchClient(session: Pick<SessionStub, "closed">): () => AbortSignal {
  let controller: AbortController | undefined;
  return () => {
    if (!controller) {
      const watching = new AbortController();
      controller = watching;
      session.closed().then(
        () => watching.abort(),
        // The call has ended, with the session.
        () => undefined,
      );
    }
    return controller.signal;
  };
}
